//! Requests that a debugging tool's page sends through calls of its own backend: the message inside is the exchange.
//!
//! Known wrappers are unwrapped, so that a 401 of the server is a 401 and not the backend's 200. What a wrapper hides is
//! unknown, never absent.

use std::sync::Arc;

use compact_str::format_compact;
use serde::Deserialize;
use serde_json::Value as Json;
use url::Url;

use super::body::Body;
use super::exchange::{Answer, Exchange, Header, Headers, Response, Unknown, Withheld};
use crate::capture::limits::Limits;

/// Puts the message inside in the place of a known wrapper; everything else stays as it is.
pub(super) fn unwrap(exchange: &mut Exchange, limits: &Limits) {
    let path = exchange.request.target.split(['?', '#']).next().unwrap_or_default();
    if path.ends_with("/api/fetch") && exchange.request.method == "POST" {
        // Where the envelope is not whole, the call stays the backend's.
        let _ = unwrap_envelope(exchange, limits);
    } else if matches!(path, "/mcp" | "/sse") && exchange.request.target.contains("transportType=") {
        unwrap_query(exchange);
    }
}

/// MCP Inspector 2: `POST /api/fetch` with the request as JSON, answered with the response as JSON.
#[derive(Deserialize)]
struct Envelope {
    url: String,
    method: Option<String>,
    #[serde(default)]
    headers: serde_json::Map<String, Json>,
    body: Option<String>,
}

#[derive(Deserialize)]
struct EnvelopeAnswer {
    status: u16,
    #[serde(default)]
    headers: serde_json::Map<String, Json>,
    body: Option<String>,
}

fn unwrap_envelope(exchange: &mut Exchange, limits: &Limits) -> Option<()> {
    let text = exchange.request.body.text(limits).ok()??.into_owned();
    let envelope: Envelope = serde_json::from_str(&text).ok()?;
    let url = Url::parse(&envelope.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let answer = match &exchange.answer {
        Answer::Received(response) => match response.body.text(limits) {
            Ok(Some(text)) => inner_answer(&text),
            _ => Answer::NotRecorded,
        },
        // The backend did not answer; whether the server did is not known.
        _ => Answer::NotRecorded,
    };
    name_wrapper(exchange);
    point_to(exchange, &url);
    let request = &mut exchange.request;
    request.method = envelope.method.unwrap_or_else(|| "GET".to_owned()).to_ascii_uppercase().into();
    request.headers = headers(&envelope.headers);
    request.body = envelope.body.map_or_else(Body::none, Body::plain);
    request.version = None;
    exchange.answer = answer;
    Some(())
}

fn inner_answer(text: &str) -> Answer {
    let Ok(answer) = serde_json::from_str::<EnvelopeAnswer>(text) else { return Answer::NotRecorded };
    let body = match answer.body {
        Some(body) => Body::plain(body),
        // Streams are not handed on.
        None => Body::not_recorded(Unknown::BodyNotRecorded),
    };
    Answer::Received(Response { status: answer.status, headers: headers(&answer.headers), body, from_cache: false })
}

fn headers(members: &serde_json::Map<String, Json>) -> Headers {
    let list = members.iter().filter_map(|(name, value)| Some(Header { name, value: Some(value.as_str()?) }));
    Headers { list: list.collect(), withheld: Withheld::Nothing }
}

/// MCP Inspector before 2: the server's address in the query, the message in the body; the answer's headers are the
/// backend's own.
fn unwrap_query(exchange: &mut Exchange) {
    let query = exchange.request.target.split_once('?').map_or("", |(_, query)| query);
    let named = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "url");
    let Some(Ok(url)) = named.map(|(_, value)| Url::parse(&value)) else { return };
    if !matches!(url.scheme(), "http" | "https") {
        return;
    }
    name_wrapper(exchange);
    point_to(exchange, &url);
    if let Answer::Received(response) = &mut exchange.answer {
        response.headers.withheld = Withheld::Everything;
    }
}

/// Keeps the address of the backend.
fn name_wrapper(exchange: &mut Exchange) {
    let request = &exchange.request;
    let path = request.target.split(['?', '#']).next().unwrap_or_default();
    exchange.connection.wrapper = Some(Arc::from(format!("{}://{}{path}", request.scheme, request.authority)));
    // The connection is the one to the backend.
    exchange.connection.server = None;
}

fn point_to(exchange: &mut Exchange, url: &Url) {
    let request = &mut exchange.request;
    request.scheme = url.scheme().into();
    request.authority = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format_compact!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().into(),
    };
    request.target = match url.query() {
        Some(query) => format_compact!("{}?{query}", url.path()),
        None => url.path().into(),
    };
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{ReadOptions, read_content};
    use crate::evidence::CaptureId;

    /// A HAR with one request to the backend.
    fn read(url: &str, sent: &str, answered: &str) -> crate::decode::exchange::Exchange {
        let har = serde_json::json!({ "log": { "version": "1.2", "creator": { "name": "WebInspector", "version": "537.36" },
            "entries": [ { "startedDateTime": "2026-11-20T10:00:00Z", "time": 1, "request": { "method": "POST", "url": url,
                "httpVersion": "HTTP/1.1", "headers": [ { "name": "Host", "value": "localhost:6274" } ], "headersSize": -1,
                "postData": { "mimeType": "application/json", "text": sent } },
              "response": { "status": 200, "headers": [], "content": { "size": answered.len(), "text": answered } } } ] } });
        let content = bytes::Bytes::from(har.to_string());
        let (_, mut exchanges) = read_content(Path::new("x.har"), CaptureId(0), content, &ReadOptions::default());
        exchanges.remove(0)
    }

    #[test]
    fn the_message_inside_an_envelope_is_the_exchange() {
        let sent = r#"{"url":"https://as.example.com/token?x=1","method":"POST","headers":{"content-type":"application/x-www-form-urlencoded"},"body":"grant_type=authorization_code"}"#;
        let answered = r#"{"ok":false,"status":401,"statusText":"Unauthorized","headers":{"www-authenticate":"Bearer"},"body":"{}"}"#;
        let exchange = read("http://localhost:6274/api/fetch", sent, answered);
        assert_eq!(exchange.request.url(), "https://as.example.com/token?x=1");
        let response = exchange.answer.response();
        assert_eq!(response.map(|response| response.status), Some(401));
        assert_eq!(response.and_then(|response| response.headers.get("WWW-Authenticate")), Some("Bearer"));
        assert_eq!(exchange.connection.wrapper.as_deref(), Some("http://localhost:6274/api/fetch"));
    }

    #[test]
    fn what_is_no_envelope_stays() {
        let exchange = read("http://localhost:6274/api/fetch", r#"{"path":"/x"}"#, "{}");
        assert_eq!(exchange.request.url(), "http://localhost:6274/api/fetch");
    }

    #[test]
    fn the_address_in_the_query_is_the_server() {
        let url = "http://localhost:6277/mcp?url=http%3A%2F%2Flocalhost%3A3000%2Fmcp&transportType=streamable-http";
        let exchange = read(url, "{}", "{}");
        assert_eq!(exchange.request.url(), "http://localhost:3000/mcp");
    }
}
