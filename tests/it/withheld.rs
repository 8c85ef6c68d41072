//! What a HAR says of credentials that its exporter may have removed (design, decision 3).

use std::path::Path;

use authtrail::decode::exchange::{Exchange, HeaderState, Unknown, Withheld};
use authtrail::decode::{CaptureFacts, ReadOptions, Sanitized, read_content};
use authtrail::evidence::CaptureId;
use serde_json::{Value, json};

use crate::walk::folder;

fn read(har: &Value) -> (CaptureFacts, Vec<Exchange>) {
    let content = serde_json::to_vec(har).unwrap();
    read_content(Path::new("test.har"), CaptureId(0), content.into(), &ReadOptions::default())
}

fn header(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

/// A request for `/mcp` with these headers besides `Host`. `size` is what `headersSize` is larger than the list.
fn entry(second: u32, method: &str, headers: &[Value], size: Option<i64>) -> Value {
    let mut list = vec![header("Host", "mcp.example.com")];
    list.extend_from_slice(headers);
    let text = |value: &Value| value.as_str().unwrap().len() as i64;
    let listed: i64 = list.iter().map(|header| text(&header["name"]) + text(&header["value"]) + 4).sum();
    let line = method.len() as i64 + " /mcp HTTP/1.1\r\n".len() as i64;
    json!({
        "startedDateTime": format!("2026-01-02T03:04:{second:02}.000Z"),
        "time": 1,
        "request": {
            "method": method, "url": "https://mcp.example.com/mcp", "httpVersion": "HTTP/1.1", "headers": list,
            "headersSize": size.map_or(-1, |size| line + listed + 2 + size),
        },
        "response": { "status": 401, "httpVersion": "HTTP/1.1", "headers": [header("Date", "x")], "headersSize": -1 },
    })
}

fn har(creator: &str, entries: Vec<Value>) -> Value {
    json!({ "log": { "entries": entries, "creator": { "name": creator, "version": "1" } } })
}

const REMOVED: HeaderState<'static> = HeaderState::Unknown(Unknown::RemovedByExporter);

fn check(har: &Value, sanitized: Sanitized, authorization: &[HeaderState<'_>]) {
    let (facts, exchanges) = read(har);
    let states: Vec<_> = exchanges.iter().map(|exchange| exchange.request.headers.state("authorization")).collect();
    assert_eq!((facts.sanitized, &states[..]), (sanitized, authorization), "{har}");
}

#[test]
fn a_recorder_that_never_removes_shows_absence() {
    let calls = |creator| har(creator, (0..3).map(|second| entry(second, "POST", &[], None)).collect());
    check(&calls("mitmproxy"), Sanitized::No, &[HeaderState::Absent; 3]);
    check(&calls("Playwright"), Sanitized::No, &[HeaderState::Absent; 3]);
    check(&calls("WebInspector"), Sanitized::Possible, &[REMOVED; 3]);
    check(&calls("some tool"), Sanitized::Possible, &[REMOVED; 3]);
}

#[test]
fn the_size_of_the_header_block_decides() {
    let calls = |sizes: &[i64]| {
        let entries = sizes.iter().enumerate().map(|(second, size)| entry(second as u32, "POST", &[], Some(*size)));
        har("WebInspector", entries.collect())
    };
    check(&calls(&[-2, -2, -2]), Sanitized::Possible, &[HeaderState::Absent; 3]);
    check(&calls(&[0, 0]), Sanitized::Possible, &[HeaderState::Absent; 2]);
    check(&calls(&[-2, 40, -2]), Sanitized::Yes, &[HeaderState::Absent, REMOVED, HeaderState::Absent]);
    // All of one size: it may be the constant, or the same line may be missing everywhere.
    check(&calls(&[40, 40, 40]), Sanitized::Possible, &[REMOVED; 3]);
    let (_, exchanges) = read(&calls(&[-2, 40]));
    assert_eq!(exchanges[1].request.headers.withheld, Withheld::CredentialsFor(42));
}

#[test]
fn a_mask_is_presence_and_proof() {
    let masked = entry(0, "POST", &[header("Authorization", "Bearer ***")], None);
    check(
        &har("some tool", vec![masked, entry(1, "POST", &[], None)]),
        Sanitized::Yes,
        &[HeaderState::Masked, REMOVED],
    );
}

#[test]
fn one_credential_in_the_file_shows_that_none_is_removed() {
    let cookie = entry(0, "GET", &[header("cookie", "a=b")], None);
    check(&har("WebInspector", vec![cookie, entry(1, "POST", &[], None)]), Sanitized::No, &[HeaderState::Absent; 2]);
}

#[test]
fn a_preflight_proves_presence_for_the_request_it_was_for() {
    let asked = [
        header("Origin", "https://app.example.com"),
        header("Access-Control-Request-Method", "POST"),
        header("Access-Control-Request-Headers", "content-type, Authorization"),
    ];
    let from = |origin: &str| [header("Origin", origin)];
    let entries = vec![
        entry(0, "POST", &from("https://app.example.com"), None),
        entry(9, "POST", &from("https://other.example.com"), None),
        entry(9, "POST", &from("https://app.example.com"), None),
        entry(9, "OPTIONS", &asked, None),
        entry(9, "GET", &from("https://app.example.com"), None),
    ];
    let states = [REMOVED, REMOVED, HeaderState::Masked, REMOVED, REMOVED];
    check(&har("WebInspector", entries.clone()), Sanitized::Yes, &states);
    // Where the file shows another `Authorization` its exporter removes none, and the list is believed.
    let mut entries = entries;
    entries.push(entry(10, "POST", &[header("Authorization", "Bearer x")], None));
    let mut states = [HeaderState::Absent; 6];
    states[5] = HeaderState::Present("Bearer x");
    check(&har("WebInspector", entries), Sanitized::No, &states);
}

#[test]
fn headers_of_a_request_that_never_went_out_are_not_all() {
    let mut blocked = entry(1, "POST", &[], None);
    blocked["request"]["headers"] = json!([header("Content-Type", "a/b")]);
    blocked["response"] = json!({ "status": 0, "headers": [], "_error": "net::ERR_FAILED" });
    let (_, exchanges) = read(&har("WebInspector", vec![entry(0, "GET", &[header("Cookie", "a=b")], None), blocked]));
    let headers = &exchanges[1].request.headers;
    assert_eq!(headers.state("content-type"), HeaderState::Present("a/b"));
    assert_eq!(headers.state("origin"), HeaderState::Unknown(Unknown::HeadersNotRecorded));
}

/// DevTools writes both exports from the same entries; the sanitized one lacks the lines and keeps their sizes.
#[test]
fn a_sanitized_export_never_contradicts_the_full_one() {
    let path = folder("samples/formats/chrome-devtools/chromium-156-with-sensitive-data.har");
    let full: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut sanitized = full.clone();
    let credential = |header: &Value| {
        let name = header["name"].as_str().unwrap().to_ascii_lowercase();
        ["authorization", "cookie", "set-cookie"].contains(&name.as_str())
    };
    for entry in sanitized["log"]["entries"].as_array_mut().unwrap() {
        entry["request"]["headers"].as_array_mut().unwrap().retain(|header| !credential(header));
        entry["response"]["headers"].as_array_mut().unwrap().retain(|header| !credential(header));
    }
    let ((full_facts, full), (facts, sanitized)) = (read(&full), read(&sanitized));
    assert_eq!((full_facts.sanitized, facts.sanitized), (Sanitized::No, Sanitized::Yes));
    assert_eq!(full.len(), sanitized.len());
    let mut removed = 0;
    for (full, sanitized) in full.iter().zip(&sanitized) {
        for name in ["authorization", "cookie"] {
            let pair = (full.request.headers.state(name), sanitized.request.headers.state(name));
            match pair {
                (HeaderState::Present(_), HeaderState::Unknown(_)) => removed += 1,
                (HeaderState::Absent, HeaderState::Absent | HeaderState::Unknown(_)) => {}
                (HeaderState::Unknown(_), HeaderState::Unknown(_)) => {}
                other => panic!("{:?} {name}: {other:?}", full.at),
            }
        }
        if let (Some(full), Some(sanitized)) = (full.answer.response(), sanitized.answer.response()) {
            let pair = (full.headers.state("set-cookie"), sanitized.headers.state("set-cookie"));
            let fits = matches!(pair, (HeaderState::Present(_), HeaderState::Unknown(_)));
            assert!(fits || pair == (HeaderState::Absent, HeaderState::Absent), "{:?}: {pair:?}", full_facts.path);
        }
    }
    assert!(removed > 10, "{removed}");
}
