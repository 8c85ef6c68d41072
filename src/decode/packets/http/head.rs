//! The head of an HTTP/1 message: start line and header fields (RFC 9112, 2 to 5).
//!
//! `httparse` reads what is well-formed. What it refuses is read again line by line: a recording shows what was sent,
//! not what should have been sent.

use std::mem::MaybeUninit;

use bytes::Bytes;
use compact_str::CompactString;
use memchr::{memchr, memrchr};

use super::bounds;
use crate::decode::exchange::Fields;
use crate::decode::headers::{Gathered, Span};
use crate::decode::packets::network::place;

/// The head of a request.
#[derive(Debug)]
pub(super) struct RequestHead {
    /// Method as sent.
    pub method: CompactString,
    /// Request target as sent.
    pub target: CompactString,
    /// Minor version: `HTTP/1.minor`.
    pub minor: u8,
    /// Header fields in the order sent.
    pub fields: Fields,
    /// What is wrong with the lines, where something is.
    pub odd: Option<&'static str>,
}

/// The head of a response.
#[derive(Debug)]
pub(super) struct ResponseHead {
    /// Status code.
    pub status: u16,
    /// Minor version.
    pub minor: u8,
    /// Header fields in the order sent.
    pub fields: Fields,
    /// What is wrong with the lines, where something is.
    pub odd: Option<&'static str>,
}

/// Header fields of an ordinary head; more of them take the slower way.
const ORDINARY: usize = 64;

/// Octets as text: UTF-8 where it is that, otherwise each octet the character of its number (RFC 9110, 5.5).
pub(super) fn text(octets: &[u8]) -> CompactString {
    match std::str::from_utf8(octets) {
        Ok(text) => text.into(),
        Err(_) => octets.iter().map(|octet| char::from(*octet)).collect(),
    }
}

/// Where the head that begins the octets ends, its empty line included. `from`: octets before it were searched already.
pub(super) fn end(octets: &[u8], from: usize) -> Option<usize> {
    let mut at = from.saturating_sub(2);
    while let Some(found) = memchr(b'\n', octets.get(at..)?) {
        let next = at + found + 1;
        match octets.get(next..) {
            // RFC 9112, 2.2: a single LF may end a line.
            Some([b'\n', ..]) => return Some(next + 1),
            Some([b'\r', b'\n', ..]) => return Some(next + 2),
            _ => at = next,
        }
    }
    None
}

/// Reads the head of a request, or as much of one as `octets` holds; `None` where it does not begin with a request line.
pub(super) fn request(octets: &Bytes) -> Option<RequestHead> {
    let mut fields = [MaybeUninit::uninit(); ORDINARY];
    let mut parsed = httparse::Request::new(&mut []);
    if let Ok(httparse::Status::Complete(_)) = parsed.parse_with_uninit_headers(octets, &mut fields)
        && let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version)
        && let Some(fields) = slices(octets, parsed.headers)
    {
        let (method, target) = (method.into(), target.into());
        return Some(RequestHead { method, target, minor, fields, odd: None });
    }
    let mut lines = Lines(octets);
    let (method, target, minor) = request_line(lines.next()?)?;
    let (fields, odd) = fields_of(lines);
    Some(RequestHead { method: text(method), target: text(target), minor, fields, odd })
}

/// Reads the head of a response, as [`request`] does that of a request.
pub(super) fn response(octets: &Bytes) -> Option<ResponseHead> {
    let mut fields = [MaybeUninit::uninit(); ORDINARY];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    if let Ok(httparse::Status::Complete(_)) =
        config.parse_response_with_uninit_headers(&mut parsed, octets, &mut fields)
        && let (Some(status), Some(minor)) = (parsed.code, parsed.version)
        && let Some(fields) = slices(octets, parsed.headers)
    {
        return Some(ResponseHead { status, minor, fields, odd: None });
    }
    let mut lines = Lines(octets);
    let (status, minor) = status_line(lines.next()?)?;
    let (fields, odd) = fields_of(lines);
    Some(ResponseHead { status, minor, fields, odd })
}

/// The fields as slices of the head; `None` where one is no UTF-8.
fn slices(octets: &Bytes, fields: &[httparse::Header<'_>]) -> Option<Fields> {
    let span = |part: &[u8]| {
        let start = place(octets, part)?;
        Some([u32::try_from(start).ok()?, u32::try_from(start + part.len()).ok()?])
    };
    let both = |field: &httparse::Header<'_>| {
        std::str::from_utf8(field.value).ok()?;
        Some(Span { name: span(field.name.as_bytes())?, value: span(field.value)? })
    };
    let mut spans = Vec::with_capacity(fields.len());
    for field in fields {
        spans.push(both(field)?);
    }
    Some(Fields::of_text(octets.clone(), spans))
}

/// Method, target and minor version of a request line without its end.
pub(super) fn request_line(line: &[u8]) -> Option<(&[u8], &[u8], u8)> {
    let (rest, minor) = (line.get(..line.len().checked_sub(9)?)?, version(line.get(line.len() - 9..)?)?);
    let space = memchr(b' ', rest)?;
    let (method, target) = (rest.get(..space)?, rest.get(space + 1..)?.trim_ascii());
    let target_is_one = !target.is_empty() && target.iter().all(|octet| !octet.is_ascii_control());
    (!method.is_empty() && method.iter().all(|octet| is_token(*octet)) && target_is_one)
        .then_some((method, target, minor))
}

/// Status and minor version of a status line without its end.
pub(super) fn status_line(line: &[u8]) -> Option<(u16, u8)> {
    let (version_part, rest) = line.split_at_checked(8)?;
    let minor = version([b" ", version_part].concat().as_slice())?;
    match rest {
        [b' ', a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', after @ ..]
            if after.first().is_none_or(|octet| *octet == b' ') =>
        {
            Some((u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'), minor))
        }
        _ => None,
    }
}

/// The minor version in ` HTTP/1.x`.
fn version(octets: &[u8]) -> Option<u8> {
    match octets {
        [b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'9'] => Some(minor - b'0'),
        _ => None,
    }
}

/// RFC 9110, 5.6.2.
pub(super) fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

/// Lines up to the empty one, without their ends.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr(b'\n', self.0)?;
        let (line, rest) = (self.0.get(..end)?, self.0.get(end + 1..)?);
        self.0 = rest;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (!line.is_empty()).then_some(line)
    }
}

fn fields_of(lines: Lines<'_>) -> (Fields, Option<&'static str>) {
    let mut fields = Gathered::default();
    let mut odd = None;
    for line in lines {
        if let [b' ' | b'\t', ..] = line {
            // RFC 9112, 5.2: obsolete folding reads as white space.
            if !fields.extend(None, " ", &text(line.trim_ascii())) {
                odd = odd.or(Some("has a continuation line without a field"));
            }
            continue;
        }
        let Some(colon) = memchr(b':', line) else {
            odd = odd.or(Some("has a line without a colon"));
            continue;
        };
        if fields.len() == bounds::FIELDS {
            return (fields.into(), Some("has more fields than the limit; the rest is left out"));
        }
        let (name, value) = (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
        if name.is_empty() || name.ends_with(b" ") || name.ends_with(b"\t") {
            // RFC 9112, 5.1: servers refuse it, proxies that let it through read another field.
            odd = odd.or(Some("has white space before a colon, or no name before it"));
        }
        fields.push(&text(name), Some(&text(value.trim_ascii())));
    }
    (fields.into(), odd)
}

/// Whether the octets, the first of a message, can still become a request line; `None` where more octets decide.
pub(super) fn begins_request(octets: &[u8]) -> Option<bool> {
    if let Some(end) = memchr(b'\n', octets) {
        let line = octets.get(..end)?;
        return Some(request_line(line.strip_suffix(b"\r").unwrap_or(line)).is_some());
    }
    let method = octets.iter().position(|octet| !is_token(*octet));
    match method {
        None => (octets.len() > LONGEST_METHOD).then_some(false),
        Some(length @ 1..=LONGEST_METHOD) if octets.get(length) == Some(&b' ') => {
            let rest = octets.get(length + 1..)?;
            let rest = rest.strip_suffix(b"\r").unwrap_or(rest);
            rest.iter().any(u8::is_ascii_control).then_some(false)
        }
        Some(_) => Some(false),
    }
}

/// Whether the octets, the first of a message, can still become a status line; `None` where more octets decide.
pub(super) fn begins_response(octets: &[u8]) -> Option<bool> {
    const PATTERN: &[u8] = b"HTTP/1.d Ddd";
    let fits = |(found, wanted): (&u8, &u8)| match wanted {
        b'd' => found.is_ascii_digit(),
        b'D' => matches!(found, b'1'..=b'9'),
        wanted => found == wanted,
    };
    if !octets.iter().zip(PATTERN).all(fits) {
        return Some(false);
    }
    let after = octets.get(PATTERN.len())?;
    Some(matches!(after, b' ' | b'\r' | b'\n'))
}

/// Letters of a method; the longest registered one has 17.
const LONGEST_METHOD: usize = 32;

/// Methods that are recognised in the middle of octets.
const METHODS: [&[u8]; 9] = [b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"HEAD", b"CONNECT", b"TRACE"];

/// Where the next request begins. `fresh`: a message may begin with the first octet.
pub(super) fn find_request(octets: &[u8], fresh: bool) -> Option<usize> {
    for at in memchr::memmem::find_iter(octets, b" HTTP/1.") {
        let Some(line_end @ (b'\r' | b'\n')) = octets.get(at + 9).copied() else { continue };
        if line_end == b'\r' && octets.get(at + 10).is_some_and(|octet| *octet != b'\n') {
            continue;
        }
        let line_start = memrchr(b'\n', octets.get(..at)?).map_or(0, |end| end + 1);
        let line = octets.get(line_start..at + 9)?;
        if (line_start > 0 || fresh) && request_line(line).is_some() {
            return Some(line_start);
        }
        // A body need not end with a line end: the method stands behind its last octet.
        let Some(space) = memrchr(b' ', octets.get(line_start..at)?).map(|space| line_start + space) else { continue };
        let before = octets.get(..space)?;
        if octets.get(space + 1).is_none_or(|octet| !matches!(octet, b'/' | b'*' | b'a'..=b'z' | b'A'..=b'Z' | b'[')) {
            continue;
        }
        let method = METHODS.iter().filter(|method| before.ends_with(method)).map(|method| method.len()).max();
        let start = method.map(|method| space - method);
        if let Some(start) = start.filter(|start| octets.get(*start..at + 9).and_then(request_line).is_some()) {
            return Some(start);
        }
    }
    None
}

/// Where the next response begins.
pub(super) fn find_response(octets: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(octets, b"HTTP/1.").find(|at| octets.get(*at..).and_then(begins_response) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(head: &Fields) -> Vec<(&str, &str)> {
        head.iter().map(|header| (header.name, header.value.unwrap_or("masked"))).collect()
    }

    #[test]
    fn both_ways_read_the_same() {
        let plain = "POST /a?b HTTP/1.1\r\nHost: h\r\nA:  b \r\nEmpty:\r\n\r\n";
        let fast = request(&plain.into()).unwrap();
        let slow = request(&plain.replace("\r\n\r\n", "\r\n\u{1}: x\r\n\r\n").into()).unwrap();
        assert_eq!((&fast.method, &fast.target, fast.minor), (&slow.method, &slow.target, slow.minor));
        assert_eq!(fields(&fast.fields), fields(&slow.fields)[..3]);
        assert_eq!(fields(&fast.fields), [("Host", "h"), ("A", "b"), ("Empty", "")]);
    }

    #[test]
    fn odd_lines_are_kept() {
        let head =
            request(&Bytes::from_static(b"GET /a b HTTP/1.0\nX: 1\n 2\nno colon\nAuth : x\nB\xe9: \xe9\n\n")).unwrap();
        assert_eq!(head.target, "/a b");
        assert_eq!(fields(&head.fields), [("X", "1 2"), ("Auth ", "x"), ("B\u{e9}", "\u{e9}")]);
        assert_eq!(head.odd, Some("has a line without a colon"));
    }

    #[test]
    fn the_end_is_found_wherever_the_octets_were_split() {
        let head = b"A\r\nB: c\r\n\r\nrest";
        for split in 0..head.len() {
            assert_eq!(end(head, split.min(10)), Some(11), "{split}");
        }
        assert_eq!(end(b"A\nB\n\n", 0), Some(5));
        assert_eq!(end(b"A\r\nB\r\n\r", 0), None);
    }

    #[test]
    fn a_request_is_found_behind_a_body() {
        let found = |octets: &[u8]| find_request(octets, false).map(|at| octets[at..].to_vec());
        assert_eq!(found(b"{\"a\":1}POST /x HTTP/1.1\r\n").as_deref(), Some(&b"POST /x HTTP/1.1\r\n"[..]));
        assert_eq!(found(b"junk\nPURGE /x HTTP/1.1\n").as_deref(), Some(&b"PURGE /x HTTP/1.1\n"[..]));
        assert_eq!(found(b"PURGE /x HTTP/1.1\n"), None);
        assert_eq!(found(b"speaks HTTP/1.1\n"), None);
        assert_eq!(find_response(b"xxHTTP/1.1 2000 HTTP/1.1 204\r\n"), Some(16));
    }
}
