//! The recording proxy, between clients and servers of this process, on loopback.

mod crash;
#[cfg(unix)]
mod descriptors;
mod peers;
mod program;
mod second;
mod servers;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authtrail::decode::exchange::{Answer, Exchange};
use authtrail::decode::{Decoded, ReadOptions, read_all};
use authtrail::record::proxy::{Authority, Listen, Mode, Proxy, Settings, start};
use serde_json::Value;

use servers::{Reply, Server};

/// A folder, a recording in it, and the settings of a reverse proxy for these servers.
fn reverse(targets: &[&Server]) -> (tempfile::TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let listen = targets.iter().map(|target| Listen {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        mode: Mode::Reverse(target.origin().parse().unwrap()),
    });
    let settings = Settings::new(listen.collect(), folder.path().join("a.har"));
    (folder, settings)
}

/// Stops the proxy and reads what it recorded.
fn recorded(proxy: Proxy, folder: &tempfile::TempDir) -> (Decoded, Value) {
    proxy.stop().unwrap();
    read(&folder.path().join("a.har"))
}

fn read(path: &Path) -> (Decoded, Value) {
    let text = std::fs::read(path).unwrap();
    let decoded = read_all(&[path.to_owned()], &ReadOptions::default());
    (decoded, serde_json::from_slice(&text).unwrap_or_default())
}

/// An answer as it came: head and body.
struct Got {
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends a request on a connection of its own and reads the answer to its end.
fn ask(address: SocketAddr, method: &str, target: &str, fields: &str, body: &str) -> Got {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    ask_on(&mut socket, &address.to_string(), method, target, fields, body).expect("an answer")
}

/// The same on this connection; `None` where the connection broke off.
fn ask_on(
    socket: &mut (impl Read + Write),
    host: &str,
    method: &str,
    target: &str,
    fields: &str,
    body: &str,
) -> Option<Got> {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}{length}\r\n{body}");
    socket.write_all(request.as_bytes()).ok()?;
    let mut all = Vec::new();
    let _ = socket.read_to_end(&mut all);
    let end = all.windows(4).position(|octets| octets == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let body = all[end..].to_vec();
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return Some(Got { head, body: unchunked(&body)? });
    }
    Some(Got { head, body })
}

/// The octets of a chunked body; `None` where its end is missing.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|octets| octets == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        if size == 0 {
            return rest.ends_with(b"0\r\n\r\n").then_some(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + size)?);
        rest = rest.get(line + 4 + size..)?;
    }
}

fn body(of: &Exchange) -> String {
    let Answer::Received(response) = &of.answer else { panic!("no response") };
    response.body.text(&Default::default()).unwrap().unwrap_or_default().into_owned()
}

#[test]
fn what_passes_is_recorded_as_it_passed() {
    let server = Server::plain(|request| match &*request.target {
        "/sized" => Reply::sized(200, "X-Odd: \u{e9}\r\n", "hello"),
        "/chunked" => Reply::chunked(&["hel", "lo"], Duration::ZERO),
        "/none" => Reply::sized(204, "", ""),
        _ => Reply::sized(404, "", "no"),
    });
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    assert_eq!(ask(at, "GET", "/sized?a=b", "Authorization: Bearer t0k\r\n", "").text(), "no");
    assert_eq!(ask(at, "POST", "/sized", "Content-Type: application/json\r\n", "{\"a\":1}").text(), "hello");
    assert_eq!(ask(at, "GET", "/chunked", "", "").text(), "hello");
    assert!(ask(at, "DELETE", "/none", "", "").head.starts_with("HTTP/1.1 204"));
    let (decoded, har) = recorded(proxy, &folder);
    let facts = &decoded.captures[0];
    assert!(facts.complete && facts.end_mark.is_some() && facts.problems.is_empty(), "{facts:?}");
    assert_eq!(facts.creator.as_deref(), Some(concat!("authtrail ", env!("CARGO_PKG_VERSION"))));
    let seen: Vec<(String, String)> = decoded.exchanges.iter().map(|of| (of.request.url(), body(of))).collect();
    let url = |target: &str| format!("{}{target}", server.origin());
    let expected = [("/sized?a=b", "no"), ("/sized", "hello"), ("/chunked", "hello"), ("/none", "")];
    assert_eq!(seen, expected.map(|(target, body)| (url(target), body.to_owned())));
    assert_eq!(decoded.exchanges[0].request.headers.get("authorization"), Some("Bearer t0k"));
    assert_eq!(decoded.exchanges[0].request.headers.get("host"), Some(&*server.authority()), "the server's own name");
    assert_eq!(decoded.exchanges[1].request.body.text(&Default::default()).unwrap().unwrap(), "{\"a\":1}");
    assert!(decoded.exchanges.iter().all(|of| of.connection.client.is_some() && of.connection.server.is_some()));
    // What the client had is in the file: the proxy's name.
    assert_eq!(har["log"]["entries"][0]["request"]["url"], format!("http://{at}/sized?a=b"));
    assert_eq!(server.seen()[0].field("host"), Some(&*server.authority()));
}

#[test]
fn names_of_header_fields_keep_their_case() {
    let answer = "X-ODD-Answer: 1\r\nx-odd-answer: 2\r\nETag: x\r\n";
    let server = Server::plain(move |_| Reply::sized(200, answer, "ok"));
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let asked = "X-ODD-Ask: 1\r\nx-odd-ask: 2\r\nmcp-protocol-VERSION: 3\r\n";
    let got = ask(proxy.addresses()[0], "POST", "/", asked, "{}");
    let names = |lines: &str| -> Vec<String> {
        lines.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name.to_owned()).collect()
    };
    let sent: Vec<String> = server.seen()[0].fields.iter().map(|(name, _)| name.clone()).collect();
    for name in names(&format!("Host: x\r\n{asked}Content-Length: 2\r\n")) {
        assert!(sent.contains(&name), "{name} is missing: {sent:?}");
    }
    let came = names(&got.head);
    for name in names(&format!("{answer}Content-Length: 2\r\n")) {
        assert!(came.contains(&name), "{name} is missing: {came:?}");
    }
    assert_eq!(recorded(proxy, &folder).0.exchanges.len(), 1);
}

/// A resource server and an authorization server that name each other.
fn pair() -> (Server, Server) {
    let resource = Server::plain(|_| Reply::sized(404, "", ""));
    let authorization = Server::plain(|_| Reply::sized(404, "", ""));
    let (mcp, issuer) = (resource.origin(), authorization.origin());
    let metadata = format!(r#"{{ "resource":"{mcp}/mcp", "authorization_servers" : ["{issuer}"], "x":"{mcp}/x" }}"#);
    resource.answers(move |request| match &*request.target {
        "/.well-known/oauth-protected-resource/mcp" => Reply::json(&metadata),
        _ => {
            let challenge = format!("Bearer resource_metadata=\"{mcp}/.well-known/oauth-protected-resource/mcp\"");
            Reply::sized(401, &format!("WWW-Authenticate: {challenge}\r\n"), "")
        }
    });
    let escaped = issuer.replace('/', "\\/");
    let metadata = format!(
        r#"{{"issuer":"{issuer}","authorization_endpoint":"{issuer}/authorize","token_endpoint":"{escaped}\/token"}}"#
    );
    authorization.answers(move |request| match request.target.split('?').next().unwrap_or_default() {
        "/.well-known/oauth-authorization-server" => Reply::json(&metadata),
        "/authorize" => {
            let iss = issuer.replace(':', "%3A").replace('/', "%2F");
            Reply::sized(302, &format!("Location: http://127.0.0.1:9/callback?code=c0&iss={iss}&state=s\r\n"), "")
        }
        "/token" => Reply::json(r#"{"access_token":"t0k","token_type":"Bearer"}"#),
        _ => Reply::sized(404, "", ""),
    });
    (resource, authorization)
}

fn encoded(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F")
}

#[test]
fn names_are_led_through_and_undone_in_the_analysis() {
    let (resource, authorization) = pair();
    let (folder, settings) = reverse(&[&resource, &authorization]);
    let proxy = start(settings).unwrap();
    let (at, at_as) = (proxy.addresses()[0], proxy.addresses()[1]);
    let (here, here_as) = (format!("http://{at}"), format!("http://{at_as}"));
    // The client sees a world in which the servers have the proxy's addresses.
    let challenged = ask(at, "POST", "/mcp", "Origin: http://localhost:6274\r\n", "{}");
    let metadata_path = "/.well-known/oauth-protected-resource/mcp";
    assert_eq!(
        challenged.field("www-authenticate"),
        Some(&*format!("Bearer resource_metadata=\"{here}{metadata_path}\""))
    );
    let metadata = ask(at, "GET", metadata_path, "Accept-Encoding: gzip\r\n", "");
    let expected = format!(
        r#"{{ "resource":"{here}/mcp", "authorization_servers" : ["{here_as}"], "x":"{}/x" }}"#,
        resource.origin()
    );
    assert_eq!(metadata.text(), expected);
    let metadata = ask(at_as, "GET", "/.well-known/oauth-authorization-server", "", "");
    let escaped = here_as.replace('/', "\\/");
    let expected = format!(
        r#"{{"issuer":"{here_as}","authorization_endpoint":"{here_as}/authorize","token_endpoint":"{escaped}\/token"}}"#
    );
    assert_eq!(metadata.text(), expected);
    let resource_here = encoded(&format!("{here}/mcp"));
    let redirected = ask(at_as, "GET", &format!("/authorize?state=s&resource={resource_here}"), "", "");
    let location = format!("http://127.0.0.1:9/callback?code=c0&iss={}&state=s", encoded(&here_as));
    assert_eq!(redirected.field("location"), Some(&*location));
    let form = format!("grant_type=authorization_code&code=c0&resource={resource_here}");
    ask(at_as, "POST", "/token", "Content-Type: application/x-www-form-urlencoded\r\n", &form);
    // The servers see their own names.
    let resource_there = encoded(&format!("{}/mcp", resource.origin()));
    let seen = authorization.seen();
    assert_eq!(seen[1].target, format!("/authorize?state=s&resource={resource_there}"));
    assert_eq!(seen[2].body, format!("grant_type=authorization_code&code=c0&resource={resource_there}"));
    assert_eq!(resource.seen()[1].field("accept-encoding"), None, "a coded document cannot be changed");
    // And so does the analysis: nothing of the proxy is left.
    let (decoded, har) = recorded(proxy, &folder);
    assert_eq!(decoded.captures[0].problems, []);
    let own = [here, here_as, encoded(&format!("http://{at}")), escaped, at.to_string(), at_as.to_string()];
    for exchange in &decoded.exchanges {
        let Answer::Received(response) = &exchange.answer else { panic!("no response") };
        let fields = exchange.request.headers.list.iter().chain(response.headers.list.iter());
        let fields = fields.filter_map(|field| field.value.map(str::to_owned));
        let request_body = exchange.request.body.text(&Default::default()).unwrap().unwrap_or_default().into_owned();
        let all: Vec<String> = fields.chain([exchange.request.url(), request_body, body(exchange)]).collect();
        let left = own.iter().find(|name| all.iter().any(|text| text.contains(&**name)));
        assert_eq!(left, None, "{}: {all:?}", exchange.request.url());
    }
    let metadata = body(&decoded.exchanges[1]);
    assert!(metadata.contains(&format!(r#""resource":"{}/mcp""#, resource.origin())), "{metadata}");
    assert!(har.to_string().contains("keptBack"), "a header field that was kept back is not written down");
}

#[test]
fn nothing_is_renamed_for_a_server_that_is_not_led_through() {
    let (resource, authorization) = pair();
    let (folder, settings) = reverse(&[&resource]);
    let proxy = start(settings).unwrap();
    let metadata = ask(proxy.addresses()[0], "GET", "/.well-known/oauth-protected-resource/mcp", "", "");
    assert!(metadata.text().contains(&format!(r#""resource":"{}/mcp""#, resource.origin())), "{}", metadata.text());
    let notices = proxy.notices();
    assert!(notices.len() == 1 && notices[0].contains(&authorization.origin()), "{notices:?}");
    let (decoded, _) = recorded(proxy, &folder);
    // The client's way to the other server was not seen, so the end of the recording proves no absence.
    assert_eq!((decoded.captures[0].complete, decoded.captures[0].end_mark), (true, None));
}

#[test]
fn what_is_signed_for_the_proxy_is_refused_and_is_no_exchange() {
    let server = Server::plain(|_| Reply::sized(200, "", "ok"));
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    let claims = format!(r#"{{"htm":"POST","htu":"http://{at}/token"}}"#);
    let proof = format!("DPoP: e30.{}.c2ln\r\n", base64(&claims));
    assert!(ask(at, "POST", "/token", &proof, "").head.starts_with("HTTP/1.1 502"));
    assert!(server.seen().is_empty(), "it was passed on");
    let (decoded, _) = recorded(proxy, &folder);
    assert_eq!(decoded.exchanges.len(), 0);
    assert!(decoded.captures[0].problems[0].message.contains("DPoP"), "{:?}", decoded.captures[0].problems);
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let number = three.iter().fold(0u32, |sum, octet| sum << 8 | u32::from(*octet)) << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            out.push(char::from(DIGITS[(number >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    out
}

#[test]
fn a_stranger_s_name_for_this_machine_is_refused() {
    let server = Server::plain(|_| Reply::sized(200, "", "ok"));
    let (_folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let mut socket = TcpStream::connect(proxy.addresses()[0]).unwrap();
    let got = ask_on(&mut socket, "rebound.example.net", "GET", "/", "", "").unwrap();
    assert!(got.head.starts_with("HTTP/1.1 421"), "{}", got.head);
    assert!(server.seen().is_empty());
}

#[test]
fn addresses_that_others_reach_are_refused() {
    let server = Server::plain(|_| Reply::sized(200, "", ""));
    let (_folder, mut settings) = reverse(&[&server]);
    settings.listen[0].address = SocketAddr::from(([0, 0, 0, 0], 0));
    let refused = start(settings.clone()).unwrap_err().to_string();
    assert!(refused.contains("--allow-remote"), "{refused}");
    assert!(!settings.output.exists(), "a recording was made all the same");
    settings.allow_remote = true;
    start(settings).unwrap().stop().unwrap();
}

/// Opens a tunnel through the proxy.
fn tunnel(proxy: SocketAddr, to: &str) -> TcpStream {
    let mut socket = TcpStream::connect(proxy).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut octet).unwrap();
        head.push(octet[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    socket
}

fn forward(folder: &Path, server: &Server, allow: &[&str]) -> (Settings, Arc<Authority>) {
    let authority = Arc::new(Authority::open(&folder.join("authority")).unwrap());
    let mode = Mode::Forward {
        authority: Arc::clone(&authority),
        allow: allow.iter().map(|host| (*host).to_owned()).collect(),
    };
    let listen = Listen { address: SocketAddr::from(([127, 0, 0, 1], 0)), mode };
    let mut settings = Settings::new(vec![listen], folder.join("a.har"));
    let trusted = folder.join("server.pem");
    std::fs::write(&trusted, server.certificate()).unwrap();
    settings.authorities = vec![trusted];
    (settings, authority)
}

#[test]
fn a_forward_proxy_opens_what_it_may_and_nothing_else() {
    let server = Server::tls(|request| Reply::sized(200, "", &format!("you asked for {}", request.target)));
    let folder = tempfile::tempdir().unwrap();
    let (settings, authority) = forward(folder.path(), &server, &["localhost"]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    let port = server.address().port();
    // Opened: the client sees a certificate of the proxy.
    let socket = tunnel(at, &format!("localhost:{port}"));
    let mut opened = servers::tls_client(socket, "localhost", authority.certificate());
    let got = ask_on(&mut opened, &format!("localhost:{port}"), "GET", "/opened", "", "").unwrap();
    assert_eq!(got.text(), "you asked for /opened");
    // Not opened: the client sees the server's own.
    let socket = tunnel(at, &format!("127.0.0.1:{port}"));
    let mut passed = servers::tls_client(socket, "localhost", server.certificate());
    let got = ask_on(&mut passed, &server.authority(), "GET", "/passed", "", "").unwrap();
    assert_eq!(got.text(), "you asked for /passed");
    drop((opened, passed));
    let (decoded, har) = recorded(proxy, &folder);
    let seen: Vec<String> =
        decoded.exchanges.iter().map(|of| format!("{} {}", of.request.method, of.request.url())).collect();
    let expected = [format!("GET https://localhost:{port}/opened"), format!("CONNECT https://127.0.0.1:{port}/")];
    assert_eq!(seen, expected);
    assert_eq!(decoded.captures[0].end_mark, None, "what passed unread may be anything");
    let octets = &har["log"]["entries"][1]["_authtrail"]["tunnel"]["fromServer"];
    assert!(octets.as_u64() > Some(100), "{octets}");
}

#[test]
fn certificates_of_servers_are_verified() {
    let server = Server::tls(|_| Reply::sized(200, "", "ok"));
    let folder = tempfile::tempdir().unwrap();
    for (file, insecure, expected) in [
        ("a.har", None, "HTTP/1.1 502"),
        ("b.har", Some("example.net"), "HTTP/1.1 502"),
        ("c.har", Some("localhost"), "HTTP/1.1 200"),
    ] {
        let (mut settings, _) = forward(folder.path(), &server, &[]);
        let target = format!("https://localhost:{}", server.address().port());
        settings.listen[0].mode = Mode::Reverse(target.parse().unwrap());
        settings.output = folder.path().join(file);
        settings.authorities.clear();
        settings.insecure_hosts = insecure.map(str::to_owned).into_iter().collect();
        let proxy = start(settings).unwrap();
        let got = ask(proxy.addresses()[0], "GET", "/", "", "");
        assert!(got.head.starts_with(expected), "{insecure:?}: {}", got.head);
        proxy.stop().unwrap();
        let (decoded, _) = read(&folder.path().join(file));
        let answered = matches!(decoded.exchanges[0].answer, Answer::Received(_));
        assert_eq!(answered, expected.ends_with("200"), "{:?}", decoded.exchanges[0].answer);
    }
}

#[test]
fn http_2_on_both_sides() {
    let server = Server::second(|request| Reply::sized(200, "", &format!("{} {}", request.method, request.target)));
    let folder = tempfile::tempdir().unwrap();
    let (settings, authority) = forward(folder.path(), &server, &[]);
    let proxy = start(settings).unwrap();
    let to = format!("localhost:{}", server.address().port());
    let answers = servers::ask_second(proxy.addresses()[0], &to, authority.certificate(), &["/a", "/b", "/c"]);
    assert_eq!(answers, ["GET /a", "GET /b", "GET /c"]);
    let (decoded, har) = recorded(proxy, &folder);
    assert_eq!(decoded.exchanges.len(), 3);
    assert!(decoded.exchanges.iter().all(|of| of.request.version.as_deref() == Some("h2")), "{:?}", decoded.exchanges);
    assert_eq!(har["log"]["entries"][0]["response"]["httpVersion"], "HTTP/2");
}

#[test]
fn events_leave_as_they_come_and_have_their_times() {
    const PAUSE: Duration = Duration::from_millis(120);
    let events = ["event: message\ndata: {\"a\":1}\n\n", ": ping\n\n", "data: {\"b\":2}\n\n"];
    let server = Server::plain(move |_| Reply::chunked(&events, PAUSE).with("Content-Type: text/event-stream\r\n"));
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    let mut socket = TcpStream::connect(at).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(format!("GET /mcp HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut lines = BufReader::new(socket);
    let mut came: Vec<Instant> = Vec::new();
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        if line.starts_with("data:") || line.starts_with(':') {
            came.push(Instant::now());
        }
        line.clear();
    }
    assert_eq!(came.len(), 3);
    let (decoded, _) = recorded(proxy, &folder);
    let exchange = &decoded.exchanges[0];
    let Answer::Received(response) = &exchange.answer else { panic!("no response") };
    let timed = response.body.timed(&Default::default()).unwrap().expect("times");
    assert_eq!(String::from_utf8_lossy(&timed.octets), events.concat());
    assert_eq!(timed.marks.len(), 3);
    let ends = events.iter().scan(0, |end, event| {
        *end += event.len();
        Some(*end)
    });
    assert_eq!(timed.marks.iter().map(|mark| mark.octets).collect::<Vec<_>>(), ends.collect::<Vec<_>>());
    for pair in timed.marks.windows(2) {
        let apart = pair[1].time.seconds_since(pair[0].time);
        assert!(apart > 0.08, "the events were not written as they came: {apart} s apart");
    }
    assert!(came[2] - came[0] > PAUSE, "the events were held back");
}

#[test]
fn two_hundred_streams_at_one_time() {
    const STREAMS: usize = 200;
    let server = Server::plain(|_| {
        Reply::chunked(&["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"], Duration::from_millis(300))
            .with("Content-Type: text/event-stream\r\n")
    });
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    let clients: Vec<_> = (0..STREAMS)
        .map(|number| std::thread::spawn(move || ask(at, "GET", &format!("/{number}"), "", "").text().to_owned()))
        .collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    }
    let (decoded, _) = recorded(proxy, &folder);
    assert_eq!(decoded.exchanges.len(), STREAMS);
    assert!(decoded.exchanges.iter().all(|of| body(of) == "data: 1\n\ndata: 2\n\ndata: 3\n\n"));
}

#[test]
fn protocols_that_take_over_a_connection_pass() {
    let server = Server::plain(|_| Reply::echo());
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    let mut socket = TcpStream::connect(at).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let ask = format!("GET /socket HTTP/1.1\r\nHost: {at}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.write_all(ask.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut octet).unwrap();
        head.push(octet[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    socket.write_all(b"any octets").unwrap();
    let mut echoed = [0; 10];
    socket.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"any octets");
    drop(socket);
    let (decoded, _) = recorded(proxy, &folder);
    let Answer::Received(response) = &decoded.exchanges[0].answer else { panic!("no response") };
    assert_eq!(response.status, 101);
}

fn wait_for(what: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < end, "it did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}
