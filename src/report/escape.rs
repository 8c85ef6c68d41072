//! Makes text from a recording harmless for a terminal: what could move the cursor, change colours, reverse the reading
//! order or hide is shown as an escape (`\n`, `\u{202e}`).
//!
//! Does not shorten and does not wrap. Letters of every script stay as they are.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal or a reader could be misled by this character.
pub fn is_hostile(c: char) -> bool {
    // C0, DEL and C1: escape sequences, line ends, NEL.
    c.is_control()
        || matches!(c,
            // Invisible: soft hyphen, combining grapheme joiner, fillers, vowel separator.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{3164}' | '\u{ffa0}'
            // Zero width, and marks of direction (Unicode Annex 9).
            | '\u{61c}' | '\u{200b}'..='\u{200f}'
            // Line and paragraph separator, embeddings and overrides.
            | '\u{2028}'..='\u{202e}'
            // Word joiner, invisible operators, isolates, deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            // Byte order mark, interlinear annotation.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags and variation selectors of plane 14: text that nobody sees.
            | '\u{e0000}'..='\u{e0fff}')
}

/// `text` as one line that is safe on a terminal.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if is_hostile(c) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Prose that may stand on several lines in its source: line ends and runs of blanks become one blank, the rest is made
/// safe as in [`terminal`].
pub fn prose(text: &str) -> String {
    let joined = text.split([' ', '\n', '\r', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    terminal(&joined).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(terminal(input), expected);
    }

    #[test]
    fn hostile_text_is_shown() {
        check("plain", "plain");
        check("a\nb\tc\rd", "a\\nb\\tc\\rd");
        check("\x1b[2J\x07\u{9b}31m\u{85}\x7f", "\\u{1b}[2J\\u{7}\\u{9b}31m\\u{85}\\u{7f}");
        check("evil\u{202e}rah.exe\u{2066}", "evil\\u{202e}rah.exe\\u{2066}");
        check("\u{feff}a\u{200b}b\u{2028}c\u{e0041}", "\\u{feff}a\\u{200b}b\\u{2028}c\\u{e0041}");
        check("Ärger 文字 e\u{301} 👍", "Ärger 文字 e\u{301} 👍");
    }

    #[test]
    fn prose_is_one_line() {
        assert_eq!(prose("  one\n  two \u{1b}[m\tthree\n"), "one two \\u{1b}[m three");
    }

    proptest! {
        #[test]
        fn nothing_hostile_passes(text in any::<String>(), marks in "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{ad}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}]{0,8}") {
            let safe = terminal(&format!("{text}{marks}{text}")).into_owned();
            prop_assert!(!safe.chars().any(is_hostile));
            let safe = prose(&format!("{marks}{text}"));
            prop_assert!(!safe.chars().any(is_hostile));
        }
    }
}
