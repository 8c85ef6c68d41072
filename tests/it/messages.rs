//! Messages, events, eras and revisions: what `trail` reads from small recordings.

use authtrail::decode::body::Body;
use authtrail::decode::exchange::{Answer, Connection, Exchange, Header, Headers, Request, Response};
use authtrail::evidence::{At, CaptureId, Timestamp};
use authtrail::trail::record::{Bound, Record, State, Value};
use authtrail::trail::schema::{Binding, Field, Kind};
use authtrail::trail::{BuildOptions, Trail, build};

const SERVER: &str = "/mcp";
const JSON: &str = "application/json";
const STREAM: &str = "text/event-stream";

/// One exchange of a client with one server.
struct Step<'a> {
    method: &'a str,
    target: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
    status: u16,
    answer_headers: &'a [(&'a str, &'a str)],
    answer: (&'a str, &'a str),
    /// Seconds from when it is sent to its answer.
    takes: i64,
}

/// A POST of a message that is answered.
fn post<'a>(body: &'a str, status: u16, answer: (&'a str, &'a str)) -> Step<'a> {
    Step { method: "POST", target: SERVER, headers: &[], body, status, answer_headers: &[], answer, takes: 1 }
}

fn headers(list: &[(&str, &str)], content_type: &str) -> Headers {
    let own = Some(("content-type", content_type)).filter(|(_, value)| !value.is_empty());
    let list = list.iter().copied().chain(own);
    let list = list.map(|(name, value)| Header { name, value: Some(value) });
    Headers { list: list.collect(), ..Headers::default() }
}

fn body(text: &str) -> Body {
    if text.is_empty() { Body::none() } else { Body::plain(text.as_bytes().to_vec()) }
}

fn exchange(at: usize, step: &Step<'_>) -> Exchange {
    let sent = at as i64 * 10_000_000;
    Exchange {
        capture: CaptureId(0),
        at: At::Entry(at as u32),
        sent_at: Some(Timestamp(sent)),
        answered_at: Some(Timestamp(sent + step.takes * 1_000_000)),
        connection: Connection { id: Some("1".into()), ..Connection::default() },
        request: Request {
            method: step.method.into(),
            scheme: "https".into(),
            authority: "mcp.example".into(),
            target: step.target.into(),
            version: None,
            headers: headers(step.headers, if step.body.is_empty() { "" } else { JSON }),
            body: body(step.body),
        },
        answer: Answer::Received(Response {
            status: step.status,
            headers: headers(step.answer_headers, step.answer.0),
            body: body(step.answer.1),
            from_cache: false,
        }),
    }
}

/// The only trail of some steps.
fn trail(steps: &[Step<'_>]) -> Trail {
    let exchanges = steps.iter().enumerate().map(|(at, step)| exchange(at, step)).collect();
    let mut incident = build(exchanges, &[], &BuildOptions::default());
    assert_eq!(incident.trails.len(), 1, "one client at one server");
    incident.trails.remove(0)
}

fn records(trail: &Trail, kind: Kind) -> Vec<&Record> {
    trail.of_kind(kind).map(|(_, record)| record).collect()
}

/// The texts of a field, one a record.
fn texts(trail: &Trail, kind: Kind, field: Field) -> Vec<String> {
    let text = |record: &&Record| match record.state(field) {
        State::Present(Value::Text(text)) => text.to_string(),
        State::Present(Value::Number(number)) => number.to_string(),
        State::Present(Value::Flag(flag)) => flag.to_string(),
        State::Present(Value::List(items)) => items.join(" "),
        State::Absent => "-".to_owned(),
        State::Unread(_) => "unread".to_owned(),
        State::Unknown(_) => "?".to_owned(),
    };
    records(trail, kind).iter().map(text).collect()
}

/// Where a binding leads, as places among the records of its kind: `-` none, `?` unknown.
fn bounds(trail: &Trail, kind: Kind, binding: Binding) -> Vec<String> {
    let place = |record: &&Record| match record.bound(binding) {
        Bound::Found(id) => {
            let to = trail.record(id).expect("a record").kind;
            trail.of_kind(to).position(|(other, _)| other == id).expect("of its kind").to_string()
        }
        Bound::None(_) => "-".to_owned(),
        Bound::Unknown(_) => "?".to_owned(),
    };
    records(trail, kind).iter().map(place).collect()
}

fn revisions(trail: &Trail) -> Vec<(String, &'static str, u32)> {
    let names = |stretch: &authtrail::trail::Stretch| {
        let names: Vec<_> = stretch.candidates.iter().map(|revision| revision.name()).collect();
        names.join(" ")
    };
    trail.stretches.iter().map(|stretch| (names(stretch), stretch.by, stretch.from.0)).collect()
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"roots":{}},"clientInfo":{"name":"c"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const RESULT: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s"}}}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const TOOLS: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#;

#[test]
fn messages_are_paired_by_typed_ids() {
    let wrong_type = r#"{"jsonrpc":"2.0","id":"2","result":{}}"#;
    let call = r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;
    let trail = trail(&[
        post(INITIALIZE, 200, (JSON, RESULT)),
        post(INITIALIZED, 202, ("", "")),
        post(LIST, 200, (JSON, TOOLS)),
        post(call, 200, (JSON, wrong_type)),
    ]);
    let client = Kind::ClientMessage;
    assert_eq!(texts(&trail, client, Field::Sort), ["request", "notification", "request", "request"]);
    assert_eq!(texts(&trail, client, Field::MessageId), ["0", "-", "1", "2"]);
    assert_eq!(bounds(&trail, client, Binding::Response), ["0", "-", "1", "-"]);
    assert_eq!(bounds(&trail, Kind::ServerMessage, Binding::Request), ["0", "2", "-"]);
    assert_eq!(bounds(&trail, client, Binding::InitializeResult), ["0", "0", "0", "0"]);
    assert_eq!(bounds(&trail, client, Binding::Initialized), ["1", "1", "1", "1"]);
    assert_eq!(texts(&trail, client, Field::NeededCapability), ["-", "-", "tools", "-"]);
    let negotiated = texts(&trail, Kind::McpExchange, Field::NegotiatedVersion);
    assert_eq!(negotiated, ["-", "2025-06-18", "2025-06-18", "2025-06-18"]);
    assert_eq!(revisions(&trail), [("2025-06-18".to_owned(), "initialize-result", 0)]);
}

#[test]
fn the_same_request_after_a_refusal_is_no_second_use_of_its_id() {
    let other = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let trail = trail(&[
        post(INITIALIZE, 200, (JSON, RESULT)),
        post(LIST, 401, ("", "")),
        post(LIST, 200, (JSON, TOOLS)),
        post(other, 200, (JSON, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)),
        post(INITIALIZE, 200, (JSON, RESULT)),
        post(LIST, 200, (JSON, TOOLS)),
    ]);
    let earlier = bounds(&trail, Kind::ClientMessage, Binding::EarlierSameId);
    assert_eq!(earlier, ["-", "-", "-", "2", "-", "-"]);
    assert_eq!(bounds(&trail, Kind::ClientMessage, Binding::Retry)[1], "2");
}

#[test]
fn an_id_is_outstanding_until_its_exchange_ends() {
    let slow = Step { takes: 15, ..post(LIST, 200, (JSON, TOOLS)) };
    let trail = trail(&[slow, post(LIST, 200, (JSON, TOOLS)), post(LIST, 200, (JSON, TOOLS))]);
    assert_eq!(bounds(&trail, Kind::ClientMessage, Binding::OutstandingSameId), ["-", "0", "-"]);
}

#[test]
fn batches_say_what_stands_in_them() {
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":7,"result":{}}]"#;
    let trail =
        trail(&[post(batch, 200, (JSON, r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#)), post("[]", 400, ("", ""))]);
    assert_eq!(texts(&trail, Kind::ClientMessage, Field::BatchKinds), ["request result", "request result"]);
    assert_eq!(texts(&trail, Kind::ServerMessage, Field::BatchSize), ["1"]);
    assert_eq!(texts(&trail, Kind::McpExchange, Field::BatchSize), ["2", "0"]);
    assert_eq!(revisions(&trail), [("2025-03-26".to_owned(), "batch", 0)]);
}

#[test]
fn events_keep_their_ids_and_a_redelivery_is_no_second_use() {
    let get = |headers, answer| Step { method: "GET", headers, body: "", ..post("", 200, (STREAM, answer)) };
    let first =
        "id: a\ndata:\n\nretry: 3000\nid: b\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";
    let again = "id: b\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";
    let session: &[(&str, &str)] = &[("mcp-session-id", "s1")];
    let resumes: &[(&str, &str)] = &[("mcp-session-id", "s1"), ("last-event-id", "a")];
    let opens = Step { answer_headers: session, ..post(INITIALIZE, 200, (JSON, RESULT)) };
    let trail = trail(&[opens, get(session, first), get(resumes, again), get(session, again)]);
    let events = Kind::ServerEvent;
    assert_eq!(texts(&trail, events, Field::EventId), ["a", "b", "b", "b"]);
    assert_eq!(texts(&trail, events, Field::DataEmpty), ["true", "false", "false", "false"]);
    assert_eq!(texts(&trail, events, Field::Retry), ["-", "3000", "-", "-"]);
    assert_eq!(bounds(&trail, events, Binding::EarlierSameEventId), ["-", "-", "-", "2"]);
    assert_eq!(bounds(&trail, Kind::McpExchange, Binding::ResumedStream), ["-", "-", "1", "-"]);
    assert_eq!(texts(&trail, Kind::McpExchange, Field::ReconnectDelay)[2], "9000");
    assert_eq!(bounds(&trail, events, Binding::Session), ["0", "0", "0", "0"]);
}

#[test]
fn the_old_transport_is_one_trail_and_answers_come_on_the_stream() {
    let stream =
        format!("event: endpoint\ndata: /messages?sessionId=9\n\nevent: message\ndata: {RESULT}\n\ndata: {TOOLS}\n\n");
    let to = |body| Step { target: "/messages?sessionId=9", ..post(body, 202, ("", "")) };
    let trail = trail(&[
        Step { target: "/sse", ..post(INITIALIZE, 405, ("", "")) },
        Step { method: "GET", target: "/sse", body: "", takes: 90, ..post("", 200, (STREAM, &stream)) },
        to(INITIALIZE),
        to(LIST),
    ]);
    let exchange = Kind::McpExchange;
    assert_eq!(trail.server, "https://mcp.example/sse");
    assert_eq!(texts(&trail, exchange, Field::Era), ["streamable", "http+sse", "http+sse", "http+sse"]);
    let announced = "https://mcp.example/messages?sessionId=9";
    assert_eq!(texts(&trail, exchange, Field::AnnouncedUri), ["-", announced, "-", "-"]);
    assert_eq!(bounds(&trail, exchange, Binding::Stream), ["-", "-", "1", "1"]);
    assert_eq!(texts(&trail, exchange, Field::PostedBeforeStream), ["-", "-", "true", "true"]);
    assert_eq!(bounds(&trail, exchange, Binding::Previous), ["-", "0", "1", "2"]);
    assert_eq!(texts(&trail, Kind::ServerMessage, Field::Via), ["get-stream", "get-stream"]);
    assert_eq!(bounds(&trail, Kind::ServerMessage, Binding::Request), ["1", "2"]);
    assert_eq!(bounds(&trail, Kind::ClientMessage, Binding::Response), ["-", "0", "1"]);
    assert_eq!(
        revisions(&trail).last().map(|(name, by, _)| (name.as_str(), *by)),
        Some(("2025-06-18", "initialize-result"))
    );
}

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}}}"#;

#[test]
fn mirrored_headers_are_held_against_the_annotations() {
    let list = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{META}}}}}"#);
    let tools = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","tools":[{"name":"run","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"},"bad":{"type":"string","x-mcp-header":""}}}}]}}"#;
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"run","arguments":{{"region":"caf\u00e9","n":null}},{META}}}}}"#
    );
    let sent: &[(&str, &str)] =
        &[("mcp-method", "tools/call"), ("mcp-name", "run"), ("Mcp-Param-Region", "=?base64?Y2Fmw6k=?=")];
    let answer = r#"{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","content":[]}}"#;
    let trail = trail(&[post(&list, 200, (JSON, tools)), Step { headers: sent, ..post(&call, 200, (JSON, answer)) }]);
    let client = Kind::ClientMessage;
    assert_eq!(texts(&trail, client, Field::ParamHeaders), ["-", "region=caf\u{e9}"]);
    assert_eq!(texts(&trail, client, Field::ExpectedParamHeaders), ["-", "region=caf\u{e9}"]);
    assert_eq!(texts(&trail, client, Field::UnsafeHeaders), ["-", "-"]);
    assert_eq!(texts(&trail, client, Field::NameHeader), ["-", "run"]);
    assert_eq!(texts(&trail, client, Field::ExpectedName), ["-", "run"]);
    assert_eq!(bounds(&trail, client, Binding::Tool), ["-", "0"]);
    assert_eq!(texts(&trail, Kind::ServerMessage, Field::ResultUnusableHeaders), ["run.", "-"]);
    assert_eq!(texts(&trail, client, Field::MetaClientCapabilities), ["roots", "roots"]);
    assert_eq!(revisions(&trail), [("2026-07-28".to_owned(), "meta-accepted", 0)]);
}

#[test]
fn a_probe_and_the_session_after_it_are_two_stretches() {
    let probe = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{{META}}}}}"#);
    let trail = trail(&[
        post(&probe, 400, (JSON, r#"{"error":"bad request"}"#)),
        post(INITIALIZE, 200, (JSON, RESULT)),
        post(LIST, 200, (JSON, TOOLS)),
        post(&probe, 400, (JSON, r#"{"error":"bad request"}"#)),
        post(LIST, 200, (JSON, TOOLS)),
    ]);
    let expected = [
        ("2026-07-28", "offered", 0),
        ("2025-06-18", "initialize-result", 1),
        ("2026-07-28", "offered", 3),
        ("2025-06-18", "initialize-result", 4),
    ];
    assert_eq!(revisions(&trail), expected.map(|(name, by, from)| (name.to_owned(), by, from)));
    assert_eq!(texts(&trail, Kind::ServerEra, Field::ProbesWhileWorking), ["1"]);
    assert_eq!(texts(&trail, Kind::ServerEra, Field::EraChanges), ["0"]);
}

#[test]
fn a_modern_error_names_what_the_server_speaks() {
    let probe = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{META}}}}}"#);
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no","data":{"supported":["2027-01-15"],"requested":"2026-07-28"}}}"#;
    let trail = trail(&[post(&probe, 400, (JSON, error))]);
    assert_eq!(revisions(&trail), [("2026-07-28".to_owned(), "supported-versions", 0)]);
    assert_eq!(trail.stretches[0].unknown_name.as_deref(), Some("2027-01-15"));
    let server = Kind::ServerMessage;
    assert_eq!(texts(&trail, server, Field::ErrorCode), ["-32022"]);
    assert_eq!(texts(&trail, server, Field::ErrorSupported), ["2027-01-15"]);
    assert_eq!(bounds(&trail, server, Binding::Request), ["0"]);
}

#[test]
fn an_answer_without_result_type_is_no_stateless_one() {
    let list = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{META}}}}}"#);
    let trail = trail(&[post(&list, 200, (JSON, TOOLS))]);
    assert_eq!(revisions(&trail), [("2026-07-28".to_owned(), "offered", 0)]);
}

#[test]
fn bodies_that_are_no_messages_are_told() {
    let trail = trail(&[
        post(INITIALIZE, 200, (JSON, r#"{"error":"invalid_token"}"#)),
        post(r#"{"id":1,"method":"tools/list"}"#, 200, (JSON, r#"{"jsonrpc":"2.0","error":{"code":"invalid_token"}}"#)),
    ]);
    assert_eq!(texts(&trail, Kind::ClientMessage, Field::Jsonrpc), ["2.0", "-"]);
    assert_eq!(texts(&trail, Kind::ServerMessage, Field::Sort), ["error", "error"]);
    assert_eq!(texts(&trail, Kind::ServerMessage, Field::Jsonrpc), ["-", "2.0"]);
    assert_eq!(texts(&trail, Kind::ServerMessage, Field::ErrorCode), ["-", "unread"]);
    // The error has no id, and stands in the answer to the only request.
    assert_eq!(bounds(&trail, Kind::ServerMessage, Binding::Request), ["0", "1"]);
}

#[test]
fn a_stream_is_resumed_and_its_retry_may_not_be_waited_for() {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}"#;
    let open = (STREAM, "id: a\ndata:\n\nretry: 60000\ndata:\n\n");
    let resumed = Step {
        method: "GET",
        headers: &[("last-event-id", "a")],
        answer: (STREAM, "id: b\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"),
        ..post("", 200, ("", ""))
    };
    let trail = trail(&[post(INITIALIZE, 200, (JSON, RESULT)), post(call, 200, open), resumed]);
    assert_eq!(bounds(&trail, Kind::McpExchange, Binding::ResumedBy), ["-", "2", "?"], "it may still be resumed");
    // Sent 9 s after the end of the stream.
    assert_eq!(texts(&trail, Kind::McpExchange, Field::RetryLeft), ["-", "-", "51000"]);
    assert_eq!(texts(&trail, Kind::McpExchange, Field::AnswerCount), ["1", "0", "1"]);
}

#[test]
fn a_cancellation_is_known_to_the_request_that_it_names() {
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    let trail =
        trail(&[post(INITIALIZE, 200, (JSON, RESULT)), post(LIST, 200, (JSON, TOOLS)), post(cancelled, 202, ("", ""))]);
    assert_eq!(bounds(&trail, Kind::ClientMessage, Binding::Cancellation), ["-", "2", "-"]);
}

#[test]
fn an_answer_shows_that_a_server_is_stateless_and_codes_have_types() {
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":"invalid_token","message":"m"}}"#;
    let old = trail(&[post(INITIALIZE, 200, (JSON, RESULT)), post(LIST, 200, (JSON, error))]);
    assert_eq!(texts(&old, Kind::McpExchange, Field::ModernServer), ["false", "false"]);
    assert_eq!(texts(&old, Kind::ServerMessage, Field::ErrorCodeType), ["-", "string"]);
    let result = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","tools":[]}}"#;
    let modern = trail(&[post(LIST, 200, (JSON, result))]);
    assert_eq!(texts(&modern, Kind::McpExchange, Field::ModernServer), ["true"]);
}

#[test]
fn an_answer_to_a_server_is_missed_only_where_a_request_of_it_waits() {
    let ping = "data: {\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
    let pong = r#"{"jsonrpc":"2.0","id":"9","result":{}}"#;
    let of = |answer: (&'static str, &'static str)| {
        let steps = [post(INITIALIZE, 200, (JSON, RESULT)), post(LIST, 200, answer), post(pong, 202, ("", ""))];
        bounds(&trail(&steps), Kind::ClientMessage, Binding::Request)
    };
    assert_eq!(of((JSON, TOOLS)), ["-", "-", "?"], "it may have come on a stream that is not recorded");
    assert_eq!(of((STREAM, ping)), ["-", "-", "-"]);
}

/// A stateless request of a method, with these members of `params` before `_meta`.
fn stateless(id: u32, method: &str, params: &str) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{params}{meta}}}}}"#)
}

fn result(id: u32, members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete"{members}}}}}"#)
}

fn refusal(id: u32, code: i32, message: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{message}"}}}}"#)
}

#[test]
fn input_goes_to_the_request_that_asked_for_it() {
    let asks = |id: u32, state: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"input_required","requestState":"{state}"}}}}"#)
    };
    let call = |id: u32, state: &str| {
        let state = if state.is_empty() { String::new() } else { format!(r#""requestState":"{state}","#) };
        stateless(id, "tools/call", &format!(r#""name":"t",{state}"#))
    };
    let (one, two, three) = (call(1, ""), call(2, ""), call(3, "b"));
    let (four, five) = (call(4, "c"), call(5, "x"));
    let (first, second, done) = (asks(1, "a"), asks(2, "b"), result(3, ""));
    let known = trail(&[
        post(&one, 200, (JSON, &first)),
        post(&two, 200, (JSON, &second)),
        post(&three, 200, (JSON, &done)),
        post(&four, 200, (JSON, &result(4, ""))),
    ]);
    // The state tells which of two equal calls is meant; then one is left.
    assert_eq!(bounds(&known, Kind::ClientMessage, Binding::InputRetry), ["3", "2", "-", "-"]);
    let unclear = trail(&[
        post(&one, 200, (JSON, &first)),
        post(&two, 200, (JSON, &second)),
        post(&five, 200, (JSON, &result(5, ""))),
    ]);
    assert_eq!(bounds(&unclear, Kind::ClientMessage, Binding::InputRetry), ["?", "?", "-"]);
}

#[test]
fn a_server_that_names_an_older_version_is_not_modern_alone() {
    let probe = stateless(1, "server/discover", "");
    let versions = |listed: &str| {
        let answer = result(1, &format!(r#","supportedVersions":[{listed}]"#));
        let refused = refusal(0, -32020, "needs 2026-07-28, not 2025-06-18");
        let trail = trail(&[post(&probe, 200, (JSON, &answer)), post(INITIALIZE, 400, (JSON, &refused))]);
        let exchanges = Kind::McpExchange;
        assert_eq!(texts(&trail, exchanges, Field::ModernError), ["false", "true"]);
        let named = texts(&trail, Kind::ServerMessage, Field::ErrorNamedVersions);
        assert_eq!(named, ["-", "2026-07-28 2025-06-18"]);
        // The refusal of the older client stands under the revision of the server.
        assert!(revisions(&trail).iter().all(|(names, ..)| names.contains("2026-07-28")));
        texts(&trail, exchanges, Field::ModernVersions)
    };
    assert_eq!(versions(r#""2026-07-28""#), ["2026-07-28", "2026-07-28"]);
    assert_eq!(versions(r#""2026-07-28","2025-11-25""#), ["-", "-"]);
}

#[test]
fn headers_of_a_call_are_held_against_what_it_leaves_out() {
    let schema = r#"{"type":"object","properties":{"r":{"type":"string","x-mcp-header":"Region"}}}"#;
    let tools = result(1, &format!(r#","tools":[{{"name":"t","inputSchema":{schema}}}]"#));
    let list = stateless(1, "tools/list", "");
    let without = stateless(2, "tools/call", r#""name":"t","arguments":{"r":null},"#);
    let with = stateless(3, "tools/call", r#""name":"t","arguments":{"r":"eu"},"#);
    let refused = refusal(2, -32020, "Mcp-Param-Region is missing");
    let trail = trail(&[
        post(&list, 200, (JSON, &tools)),
        post(&without, 400, (JSON, &refused)),
        post(&list, 200, (JSON, &tools)),
        post(&with, 200, (JSON, &result(3, ""))),
    ]);
    let client = Kind::ClientMessage;
    assert_eq!(texts(&trail, client, Field::HeadersWithoutValue), ["-", "mcp-param-region", "-", "-"]);
    assert_eq!(texts(&trail, client, Field::ExpectedParamHeaders), ["-", "-", "-", "region=eu"]);
    assert_eq!(texts(&trail, client, Field::EarlierToolLists), ["0", "1", "1", "2"]);
    assert_eq!(texts(&trail, Kind::ServerMessage, Field::ErrorNamedHeader)[1], "mcp-param-region");
}

#[test]
fn names_and_formats_in_meta_are_read() {
    let meta = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"a/b/c":1,"x.y/z":2,"traceparent":"no",
        "io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/ui":{},"ui":{}}}}}}"#;
    let trail = trail(&[post(meta, 200, (JSON, &result(1, "")))]);
    let client = Kind::ClientMessage;
    assert_eq!(texts(&trail, client, Field::MetaMalformedKeys), ["a/b/c"]);
    assert_eq!(texts(&trail, client, Field::MetaMalformedTrace), ["traceparent"]);
    assert_eq!(texts(&trail, client, Field::MalformedExtensions), ["ui"]);
    assert_eq!(texts(&trail, Kind::ServerMessage, Field::MetaMalformedKeys), ["-"]);
}

#[test]
fn the_last_exchange_of_a_session_is_known() {
    let session: &[(&str, &str)] = &[("mcp-session-id", "s1")];
    let opens = Step { answer_headers: session, ..post(INITIALIZE, 200, (JSON, RESULT)) };
    let within = |status: u16, answer| Step { headers: session, ..post(LIST, status, answer) };
    let trail = trail(&[opens, within(200, (JSON, TOOLS)), within(200, (JSON, TOOLS)), within(404, ("", ""))]);
    let gone = texts(&trail, Kind::McpExchange, Field::SessionGoneNext);
    assert_eq!(gone, ["false", "false", "true", "false"]);
}
