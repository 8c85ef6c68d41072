//! The text of a JSON string from the octets between its quotes, without a copy where it holds no escape.
//!
//! Stands what JSON readers refuse: half of a surrogate pair and unknown escapes become U+FFFD.

use std::borrow::Cow;

use memchr::memchr;

/// The octets that the string stands for; `None` where they are more than `limit`.
pub(crate) fn unescape(raw: &[u8], limit: usize) -> Option<Cow<'_, [u8]>> {
    if memchr(b'\\', raw).is_none() {
        return (raw.len() <= limit).then_some(Cow::Borrowed(raw));
    }
    // An escape is never shorter than what it stands for, and at most six times as long.
    if raw.len() / 6 > limit {
        return None;
    }
    let mut out = Vec::with_capacity(raw.len().min(limit));
    walk(raw, &mut |part| out.extend_from_slice(part));
    (out.len() <= limit).then_some(Cow::Owned(out))
}

/// How many octets the string stands for.
pub(crate) fn length(raw: &[u8]) -> u64 {
    let mut length = 0;
    walk(raw, &mut |part| length += part.len() as u64);
    length
}

fn walk(mut raw: &[u8], part: &mut dyn FnMut(&[u8])) {
    while let Some(found) = memchr(b'\\', raw) {
        let (before, escape) = raw.split_at(found);
        part(before);
        let (char, after) = one(escape);
        part(char.encode_utf8(&mut [0; 4]).as_bytes());
        raw = after;
    }
    part(raw);
}

/// The character of the escape at the beginning, and what follows it.
fn one(escape: &[u8]) -> (char, &[u8]) {
    let [_, letter, rest @ ..] = escape else { return (char::REPLACEMENT_CHARACTER, &[]) };
    let char = match letter {
        b'"' | b'\\' | b'/' => char::from(*letter),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(rest),
        _ => char::REPLACEMENT_CHARACTER,
    };
    (char, rest)
}

/// RFC 8259, 7: a character outside the basic plane is written as two escapes.
fn unicode(digits: &[u8]) -> (char, &[u8]) {
    let Some((high, rest)) = four_digits(digits) else { return (char::REPLACEMENT_CHARACTER, digits) };
    if let Some(char) = char::from_u32(high) {
        return (char, rest);
    }
    if let [b'\\', b'u', low @ ..] = rest
        && (0xd800..0xdc00).contains(&high)
        && let Some((low @ 0xdc00..0xe000, rest)) = four_digits(low)
        && let Some(char) = char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
    {
        return (char, rest);
    }
    (char::REPLACEMENT_CHARACTER, rest)
}

fn four_digits(octets: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = octets.split_at_checked(4)?;
    let mut number = 0;
    for digit in digits {
        number = number << 4 | char::from(*digit).to_digit(16)?;
    }
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &str) {
        assert_eq!(unescape(raw.as_bytes(), 1000).unwrap(), expected.as_bytes(), "{raw}");
        assert_eq!(length(raw.as_bytes()), expected.len() as u64, "{raw}");
    }

    #[test]
    fn escapes() {
        check("plain ä", "plain ä");
        check(r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t");
        check(r"\u00e4\ud83d\ude00\u0000", "ä😀\0");
    }

    #[test]
    fn halves_of_pairs_and_unknown_escapes() {
        check(r"\ud83dx", "\u{fffd}x");
        check(r"\ud83d\u0041", "\u{fffd}A");
        check(r"\ude00", "\u{fffd}");
        check(r"\x\u12", "\u{fffd}\u{fffd}12");
        check("\\", "\u{fffd}");
    }

    #[test]
    fn the_limit_counts_what_comes_out() {
        assert!(unescape(br"\u0041\u0041", 2).is_some());
        assert!(unescape(br"\u0041\u0041", 1).is_none());
        assert!(unescape(b"AAA", 2).is_none());
    }
}
