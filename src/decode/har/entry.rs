//! One entry of a HAR becomes one exchange.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;

use super::headers::List;
use super::model::{self, Object};
use super::recorder::Recorder;
use super::withheld::Measure;
use super::{mend, own, payload, time};
use crate::capture::limits::Limits;
use crate::decode::exchange::{self, Answer, Connection, Exchange, Fields, Headers, Request, Response, Withheld};
use crate::decode::fields::fields;
use crate::decode::url;
use crate::evidence::{At, CaptureId};

/// What the sizes of an entry say of its headers.
#[derive(Debug)]
pub(super) struct Measured {
    /// What `headersSize` says of the request.
    pub(super) request: Measure,
    /// What `headersSize` says of the response.
    pub(super) response: Measure,
}

/// What all entries of a file share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// The recording.
    pub(super) capture: CaptureId,
    /// Who wrote it.
    pub(super) recorder: Recorder,
    /// The limits.
    pub(super) limits: &'a Limits,
}

/// Reads the object in `json`, all of which is a slice of the recording: as it is, or mended. The messages say what is lost
/// and what was kept.
pub(super) fn read_whole(
    json: &Bytes,
    index: u32,
    context: Context<'_>,
) -> (Option<(Exchange, Measured)>, Vec<String>) {
    let mut problems = Vec::new();
    let error = match serde_json::from_slice(json) {
        Ok(entry) => return (read(&entry, json, index, context, &mut problems), problems),
        Err(error) => error,
    };
    if let Some((mended, what)) = mend::mend(json)
        && let Ok(entry) = serde_json::from_slice(&mended)
    {
        problems.push(format!("{what}; read with U+FFFD in their place"));
        return (read(&entry, &mended, index, context, &mut problems), problems);
    }
    let (line, column) = (error.line(), error.column());
    problems.push(format!("no JSON (line {line}, column {column} of the entry); left out"));
    (None, problems)
}

/// What an entry stands for. `content` is what it was read from, all of it. The problems say what is lost and what was
/// kept.
pub(super) fn read(
    entry: &model::Entry<'_>,
    content: &Bytes,
    index: u32,
    context: Context<'_>,
    problems: &mut Vec<String>,
) -> Option<(Exchange, Measured)> {
    let inside;
    let mut request = &entry.request;
    if request.url.given().is_none()
        && let Some(found) = request.post_data.0.and_then(|json| serde_json::from_str(json).ok())
    {
        // Some edited files hold the request one level too deep.
        inside = found;
        request = &inside;
    }
    let Some(address) = request.url.given() else {
        problems.push("request has no URL; left out".to_owned());
        return None;
    };
    let address = match address.char_indices().find(|(at, _)| *at >= context.limits.headers) {
        Some((at, _)) => {
            problems.push(format!("URL over the limit; kept the first {at} octets"));
            address.get(..at).unwrap_or_default()
        }
        None => address,
    };
    if let Some(why) = entry.own.refused.given() {
        // The proxy itself would have spoilt it: no exchange between client and server.
        problems.push(format!("not passed on by the recorder: {why}; left out"));
        return None;
    }
    let rewritings = own::rewritings(entry);
    let given = address;
    let address = &*own::undone(address, "request.url", &rewritings);
    let url = url::split(address);
    let headers = header_list("request", &request.headers, context, problems);
    let method = request.method.given().unwrap_or_default().to_owned();
    if method.is_empty() {
        problems.push("request has no method; kept without".to_owned());
    }
    let authority = if url.authority.is_empty() && url.scheme.is_empty() {
        headers.get(":authority").or_else(|| headers.get("host")).unwrap_or_default()
    } else {
        url.authority
    };
    let version = version(&request.version).or_else(|| version(&entry.response.version));
    let mut request_body = payload::of_request(request, &headers, content, context.recorder, context.limits);
    if entry.own.request_body.is_given() {
        request_body = own::as_far_as_it_came(request_body, &entry.own.request_body, &headers, context.limits);
    }
    let mut request_measure = Measure::default();
    if version.as_deref() == Some("http/1.1") {
        request_measure = Measure::of_request(&method, &url.target, address, &headers, request.headers_size.count());
    }
    let sent_at = time::sent_at(entry);
    let (answer, response_measure) = answer(entry, &method, content, context, problems);
    let answered_at = answer.response().and_then(|_| time::answered_at(entry, sent_at));
    let mut exchange = Exchange {
        capture: context.capture,
        at: At::Entry(index),
        sent_at,
        answered_at,
        connection: connection(entry, context.recorder),
        request: Request {
            authority: authority.into(),
            method: method.into(),
            scheme: url.scheme.into(),
            target: url.target.into(),
            version,
            headers,
            body: request_body,
        },
        answer,
    };
    own::undo(&mut exchange, url::split(given).authority, &rewritings, context.limits);
    Some((exchange, Measured { request: request_measure, response: response_measure }))
}

fn header_list(whose: &str, list: &List<'_>, context: Context<'_>, problems: &mut Vec<String>) -> Headers {
    let Some(pairs) = list.pairs(context.limits.headers) else {
        if matches!(list, List::Other) {
            problems.push(format!("{whose} headers are no list; kept without"));
        }
        return Headers { list: Fields::default(), withheld: Withheld::Everything };
    };
    let mut withheld = Withheld::Nothing;
    if pairs.over_limit {
        withheld = Withheld::Everything;
        problems.push(format!("{whose} headers over the limit; kept the first {}", pairs.len()));
    } else if pairs.len() == 0 && !context.recorder.lists_the_wire() {
        withheld = Withheld::Everything;
    }
    Headers { list: fields(pairs), withheld }
}

fn version(text: &model::Text<'_>) -> Option<CompactString> {
    exchange::version(text.given()?)
}

fn answer(
    entry: &model::Entry<'_>,
    method: &str,
    content: &Bytes,
    context: Context<'_>,
    problems: &mut Vec<String>,
) -> (Answer, Measure) {
    let response = &entry.response;
    let status = response.status.0;
    if !response.is_given() {
        problems.push("no response; kept without".to_owned());
        return (Answer::NotRecorded, Measure::default());
    }
    let Some(code) = status.filter(|status| (100.0..1000.0).contains(status)).map(|status| status as u16) else {
        if status.is_none_or(|status| status > 0.0) {
            let what = if status.is_none() { "response has no status" } else { "response has an impossible status" };
            problems.push(format!("{what}; kept without response"));
        }
        return (no_status(entry), Measure::default());
    };
    let mut headers = header_list("response", &response.headers, context, problems);
    if let Some(target) = response.redirect_url.given().filter(|_| headers.list.is_empty()) {
        // HAR 1.2: the target from the `Location` header; here all that is left of the list.
        headers.list.push("Location", Some(target));
    }
    let mut body = payload::of_response(method, code, entry, &headers, content, context.limits);
    if entry.own.response_body.is_given() {
        body = own::as_far_as_it_came(body, &entry.own.response_body, &headers, context.limits);
    }
    if entry.own.event_times.0.is_some() {
        body = body.with_event_times(own::event_times(entry, time::sent_at(entry), context.limits));
    }
    let cached = |text: &model::Text<'_>| text.given().is_some_and(|text| text != "false");
    // RFC 9110, 15.4.5: a 304 has no content; where one is recorded it is what the cache held.
    let from_cache = cached(&entry.from_cache)
        || cached(&entry.from_disk_cache)
        || cached(&response.fetched_from_cache)
        || entry.fetch_type.given().is_some_and(|kind| kind.contains("Cache"))
        || (code == 304 && body.len().is_some_and(|len| len > 0));
    let mut measure = Measure::default();
    if version(&response.version).as_deref() == Some("http/1.1") {
        measure = Measure::of_response(&response.status_text, &headers, response.headers_size.count());
    }
    (Answer::Received(Response { status: code, headers, body, from_cache }), measure)
}

/// Status 0 or -1, or none: did the recorder see that no answer came, or did it not see the answer?
fn no_status(entry: &model::Entry<'_>) -> Answer {
    let response = &entry.response;
    let word = [&response.error, &response.failure, &entry.error, &entry.blocked_reason];
    let word = word.into_iter().find_map(|word| word.given()).filter(|word| *word != "0");
    if let Some(word) = word {
        return Answer::None(word.chars().take(200).collect());
    }
    // Without a reason it may be a stream that is still open, a request that is still running, or one that was aborted:
    // browsers write all three alike, and Firefox a blocked one as well.
    Answer::NotRecorded
}

fn connection(entry: &model::Entry<'_>, recorder: Recorder) -> Connection {
    let id = entry.connection_id.given().filter(|id| *id != "0");
    let mut port = entry.server_port.count().and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
    let named = entry.connection.given().filter(|name| *name != "0");
    let of_server = named.is_some_and(|name| is_port_of(name, entry));
    if let Some(number) = named.and_then(|name| name.parse().ok())
        && (of_server || recorder == Recorder::Firefox || (recorder == Recorder::Chromium && id.is_some()))
    {
        port = number;
    }
    // Chromium wrote the connection's number there at first, later the server's port, which is a proxy's where there is
    // one: without `_connectionId` nothing tells them apart. Firefox writes the port.
    // Fiddler names both sides of itself: `ClientPort:1;EgressPort:2`.
    let by_name = named
        .and_then(|name| name.split(';').next())
        .filter(|_| !of_server && !matches!(recorder, Recorder::Chromium | Recorder::Firefox));
    let address = entry.server_address.given();
    let address: Option<IpAddr> =
        address.and_then(|address| address.trim_start_matches('[').trim_end_matches(']').parse().ok());
    Connection {
        id: id.or(by_name).map(Arc::from),
        client: entry.own.client.given().and_then(|address| address.parse().ok()),
        server: address.map(|address| SocketAddr::new(address, port)),
        page: entry.page.given().map(Arc::from),
        closed: None,
        wrapper: None,
    }
}

/// HAR 1.2 allows the server's port as the name of a connection, which then names none.
fn is_port_of(name: &str, entry: &model::Entry<'_>) -> bool {
    let url = url::split(entry.request.url.given().unwrap_or_default());
    let default = if url.scheme == "https" { "443" } else { "80" };
    let port = url.authority.rsplit_once(':').map_or(default, |(_, port)| port);
    name == port
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(json: &str, recorder: Recorder) -> (Exchange, Vec<String>) {
        let context = Context { capture: CaptureId(0), recorder, limits: &Limits::default() };
        let (read, problems) = read_whole(&Bytes::copy_from_slice(json.as_bytes()), 0, context);
        (read.unwrap().0, problems)
    }

    fn check_answer(response: &str, expected: &str) {
        let json = format!(r#"{{"request":{{"method":"GET","url":"http://h/"}},"response":{response}}}"#);
        let (exchange, _) = read_with(&json, Recorder::Other);
        let found = match &exchange.answer {
            Answer::Received(response) if response.from_cache => format!("{} from cache", response.status),
            Answer::Received(response) => response.status.to_string(),
            Answer::None(word) => format!("none: {word}"),
            Answer::NotRecorded => "not recorded".to_owned(),
        };
        assert_eq!(found, expected, "{response}");
    }

    #[test]
    fn answers() {
        check_answer(r#"{"status":"401"}"#, "401");
        check_answer(r#"{"status":0,"_error":"net::ERR_FAILED"}"#, "none: net::ERR_FAILED");
        check_answer(r#"{"status":-1,"_failureText":"net::ERR_ABORTED"}"#, "none: net::ERR_ABORTED");
        check_answer(r#"{"status":0,"_error":null}"#, "not recorded");
        check_answer(r#"{"status":200,"_error":"net::ERR_ABORTED"}"#, "200");
        check_answer(r#"{"status":304,"content":{"size":2,"text":"{}"}}"#, "304 from cache");
        check_answer(r#"{"status":304,"content":{"size":0}}"#, "304");
        check_answer(r#"{"status":200,"_fromDiskCache":true}"#, "200 from cache");
        check_answer("null", "not recorded");
    }

    #[test]
    fn versions() {
        for (recorded, expected) in [
            ("HTTP/1.1", Some("http/1.1")),
            ("http/2.0", Some("h2")),
            ("HTTP/2", Some("h2")),
            ("h3", Some("h3")),
            ("HTTP/3", Some("h3")),
            ("h3-29", Some("h3-29")),
            ("SPDY/3", Some("SPDY/3")),
            ("", None),
        ] {
            let found = version(&model::Text(Some(recorded.into())));
            assert_eq!(found.as_deref(), expected, "{recorded}");
        }
    }

    fn check_connection(members: &str, recorder: Recorder, id: Option<&str>, server: Option<&str>) {
        let json = format!(r#"{{"request":{{"method":"GET","url":"http://h:8080/"}},"response":{{}},{members}}}"#);
        let connection = read_with(&json, recorder).0.connection;
        let found = (connection.id.as_deref(), connection.server.map(|server| server.to_string()));
        assert_eq!(found, (id, server.map(str::to_owned)), "{members}");
    }

    #[test]
    fn connections_are_named_only_where_the_name_is_theirs() {
        let address = r#""serverIPAddress":"127.0.0.1","connection":"#;
        let (with_port, without) = (Some("127.0.0.1:8080"), Some("127.0.0.1:0"));
        check_connection(
            &format!(r#"{address}"8080","_connectionId":"12""#),
            Recorder::Chromium,
            Some("12"),
            with_port,
        );
        check_connection(&format!(r#"{address}"8080""#), Recorder::Chromium, None, with_port);
        check_connection(&format!(r#"{address}"29""#), Recorder::Chromium, None, without);
        check_connection(&format!(r#"{address}"3128""#), Recorder::Firefox, None, Some("127.0.0.1:3128"));
        check_connection(&format!(r#"{address}"8080""#), Recorder::Other, None, with_port);
        check_connection(&format!(r#"{address}29"#), Recorder::Other, Some("29"), without);
        check_connection(r#""serverIPAddress":"[::1]","_serverPort":8080"#, Recorder::Other, None, Some("[::1]:8080"));
        check_connection(r#""serverIPAddress":"","connection":"0""#, Recorder::Other, None, None);
    }
}
