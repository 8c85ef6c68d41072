//! A recording of one client at one server, as large as one asks for: calls that are answered as JSON and as streams,
//! preflights, refusals, refreshed tokens.

use std::fmt::Write;

const SERVER: &str = "https://mcp.example.test/mcp";
const ISSUER: &str = "https://as.example.test";

/// An entry as browsers write it.
struct Entry<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: Option<(&'a str, &'a str)>,
    status: u16,
    answer_headers: &'a [(&'a str, &'a str)],
    answer: (&'a str, &'a str),
}

fn write_entry(har: &mut String, at: usize, entry: &Entry<'_>) {
    let text = |value: &str| serde_json::to_string(value).expect("text is JSON");
    let headers = |list: &[(&str, &str)]| {
        let list = list.iter().map(|(name, value)| format!(r#"{{"name":"{name}","value":{}}}"#, text(value)));
        list.collect::<Vec<_>>().join(",")
    };
    let (minute, second, milli) = (at / 600 % 60, at / 10 % 60, at % 10 * 100);
    let body = entry.body.map_or_else(String::new, |(kind, body)| {
        format!(r#","postData":{{"mimeType":"{kind}","text":{}}}"#, text(body))
    });
    let comma = if at == 0 { "" } else { "," };
    write!(
        har,
        r#"{comma}{{"startedDateTime":"2026-11-20T10:{minute:02}:{second:02}.{milli:03}Z","time":40,"request":{{"method":"{}","url":"{}","httpVersion":"HTTP/1.1","headers":[{}],"headersSize":-1,"bodySize":0{body}}},"response":{{"status":{},"statusText":"","httpVersion":"HTTP/1.1","headers":[{}],"content":{{"size":1,"mimeType":"{}","text":{}}},"headersSize":-1,"bodySize":1}},"cache":{{}},"timings":{{"send":1,"wait":30,"receive":9}}}}"#,
        entry.method,
        entry.url,
        headers(entry.headers),
        entry.status,
        headers(entry.answer_headers),
        entry.answer.0,
        text(entry.answer.1),
    )
    .expect("strings take everything");
}

/// A login, then calls until there are so many exchanges.
pub(crate) fn recording(exchanges: usize) -> String {
    let mut har = String::from(r#"{"log":{"version":"1.2","creator":{"name":"bench","version":"1"},"entries":["#);
    let json = ("application/json", "");
    for at in 0..exchanges {
        let token = format!("Bearer token-{}", at / 500);
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":{at},"method":"tools/call","params":{{"name":"list_notes","arguments":{{"page":{at}}}}}}}"#
        );
        let result =
            format!(r#"{{"jsonrpc":"2.0","id":{at},"result":{{"content":[{{"type":"text","text":"note {at}"}}]}}}}"#);
        let stream = format!("id: {at}\ndata:\n\nevent: message\nid: {at}-1\ndata: {result}\n\n");
        let token_answer = format!(
            r#"{{"access_token":"token-{}","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-{at}"}}"#,
            (at + 1) / 500
        );
        let refresh = format!("grant_type=refresh_token&client_id=c1&refresh_token=refresh-{}", at.saturating_sub(500));
        let page = ("Origin", "https://app.example.test");
        let calls = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("Mcp-Session-Id", "session-1"),
            ("MCP-Protocol-Version", "2025-11-25"),
            page,
        ];
        let plain = Entry {
            method: "POST",
            url: SERVER,
            headers: &calls,
            body: Some(("application/json", &call)),
            status: 200,
            answer_headers: &[("Content-Type", "application/json")],
            answer: ("application/json", &result),
        };
        let entry = match at {
            0 => Entry {
                body: Some((
                    "application/json",
                    r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#,
                )),
                answer_headers: &[("Content-Type", "application/json"), ("Mcp-Session-Id", "session-1")],
                answer: (
                    "application/json",
                    r#"{"jsonrpc":"2.0","id":"i","result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#,
                ),
                ..plain
            },
            _ if at % 500 == 499 => Entry {
                url: &format!("{ISSUER}/token"),
                headers: &[("Content-Type", "application/x-www-form-urlencoded"), page],
                body: Some(("application/x-www-form-urlencoded", &refresh)),
                answer: ("application/json", &token_answer),
                ..plain
            },
            _ if at % 500 == 498 => Entry {
                status: 401,
                answer_headers: &[("WWW-Authenticate", r#"Bearer error="invalid_token""#)],
                answer: json,
                ..plain
            },
            _ if at % 3 == 1 => Entry {
                method: "OPTIONS",
                headers: &[
                    page,
                    ("Access-Control-Request-Method", "POST"),
                    ("Access-Control-Request-Headers", "authorization,mcp-session-id"),
                ],
                body: None,
                status: 204,
                answer_headers: &[("Access-Control-Allow-Origin", "*")],
                answer: ("x-unknown", ""),
                ..plain
            },
            _ if at % 2 == 0 => Entry {
                answer_headers: &[("Content-Type", "text/event-stream")],
                answer: ("text/event-stream", &stream),
                ..plain
            },
            _ => plain,
        };
        write_entry(&mut har, at, &entry);
    }
    har.push_str("]}}");
    har
}
