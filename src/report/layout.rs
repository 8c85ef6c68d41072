//! Lines of a terminal: escaping, columns, wrapping, cutting. Knows nothing of reports.
//!
//! A [`Text`] is safe by construction: the only ways to make one escape what they are given. So nothing from a recording
//! can reach [`Canvas`] raw, whoever writes to it.

use std::io::IsTerminal;

use anstyle::Style;
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_width::UnicodeWidthChar;

use super::escape;
use super::palette::PLAIN;

/// Lines longer than this are hard to read; wider terminals get no wider report.
const WIDEST: usize = 120;
/// Below this the columns do not fit.
const NARROWEST: usize = 60;

/// The width for prose on standard output: that of the terminal; elsewhere `COLUMNS`, or 80.
pub fn terminal_width() -> usize {
    known_width().unwrap_or(80).clamp(NARROWEST, WIDEST)
}

/// The width of the terminal, or `COLUMNS`; `None` where standard output goes elsewhere and nothing is said.
pub fn known_width() -> Option<usize> {
    if std::io::stdout().is_terminal() {
        return Some(textwrap::termwidth());
    }
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0)
}

/// One line of text that is safe on a terminal, perhaps with colours.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text(String);

impl Text {
    /// Nothing.
    pub(crate) fn new() -> Self {
        Text::default()
    }

    /// Appends words in the terminal's own style.
    pub(crate) fn plain(self, words: &str) -> Self {
        self.styled(PLAIN, words)
    }

    /// Appends words in a style. Each word is painted alone, so that a line end never falls into a painted stretch.
    pub(crate) fn styled(mut self, style: Style, words: &str) -> Self {
        let safe = escape::terminal(words);
        if style == PLAIN {
            self.0.push_str(&safe);
            return self;
        }
        for (index, word) in safe.split(' ').enumerate() {
            if index > 0 {
                self.0.push(' ');
            }
            if !word.is_empty() {
                self.0.push_str(&format!("{style}{word}{style:#}"));
            }
        }
        self
    }

    /// Appends another text.
    pub(crate) fn text(mut self, other: &Text) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// Appends blanks up to `column`; at least one where something stands there already.
    pub(crate) fn padded_to(mut self, column: usize) -> Self {
        let width = self.width();
        let blanks = if width < column { column - width } else { usize::from(width > 0) };
        self.0.push_str(&" ".repeat(blanks));
        self
    }

    /// Columns that it takes.
    pub(crate) fn width(&self) -> usize {
        display_width(&self.0)
    }

    /// Without its last character; colours are lost.
    pub(crate) fn without_last(&self) -> Self {
        let bare = anstream::adapter::strip_str(&self.0).to_string();
        let mut chars = bare.chars();
        chars.next_back();
        Text(chars.as_str().to_owned())
    }

    /// Whether nothing stands there.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        Text::new().plain(words)
    }
}

impl From<String> for Text {
    fn from(words: String) -> Self {
        Text::new().plain(&words)
    }
}

/// Cuts `words` to `columns`, with `…` where something was left out: from the middle, so that the host and the end of a
/// URL stay. The result is escaped.
pub(crate) fn elided(words: &str, columns: usize) -> String {
    let safe = escape::terminal(words);
    if display_width(&safe) <= columns {
        return safe.into_owned();
    }
    let room = columns.saturating_sub(1);
    let tail = room / 3;
    let head = take_columns(safe.chars(), room - tail);
    let tail: String = take_columns(safe.chars().rev(), tail).chars().rev().collect();
    format!("{head}…{tail}")
}

/// The first characters that fit into `columns`.
fn take_columns(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut width = 0;
    chars
        .take_while(|c| {
            width += c.width().unwrap_or(0);
            width <= columns
        })
        .collect()
}

/// `text` in lines of at most `width` columns, broken at blanks. A word that is too long for a line is broken, and the
/// line ends with `\` there.
pub(crate) fn wrap(text: &Text, width: usize) -> Vec<Text> {
    let options = Options::new(width)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(false);
    textwrap::wrap(&text.0, options).into_iter().flat_map(|line| fold(&line, width)).map(Text).collect()
}

/// Breaks a line that is too wide, without counting the colours in it.
fn fold(line: &str, width: usize) -> Vec<String> {
    if display_width(line) <= width {
        return vec![line.to_owned()];
    }
    let (mut lines, mut current, mut columns) = (Vec::new(), String::new(), 0);
    let mut rest = line;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(piece_len(rest));
        rest = after;
        let needed = display_width(piece);
        if columns > 0 && columns + needed > width.saturating_sub(1) {
            current.push('\\');
            lines.push(std::mem::take(&mut current));
            columns = 0;
        }
        columns += needed;
        current.push_str(piece);
    }
    lines.push(current);
    lines
}

/// Length of the next piece that must stay in one line: a colour, an escape like `\u{202e}`, or a character.
fn piece_len(text: &str) -> usize {
    let end = if text.starts_with('\x1b') {
        text.find('m')
    } else if text.starts_with("\\u{") {
        text.find('}').filter(|end| *end <= 9)
    } else {
        None
    };
    end.map_or_else(|| text.chars().next().map_or(0, char::len_utf8), |end| end + 1)
}

/// Lines, one under the other, of a given width.
#[derive(Debug)]
pub(crate) struct Canvas {
    lines: String,
    width: usize,
}

impl Canvas {
    /// An empty one.
    pub(crate) fn new(width: usize) -> Self {
        Canvas { lines: String::new(), width }
    }

    /// Columns of a line.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// One line, as it is.
    pub(crate) fn line(&mut self, text: &Text) {
        self.lines.push_str(text.0.trim_end_matches(' '));
        self.lines.push('\n');
    }

    /// An empty line; never two, and none at the beginning.
    pub(crate) fn blank(&mut self) {
        if !self.lines.is_empty() && !self.lines.ends_with("\n\n") {
            self.lines.push('\n');
        }
    }

    /// A paragraph whose first line begins at `first` and whose further lines begin at `rest`.
    pub(crate) fn paragraph(&mut self, first: usize, rest: usize, text: impl Into<Text>) {
        let lead = Text::new().padded_to(first);
        self.hanging(&lead, rest, text);
    }

    /// A paragraph behind `lead`, whose further lines begin at column `rest`.
    pub(crate) fn hanging(&mut self, lead: &Text, rest: usize, text: impl Into<Text>) {
        let text = text.into();
        // The lead is set as blanks for the wrapping: it takes room, and is never broken itself.
        let (lead_width, narrow) = (lead.width(), self.width.saturating_sub(rest).max(20));
        let spacer = Text("\u{a0}".repeat(lead_width.saturating_sub(rest)));
        let lines = wrap(&spacer.clone().text(&text), narrow);
        for (index, line) in lines.iter().enumerate() {
            let body = if index == 0 { line.0.strip_prefix(&spacer.0).unwrap_or(&line.0) } else { line.0.as_str() };
            let start = if index == 0 { lead.clone() } else { Text::new().padded_to(rest) };
            self.line(&start.text(&Text(body.to_owned())));
        }
    }

    /// The lines.
    pub(crate) fn finish(self) -> String {
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, width: usize) -> Vec<String> {
        wrap(&Text::from(text), width).into_iter().map(|line| line.0).collect()
    }

    #[test]
    fn wraps_at_blanks_and_marks_a_broken_word() {
        assert_eq!(lines("one two three", 8), ["one two", "three"]);
        assert_eq!(
            lines("see https://mcp.example.com/mcp now", 16),
            ["see", "https://mcp.exa\\", "mple.com/mcp", "now"]
        );
        assert_eq!(lines("文字文字", 6), ["文字\\", "文字"]);
    }

    #[test]
    fn cuts_from_the_middle_and_shows_it() {
        assert_eq!(elided("https://mcp.example.com/mcp", 27), "https://mcp.example.com/mcp");
        assert_eq!(elided("https://mcp.example.com/mcp", 16), "https://mc…m/mcp");
        assert_eq!(elided("a\u{202e}b", 20), "a\\u{202e}b");
        assert_eq!(elided("文字文字文字", 7), "文字…字");
    }

    #[test]
    fn colours_take_no_room() {
        let text = Text::new().styled(super::super::palette::BROKEN, "LOST at once").plain(" or not");
        assert_eq!(text.width(), "LOST at once or not".len());
        assert_eq!(wrap(&text, 12).len(), 2);
    }

    #[test]
    fn a_paragraph_hangs() {
        let mut canvas = Canvas::new(24);
        canvas.hanging(&Text::from("  note: "), 4, "one two three four five six");
        assert_eq!(canvas.finish(), "  note: one two three\n    four five six\n");
    }
}
