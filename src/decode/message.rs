//! HTTP messages whose octets a recording holds as they were sent, or as text that stands for them.
//!
//! Lenient where recorders and people are: bare line feeds, a body that is chunked or no longer, a head that is cut.

use bytes::Bytes;

use super::body::{Body, ContentCoding};
use super::exchange::{self, Answer, Headers, Request, Response, Unknown, Withheld};
use super::fields::{Pairs, fields};
use super::url;
use crate::capture::limits::Limits;

/// The part of the recording that `part` is, without a copy where it is one.
pub(super) fn share(content: &Bytes, part: &[u8]) -> Bytes {
    let start = (part.as_ptr() as usize).checked_sub(content.as_ptr() as usize);
    let range = start.and_then(|start| Some(start..start.checked_add(part.len())?));
    match range.filter(|range| range.end <= content.len() && !part.is_empty()) {
        Some(range) => content.slice(range),
        None => Bytes::copy_from_slice(part),
    }
}

/// The body of a request; `octets` without transfer coding, `None` where the recording does not hold them.
pub(super) fn request_body(headers: &Headers, octets: Option<Bytes>) -> Body {
    match octets {
        Some(octets) if !octets.is_empty() => Body::coded(octets, codings(headers)),
        Some(_) if content_length(headers).unwrap_or(0) == 0 => Body::none(),
        _ => Body::not_recorded(Unknown::BodyNotRecorded),
    }
}

/// The body of a response to a request with this method.
pub(super) fn response_body(method: &str, status: u16, headers: &Headers, octets: Option<Bytes>) -> Body {
    // RFC 9112, 6.3: these have no content, whatever the headers say.
    let none = (100..200).contains(&status) || matches!(status, 204 | 205);
    if none || method.eq_ignore_ascii_case("HEAD") || (method == "CONNECT" && status < 300) {
        return Body::none();
    }
    match octets {
        Some(octets) if !octets.is_empty() => Body::coded(octets, codings(headers)),
        // A 304 has no content of its own; what it stands for is in a cache that was not recorded.
        Some(_) if status != 304 && content_length(headers).unwrap_or(0) == 0 => Body::none(),
        _ => Body::not_recorded(Unknown::BodyNotRecorded),
    }
}

fn codings(headers: &Headers) -> Vec<ContentCoding> {
    headers.get("content-encoding").map(ContentCoding::list).unwrap_or_default()
}

fn content_length(headers: &Headers) -> Option<u64> {
    headers.get("content-length")?.trim().parse().ok()
}

/// What is known of a request beside its octets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside<'a> {
    /// `http` or `https`; empty where unknown.
    pub(super) scheme: &'a str,
    /// Host and port; empty where unknown. The message's own comes first.
    pub(super) authority: &'a str,
}

/// How a message is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The recording, of which the octets are a part where they can be.
    pub(super) content: &'a Bytes,
    /// Whether the body is there octet for octet, so that a shorter one than announced is a cut one.
    pub(super) exact: bool,
    /// The limits.
    pub(super) limits: &'a Limits,
}

impl Reader<'_> {
    /// Reads a request; `None` where the first line is none. `say` takes what is lost.
    pub(super) fn request(self, octets: &[u8], beside: Beside<'_>, say: &mut dyn FnMut(String)) -> Option<Request> {
        let (first, rest) = first_line(octets)?;
        let (method, address, version) = request_line(&first)?;
        let (headers, body) = self.headers("request", rest, say);
        let url = match method {
            // RFC 9112, 3.2.3: the target is an authority.
            "CONNECT" => url::Split { scheme: String::new(), authority: address, target: address.to_owned() },
            _ => url::split(address),
        };
        let named = [url.authority, headers.get("host").unwrap_or_default(), beside.authority];
        let authority = named.into_iter().find(|authority| !authority.is_empty()).unwrap_or_default();
        let scheme = if url.scheme.is_empty() { beside.scheme.to_owned() } else { url.scheme };
        let body = match self.payload(body, &headers) {
            // RFC 9110, 9.3.6: CONNECT has no content; what stands there is the recorder's.
            _ if method == "CONNECT" => Body::none(),
            Ok(octets) => request_body(&headers, Some(octets)),
            Err(reason) => Body::not_recorded(reason),
        };
        Some(Request {
            method: method.into(),
            scheme: scheme.into(),
            authority: authority.into(),
            target: url.target.into(),
            version: exchange::version(version),
            headers,
            body,
        })
    }

    /// Reads the response to a request with this method; interim ones before it are passed over.
    pub(super) fn response(self, octets: &[u8], method: &str, say: &mut dyn FnMut(String)) -> Answer {
        let mut octets = octets;
        let (status, rest) = loop {
            let Some((first, rest)) = first_line(octets) else { return Answer::NotRecorded };
            let Some(status) = status_line(&first) else {
                say("response has no status line; kept without response".to_owned());
                return Answer::NotRecorded;
            };
            // RFC 9110, 15.2: interim; 101 ends HTTP.
            let interim = (100..200).contains(&status) && status != 101;
            let (_, after) = head(rest, &mut Pairs::new(0));
            if !interim || first_line(after).and_then(|(next, _)| status_line(&next)).is_none() {
                break (status, rest);
            }
            octets = after;
        };
        let (headers, body) = self.headers("response", rest, say);
        let body = match self.payload(body, &headers) {
            Ok(octets) => response_body(method, status, &headers, Some(octets)),
            Err(reason) => Body::not_recorded(reason),
        };
        Answer::Received(Response { status, headers, body, from_cache: false })
    }

    fn headers<'b>(self, whose: &str, octets: &'b [u8], say: &mut dyn FnMut(String)) -> (Headers, &'b [u8]) {
        let mut pairs = Pairs::new(self.limits.headers);
        let (whole, rest) = head(octets, &mut pairs);
        let mut withheld = Withheld::Nothing;
        if pairs.over_limit {
            withheld = Withheld::Everything;
            say(format!("{whose} headers over the limit; kept the first {}", pairs.len()));
        } else if !whole {
            withheld = Withheld::Everything;
            say(format!("{whose} headers end without an empty line; kept what is there"));
        }
        (Headers { list: fields(pairs), withheld }, rest)
    }

    /// The octets of the body without transfer coding.
    fn payload(self, rest: &[u8], headers: &Headers) -> Result<Bytes, Unknown> {
        let coding = headers.get("transfer-encoding").unwrap_or_default().to_ascii_lowercase();
        // A stream that is cut off still means what came.
        let is_stream = headers.get("content-type").is_some_and(|value| value.starts_with("text/event-stream"));
        if coding.contains("chunked")
            && let Some((octets, whole)) = dechunk(rest)
        {
            return if whole || is_stream { Ok(octets.into()) } else { Err(Unknown::BodyUnreadable) };
        }
        if !self.exact {
            return Ok(share(self.content, trim_line_ends(rest)));
        }
        let announced = content_length(headers).filter(|_| !coding.contains("chunked"));
        let Some(length) = announced.and_then(|length| usize::try_from(length).ok()) else {
            return Ok(share(self.content, rest));
        };
        match rest.get(..length) {
            Some(octets) => Ok(share(self.content, octets)),
            None if rest.is_empty() || is_stream => Ok(share(self.content, rest)),
            None => Err(Unknown::BodyUnreadable),
        }
    }
}

/// The first line that is not empty, and what follows it.
fn first_line(octets: &[u8]) -> Option<(String, &[u8])> {
    let mut rest = octets;
    // RFC 9112, 2.2: empty lines before a request line are ignored.
    loop {
        let (line, after) = line(rest)?;
        if !line.is_empty() {
            return Some((String::from_utf8_lossy(line).into_owned(), after));
        }
        rest = after;
    }
}

/// The first line without its end, and what follows it; `None` at the end.
pub(super) fn line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    if octets.is_empty() {
        return None;
    }
    let end = memchr::memchr(b'\n', octets).unwrap_or(octets.len());
    let line = octets.get(..end).unwrap_or_default();
    Some((line.strip_suffix(b"\r").unwrap_or(line), octets.get(end + 1..).unwrap_or_default()))
}

/// Method, target and version (RFC 9112, 3).
pub(super) fn request_line(line: &str) -> Option<(&str, &str, &str)> {
    let (method, rest) = line.trim_end().split_once(' ')?;
    let (target, version) = rest.rsplit_once(' ')?;
    let is_method =
        (2..=20).contains(&method.len()) && method.bytes().all(|octet| octet.is_ascii_uppercase() || octet == b'-');
    let target = target.trim();
    (is_method && is_version(version) && !target.is_empty() && !target.contains(' '))
        .then_some((method, target, version))
}

/// The status (RFC 9112, 4).
pub(super) fn status_line(line: &str) -> Option<u16> {
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    if !is_version(words.next()?) {
        return None;
    }
    let status = words.next()?;
    (status.len() == 3).then(|| status.parse().ok())?.filter(|status| (100..1000).contains(status))
}

fn is_version(word: &str) -> bool {
    let digits = word.strip_prefix("HTTP/").unwrap_or_default();
    matches!(digits, "1.0" | "1.1" | "2" | "2.0" | "3" | "3.0")
}

/// Takes header lines up to the empty one; says whether it came, and what follows it.
fn head<'a>(octets: &'a [u8], pairs: &mut Pairs) -> (bool, &'a [u8]) {
    let mut rest = octets;
    let mut pending: Option<(String, String)> = None;
    let whole = loop {
        let Some((line, after)) = line(rest) else { break false };
        if line.is_empty() {
            rest = after;
            break true;
        }
        let text = String::from_utf8_lossy(line);
        if text.starts_with([' ', '\t'])
            && let Some((_, value)) = &mut pending
        {
            // RFC 9112, 5.2: a line that begins with a blank goes on with the one before.
            value.push(' ');
            value.push_str(text.trim());
        } else if let Some((name, value)) = field(&text) {
            pending.replace((name, value)).inspect(|(name, value)| pairs.push(name, value));
        } else {
            break false;
        }
        rest = after;
    };
    if let Some((name, value)) = pending {
        pairs.push(&name, &value);
    }
    (whole, rest)
}

/// A header line: a token, a colon, a value (RFC 9110, 5.1).
pub(super) fn field(line: &str) -> Option<(String, String)> {
    // A pseudo-header of HTTP/2 begins with a colon.
    let at = line.get(1..)?.find(':')? + 1;
    let (name, value) = (line.get(..at)?, line.get(at + 1..)?);
    let is_token = |char: char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char);
    let name_is_token = name.strip_prefix(':').unwrap_or(name).trim_end().chars().all(is_token);
    name_is_token.then(|| (name.trim_end().to_owned(), value.trim().to_owned()))
}

/// Undoes the chunked coding (RFC 9112, 7.1): the octets, and whether the last chunk came. `None` where it is not
/// chunked, because the recorder has undone it.
fn dechunk(octets: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut out = Vec::new();
    let mut rest = octets;
    if rest.is_empty() {
        return None;
    }
    loop {
        let Some((size, after)) = line(rest) else { return Some((out, false)) };
        let size = std::str::from_utf8(size).ok().map(|size| size.split(';').next().unwrap_or_default().trim());
        let size = size.filter(|size| (1..=8).contains(&size.len()));
        let Some(size) = size.and_then(|size| usize::from_str_radix(size, 16).ok()) else {
            return if out.is_empty() { None } else { Some((out, false)) };
        };
        if size == 0 {
            return Some((out, true));
        }
        let Some((chunk, after)) = after.split_at_checked(size) else {
            out.extend_from_slice(after);
            return Some((out, false));
        };
        out.extend_from_slice(chunk);
        let after = after.strip_prefix(b"\r").unwrap_or(after);
        rest = after.strip_prefix(b"\n").unwrap_or(after);
    }
}

/// Line ends after a body are the page's and not the message's.
fn trim_line_ends(octets: &[u8]) -> &[u8] {
    let end = octets.iter().rposition(|octet| !matches!(octet, b'\r' | b'\n')).map_or(0, |last| last + 1);
    octets.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(exact: bool) -> (Bytes, Limits, bool) {
        (Bytes::new(), Limits::default(), exact)
    }

    fn shown(body: &Body) -> String {
        match body.text(&Limits::default()) {
            Ok(Some(text)) => text.into_owned(),
            Ok(None) => "(none)".to_owned(),
            Err(reason) => format!("({})", reason.reason()),
        }
    }

    fn check_response(text: &str, exact: bool, status: u16, body: &str) {
        let (content, limits, exact) = reader(exact);
        let reader = Reader { content: &content, exact, limits: &limits };
        let answer = reader.response(text.as_bytes(), "GET", &mut |_| {});
        let Answer::Received(response) = answer else { panic!("{text}: {answer:?}") };
        assert_eq!((response.status, shown(&response.body).as_str()), (status, body), "{text}");
    }

    #[test]
    fn bodies_of_responses() {
        check_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhix", true, 200, "hi");
        check_response("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi\n\n", false, 200, "hi");
        check_response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", true, 200, "(the body cannot be read)");
        check_response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, 200, "(the recording holds no body here)");
        check_response("HTTP/1.1 200\r\n\r\n", true, 200, "(none)");
        check_response("HTTP/2 100\r\n\r\nHTTP/2 401 \r\na: b\r\n\r\nx", true, 401, "x");
        check_response("HTTP/1.1 204 No\r\n\r\nx", true, 204, "(none)");
    }

    #[test]
    fn chunked_or_no_longer() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
        check_response(&format!("{head}\r\n2\r\nhi\r\n1;x=y\r\n!\r\n0\r\n\r\n"), true, 200, "hi!");
        check_response(&format!("{head}\r\n{{\"a\":1}}"), true, 200, "{\"a\":1}");
        check_response(&format!("{head}\r\n2\r\nhi\r\n5\r\nab"), true, 200, "(the body cannot be read)");
        let stream = format!("{head}Content-Type: text/event-stream\r\n\r\n");
        check_response(&format!("{stream}7\r\ndata: x\r\n5\r\nab"), true, 200, "data: xab");
        check_response(&format!("{head}\r\n0\r\n\r\n"), true, 200, "(none)");
    }

    #[test]
    fn requests() {
        let (content, limits, exact) = reader(true);
        let reader = Reader { content: &content, exact, limits: &limits };
        let mut said = Vec::new();
        let mut read = |text: &str| {
            let beside = Beside { scheme: "https", authority: "else" };
            let request = reader.request(text.as_bytes(), beside, &mut |message| said.push(message))?;
            Some((request.url(), request.headers.withheld, shown(&request.body)))
        };
        let expected = |url: &str, body: &str| Some((url.to_owned(), Withheld::Nothing, body.to_owned()));
        assert_eq!(read("\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n"), expected("https://h/a", "(none)"));
        assert_eq!(read("POST http://h:1/a HTTP/1.1\n\nx"), expected("http://h:1/a", "x"));
        assert_eq!(read("POST /a HTTP/2\r\n\r\n"), expected("https://else/a", "(none)"));
        assert_eq!(read("not a request"), None);
        assert_eq!(read("Get / HTTP/1.1"), None);
        let cut = read("GET / HTTP/1.1\r\nHost: h\r\nAutho").unwrap();
        assert_eq!(cut.1, Withheld::Everything);
        assert_eq!(said, ["request headers end without an empty line; kept what is there"]);
    }
}
