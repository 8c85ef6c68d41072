//! Header fields of a list of names and values: folded and joined lines taken apart, masks recognised.

use super::exchange::Fields;
use super::headers::Gathered;

/// Names with their values, as recorded, in order.
#[derive(Debug)]
pub(super) struct Pairs {
    gathered: Gathered,
    /// Whether some were left out, because the list is longer than the limit.
    pub(super) over_limit: bool,
    /// Octets that still fit.
    room: usize,
}

impl Pairs {
    /// An empty list that takes at most `limit` octets.
    pub(super) fn new(limit: usize) -> Self {
        Pairs { gathered: Gathered::default(), over_limit: false, room: limit }
    }

    /// The same, with room for so many pairs of so many octets.
    pub(super) fn with_room(limit: usize, pairs: usize, octets: usize) -> Self {
        let most = limit / ": \r\n".len();
        Pairs { gathered: Gathered::with_capacity(pairs.min(most), octets.min(limit)), ..Pairs::new(limit) }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.gathered.len()
    }

    /// Adds one pair, where it fits and none before it was left out.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        match self.room.checked_sub(name.len() + value.len() + ": \r\n".len()) {
            Some(room) if !self.over_limit => {
                self.room = room;
                self.gathered.push(name, Some(value));
            }
            _ => self.over_limit = true,
        }
    }
}

/// Header fields of a list as they stand in it: no mask is recognised, no line taken apart.
pub(super) fn as_given(pairs: Pairs) -> Fields {
    pairs.gathered.into()
}

/// Header fields of a list.
pub(super) fn fields(pairs: Pairs) -> Fields {
    let plain = |value: &str| !value.contains('\n');
    let given = as_given(pairs);
    if given.iter().all(|pair| pair.value.is_some_and(|value| plain(value) && !is_masked(pair.name, value))) {
        return given;
    }
    let mut fields = Gathered::default();
    for pair in given.iter() {
        // RFC 9110, 5.5: a value holds no line feed. The browser's protocol joins repeated fields by it; RFC 9112, 5.2:
        // a line that begins with a blank goes on with the one before.
        let value = pair.value.unwrap_or_default().replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
        for line in value.split('\n') {
            fields.push(pair.name, Some(line).filter(|line| !is_masked(pair.name, line)));
        }
    }
    fields.into()
}

/// Whether a tool wrote a mask in the place of the value.
fn is_masked(name: &str, value: &str) -> bool {
    if name.eq_ignore_ascii_case("cookie") || name.eq_ignore_ascii_case("set-cookie") {
        let mut values = value.split(';').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.trim());
        return is_mask(value.trim()) || values.any(is_mask);
    }
    let value = value.trim();
    // A scheme of such a name there is none of.
    if name.eq_ignore_ascii_case("authorization") && ["removed", "masked", "filtered", "sanitized"].contains(&value) {
        return true;
    }
    // RFC 9110, 11.4: scheme, blank, credentials.
    let credentials = value.split_once(' ').map_or(value, |(_, credentials)| credentials.trim());
    is_mask(value) || is_mask(credentials)
}

/// Whether a tool wrote this in the place of a value: dots and stars, or a word for it in brackets, with or without the
/// name of what stood there (`[code redacted]`).
pub(crate) fn is_mask(value: &str) -> bool {
    const LONGEST: usize = 64;
    const WORDS: [&str; 9] =
        ["redacted", "masked", "filtered", "removed", "hidden", "sanitized", "scrubbed", "secret", "obfuscated"];
    if value.len() > LONGEST {
        return false;
    }
    let frame = ['*', '[', ']', '<', '>', '(', ')', '{', '}', '_', '-', '•', '\u{2026}'];
    let inner = value.trim_matches(frame);
    if inner.is_empty() {
        return value.chars().count() >= 3 && value.chars().all(|char| char == '*' || char == '•');
    }
    let is_run_of = |letter: u8| inner.len() >= 4 && inner.bytes().all(|octet| octet == letter);
    if is_run_of(b'x') || is_run_of(b'X') {
        return true;
    }
    let is_word = |text: &str| WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    if inner.len() == value.len() {
        return inner.eq_ignore_ascii_case("redacted");
    }
    let bracketed = value.starts_with(['[', '<', '(', '{', '*']) && value.ends_with([']', '>', ')', '}', '*']);
    let mut words = inner.split([' ', ':', '-', '_', '=']);
    let (first, last) = (words.next().unwrap_or_default(), words.next_back());
    is_word(inner) || bracketed && (is_word(first) || last.is_some_and(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for value in
            ["***", "Bearer ***", "[REDACTED]", "<redacted>", "Bearer [redacted]", "••••••", "***MASKED***", "REDACTED"]
                .into_iter()
                .chain(["redacted", "Bearer xxxxxxxx", "[access_token redacted]", "<REDACTED:cookie>", "{{secret}}"])
        {
            assert!(is_masked("Authorization", value), "{value}");
        }
        for value in [
            "*/*",
            "*",
            "Bearer abc",
            "same-origin",
            "",
            "**",
            "Basic c2VjcmV0",
            "hidden",
            "xxx",
            "secret-0",
            "-secret-0",
        ] {
            assert!(!is_masked("Authorization", value), "{value}");
        }
        assert!(is_masked("Cookie", "sid=***; theme=dark"));
        assert!(!is_masked("Cookie", "sid=abc; theme=dark"));
    }
}
