//! Finds the parts of a HAR, also where the file is cut off, has something after its end, or is broken inside.
//!
//! Parses no entry. The members of `log` may stand in any order.

use std::ops::Range;

use super::scan::{self, Skipped, white_space};

/// Where the parts of a HAR stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// `log.creator`.
    pub(super) creator: Option<Range<usize>>,
    /// `log.browser`.
    pub(super) browser: Option<Range<usize>>,
    /// `log._authtrailEnd`: what our recorder says at its end.
    pub(super) end: Option<Range<usize>>,
    /// Whether there is a `log`.
    pub(super) has_log: bool,
    /// Whether there is a `log.entries`.
    pub(super) has_entries: bool,
    /// Why the whole was not read to its end.
    pub(super) damage: Option<Damage>,
}

/// Damage of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// The content ends before the JSON does.
    CutOff,
    /// Something at this place is no JSON.
    NoJson(usize),
    /// So many octets stand after the end of the JSON.
    Trailing(usize),
    /// There are more entries than the limit.
    TooMany,
}

/// Whether the content begins like a HAR: an object, also in a JSONP call, that has a member `log`.
pub(super) fn recognise(content: &[u8]) -> bool {
    let Some(start) = start(content) else { return false };
    let mut at = start + 1;
    // Looks at the members before `log`; a program that writes others puts few and small ones there.
    for _ in 0..64 {
        let Some((key, value)) = member(content, at) else { return false };
        if content.get(key) == Some(b"log") {
            return true;
        }
        match scan::value(content, value) {
            Skipped::Whole { end } => at = after_comma(content, end),
            _ => return false,
        }
    }
    false
}

/// Finds the parts.
///
/// `entries` reads the list whose bracket stands at the place that it is given, and gives the place after the list. Of the
/// other parts it is given those that stand before the list.
pub(super) fn lay_out(content: &[u8], entries: &mut ReadList<'_>) -> Layout {
    let mut layout = Layout::default();
    let Some(start) = start(content) else {
        layout.damage = Some(Damage::NoJson(0));
        return layout;
    };
    let top = members(content, start, &mut |key, value| match key {
        b"log" if content.get(value) == Some(&b'{') => {
            layout.has_log = true;
            log(content, value, &mut layout, entries)
        }
        _ => skip(content, value),
    });
    match top {
        Ok(end) => layout.damage = layout.damage.or_else(|| trailing(content, end)),
        Err(damage) => layout.damage = Some(layout.damage.unwrap_or(damage)),
    }
    layout
}

/// The place of the opening brace, after a byte order mark and the name of a JSONP function.
fn start(content: &[u8]) -> Option<usize> {
    let at = if content.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let at = white_space(content, at);
    if content.get(at) == Some(&b'{') {
        return Some(at);
    }
    let name = content.get(at..)?.iter().take(128);
    let length = name.take_while(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'$' | b'.')).count();
    let bracket = white_space(content, at + length);
    if length == 0 || content.get(bracket) != Some(&b'(') {
        return None;
    }
    let brace = white_space(content, bracket + 1);
    (content.get(brace) == Some(&b'{')).then_some(brace)
}

/// What stands after the end, the closing bracket of a JSONP call and padding apart.
fn trailing(content: &[u8], end: usize) -> Option<Damage> {
    let mut at = end;
    while let Some(b')' | b';' | b' ' | b'\t' | b'\n' | b'\r') = content.get(at) {
        at += 1;
    }
    (at < content.len()).then(|| Damage::Trailing(content.len() - at))
}

fn log(content: &[u8], at: usize, layout: &mut Layout, entries: &mut ReadList<'_>) -> Result<usize, Damage> {
    members(content, at, &mut |key, value| match key {
        b"entries" if content.get(value) == Some(&b'[') => {
            layout.has_entries = true;
            entries(layout, value)
        }
        b"creator" | b"browser" | b"_authtrailEnd" => {
            let end = skip(content, value)?;
            let place = match key {
                b"creator" => &mut layout.creator,
                b"browser" => &mut layout.browser,
                _ => &mut layout.end,
            };
            *place = Some(value..end);
            Ok(end)
        }
        _ => skip(content, value),
    })
}

/// What is done with the list of entries: takes the parts before it and the place of the list, gives the place after it.
pub(super) type ReadList<'a> = dyn FnMut(&Layout, usize) -> Result<usize, Damage> + 'a;

/// What is done with a member: takes its name and the place of its value, gives the place after it.
type Each<'a> = dyn FnMut(&[u8], usize) -> Result<usize, Damage> + 'a;

/// Calls `each` with the name and the place of the value of every member, and goes on where it says.
fn members(content: &[u8], at: usize, each: &mut Each<'_>) -> Result<usize, Damage> {
    let mut at = white_space(content, at + 1);
    loop {
        match content.get(at) {
            None => return Err(Damage::CutOff),
            Some(b'}') => return Ok(at + 1),
            Some(_) => {}
        }
        let Some((key, value)) = member(content, at) else {
            let cut = content.get(at) == Some(&b'"') && ends_in_member(content, at);
            return Err(if cut { Damage::CutOff } else { Damage::NoJson(at) });
        };
        let end = each(content.get(key).unwrap_or_default(), value)?;
        at = after_comma(content, end);
    }
}

/// The name (without quotes) and the place of the value of the member at `at`.
fn member(content: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let at = white_space(content, at);
    if content.get(at) != Some(&b'"') {
        return None;
    }
    let key_end = scan::string(content, at)?;
    let colon = white_space(content, key_end);
    if content.get(colon) != Some(&b':') {
        return None;
    }
    let value = white_space(content, colon + 1);
    (value < content.len()).then_some((at + 1..key_end - 1, value))
}

/// Whether the content ends before the value of the member at `at` begins.
fn ends_in_member(content: &[u8], at: usize) -> bool {
    let Some(key_end) = scan::string(content, at) else { return true };
    let colon = white_space(content, key_end);
    match content.get(colon) {
        None => true,
        Some(b':') => white_space(content, colon + 1) >= content.len(),
        Some(_) => false,
    }
}

fn after_comma(content: &[u8], at: usize) -> usize {
    let at = white_space(content, at);
    if content.get(at) == Some(&b',') { white_space(content, at + 1) } else { at }
}

fn skip(content: &[u8], at: usize) -> Result<usize, Damage> {
    match scan::value(content, at) {
        Skipped::Whole { end } => Ok(end),
        Skipped::Broken(place) => Err(Damage::NoJson(place)),
        Skipped::Cut => Err(Damage::CutOff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place and the end of the list, the other parts, and what is wrong.
    fn parts(content: &str) -> (Option<&str>, Layout) {
        let mut list = None;
        let layout = lay_out(content.as_bytes(), &mut |_, at| {
            let end = skip(content.as_bytes(), at)?;
            list = content.get(at..end);
            Ok(end)
        });
        (list, layout)
    }

    fn check(content: &str, list: Option<&str>, damage: Option<Damage>) {
        let (found, layout) = parts(content);
        assert_eq!((found, layout.damage), (list, damage), "{content}");
    }

    #[test]
    fn members_in_any_order() {
        let content = r#"{"x":1,"log":{"entries":[{"a":1} , {"b":[2]}],"creator":{"name":"n"}}}"#;
        let (list, layout) = parts(content);
        assert_eq!((list, layout.damage), (Some(r#"[{"a":1} , {"b":[2]}]"#), None));
        assert_eq!(&content[layout.creator.unwrap()], r#"{"name":"n"}"#);
    }

    #[test]
    fn cut_off_trailing_and_jsonp() {
        check(r#"{"log":{"entries":[{"a":1},{"b":"#, None, Some(Damage::CutOff));
        check(r#"{"log":{"entries":[1]}} }x"#, Some("[1]"), Some(Damage::Trailing(2)));
        check(r#"onInputData({"log":{"entries":[1]}});"#, Some("[1]"), None);
        check("\u{feff} {\"log\":{\"entries\":[]}}\r\n", Some("[]"), None);
        check("{\"log\":\n[2,1]\n\"request:\"}", None, Some(Damage::NoJson(14)));
    }

    #[test]
    fn entries_in_a_text_are_none() {
        let list = r#"[{"request":{},"text":"{\"log\":{\"entries\":[{\"request\":1}]}}"}]"#;
        check(&format!(r#"{{"log":{{"entries":{list}}}}}"#), Some(list), None);
    }

    #[test]
    fn only_a_log_is_a_har() {
        assert!(recognise(br#" {"comment":"x","log":{}}"#));
        assert!(recognise(br#"{"log":[]}"#));
        assert!(!recognise(br#"{"constants":{"log":1},"events":[]}"#));
        assert!(!recognise(b"[]"));
        assert!(!recognise(b"GET / HTTP/1.1"));
    }
}
