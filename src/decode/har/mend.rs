//! Makes an entry readable that is JSON but for its characters: no UTF-8, half a surrogate pair, raw control characters.

use bytes::Bytes;

/// Entries above this size are not copied to be mended.
const LARGEST: usize = 64 << 20;

/// A copy with U+FFFD in the place of what is no character, and the words for what that was. `None` where nothing of
/// the kind is in it.
pub(super) fn mend(json: &[u8]) -> Option<(Bytes, &'static str)> {
    if json.len() > LARGEST {
        return None;
    }
    let text = String::from_utf8_lossy(json);
    let mut what = matches!(text, std::borrow::Cow::Owned(_)).then_some("octets that are no UTF-8");
    let mut out = String::with_capacity(text.len());
    let mut in_string = false;
    let mut rest = &*text;
    while let Some(char) = rest.chars().next() {
        let after = rest.get(char.len_utf8()..).unwrap_or_default();
        if !in_string || !matches!(char, '\\' | '\0'..='\x1f') {
            in_string ^= char == '"';
            out.push(char);
            rest = after;
            continue;
        }
        if char != '\\' {
            what = what.or(Some("raw control characters in a string"));
            out.push('\u{fffd}');
            rest = after;
            continue;
        }
        let length = escape_length(rest);
        if length == 0 {
            what = what.or(Some("escapes that stand for no character"));
            out.push('\u{fffd}');
            rest = after.strip_prefix('u').map_or_else(|| skip_char(after), skip_digits);
        } else {
            let (escape, after) = rest.split_at_checked(length)?;
            out.push_str(escape);
            rest = after;
        }
    }
    what.map(|what| (Bytes::from(out), what))
}

/// The length of the valid escape (or pair of escapes) at the beginning; 0 where there is none.
fn escape_length(text: &str) -> usize {
    match text.as_bytes() {
        [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
        [_, b'u', ..] => match unit(text) {
            Some(0xd800..0xdc00) => match text.get(6..).and_then(unit) {
                Some(0xdc00..0xe000) => 12,
                _ => 0,
            },
            Some(0xdc00..0xe000) | None => 0,
            Some(_) => 6,
        },
        _ => 0,
    }
}

/// The UTF-16 unit that a `\uXXXX` at the beginning stands for.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|octet| octet.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

fn skip_digits(text: &str) -> &str {
    let digits = text.bytes().take(4).take_while(u8::is_ascii_hexdigit).count();
    text.get(digits..).unwrap_or_default()
}

fn skip_char(text: &str) -> &str {
    // A quote after a lone backslash still ends nothing: the scan read it as escaped, too.
    text.chars().next().and_then(|char| text.get(char.len_utf8()..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &[u8], expected: Option<&str>) {
        let mended = mend(json).map(|(mended, _)| String::from_utf8(mended.to_vec()).unwrap());
        assert_eq!(mended.as_deref(), expected);
    }

    #[test]
    fn mends_characters_only() {
        check(br#"{"a":"\ud83d\ude00\n"}"#, None);
        check(br#"{"a":"x\ud83d","b":"\udc00"}"#, Some("{\"a\":\"x\u{fffd}\",\"b\":\"\u{fffd}\"}"));
        check(b"{\"a\":\"\xff\"}", Some("{\"a\":\"\u{fffd}\"}"));
        check(b"{\"a\":\"x\ty\"}", Some("{\"a\":\"x\u{fffd}y\"}"));
        check(br#"{"a":"\x41"}"#, Some("{\"a\":\"\u{fffd}41\"}"));
    }
}
