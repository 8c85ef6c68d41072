//! The flow file and the HAR of the same run hold the same exchanges, apart from what a HAR of mitmproxy cannot hold.

use std::path::Path;

use authtrail::capture::limits::Limits;
use authtrail::decode::body::Body;
use authtrail::decode::exchange::{Answer, Exchange, Headers};
use authtrail::decode::{ReadOptions, read_all};

use crate::walk::folder;

#[test]
fn a_flow_file_and_the_har_of_the_same_run_are_equal() {
    let samples = [
        ("formats/mitmproxy-11/two-runs.mitm", 32),
        ("formats/mitmproxy-project/corrupted_gzip_body.mitm", 1),
        ("formats/mitmproxy-project/error_log.mitm", 2),
        ("formats/mitmproxy-project/event_stream.mitm", 2),
        ("formats/mitmproxy-project/incomplete_log.mitm", 4),
        ("formats/mitmproxy-project/successful_log.mitm", 2),
        ("formats/mitmproxy-project/websocket.mitm", 3),
        ("labelled/clean-2025-11-25-mitmproxy/session.flow", 23),
        ("labelled/resource-is-origin-only-mitmproxy/session.flow", 22),
    ];
    for (name, count) in samples {
        let path = folder("samples").join(name);
        let flows = read(&path);
        let mut entries = read(&path.with_extension("har"));
        // mitmproxy 11 lists an answer that broke off twice when it reads flows from a file.
        entries.dedup_by(|one, other| one.sent_at == other.sent_at && one.request.target == other.request.target);
        assert_eq!((flows.len(), entries.len()), (count, count), "{name}");
        for (flow, entry) in flows.iter().zip(&entries) {
            let place = format!("{name}, {:?}", flow.at);
            assert_eq!(request_of(flow), request_of(entry), "{place}");
            check_bodies(flow, entry, &place);
            check_answers(flow, entry, &place);
            check_surroundings(flow, entry, &place);
        }
    }
}

#[test]
fn what_curl_prints_is_the_same_in_every_form() {
    let texts = ["trace.txt", "trace-ascii.txt", "verbose-redirected.txt", "verbose-terminal.txt"];
    let read: Vec<_> = texts.iter().map(|name| read(&folder("samples/formats/curl").join(name))).collect();
    let trace = &read[0];
    for (name, other) in texts.iter().zip(&read) {
        for (one, other) in trace.iter().zip(&other[..trace.len()]) {
            let place = format!("{name}, {:?}", other.at);
            assert_eq!(request_of(one), request_of(other), "{place}");
            let (Some(answer), Some(other_answer)) = (one.answer.response(), other.answer.response()) else {
                panic!("{place}: no answer");
            };
            assert_eq!(answer.status, other_answer.status, "{place}");
            // What one form holds of a body no other contradicts.
            for (body, other) in [(&one.request.body, &other.request.body), (&answer.body, &other_answer.body)] {
                if let (Ok(body), Ok(other)) = (body.octets(&Limits::default()), other.octets(&Limits::default())) {
                    // `-v` prints an event stream, whose last line ends are then those of the text.
                    let trimmed =
                        |body: Option<std::borrow::Cow<'_, [u8]>>| body.map(|it| it.trim_ascii_end().to_vec());
                    assert_eq!(trimmed(body), trimmed(other), "{place}");
                }
            }
        }
    }
}

fn read(path: &Path) -> Vec<Exchange> {
    let decoded = read_all(&[path.to_owned()], &ReadOptions::default());
    assert!(decoded.captures.iter().all(|facts| facts.usable && facts.complete), "{}", path.display());
    decoded.exchanges
}

/// All of a request but its body. A HAR leaves the default port out.
fn request_of(exchange: &Exchange) -> (String, String, String, Option<String>, Vec<(String, String)>) {
    let request = &exchange.request;
    let default = if request.scheme == "https" { ":443" } else { ":80" };
    let authority = request.authority.strip_suffix(default).unwrap_or(&request.authority);
    let url = format!("{}://{authority}", request.scheme);
    let version = request.version.as_ref().map(ToString::to_string);
    (request.method.to_string(), url, request.target.to_string(), version, fields(&request.headers))
}

fn fields(headers: &Headers) -> Vec<(String, String)> {
    let value = |value: Option<&str>| value.expect("mitmproxy masks nothing").to_owned();
    headers.list.iter().map(|header| (header.name.to_owned(), value(header.value))).collect()
}

/// A HAR of mitmproxy has request bodies with three methods only.
fn check_bodies(flow: &Exchange, entry: &Exchange, place: &str) {
    if matches!(flow.request.method.as_str(), "POST" | "PUT" | "PATCH") {
        same_body(&flow.request.body, &entry.request.body, &flow.request.headers, place);
    }
}

fn check_answers(flow: &Exchange, entry: &Exchange, place: &str) {
    match (&flow.answer, &entry.answer) {
        (Answer::Received(flow), Answer::Received(entry)) => {
            assert_eq!((flow.status, flow.from_cache), (entry.status, entry.from_cache), "{place}");
            assert_eq!(fields(&flow.headers), fields(&entry.headers), "{place}");
            assert_eq!(flow.headers.withheld, entry.headers.withheld, "{place}");
            same_body(&flow.body, &entry.body, &flow.headers, place);
        }
        (Answer::None(flow), Answer::None(entry)) => assert_eq!(flow, entry, "{place}"),
        (Answer::NotRecorded, Answer::NotRecorded) => {}
        (flow, entry) => panic!("{place}: {flow:?} and {entry:?}"),
    }
}

/// A HAR holds an empty text for a stream that was not kept as for an empty one.
fn same_body(flow: &Body, entry: &Body, headers: &Headers, place: &str) {
    let limits = Limits::default();
    let (Ok(flow), Ok(entry)) = (flow.octets(&limits), entry.octets(&limits)) else {
        // What one holds the other must not call absent.
        let known = [flow, entry].map(|body| body.octets(&limits).ok().flatten().map(|octets| octets.len()));
        let is_stream = headers.get("content-type").is_some_and(|value| value.starts_with("text/event-stream"));
        assert!(is_stream || known.iter().all(|known| known.is_none()) || unreadable(flow), "{place}: {known:?}");
        return;
    };
    assert!(flow == entry, "{place}: bodies differ");
}

/// mitmproxy writes the octets that it could not decode into a HAR as they are.
fn unreadable(body: &Body) -> bool {
    body.octets(&Limits::default()).err() == Some(authtrail::decode::exchange::Unknown::BodyUnreadable)
}

fn check_surroundings(flow: &Exchange, entry: &Exchange, place: &str) {
    assert_eq!(flow.sent_at, entry.sent_at, "{place}");
    assert_eq!(flow.request.headers.withheld, entry.request.headers.withheld, "{place}");
    assert_eq!(
        flow.connection.server.map(|address| address.ip()),
        entry.connection.server.map(|address| address.ip()),
        "{place}"
    );
    // mitmproxy adds the time of connecting, which lies before the request, to that of the answer.
    if let (Some(flow), Some(entry)) = (flow.answered_at, entry.answered_at) {
        assert!(flow.0 <= entry.0 + 1, "{place}: {flow:?} and {entry:?}");
    }
}
