//! One flow becomes one exchange.

use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;

use super::connection;
use crate::capture::limits::Limits;
use crate::decode::exchange::{Answer, Exchange, Fields, Headers, Request, Response, Withheld};
use crate::decode::fields::{Pairs, fields};
use crate::decode::message::{request_body, response_body, share};
use crate::decode::tnetstring::{self, Value};
use crate::evidence::{At, CaptureId};

/// What all flows of a file share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// The recording.
    pub(super) content: &'a Bytes,
    /// Which it is.
    pub(super) capture: CaptureId,
    /// The limits.
    pub(super) limits: &'a Limits,
}

/// What was read from one flow.
#[derive(Debug)]
pub(super) struct Read {
    /// Its identity; versions before 0.11 have none.
    pub(super) id: Option<Arc<str>>,
    /// The version of the format.
    pub(super) version: Option<Version>,
    /// What it is.
    pub(super) kind: Kind,
    /// What is lost, and what was kept.
    pub(super) problems: Vec<String>,
}

/// The kinds of flow.
#[derive(Debug)]
pub(super) enum Kind {
    /// A request with what came back. A websocket is listed as its upgrade.
    Http(Box<Exchange>),
    /// Until version 11 the messages of a websocket are a flow of their own.
    WebSocketMessages {
        /// The identity of the flow with the upgrade.
        upgrade: Option<Arc<str>>,
    },
    /// Not HTTP: `tcp`, `udp`, `dns`.
    Other(String),
    /// Nothing that could be kept.
    Nothing,
}

/// The version of the format: that of mitmproxy until 3.0, then a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// `0.18`.
    Program(i64, i64),
    /// `20`.
    Number(i64),
}

/// The newest version whose names are known here.
const NEWEST: i64 = 21;

impl Version {
    fn of(flow: Value<'_>) -> Option<Version> {
        match flow.member(&["version"]) {
            Value::Integer(number) => Some(Version::Number(number)),
            list => {
                let mut numbers = list.items();
                match (numbers.next()?, numbers.next()?) {
                    (Value::Integer(major), Value::Integer(minor)) => Some(Version::Program(major, minor)),
                    _ => None,
                }
            }
        }
    }

    /// Whether it is newer than what is known here.
    pub(super) fn is_newer(&self) -> bool {
        matches!(self, Version::Number(number) if *number > NEWEST)
    }

    /// In words.
    pub(super) fn describe(&self) -> String {
        match self {
            Version::Program(major, minor) => format!("mitmproxy {major}.{minor}"),
            Version::Number(number) => format!("mitmproxy, flow format {number}"),
        }
    }
}

/// Reads the flow in `octets`, a slice of the recording.
pub(super) fn read(octets: &[u8], index: u32, context: Context<'_>) -> Read {
    let mut read = Read { id: None, version: None, kind: Kind::Nothing, problems: Vec::new() };
    let Ok((flow, _)) = tnetstring::value(octets) else {
        read.problems.push("no typed netstring; left out".to_owned());
        return read;
    };
    let whole = tnetstring::is_whole(flow, context.limits.depth);
    if !whole {
        read.problems.push("broken inside, or nested too deep; kept what comes before that".to_owned());
    }
    read.id = identity(flow.member(&["id"]));
    read.version = Version::of(flow);
    let kind = flow.member(&["type"]).text();
    read.kind = match kind.as_deref() {
        Some("http") | None => match exchange(flow, index, whole, context, &mut read.problems) {
            Some(exchange) => Kind::Http(Box::new(exchange)),
            None => Kind::Nothing,
        },
        Some("websocket") => {
            Kind::WebSocketMessages { upgrade: identity(flow.member(&["metadata"]).member(&["websocket_handshake"])) }
        }
        Some(other) => Kind::Other(other.chars().filter(char::is_ascii_alphanumeric).take(16).collect()),
    };
    read
}

fn identity(value: Value<'_>) -> Option<Arc<str>> {
    value.text().map(|text| text.chars().take(64).collect::<String>().into())
}

fn exchange(
    flow: Value<'_>,
    index: u32,
    whole: bool,
    context: Context<'_>,
    problems: &mut Vec<String>,
) -> Option<Exchange> {
    let request = flow.member(&["request"]);
    let response = flow.member(&["response"]);
    if !matches!(request, Value::Dictionary(_)) {
        problems.push("has no request; left out".to_owned());
        return None;
    }
    if !matches!(flow.member(&["backup"]), Value::Null) {
        problems.push("was edited in mitmproxy; read as edited".to_owned());
    }
    let replayed = replayed(flow);
    if replayed == Some("request") {
        problems.push("was sent again by mitmproxy, not by the client".to_owned());
    }
    let request = request_of(request, whole, context, problems);
    let answer = match response {
        Value::Dictionary(_) => answer(response, &request.method, whole, context, problems),
        _ => Answer::NotRecorded,
    };
    let answer = match answer {
        // Where both are there, the answer had begun when the error came.
        Answer::NotRecorded => error(flow).map_or(Answer::NotRecorded, Answer::None),
        // mitmproxy gave it from a file.
        Answer::Received(response) => {
            Answer::Received(Response { from_cache: replayed == Some("response"), ..response })
        }
        none => none,
    };
    let answered = answer.response().is_some();
    Some(Exchange {
        capture: context.capture,
        at: At::Flow(index),
        sent_at: connection::time(flow.member(&["request"]).member(&["timestamp_start"])),
        answered_at: connection::time(response.member(&["timestamp_end"])).filter(|_| answered),
        connection: connection::of(flow),
        request,
        answer,
    })
}

/// Which half mitmproxy played itself. A member of that half until version 8.
fn replayed(flow: Value<'_>) -> Option<&'static str> {
    let own = flow.member(&["is_replay"]).octets();
    let half = |name: &str| flow.member(&[name]).member(&["is_replay"]) == Value::Bool(true);
    match own {
        Some(b"request") => Some("request"),
        Some(b"response") => Some("response"),
        _ if half("request") => Some("request"),
        _ if half("response") => Some("response"),
        _ => None,
    }
}

fn error(flow: Value<'_>) -> Option<String> {
    let error = flow.member(&["error"]);
    let message = error.member(&["msg"]).text()?;
    Some(message.chars().take(200).collect())
}

fn request_of(request: Value<'_>, whole: bool, context: Context<'_>, problems: &mut Vec<String>) -> Request {
    let text = |names: &[&str]| request.member(names).text().unwrap_or_default();
    let headers = headers("request", request, whole, context, problems);
    let method = text(&["method"]).into_owned();
    if method.is_empty() {
        problems.push("request has no method; kept without".to_owned());
    }
    let scheme = text(&["scheme"]).to_ascii_lowercase();
    let version = version(request);
    let authority = authority(request, &headers, &scheme, version.as_deref());
    let mut target = text(&["path"]).into_owned();
    if target.is_empty() && method == "CONNECT" {
        // RFC 9112, 3.2.3: the authority is the whole target.
        target.clone_from(&authority);
    }
    if let Some((at, _)) = target.char_indices().find(|(at, _)| *at >= context.limits.headers) {
        problems.push(format!("request target over the limit; kept the first {at} octets"));
        target.truncate(at);
    }
    let body = request_body(&headers, body(request, context));
    let authority = authority.into();
    Request { method: method.into(), scheme: scheme.into(), authority, target: target.into(), version, headers, body }
}

/// The host as the request names it; where it does not, the address that mitmproxy took from the absolute target.
fn authority(request: Value<'_>, headers: &Headers, scheme: &str, version: Option<&str>) -> String {
    let own = request.member(&["authority"]).text().filter(|authority| !authority.is_empty());
    let host = headers.get("host").or_else(|| headers.get(":authority")).filter(|host| !host.is_empty());
    let named = match version {
        // RFC 9113, 8.3.1: `:authority` comes before `Host`.
        Some("h2" | "h3") => own.as_deref().or(host),
        _ => host.or(own.as_deref()),
    };
    if let Some(named) = named {
        return named.to_owned();
    }
    let Some(host) = request.member(&["host"]).text().filter(|host| !host.is_empty()) else { return String::new() };
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.into_owned() };
    match (request.member(&["port"]), scheme) {
        (Value::Integer(80), "http") | (Value::Integer(443), "https") => host,
        (Value::Integer(port), _) => format!("{host}:{port}"),
        _ => host,
    }
}

/// `HTTP/1.1` since 0.14, `[1, 1]` before.
fn version(message: Value<'_>) -> Option<CompactString> {
    if let Some(text) = message.member(&["http_version"]).text() {
        return crate::decode::exchange::version(&text);
    }
    let mut numbers = message.member(&["httpversion"]).items();
    match (numbers.next()?, numbers.next()?) {
        (Value::Integer(major), Value::Integer(minor)) => {
            crate::decode::exchange::version(&format!("HTTP/{major}.{minor}"))
        }
        _ => None,
    }
}

fn answer(response: Value<'_>, method: &str, whole: bool, context: Context<'_>, problems: &mut Vec<String>) -> Answer {
    let status = response.member(&["status_code", "code"]).number();
    let Some(status) = status.filter(|status| (100.0..1000.0).contains(status)).map(|status| status as u16) else {
        let what = if status.is_none() { "response has no status" } else { "response has an impossible status" };
        problems.push(format!("{what}; kept without response"));
        return Answer::NotRecorded;
    };
    let headers = headers("response", response, whole, context, problems);
    let body = response_body(method, status, &headers, body(response, context));
    Answer::Received(Response { status, headers, body, from_cache: false })
}

/// The octets without transfer coding; null where mitmproxy passed them on without keeping them. `body` in 0.14 and 0.15.
fn body(message: Value<'_>, context: Context<'_>) -> Option<Bytes> {
    message.member(&["content", "body"]).octets().map(|octets| share(context.content, octets))
}

fn headers(whose: &str, message: Value<'_>, whole: bool, context: Context<'_>, problems: &mut Vec<String>) -> Headers {
    let list = message.member(&["headers"]);
    if !matches!(list, Value::List(_)) {
        problems.push(format!("{whose} headers are no list; kept without"));
        return Headers { list: Fields::default(), withheld: Withheld::Everything };
    }
    let mut pairs = Pairs::new(context.limits.headers);
    let mut no_pairs = 0;
    for pair in list.items() {
        let mut pair = pair.items();
        match (pair.next().and_then(Value::text), pair.next().and_then(Value::text)) {
            (Some(name), Some(value)) => pairs.push(&name, &value),
            _ => no_pairs += 1,
        }
    }
    let mut withheld = if whole { Withheld::Nothing } else { Withheld::Everything };
    if no_pairs > 0 {
        withheld = Withheld::Everything;
        problems.push(format!("{whose} headers hold {no_pairs} that are no pair of name and value; kept the others"));
    }
    if pairs.over_limit {
        withheld = Withheld::Everything;
        problems.push(format!("{whose} headers over the limit; kept the first {}", pairs.len()));
    }
    Headers { list: fields(pairs), withheld }
}
