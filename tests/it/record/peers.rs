//! Hostile and slow peers: the proxy refuses, and goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use authtrail::decode::exchange::Answer;
use authtrail::record::proxy::{Mode, start};

use super::servers::{Reply, Server};
use super::{ask, ask_on, body, forward, recorded, reverse, wait_for};

#[test]
fn a_body_over_the_limit_passes_whole_and_says_that_it_was_cut() {
    let server = Server::plain(|_| Reply::sized(200, "Content-Type: application/json\r\n", &"7".repeat(100_000)));
    let (folder, mut settings) = reverse(&[&server]);
    settings.bounds.body = 1000;
    let proxy = start(settings).unwrap();
    assert_eq!(ask(proxy.addresses()[0], "GET", "/", "", "").body.len(), 100_000);
    let (decoded, har) = recorded(proxy, &folder);
    let cut = &har["log"]["entries"][0]["_authtrail"]["responseBody"];
    assert_eq!(cut.to_string(), r#"{"kept":1000,"passed":100000,"ended":true}"#);
    let Answer::Received(response) = &decoded.exchanges[0].answer else { panic!("no response") };
    assert!(response.body.octets(&Default::default()).is_err(), "a part was taken for the whole");
    assert_eq!(response.body.len(), Some(100_000));
}

#[test]
fn servers_that_lie_about_the_length_and_clients_that_vanish() {
    let server = Server::plain(|request| match &*request.target {
        "/short" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"),
        "/nothing" => Reply::raw(""),
        _ => {
            Reply::chunked(&["data: 1\n\n"; 100], Duration::from_millis(50)).with("Content-Type: text/event-stream\r\n")
        }
    });
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    assert_eq!(ask(at, "GET", "/short", "", "").text(), "only this");
    assert!(ask(at, "GET", "/nothing", "", "").head.starts_with("HTTP/1.1 502"));
    let mut vanishing = TcpStream::connect(at).unwrap();
    vanishing.write_all(format!("GET /stream HTTP/1.1\r\nHost: {at}\r\n\r\n").as_bytes()).unwrap();
    vanishing.read_exact(&mut [0; 200]).unwrap();
    drop(vanishing);
    wait_for(|| proxy.statistics().exchanges == 3);
    let (decoded, har) = recorded(proxy, &folder);
    let entries = &har["log"]["entries"];
    assert_eq!(entries[0]["_authtrail"]["responseBody"].to_string(), r#"{"kept":9,"passed":9,"ended":false}"#);
    assert!(matches!(&decoded.exchanges[1].answer, Answer::None(_)), "{:?}", decoded.exchanges[1].answer);
    assert_eq!(entries[2]["_authtrail"]["ended"], "the client closed the connection");
    assert!(body(&decoded.exchanges[2]).starts_with("data: 1\n\n"));
}

#[test]
fn servers_that_send_more_than_they_said() {
    let more = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let server = Server::plain(move |request| match &*request.target {
        "/more" => Reply::raw_open(&format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello{more}")),
        "/none" => Reply::raw_open(&format!("HTTP/1.1 204 No Content\r\n\r\n{more}")),
        _ => Reply::sized(200, "", "good"),
    });
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    // What nobody asked for is passed on to nobody, and is no answer to the next request.
    let targets = ["/more", "/next", "/none", "/next", "/more", "/more", "/next"];
    let answers = targets.map(|target| ask(at, "GET", target, "", "").text().to_owned());
    let expected = ["hello", "good", "", "good", "hello", "hello", "good"];
    assert_eq!(answers, expected);
    let (decoded, _) = recorded(proxy, &folder);
    assert_eq!(decoded.exchanges.iter().map(body).collect::<Vec<_>>(), expected);
}

#[test]
fn servers_that_lie_about_the_length_over_http_2() {
    let server = Server::second(|request| match &*request.target {
        "/more" => Reply::sized(200, "content-length: 5\r\n", "hello and more"),
        "/less" => Reply::sized(200, "content-length: 100\r\n", "only this"),
        _ => Reply::sized(200, "", "good"),
    });
    let folder = tempfile::tempdir().unwrap();
    let (mut settings, _) = forward(folder.path(), &server, &[]);
    let target = format!("https://localhost:{}", server.address().port());
    settings.listen[0].mode = Mode::Reverse(target.parse().unwrap());
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    for (target, length) in [("/more", 5), ("/less", 100)] {
        let mut socket = TcpStream::connect(at).unwrap();
        let got = ask_on(&mut socket, &at.to_string(), "GET", target, "", "");
        assert!(got.is_none_or(|got| got.body.len() < length), "{target}: it was passed on as if it were whole");
    }
    assert_eq!(ask(at, "GET", "/next", "", "").text(), "good");
    let (_, har) = recorded(proxy, &folder);
    let well: Vec<bool> = (0..3).map(|number| har["log"]["entries"][number]["_authtrail"]["ended"].is_null()).collect();
    assert_eq!(well, [false, false, true], "{har}");
}

#[test]
fn servers_that_never_end() {
    let server = Server::plain(|request| match &*request.target {
        "/huge" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551610\r\n\r\nonly this"),
        "/cut" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n"),
        _ => Reply::raw(&format!("HTTP/1.1 200 OK\r\n{}", "X-Flood: 1234567\r\n".repeat(100_000))),
    });
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    assert_eq!(ask(at, "GET", "/huge", "", "").text(), "only this");
    let mut socket = TcpStream::connect(at).unwrap();
    assert!(ask_on(&mut socket, &at.to_string(), "GET", "/cut", "", "").is_none(), "an end was invented");
    assert!(ask(at, "GET", "/flood", "", "").head.starts_with("HTTP/1.1 502"));
    let (decoded, har) = recorded(proxy, &folder);
    let entries = &har["log"]["entries"];
    for number in [0, 1] {
        let seen = entries[number]["_authtrail"]["responseBody"].to_string();
        assert_eq!(seen, r#"{"kept":9,"passed":9,"ended":false}"#);
    }
    assert!(matches!(&decoded.exchanges[2].answer, Answer::None(_)), "{:?}", decoded.exchanges[2].answer);
}

#[test]
fn clients_that_vanish_before_the_answer() {
    let free = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&free);
    let server = Server::plain(move |_| {
        wait_for(|| own.load(Ordering::Relaxed));
        Reply::sized(200, "", "late")
    });
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    let mut waits = TcpStream::connect(at).unwrap();
    waits.write_all(format!("GET /waits HTTP/1.1\r\nHost: {at}\r\n\r\n").as_bytes()).unwrap();
    wait_for(|| server.seen().len() == 1);
    drop(waits);
    wait_for(|| proxy.statistics().exchanges == 1);
    let mut lies = TcpStream::connect(at).unwrap();
    let request = format!("POST /lies HTTP/1.1\r\nHost: {at}\r\nContent-Length: 100\r\n\r\nonly this");
    lies.write_all(request.as_bytes()).unwrap();
    drop(lies);
    wait_for(|| proxy.statistics().exchanges == 2);
    free.store(true, Ordering::Relaxed);
    assert_eq!(ask(at, "GET", "/stays", "", "").text(), "late");
    let (decoded, har) = recorded(proxy, &folder);
    assert_eq!(har["log"]["entries"][0]["_authtrail"]["ended"], "the client closed the connection");
    assert_eq!(har["log"]["entries"][1]["_authtrail"]["requestBody"]["ended"], false);
    let answered: Vec<bool> = decoded.exchanges.iter().map(|of| matches!(of.answer, Answer::Received(_))).collect();
    assert_eq!(answered, [false, false, true]);
    assert_eq!(server.seen().len(), 2, "half a request was passed on as a whole one");
}

#[test]
fn connections_above_the_limit_are_refused_and_idle_ones_ended() {
    let server = Server::plain(|_| Reply::sized(200, "", "ok"));
    let (folder, mut settings) = reverse(&[&server]);
    settings.bounds.connections = 4;
    settings.bounds.idle = Duration::from_millis(400);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    assert_eq!(ask(at, "GET", "/", "", "").text(), "ok");
    let idle: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(at).unwrap()).collect();
    wait_for(|| proxy.statistics().refused >= 46);
    // They are ended, and the places are free again.
    wait_for(|| {
        let mut socket = TcpStream::connect(at).unwrap();
        ask_on(&mut socket, &at.to_string(), "GET", "/", "", "").is_some_and(|got| got.text() == "ok")
    });
    drop(idle);
    let (decoded, _) = recorded(proxy, &folder);
    assert!(decoded.exchanges.len() >= 2 && decoded.captures[0].complete);
}

#[test]
fn floods_of_header_fields_are_refused() {
    let server = Server::plain(|_| Reply::sized(200, "", "ok"));
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    let flood = format!("X-Flood: {}\r\n", "x".repeat(200)).repeat(1000);
    let mut socket = TcpStream::connect(at).unwrap();
    let answer = ask_on(&mut socket, &at.to_string(), "GET", "/", &flood, "");
    assert!(answer.is_none_or(|got| got.head.starts_with("HTTP/1.1 431")), "it was passed on");
    assert_eq!(ask(at, "GET", "/", "", "").text(), "ok", "the proxy goes on");
    let (decoded, _) = recorded(proxy, &folder);
    assert_eq!((decoded.exchanges.len(), server.seen().len()), (1, 1));
}
