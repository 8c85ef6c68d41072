//! The JSON lines of mcp-debug-proxy: one line for a request, one for its answer, tied by `exchange_id`.
//!
//! The tool masks tokens, codes and verifiers in what it writes, and puts addresses of its own into metadata and challenges
//! before it passes them on. What it changed is not what was on the wire, so it is unknown here and never compared.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::body::Body;
use super::exchange::{Answer, Connection, Exchange, Fields, Headers, Request, Response, Unknown, Withheld};
use super::fields::{Pairs, fields};
use super::format::{Problems, Reading};
use super::message::{line, response_body};
use super::{ReadOptions, Sanitized, url};
use crate::evidence::{At, CaptureId, Timestamp};

/// Octets in which the first line is looked for.
const PROLOGUE: usize = 1024;

/// What the tool writes in the place of a secret.
const MASK: &str = "***MASKED***";

/// Whether these are lines of mcp-debug-proxy.
pub(super) fn recognise(content: &[u8]) -> bool {
    let prologue = content.get(..content.len().min(PROLOGUE)).unwrap_or_default();
    let has = |key: &[u8]| memchr::memmem::find(prologue, key).is_some();
    prologue.starts_with(b"{\"dir\":") && has(b"\"kind\":") && has(b"\"exchange_id\":")
}

/// Reads the lines.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let mut problems = Problems::new(options);
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut open: HashMap<u64, usize> = HashMap::new();
    let own = own_origins(content);
    let (mut rest, mut number, mut complete) = (&**content, 0u32, true);
    while let Some((text, after)) = line(rest) {
        let is_last = after.is_empty() && !rest.ends_with(b"\n");
        (rest, number) = (after, number.saturating_add(1));
        let at = || Some(format!("line {number}"));
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let Ok(Value::Object(record)) = serde_json::from_slice(text) else {
            complete &= !is_last;
            problems.say(at(), if is_last { "cut off; left out" } else { "no JSON object; left out" });
            continue;
        };
        let id = record.get("exchange_id").and_then(Value::as_u64).unwrap_or_default();
        match text_of(&record, "dir") {
            "request" if exchanges.len() >= options.limits.exchanges => {
                problems.say(None, "more requests than the limit; the rest is left out");
                complete = false;
                break;
            }
            "request" => {
                open.insert(id, exchanges.len());
                exchanges.push(request(&record, number, capture, &own, options));
            }
            "response" => match open.remove(&id).and_then(|place| exchanges.get_mut(place)) {
                Some(exchange) => answer(exchange, &record, &own, options),
                None => problems.say(at(), "an answer without its request; left out"),
            },
            _ => problems.say(at(), "neither request nor answer; left out"),
        }
    }
    if !own.is_empty() {
        let message = "the tool put its own addresses into answers; what holds them is not read";
        problems.say(None, message);
    }
    let reading = Reading::new(exchanges, Sanitized::Yes, complete, problems);
    Reading { creator: Some("mcp-debug-proxy".to_owned()), ..reading }
}

/// The origins under which the tool stands for others: `ORIGIN/_up/HOST/...`.
fn own_origins(content: &[u8]) -> BTreeSet<String> {
    let mut origins = BTreeSet::new();
    for at in memchr::memmem::find_iter(content, b"/_up/") {
        let before = content.get(at.saturating_sub(256)..at).unwrap_or_default();
        let before = String::from_utf8_lossy(before);
        let start = before.rfind("https://").max(before.rfind("http://"));
        let origin = start.and_then(|start| before.get(start..)).unwrap_or_default();
        if origin.matches('/').count() == 2 && origins.len() < 16 {
            origins.insert(origin.to_owned());
        }
    }
    origins
}

fn text_of<'a>(record: &'a Map<String, Value>, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Seconds since 1970.
fn time(record: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    let seconds = record.get(name)?.as_f64().filter(|seconds| *seconds > 0.0 && *seconds < 3.2e11)?;
    let microseconds = (seconds.fract() * 1e6).round() as i64;
    Some(Timestamp((seconds.trunc() as i64).saturating_mul(1_000_000).saturating_add(microseconds)))
}

fn headers(record: &Map<String, Value>, own: &BTreeSet<String>, options: &ReadOptions) -> Headers {
    let Some(Value::Object(map)) = record.get("headers") else {
        return Headers { list: Fields::default(), withheld: Withheld::Everything };
    };
    let mut pairs = Pairs::new(options.limits.headers);
    for (name, value) in map {
        pairs.push(name, value.as_str().unwrap_or_default());
    }
    let withheld = if pairs.over_limit { Withheld::Everything } else { Withheld::Nothing };
    let mut list = fields(pairs);
    list.mask(|header| header.value.is_some_and(|value| own.iter().any(|it| value.contains(it))));
    Headers { list, withheld }
}

fn request(
    record: &Map<String, Value>,
    number: u32,
    capture: CaptureId,
    own: &BTreeSet<String>,
    options: &ReadOptions,
) -> Exchange {
    let url = url::split(text_of(record, "url"));
    let mut headers = headers(record, own, options);
    // The tool leaves out what belongs to one hop, and `Host`, which every request has (RFC 9110, 7.2).
    headers.list.push("host", None);
    let method = text_of(record, "method").to_owned();
    let body = match record.get("form") {
        Some(Value::Object(form)) if !has_mask(record.get("form")) => {
            let pairs = form.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
            Body::plain(url::form(pairs))
        }
        // Of JSON-RPC only the method and the id are kept.
        _ if matches!(method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS") && !has_content(record) => Body::none(),
        _ => Body::not_recorded(Unknown::BodyNotRecorded),
    };
    Exchange {
        capture,
        at: At::Item { word: "line", number },
        sent_at: time(record, "started"),
        answered_at: None,
        connection: Connection::default(),
        request: Request {
            authority: url.authority.into(),
            target: url.target.into(),
            scheme: url.scheme.into(),
            method: method.into(),
            version: None,
            headers,
            body,
        },
        answer: Answer::NotRecorded,
    }
}

fn has_content(record: &Map<String, Value>) -> bool {
    ["form", "jsonrpc"].iter().any(|name| record.get(*name).is_some_and(|value| !value.is_null()))
}

fn has_mask(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.to_string().contains(MASK))
}

fn answer(exchange: &mut Exchange, record: &Map<String, Value>, own: &BTreeSet<String>, options: &ReadOptions) {
    if text_of(record, "kind") == "proxy_error" {
        exchange.answer = Answer::None(text_of(record, "error").chars().take(200).collect());
        return;
    }
    let status = record.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let Some(status) = status.filter(|status| (100..1000).contains(status)) else { return };
    let headers = headers(record, own, options);
    let flag = |name: &str| record.get(name).and_then(Value::as_bool).unwrap_or(false);
    let is_stream = flag("stream");
    let text = record.get(if is_stream { "raw" } else { "body_text" });
    let changed = |text: &str| text.contains(MASK) || own.iter().any(|origin| text.contains(origin));
    let body = match text {
        Some(Value::String(text)) if changed(text) => Body::not_recorded(Unknown::BodyNotRecorded),
        // A stream that is cut still means what came.
        Some(Value::String(_)) if flag("body_text_truncated") => Body::not_recorded(Unknown::BodyUnreadable),
        Some(Value::String(text)) => {
            let octets = Some(Bytes::copy_from_slice(text.as_bytes()));
            response_body(&exchange.request.method, status, &headers, octets)
        }
        Some(Value::Null) => response_body(&exchange.request.method, status, &headers, Some(Bytes::new())),
        _ => response_body(&exchange.request.method, status, &headers, None),
    };
    exchange.answered_at = time(record, "ended");
    exchange.answer = Answer::Received(Response { status, headers, body, from_cache: false });
}
