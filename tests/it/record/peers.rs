//! Hostile and slow peers: the proxy refuses, and goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use authtrail::decode::exchange::Answer;
use authtrail::record::proxy::start;

use super::servers::{Reply, Server};
use super::{ask, ask_on, body, recorded, reverse, wait_for};

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
