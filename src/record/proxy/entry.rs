//! An exchange as an entry of a HAR.
//!
//! Beside the members of HAR 1.2 stands `_authtrail`: the exchange's number, how it ended where that was not well, what
//! the proxy changed, the times of events, what was not kept.

use std::borrow::Cow;

use base64::Engine;
use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use hyper::{HeaderMap, Version};
use serde_json::{Map, Value, json};

use super::exchange::{End, Exchange, Kept, Seen};
use crate::capture::limits::Limits;
use crate::decode::body::{Body, ContentCoding};

/// The entry.
pub(super) fn write(exchange: &Exchange, seen: &Seen) -> Bytes {
    let elapsed = seen.ended.as_ref().map_or_else(|| exchange.elapsed(), |(after, _)| *after);
    let wait = seen.response.as_ref().map_or(elapsed, |response| response.after);
    let mut entry = json!({
        "startedDateTime": exchange.started_at.to_rfc3339(),
        "time": milliseconds(elapsed),
        "request": request(exchange, seen),
        "response": response(seen),
        "cache": {},
        "timings": { "send": 0, "wait": milliseconds(wait), "receive": milliseconds(elapsed.saturating_sub(wait)) },
        "connection": exchange.connection.to_string(),
        "_authtrail": own(exchange, seen),
    });
    if let (Some(server), Some(entry)) = (seen.server, entry.as_object_mut()) {
        entry.insert("serverIPAddress".to_owned(), json!(server.ip().to_string()));
        entry.insert("_serverPort".to_owned(), json!(server.port()));
    }
    if let (Some((_, End::Broken(why))), None, Some(entry)) = (&seen.ended, &seen.response, entry.as_object_mut()) {
        entry.insert("_error".to_owned(), json!(why));
    }
    Bytes::from(entry.to_string())
}

fn milliseconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn request(exchange: &Exchange, seen: &Seen) -> Value {
    let head = &exchange.request;
    let mut request = json!({
        "method": head.method.as_str(),
        "url": head.url,
        "httpVersion": version(head.version),
        "cookies": [],
        "headers": headers(&head.headers),
        "queryString": [],
        "headersSize": -1,
        "bodySize": seen.request_body.passed,
    });
    let (text, encoding) = text(&seen.request_body, &head.headers);
    if seen.request_body.passed > 0
        && let Some(request) = request.as_object_mut()
    {
        let mut data = json!({ "mimeType": field(&head.headers, CONTENT_TYPE), "text": text });
        if let (Some(encoding), Some(data)) = (encoding, data.as_object_mut()) {
            data.insert("encoding".to_owned(), json!(encoding));
        }
        request.insert("postData".to_owned(), data);
    }
    request
}

fn response(seen: &Seen) -> Value {
    let Some(head) = &seen.response else {
        // HAR has no word for an answer that was not seen; browsers write it like this.
        return json!({
            "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
            "content": { "size": 0, "mimeType": "x-unknown" }, "redirectURL": "", "headersSize": -1, "bodySize": -1,
        });
    };
    let (text, encoding) = text(&seen.response_body, &head.headers);
    let mut content = json!({ "size": seen.response_body.passed, "mimeType": field(&head.headers, CONTENT_TYPE) });
    if let (true, Some(content)) = (seen.response_body.passed > 0, content.as_object_mut()) {
        content.insert("text".to_owned(), json!(text));
        if let Some(encoding) = encoding {
            content.insert("encoding".to_owned(), json!(encoding));
        }
    }
    json!({
        "status": head.status.as_u16(),
        "statusText": head.status.canonical_reason().unwrap_or_default(),
        "httpVersion": version(head.version),
        "cookies": [],
        "headers": headers(&head.headers),
        "content": content,
        "redirectURL": field(&head.headers, LOCATION),
        "headersSize": -1,
        "bodySize": seen.response_body.passed,
    })
}

/// What HAR has no member for.
fn own(exchange: &Exchange, seen: &Seen) -> Value {
    let mut own = Map::new();
    own.insert("exchange".to_owned(), json!(exchange.number));
    own.insert("client".to_owned(), json!(exchange.client.to_string()));
    let state = match &seen.ended {
        None => Some("open".to_owned()),
        Some((_, End::Whole)) => None,
        Some((_, End::Broken(why))) => Some(why.clone()),
        Some((_, End::Refused(why))) => {
            own.insert("refused".to_owned(), json!(why));
            None
        }
        Some((_, End::ClientGone)) => Some("the client closed the connection".to_owned()),
    };
    if let Some(state) = state {
        own.insert("ended".to_owned(), json!(state));
    }
    let cut = |kept: &Kept, ended: bool| {
        (kept.is_cut() || !ended).then_some(json!({
            "kept": kept.octets.len(), "passed": kept.passed, "ended": ended,
        }))
    };
    if let Some(cut) = cut(&seen.request_body, seen.request_body.whole) {
        own.insert("requestBody".to_owned(), cut);
    }
    if let (Some(_), Some(cut)) = (&seen.response, cut(&seen.response_body, seen.response_body.whole)) {
        own.insert("responseBody".to_owned(), cut);
    }
    if let Some(events) = &seen.response_body.events {
        let rounded = events.times.iter().map(|time| json!((time * 1e3).round() / 1e3)).collect();
        own.insert("eventTimes".to_owned(), Value::Array(rounded));
    }
    if !seen.changes.is_empty() {
        let changes = seen.changes.iter();
        let changes =
            changes.map(|change| json!({ "place": change.place, "here": change.here, "there": change.there }));
        own.insert("rewritten".to_owned(), changes.collect());
    }
    if !seen.kept_back.is_empty() {
        own.insert("keptBack".to_owned(), json!(seen.kept_back));
    }
    if let Some((from_client, from_server)) = seen.tunnel {
        own.insert("tunnel".to_owned(), json!({ "fromClient": from_client, "fromServer": from_server }));
    }
    Value::Object(own)
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

fn headers(headers: &HeaderMap) -> Value {
    let list =
        headers.iter().map(|(name, value)| json!({ "name": name.as_str(), "value": characters(value.as_bytes()) }));
    list.collect()
}

fn field(headers: &HeaderMap, name: hyper::header::HeaderName) -> String {
    headers.get(name).map(|value| characters(value.as_bytes()).into_owned()).unwrap_or_default()
}

/// A field value as text; octets that are no UTF-8 as characters of the same number (RFC 9110, 5.5: obs-text).
fn characters(value: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.iter().map(|octet| char::from(*octet)).collect()),
    }
}

/// What is kept of a body as text, content codings undone where that can be done; base64 of the octets where it is none.
fn text(kept: &Kept, headers: &HeaderMap) -> (String, Option<&'static str>) {
    let octets = &*kept.octets;
    let codings = ContentCoding::list(&field(headers, CONTENT_ENCODING));
    let decoded = if codings.is_empty() || kept.is_cut() {
        Cow::Borrowed(octets)
    } else {
        let body = Body::coded(Bytes::copy_from_slice(octets), codings);
        match body.octets(&Limits::default()) {
            Ok(Some(decoded)) => Cow::Owned(decoded.into_owned()),
            _ => Cow::Borrowed(octets),
        }
    };
    match std::str::from_utf8(&decoded) {
        Ok(text) => (text.to_owned(), None),
        // A text that was cut inside a character is still text.
        Err(error) if kept.is_cut() => {
            match std::str::from_utf8(decoded.get(..error.valid_up_to()).unwrap_or_default()) {
                Ok(text) if error.error_len().is_none() => (text.to_owned(), None),
                _ => (base64::engine::general_purpose::STANDARD.encode(&decoded), Some("base64")),
            }
        }
        Err(_) => (base64::engine::general_purpose::STANDARD.encode(&decoded), Some("base64")),
    }
}
