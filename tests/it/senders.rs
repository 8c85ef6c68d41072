//! Who sent what: logins that join the client that was sent there, and requests that a proxy passed on.

use std::net::SocketAddr;

use authtrail::decode::body::Body;
use authtrail::decode::exchange::{Answer, Connection, Exchange, Header, Headers, Request, Response};
use authtrail::evidence::{At, CaptureId, Timestamp};
use authtrail::trail::record::{Record, State};
use authtrail::trail::schema::{Field, Kind};
use authtrail::trail::{BuildOptions, Incident, build};

/// One exchange: when it was sent and answered in milliseconds, over which connection, the URL, the answer.
struct Step<'a> {
    times: (i64, i64),
    connection: &'a str,
    ends: Option<(&'a str, &'a str)>,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: (&'a str, String),
    status: u16,
    answer_headers: &'a [(&'a str, &'a str)],
    answer: String,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn headers(list: &[(&str, &str)]) -> Headers {
    let list = list.iter().map(|(name, value)| Header { name, value: Some(value) });
    Headers { list: list.collect(), ..Headers::default() }
}

fn exchange(at: usize, step: &Step<'_>) -> Exchange {
    let (scheme, rest) = step.url.split_once("://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let content_type = Some(("content-type", step.body.0)).filter(|(_, name)| !name.is_empty());
    let body = |text: &str| if text.is_empty() { Body::none() } else { Body::plain(text.as_bytes().to_vec()) };
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    Exchange {
        capture: CaptureId(0),
        at: At::Entry(at as u32),
        sent_at: Some(Timestamp(step.times.0 * 1000)),
        answered_at: Some(Timestamp(step.times.1 * 1000)),
        connection: Connection {
            id: Some(step.connection.into()),
            client: step.ends.map(|(client, _)| address(client)),
            server: step.ends.map(|(_, server)| address(server)),
            ..Connection::default()
        },
        request: Request {
            method: if step.body.1.is_empty() { "GET" } else { "POST" }.into(),
            scheme: scheme.into(),
            authority: authority.into(),
            target: format!("/{path}").into(),
            version: None,
            headers: headers(&step.headers.iter().copied().chain(content_type).collect::<Vec<_>>()),
            body: body(&step.body.1),
        },
        answer: Answer::Received(Response {
            status: step.status,
            headers: headers(&step.answer_headers.iter().copied().chain([("content-type", JSON)]).collect::<Vec<_>>()),
            body: body(&step.answer),
            from_cache: false,
        }),
    }
}

fn incident(steps: &[Step<'_>]) -> Incident {
    build(steps.iter().enumerate().map(|(at, step)| exchange(at, step)).collect(), &[], &BuildOptions::default())
}

/// A client that is refused, over a connection of its own.
fn refused<'a>(name: &str, at: i64, connection: &'a str) -> Step<'a> {
    let params = format!(r#"{{"protocolVersion":"2025-06-18","capabilities":{{}},"clientInfo":{{"name":"{name}"}}}}"#);
    Step {
        times: (at, at + 5),
        connection,
        ends: None,
        url: "https://mcp.example/mcp",
        headers: &[],
        body: (JSON, format!(r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{params}}}"#)),
        status: 401,
        answer_headers: &[("www-authenticate", "Bearer")],
        answer: "{}".to_owned(),
    }
}

fn document<'a>(at: i64, connection: &'a str, url: &'a str, answer: &str) -> Step<'a> {
    let answer = answer.to_owned();
    let body = ("", String::new());
    Step {
        times: (at, at + 5),
        connection,
        ends: None,
        url,
        headers: &[],
        body,
        status: 200,
        answer_headers: &[],
        answer,
    }
}

/// A client that is refused, reads whom to ask, and registers there over another connection, without a name of its own.
fn begun_login(issuer: &str) -> Vec<Step<'static>> {
    let resource = format!(r#"{{"resource":"https://mcp.example/mcp","authorization_servers":["{issuer}"]}}"#);
    let server = r#"{"issuer":"https://as.example","authorization_endpoint":"https://as.example/a",
        "token_endpoint":"https://as.example/t","registration_endpoint":"https://as.example/r"}"#;
    let mut registration = document(30, "2", "https://as.example/r", r#"{"client_id":"c1"}"#);
    registration.status = 201;
    registration.body = (JSON, r#"{"redirect_uris":["http://localhost:3030/cb"]}"#.to_owned());
    vec![
        refused("one", 0, "1"),
        document(10, "1", "https://mcp.example/.well-known/oauth-protected-resource/mcp", &resource),
        document(20, "2", "https://as.example/.well-known/oauth-authorization-server", server),
        registration,
    ]
}

#[test]
fn a_login_that_only_begins_is_that_of_the_client_that_was_sent_there() {
    for issuer in ["https://as.example", "https://as.example/"] {
        assert_eq!(incident(&begun_login(issuer)).trail_of, [Some(0); 4], "{issuer}");
    }
}

#[test]
fn a_login_elsewhere_or_of_one_of_two_clients_is_nobodys() {
    let elsewhere = incident(&begun_login("https://other.example"));
    assert_eq!(elsewhere.trail_of, [Some(0), Some(0), None, None]);
    let mut steps = begun_login("https://as.example");
    steps.insert(2, refused("two", 15, "3"));
    assert_eq!(incident(&steps).trail_of.last(), Some(&None));
    // The client had a login of its own, or this one came before it.
    let mut steps = begun_login("https://as.example");
    steps.rotate_left(2);
    for (at, step) in steps.iter_mut().enumerate() {
        step.times = (at as i64 * 10, at as i64 * 10 + 5);
    }
    assert_eq!(incident(&steps).trail_of.first(), Some(&None));
}

/// The same, with nothing of the connections: only addresses and documents tell who asked.
fn over_unknown_connections(mut steps: Vec<Step<'static>>) -> Vec<Option<usize>> {
    for (at, step) in steps.iter_mut().enumerate() {
        step.connection = ["1", "2", "3", "4", "5", "6"][at];
    }
    incident(&steps).trail_of
}

#[test]
fn a_document_belongs_to_whom_its_place_was_asked_for_not_to_all_who_know_the_issuer() {
    assert_eq!(over_unknown_connections(begun_login("https://as.example")), [Some(0); 4]);
}

#[test]
fn metadata_is_asked_for_by_whom_its_issuer_was_named_to_whatever_it_says() {
    let tenant = "https://as.example/realms/a";
    for named in [tenant, "https://as.example/realms/a/"] {
        let mut steps = begun_login(named);
        steps.truncate(3);
        steps[2].url = "https://as.example/.well-known/oauth-authorization-server/realms/a";
        steps[2].answer = steps[2].answer.replace("https://as.example\"", "https://as.example/realms/b\"");
        assert_eq!(over_unknown_connections(steps), [Some(0); 3], "{named}");
    }
}

/// A token request and its answer, at a host: a token for the resource behind the proxy.
fn redeemed<'a>(times: (i64, i64), connection: &'a str, ends: (&'a str, &'a str), url: &'a str) -> Step<'a> {
    // {"alg":"none"} and {"aud":"http://inner.example/mcp"}
    let token = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwOi8vaW5uZXIuZXhhbXBsZS9tY3AifQ.x";
    Step {
        times,
        connection,
        ends: Some(ends),
        url,
        headers: &[],
        body: (FORM, "grant_type=authorization_code&code=k1&code_verifier=v1&client_id=c1".to_owned()),
        status: 200,
        answer_headers: &[],
        answer: format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#),
    }
}

/// A client that redeems a code, and the same request at another server: from `sender`, in `times`.
fn redeemed_twice(sender: &str, times: (i64, i64)) -> Incident {
    let outer = ("10.0.0.1:4000", "10.0.0.2:80");
    let mut used = refused("one", 200, "1");
    used.ends = Some(outer);
    used.url = "http://outer.example/mcp";
    let mut steps = vec![
        redeemed((0, 100), "1", outer, "http://outer.example/token"),
        redeemed(times, "2", (sender, "10.0.0.3:80"), "http://inner.example/token"),
        used,
    ];
    let token = r#"Bearer eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwOi8vaW5uZXIuZXhhbXBsZS9tY3AifQ.x"#;
    let bearer = [("authorization", token)];
    steps[2].headers = &bearer;
    incident(&steps)
}

fn token_records(incident: &Incident) -> Vec<&Record> {
    incident.trails.iter().flat_map(|trail| trail.of_kind(Kind::TokenResponse)).map(|(_, record)| record).collect()
}

#[test]
fn the_same_code_inside_the_request_is_passed_on_by_its_receiver() {
    let passed_on = redeemed_twice("10.0.0.2:5000", (10, 90));
    let records = token_records(&passed_on);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].exchange.0, 0);
    // What is signed is in the names behind the proxy.
    assert!(matches!(records[0].state(Field::AccessTokenJwtAud), State::Unknown(_)));
}

#[test]
fn the_same_code_from_the_client_itself_or_later_is_a_second_use() {
    for (sender, times) in [("10.0.0.1:4001", (10, 90)), ("10.0.0.2:5000", (110, 150)), ("10.0.0.2:5000", (10, 150))] {
        let twice = redeemed_twice(sender, times);
        let records = token_records(&twice);
        assert_eq!(records.len(), 2, "{sender} {times:?}");
        assert!(matches!(records[0].state(Field::AccessTokenJwtAud), State::Present(_)));
    }
}
