//! Hostile clients that speak HTTP/2, frame by frame (RFC 9113): what no client library would send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authtrail::record::proxy::start;
use serde_json::Value;

use super::servers::{Reply, Server};
use super::{ask, forward, recorded, reverse, wait_for};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200` (RFC 7541, appendix A).
const OK: u8 = 0x88;

/// A connection on which anything can be sent.
struct Frames {
    socket: TcpStream,
    host: String,
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    fn new(kind: u8, flags: u8, stream: u32, payload: Vec<u8>) -> Frame {
        Frame { kind, flags, stream, payload }
    }

    fn reset(stream: u32) -> Frame {
        const CANCEL: u32 = 8;
        Frame::new(RST_STREAM, 0, stream, CANCEL.to_be_bytes().to_vec())
    }

    fn octets(&self) -> Vec<u8> {
        let mut octets = (self.payload.len() as u32).to_be_bytes()[1..].to_vec();
        octets.extend([self.kind, self.flags]);
        octets.extend(self.stream.to_be_bytes());
        octets.extend(&self.payload);
        octets
    }
}

/// A field of an indexed name (below 15) that goes into no table; lengths below 127.
fn literal(name: u8, value: &str) -> Vec<u8> {
    [&[name, value.len() as u8], value.as_bytes()].concat()
}

/// `name` and `value` at full length, added to the table where `kept`.
fn new_field(name: &str, value: &str, kept: bool) -> Vec<u8> {
    let mut block = vec![if kept { 0x40 } else { 0 }];
    for text in [name, value] {
        let mut length = text.len();
        if length < 127 {
            block.push(length as u8);
        } else {
            block.push(127);
            length -= 127;
            while length >= 128 {
                block.push(length as u8 | 128);
                length >>= 7;
            }
            block.push(length as u8);
        }
        block.extend(text.as_bytes());
    }
    block
}

impl Frames {
    fn open(at: SocketAddr) -> Frames {
        let mut socket = TcpStream::connect(at).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut frames = Frames { socket, host: at.to_string() };
        frames.send(&[Frame::new(SETTINGS, 0, 0, Vec::new())]);
        frames
    }

    /// Whoever has ended the connection need not read this.
    fn send(&mut self, frames: &[Frame]) {
        let octets: Vec<u8> = frames.iter().flat_map(Frame::octets).collect();
        let _ = self.socket.write_all(&octets);
    }

    /// The fields of `GET target`.
    fn fields(&self, target: &str) -> Vec<u8> {
        const METHOD_GET: u8 = 0x82;
        const SCHEME_HTTP: u8 = 0x86;
        [vec![METHOD_GET, SCHEME_HTTP], literal(4, target), literal(1, &self.host)].concat()
    }

    fn get(&self, stream: u32, target: &str) -> Frame {
        Frame::new(HEADERS, END_STREAM | END_HEADERS, stream, self.fields(target))
    }

    /// The next frame; `None` where the connection has ended.
    fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.socket.read_exact(&mut head).ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.socket.read_exact(&mut payload).ok()?;
        Some(Frame::new(kind, flags, u32::from_be_bytes(stream), payload))
    }

    /// The first octet of the header block that answers `stream`: its status.
    fn status(&mut self, stream: u32) -> u8 {
        loop {
            let frame = self.next().expect("an answer");
            if frame.kind == HEADERS && frame.stream == stream {
                return frame.payload[0];
            }
        }
    }

    /// Asks and waits for the body.
    fn ask(&mut self, stream: u32, target: &str) -> String {
        self.send(&[self.get(stream, target)]);
        assert_eq!(self.status(stream), OK);
        let mut body = Vec::new();
        loop {
            let frame = self.next().expect("a body");
            if frame.kind == DATA && frame.stream == stream {
                body.extend(&frame.payload);
                if frame.flags & END_STREAM != 0 {
                    return String::from_utf8(body).unwrap();
                }
            }
        }
    }

    /// Whether the other side ends the connection.
    fn ends(mut self) -> bool {
        while self.next().is_some() {}
        // A time-out is no end.
        let mut octet = [0];
        match self.socket.read(&mut octet) {
            Ok(length) => length == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

/// A server that answers `/held/...` once so many of them are let go.
fn holding() -> (Server, Arc<AtomicUsize>) {
    let free = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&free);
    let server = Server::plain(move |request| {
        let number = request.target.strip_prefix("/held/").map_or(0, |number| number.parse().unwrap());
        wait_for(|| own.load(Ordering::Relaxed) >= number);
        Reply::sized(200, "", &request.target)
    });
    (server, free)
}

fn ended(har: &Value) -> Vec<&str> {
    let entries = har["log"]["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["_authtrail"]["ended"].as_str().unwrap_or("well")).collect()
}

#[test]
fn streams_opened_and_reset_by_the_thousand_are_recorded_and_end_nothing() {
    const ROUNDS: usize = 20;
    const STREAMS: usize = 100;
    let (server, free) = holding();
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let mut client = Frames::open(proxy.addresses()[0]);
    assert_eq!(client.ask(1, "/before"), "/before");
    for round in 0..ROUNDS {
        let streams: Vec<u32> = (0..STREAMS).map(|number| 3 + 2 * (round * STREAMS + number) as u32).collect();
        let target = format!("/held/{}", round + 1);
        client.send(&streams.iter().map(|stream| client.get(*stream, &target)).collect::<Vec<_>>());
        wait_for(|| server.seen().len() == 1 + (round + 1) * STREAMS);
        client.send(&streams.iter().map(|stream| Frame::reset(*stream)).collect::<Vec<_>>());
        wait_for(|| proxy.statistics().open == 0);
        free.store(round + 1, Ordering::Relaxed);
    }
    assert_eq!(client.ask(9001, "/after"), "/after");
    let (decoded, har) = recorded(proxy, &folder);
    let facts = &decoded.captures[0];
    assert!(facts.complete && facts.end_mark.is_some() && facts.problems.is_empty(), "{facts:?}");
    let mut expected = vec!["the client closed the connection"; ROUNDS * STREAMS];
    expected.insert(0, "well");
    expected.push("well");
    assert_eq!(ended(&har), expected);
}

#[test]
fn a_flood_of_resets_ends_its_connection_and_nothing_else() {
    let (server, _) = holding();
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    let mut other = Frames::open(at);
    assert_eq!(other.ask(1, "/before"), "/before");
    for _ in 0..5 {
        let mut client = Frames::open(at);
        let stream = |number: u32| [client.get(2 * number + 1, "/held/1"), Frame::reset(2 * number + 1)];
        let flood: Vec<Frame> = (0..5000).flat_map(stream).collect();
        client.send(&flood);
        assert!(client.ends(), "5000 streams were opened and reset");
    }
    assert_eq!(other.ask(3, "/after"), "/after");
    wait_for(|| proxy.statistics().open == 0);
    let (decoded, har) = recorded(proxy, &folder);
    assert!(decoded.captures[0].complete && decoded.captures[0].end_mark.is_some(), "{:?}", decoded.captures[0]);
    let well = ended(&har).iter().filter(|ended| **ended == "well").count();
    assert_eq!(well, 2);
    // Of the others, what reached the server stands in the recording.
    assert!(decoded.exchanges.len() >= server.seen().len(), "{} of {}", decoded.exchanges.len(), server.seen().len());
}

#[test]
fn floods_of_header_fields_are_refused() {
    let server = Server::plain(|request| Reply::sized(200, "", &request.target));
    let (folder, settings) = reverse(&[&server]);
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    // A block without an end.
    let mut client = Frames::open(at);
    let mut flood = vec![Frame::new(HEADERS, END_STREAM, 1, client.fields("/endless"))];
    let field = new_field("x-flood", &"x".repeat(1000), false);
    flood.extend((0..10_000).map(|_| Frame::new(CONTINUATION, 0, 1, field.clone())));
    client.send(&flood);
    assert!(client.ends(), "10 MB of header fields were taken");
    // Few octets on the wire, many in memory: one field of the table, named again and again.
    const NEWEST: u8 = 0x80 | 62;
    let mut client = Frames::open(at);
    let bomb = [client.fields("/bomb"), new_field("x-bomb", &"x".repeat(3000), true), vec![NEWEST; 10_000]].concat();
    client.send(&[Frame::new(HEADERS, END_STREAM | END_HEADERS, 1, bomb)]);
    // Either is a refusal: status 431, or the end of the connection.
    while let Some(frame) = client.next() {
        if frame.kind == HEADERS {
            assert_ne!(frame.payload[0], OK);
            break;
        }
    }
    assert_eq!(Frames::open(at).ask(1, "/after"), "/after");
    let (decoded, _) = recorded(proxy, &folder);
    assert_eq!((decoded.exchanges.len(), server.seen().len()), (1, 1));
}

#[test]
fn where_memory_is_full_new_exchanges_are_refused() {
    const STREAMS: u32 = 100;
    let (server, free) = holding();
    let (folder, mut settings) = reverse(&[&server]);
    settings.bounds.memory = 64 << 10;
    let proxy = start(settings).unwrap();
    let mut client = Frames::open(proxy.addresses()[0]);
    let streams: Vec<u32> = (0..STREAMS).map(|number| 2 * number + 1).collect();
    client.send(&streams.iter().map(|stream| client.get(*stream, "/held/1")).collect::<Vec<_>>());
    wait_for(|| proxy.statistics().refused + proxy.statistics().open == u64::from(STREAMS));
    free.store(1, Ordering::Relaxed);
    let mut answers = [0, 0];
    while answers[0] + answers[1] < STREAMS {
        let frame = client.next().expect("an answer");
        if frame.kind == HEADERS {
            answers[usize::from(frame.payload[0] != OK)] += 1;
        }
    }
    assert!(answers[0] > 10 && answers[1] > 10, "{answers:?}");
    // What was held is given back.
    wait_for(|| ask(proxy.addresses()[0], "GET", "/after", "", "").text() == "/after");
    let after = server.seen().iter().filter(|asked| asked.target == "/after").count();
    let (decoded, har) = recorded(proxy, &folder);
    assert_eq!((decoded.exchanges.len(), after), (answers[0] as usize + 1, 1));
    assert!(decoded.captures[0].complete && decoded.captures[0].end_mark.is_some(), "{:?}", decoded.captures[0]);
    assert!(
        har["log"]["_authtrailEnd"]["refused"].as_u64() >= Some(answers[1].into()),
        "{}",
        har["log"]["_authtrailEnd"]
    );
}

#[test]
fn tunnels_in_one_connection_count_as_connections() {
    let server = Server::tls(|_| Reply::sized(200, "", ""));
    let folder = tempfile::tempdir().unwrap();
    let (mut settings, _) = forward(folder.path(), &server, &[]);
    settings.bounds.connections = 3;
    let proxy = start(settings).unwrap();
    let mut client = Frames::open(proxy.addresses()[0]);
    let connect = [literal(2, "CONNECT"), literal(1, &server.authority())].concat();
    let mut opened = 0;
    for stream in (1..20).step_by(2) {
        client.send(&[Frame::new(HEADERS, END_HEADERS, stream, connect.clone())]);
        opened += u32::from(client.status(stream) == OK);
    }
    // The connection itself has a place.
    assert_eq!((opened, proxy.statistics().refused), (2, 8));
}
