//! Cuts a HAR into its entries, also where the file is cut off, has something after its end, or is broken inside.
//!
//! Parses no entry. The members of `log` may stand in any order.

use std::ops::Range;

use memchr::memmem;

use super::scan::{self, Skipped, white_space};
use crate::capture::limits::Limits;

/// One element of `log.entries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Where it stands.
    pub range: Range<usize>,
    /// What is wrong with it as a whole; `None` where it can be parsed.
    pub fault: Option<Fault>,
}

/// Why an element cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Brackets or quotes do not pair.
    Broken,
    /// It nests deeper than the limit.
    Deep,
}

/// Where the parts of a HAR stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// `log.entries`, in order.
    pub entries: Vec<Element>,
    /// `log.creator`.
    pub creator: Option<Range<usize>>,
    /// `log.browser`.
    pub browser: Option<Range<usize>>,
    /// `log._authtrailEnd`: what our recorder says at its end.
    pub end: Option<Range<usize>>,
    /// Whether there is a `log`.
    pub has_log: bool,
    /// Whether there is a `log.entries`.
    pub has_entries: bool,
    /// The content ends inside this element; the elements before it are whole.
    pub cut_in: Option<u32>,
    /// Why the whole was not read to its end.
    pub damage: Option<Damage>,
}

/// Damage of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
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
pub fn recognise(content: &[u8]) -> bool {
    let Some(start) = start(content) else { return false };
    let mut at = start + 1;
    // Looks at the members before `log`; a program that writes others puts few and small ones there.
    for _ in 0..64 {
        let Some((key, value)) = member(content, at) else { return false };
        if content.get(key) == Some(b"log") {
            return true;
        }
        match scan::value(content, value) {
            Skipped::Whole { end, .. } => at = after_comma(content, end),
            _ => return false,
        }
    }
    false
}

/// Finds the parts.
pub fn lay_out(content: &[u8], limits: &Limits) -> Layout {
    let mut layout = Layout::default();
    let Some(start) = start(content) else {
        layout.damage = Some(Damage::NoJson(0));
        return layout;
    };
    let top = members(content, start, &mut |key, value| match key {
        b"log" if content.get(value) == Some(&b'{') => {
            layout.has_log = true;
            log(content, value, limits, &mut layout)
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

fn log(content: &[u8], at: usize, limits: &Limits, layout: &mut Layout) -> Result<usize, Damage> {
    members(content, at, &mut |key, value| match key {
        b"entries" if content.get(value) == Some(&b'[') => {
            layout.has_entries = true;
            entries(content, value, limits, layout)
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

fn entries(content: &[u8], at: usize, limits: &Limits, layout: &mut Layout) -> Result<usize, Damage> {
    let mut at = at + 1;
    let mut key: Option<Range<usize>> = None;
    loop {
        at = white_space(content, at);
        match content.get(at) {
            None => return Err(Damage::CutOff),
            Some(b']') => return Ok(at + 1),
            Some(b',') => {
                at += 1;
                continue;
            }
            Some(_) => {}
        }
        if layout.entries.len() >= limits.exchanges {
            return Err(Damage::TooMany);
        }
        match scan::value(content, at) {
            Skipped::Whole { end, depth } => {
                key = key.or_else(|| scan::first_key(content, at));
                let fault = (depth > limits.depth).then_some(Fault::Deep);
                layout.entries.push(Element { range: at..end, fault });
                at = end;
            }
            skipped => {
                let key = scan::first_key(content, at).or(key.clone());
                let Some(next) = key.and_then(|key| next_entry(content, at + 1, content.get(key)?)) else {
                    layout.cut_in = u32::try_from(layout.entries.len()).ok();
                    return Err(match skipped {
                        Skipped::Broken(place) => Damage::NoJson(place),
                        _ => Damage::CutOff,
                    });
                };
                layout.entries.push(Element { range: at..next, fault: Some(Fault::Broken) });
                at = next;
            }
        }
    }
}

/// How many places are tried as the beginning of the next entry after a broken one.
const TRIES: usize = 16;

/// The next place that begins like the other entries, ends, and has a request. `key` is their first key with its quotes;
/// inside a string it would stand with backslashes, so that the text of a body does not look like an entry.
fn next_entry(content: &[u8], from: usize, key: &[u8]) -> Option<usize> {
    let rest = content.get(from..)?;
    let mut tries = 0;
    for found in memmem::find_iter(rest, key) {
        let brace = before(content, from + found)?;
        if content.get(brace) != Some(&b'{') || brace < from {
            continue;
        }
        if !matches!(before(content, brace).and_then(|at| content.get(at)), Some(b',' | b'[' | b'}')) {
            continue;
        }
        if matches!(scan::value(content, brace), Skipped::Whole { .. }) && scan::has_member(content, brace, b"request")
        {
            return Some(brace);
        }
        tries += 1;
        if tries == TRIES {
            return None;
        }
    }
    None
}

/// The place of the last octet before `at` that is no white space.
fn before(content: &[u8], at: usize) -> Option<usize> {
    content.get(..at)?.iter().rposition(|octet| !matches!(octet, b' ' | b'\t' | b'\n' | b'\r'))
}

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
        Skipped::Whole { end, .. } => Ok(end),
        Skipped::Broken(place) => Err(Damage::NoJson(place)),
        Skipped::Cut => Err(Damage::CutOff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(content: &str) -> (Vec<&str>, Option<Damage>) {
        let layout = lay_out(content.as_bytes(), &Limits::default());
        (layout.entries.iter().map(|element| &content[element.range.clone()]).collect(), layout.damage)
    }

    fn check(content: &str, entries: &[&str], damage: Option<Damage>) {
        assert_eq!(parts(content), (entries.to_vec(), damage), "{content}");
    }

    #[test]
    fn members_in_any_order() {
        let content = r#"{"x":1,"log":{"entries":[{"a":1} , {"b":[2]}],"creator":{"name":"n"}}}"#;
        check(content, &[r#"{"a":1}"#, r#"{"b":[2]}"#], None);
        let layout = lay_out(content.as_bytes(), &Limits::default());
        assert_eq!(&content[layout.creator.unwrap()], r#"{"name":"n"}"#);
    }

    #[test]
    fn cut_off_trailing_and_jsonp() {
        check(r#"{"log":{"entries":[{"a":1},{"b":"#, &[r#"{"a":1}"#], Some(Damage::CutOff));
        check(r#"{"log":{"entries":[{"a":1}]}} }x"#, &[r#"{"a":1}"#], Some(Damage::Trailing(2)));
        check(r#"onInputData({"log":{"entries":[{"a":1}]}});"#, &[r#"{"a":1}"#], None);
        check("\u{feff} {\"log\":{\"entries\":[]}}\r\n", &[], None);
        check("{\"log\":\n[2,1]\n\"request:\"}", &[], Some(Damage::NoJson(14)));
    }

    #[test]
    fn entries_in_a_text_are_none() {
        let entry = r#"{"request":{},"text":"{\"log\":{\"entries\":[{\"request\":1}]}}"}"#;
        check(&format!(r#"{{"log":{{"entries":[{entry}]}}}}"#), &[entry], None);
    }

    #[test]
    fn a_broken_entry_costs_that_entry() {
        let good = r#"{"t":1,"request":{"url":"u"}}"#;
        let content = format!(r#"{{"log":{{"entries":[{good},{{"t":2,"request":{{"url":"u"}},{good}]}}}}"#);
        let layout = lay_out(content.as_bytes(), &Limits::default());
        let faults: Vec<_> = layout.entries.iter().map(|element| element.fault).collect();
        assert_eq!((faults, layout.damage), (vec![None, Some(Fault::Broken), None], None));
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
