//! HTTP as text: what `curl -v`, `--trace` and `--trace-ascii` print, and requests and responses as other clients print
//! them and as people paste them into tickets.
//!
//! People cut such text before they show it, so nothing here is taken for whole but what says so itself.

mod curl;
mod text;
mod trace;
mod verbose;

use bytes::Bytes;

use super::body::Body;
use super::exchange::{Answer, CREDENTIAL_HEADERS, Exchange, Headers, Response, Unknown, Withheld};
use super::format::{Problems, Reading};
use super::message::{Beside, Reader, line, request_line};
use super::{ReadOptions, Sanitized};
use crate::evidence::{At, CaptureId};
use curl::Link;

/// Octets in which the first request is looked for.
const PROLOGUE: usize = 64 << 10;

/// Whether this is what curl prints with `--trace` or `--trace-ascii`.
pub(super) fn recognise_trace(content: &[u8]) -> bool {
    lines(prologue(content)).any(|(_, line)| trace::opens_message(line))
}

/// Whether this is what curl prints with `-v`.
pub(super) fn recognise_verbose(content: &[u8]) -> bool {
    lines(prologue(content)).any(|(_, line)| line.strip_prefix("> ").is_some_and(|line| request_line(line).is_some()))
}

/// Whether this is a request as text.
pub(super) fn recognise_text(content: &[u8]) -> bool {
    lines(prologue(content)).any(|(_, line)| request_line(line).is_some())
}

/// The beginning, where it is text; empty otherwise.
fn prologue(content: &[u8]) -> &[u8] {
    let prologue = content.get(..content.len().min(PROLOGUE)).unwrap_or_default();
    if memchr::memchr(0, prologue).is_some() { &[] } else { prologue }
}

/// Lines with their number, from 1. A line that is no UTF-8 is none of those that mean something.
fn lines(content: &[u8]) -> impl Iterator<Item = (u32, &str)> {
    let mut rest = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut number: u32 = 0;
    std::iter::from_fn(move || {
        let (line, after) = line(rest)?;
        rest = after;
        number = number.saturating_add(1);
        Some((number, std::str::from_utf8(line).unwrap_or("\u{fffd}")))
    })
}

/// Reads what curl prints with `--trace` or `--trace-ascii`.
pub(super) fn read_trace(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    read(content, capture, options, trace::turns)
}

/// Reads what curl prints with `-v`.
pub(super) fn read_verbose(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    read(content, capture, options, verbose::turns)
}

/// Reads requests and responses as text.
pub(super) fn read_text(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    read(content, capture, options, text::turns)
}

/// A request and what came back, as octets.
#[derive(Debug, Default)]
struct Turn {
    /// The line on which it begins.
    line: u32,
    /// Head of the request, its line first.
    request: Vec<u8>,
    /// What is there of its body.
    request_body: Held,
    /// Head of the response; empty where there is none. Interim ones stand before it.
    response: Vec<u8>,
    /// What is there of its body.
    response_body: Held,
    /// What is said of the connection.
    link: Link,
    /// Why no answer came, in the tool's words.
    error: Option<String>,
}

/// What a text holds of a body.
#[derive(Debug, Default, PartialEq)]
enum Held {
    /// Nothing; it may have been there.
    #[default]
    Nothing,
    /// These octets, a transfer coding still on them or not.
    Octets(Vec<u8>),
    /// These octets, each that is no printable ASCII replaced by a dot.
    Dotted(Vec<u8>),
}

impl Held {
    /// The octets where there are some.
    fn octets(&self) -> &[u8] {
        match self {
            Held::Nothing => &[],
            Held::Octets(octets) | Held::Dotted(octets) => octets,
        }
    }

    /// Adds octets as they are.
    fn push(&mut self, more: &[u8]) {
        match self {
            Held::Octets(octets) | Held::Dotted(octets) => octets.extend_from_slice(more),
            Held::Nothing => *self = Held::Octets(more.to_vec()),
        }
    }
}

type Turns = fn(&[u8], &mut Problems) -> Vec<Turn>;

fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions, turns: Turns) -> Reading {
    let mut problems = Problems::new(options);
    let mut turns = turns(content, &mut problems);
    let complete = turns.len() <= options.limits.exchanges;
    if !complete {
        problems.say(None, "more requests than the limit; the rest is left out");
        turns.truncate(options.limits.exchanges);
    }
    let guessed: Vec<u32> = turns.iter_mut().filter_map(guess_scheme).collect();
    if let Some(line) = guessed.first() {
        let message = "the text does not say whether over TLS; taken for https, on loopback for http";
        problems.say(Some(format!("line {line}")), message);
    }
    let mut exchanges: Vec<Exchange> =
        turns.into_iter().filter_map(|turn| exchange(turn, content, capture, options, &mut problems)).collect();
    let sanitized = withhold(&mut exchanges);
    Reading::new(exchanges, sanitized, complete, problems)
}

/// Takes a scheme for granted where nothing says which: a URL without one could be compared with nothing.
fn guess_scheme(turn: &mut Turn) -> Option<u32> {
    let head = String::from_utf8_lossy(&turn.request);
    let is_connect = head.starts_with("CONNECT ");
    if !turn.link.scheme.is_empty() || is_connect || head.lines().next().is_some_and(|line| line.contains("://")) {
        return None;
    }
    let host = head.lines().filter_map(super::message::field).find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host.map(|(_, host)| host).unwrap_or_default();
    let is_loopback = ["localhost", "127.", "[::1]"].iter().any(|name| host.starts_with(name));
    turn.link.scheme = if is_loopback { "http" } else { "https" };
    Some(turn.line)
}

fn exchange(
    turn: Turn,
    content: &Bytes,
    capture: CaptureId,
    options: &ReadOptions,
    problems: &mut Problems,
) -> Option<Exchange> {
    let at = || Some(format!("line {}", turn.line));
    let reader = Reader { content, exact: false, limits: &options.limits };
    let mut said = Vec::new();
    let beside = Beside { scheme: turn.link.scheme, authority: "" };
    let octets = [&turn.request, turn.request_body.octets()].concat();
    let Some(mut request) = reader.request(&octets, beside, &mut |message| said.push(message)) else {
        problems.say(at(), "no HTTP request; left out");
        return None;
    };
    mend_body(&mut request.body, &turn.request_body, &request.headers, options);
    if turn.request_body == Held::Nothing && !has_no_body(&request.method, &request.headers) {
        request.body = Body::not_recorded(Unknown::BodyNotRecorded);
    }
    let octets = [&turn.response, turn.response_body.octets()].concat();
    let mut answer = match (&turn.error, octets.is_empty()) {
        (Some(word), true) => Answer::None(word.chars().take(200).collect()),
        _ => reader.response(&octets, &request.method, &mut |message| said.push(message)),
    };
    if let Answer::Received(Response { body, headers, status, .. }) = &mut answer {
        mend_body(body, &turn.response_body, headers, options);
        if turn.response_body == Held::Nothing && !answer_has_no_body(&request.method, *status, headers) {
            *body = Body::not_recorded(Unknown::BodyNotRecorded);
        }
    }
    said.into_iter().for_each(|message| problems.say(at(), message));
    Some(Exchange {
        capture,
        at: At::Item { word: "line", number: turn.line },
        sent_at: None,
        answered_at: None,
        connection: turn.link.connection(),
        request,
        answer,
    })
}

/// Whether a request whose body is not shown has none for certain.
fn has_no_body(method: &str, headers: &Headers) -> bool {
    let bare = ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT"].contains(&method);
    match headers.get("content-length") {
        Some(length) => length.trim() == "0",
        None => bare && headers.get("transfer-encoding").is_none(),
    }
}

/// Whether a response whose body is not shown has none for certain (RFC 9112, 6.3).
fn answer_has_no_body(method: &str, status: u16, headers: &Headers) -> bool {
    let bare = (100..200).contains(&status) || matches!(status, 204 | 205) || matches!(method, "HEAD" | "CONNECT");
    bare || headers.get("content-length").is_some_and(|length| length.trim() == "0")
}

/// Dots may stand for line ends. JSON and forms show by themselves whether they do.
fn mend_body(body: &mut Body, held: &Held, headers: &Headers, options: &ReadOptions) {
    if !matches!(held, Held::Dotted(_)) || body.len() == Some(0) {
        return;
    }
    let media_type = headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
    let text = body.text(&options.limits).ok().flatten();
    let readable = match text {
        Some(text) if media_type.contains("json") => serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(),
        Some(_) => media_type.starts_with("application/x-www-form-urlencoded"),
        None => false,
    };
    if !readable {
        *body = Body::not_recorded(Unknown::BodyUnreadable);
    }
}

/// People take credentials out of such text. What is shown somewhere was not taken out everywhere.
fn withhold(exchanges: &mut [Exchange]) -> Sanitized {
    let (mut masked, mut credentials) = (false, false);
    for exchange in exchanges.iter() {
        let answered = exchange.answer.response().map(|response| &response.headers);
        for header in [Some(&exchange.request.headers), answered].into_iter().flatten().flat_map(|it| it.list.iter()) {
            masked |= header.value.is_none();
            credentials |= CREDENTIAL_HEADERS.iter().any(|name| header.name.eq_ignore_ascii_case(name));
        }
    }
    if credentials && !masked {
        return Sanitized::No;
    }
    for exchange in exchanges {
        let answered = match &mut exchange.answer {
            Answer::Received(response) => Some(&mut response.headers),
            _ => None,
        };
        for headers in [Some(&mut exchange.request.headers), answered].into_iter().flatten() {
            if headers.withheld == Withheld::Nothing {
                headers.withheld = Withheld::Credentials;
            }
        }
    }
    if masked { Sanitized::Yes } else { Sanitized::Possible }
}
