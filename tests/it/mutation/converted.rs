//! A recording of another format as entries of a HAR, so that there is one way to break things.

use authtrail::capture::limits::Limits;
use authtrail::decode::body::Body;
use authtrail::decode::exchange::{Exchange, Headers};
use serde_json::{Value, json};

/// An exchange as an entry.
pub(super) fn entry(exchange: &Exchange) -> Value {
    let sent = exchange.sent_at.expect("a recording with a clock");
    let answered = exchange.answered_at.unwrap_or(sent);
    let connection = &exchange.connection;
    let request = &exchange.request;
    let posted = text(&request.body);
    let response = exchange.answer.response();
    let kind = |headers: &Headers| headers.get("content-type").unwrap_or_default().to_owned();
    json!({
        "startedDateTime": sent.to_rfc3339(),
        "time": answered.seconds_since(sent) * 1000.0,
        "timings": { "send": 0.0, "wait": answered.seconds_since(sent) * 1000.0, "receive": 0.0 },
        "connection": connection.id.as_deref().map(|id| format!("connection {id}")),
        "serverIPAddress": connection.server.map(|address| address.ip().to_string()),
        "_serverPort": connection.server.map(|address| address.port()),
        "request": {
            "method": request.method.as_str(),
            "url": request.url(),
            "httpVersion": "HTTP/1.1",
            "headers": headers(&request.headers),
            "postData": posted.map(|text| json!({ "mimeType": kind(&request.headers), "text": text })),
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": response.map(|response| json!({
            "status": response.status,
            "httpVersion": "HTTP/1.1",
            "headers": headers(&response.headers),
            "content": { "mimeType": kind(&response.headers), "text": text(&response.body).unwrap_or_default() },
            "headersSize": -1,
            "bodySize": -1,
        })),
    })
}

fn headers(list: &Headers) -> Value {
    list.list.iter().map(|header| json!({ "name": header.name, "value": header.value.expect("no mask") })).collect()
}

fn text(body: &Body) -> Option<String> {
    body.text(&Limits::default()).ok().flatten().map(|text| text.to_string())
}
