//! What the recording proxy adds: to each event of a stream, to a request, and to a large body. Beside it, in the same
//! run, no proxy at all and mitmproxy, where `MITMDUMP` names its program.
//!
//! `cargo bench --bench record`; it prints a table and fails where an event is held back. The aim is that each event
//! leaves with p99 under 5 ms added.

// A bench speaks on the terminal.
#![allow(clippy::print_stdout)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Events of a stream, and the time between them.
const EVENTS: (usize, Duration) = (1000, Duration::from_millis(2));

/// Streams at one time.
const STREAMS: usize = 20;

/// Requests, and connections at one time.
const REQUESTS: (usize, usize) = (2000, 8);

/// Octets of the large body.
const LARGE: usize = 64 << 20;

static BEGAN: OnceLock<Instant> = OnceLock::new();

/// Microseconds on the clock that server and client share.
fn now() -> u64 {
    BEGAN.get_or_init(Instant::now).elapsed().as_micros() as u64
}

fn main() {
    let server = serve();
    let folder = tempfile::tempdir().expect("a folder");
    println!(
        "{:<22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "event p50", "p99", "worst", "request", "p99", "per s", "MB/s"
    );
    println!("{:<22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "ms", "ms", "ms", "ms", "ms", "", "");
    let direct = measure("no proxy", server);
    let (own, at) = authtrail(server, &folder.path().join("a.har"), &[]);
    let through = measure("authtrail", at);
    drop(own);
    let (own, at) = authtrail(server, &folder.path().join("b.har"), &["--sync"]);
    measure("authtrail --sync", at);
    drop(own);
    if let Some(program) = std::env::var_os("MITMDUMP") {
        // Streaming, since it would hold every event back otherwise; it then records no bodies.
        for (name, more) in [("mitmdump", &[][..]), ("mitmdump, streaming", &["--set", "stream_large_bodies=1"][..])] {
            let at = free();
            let mut command = Command::new(&program);
            command.args(["-q", "--mode", &format!("reverse:http://{server}"), "--listen-host", "127.0.0.1"]);
            command.args(["--listen-port", &at.port().to_string(), "-w"]).arg(folder.path().join(name)).args(more);
            let own = Running(command.spawn().expect("mitmdump starts"));
            wait(at);
            measure(name, at);
            drop(own);
        }
    }
    let added = through.saturating_sub(direct);
    println!("\nadded to an event: p99 {:.2} ms", added as f64 / 1e3);
    assert!(added < 5_000, "events are held back");
}

/// A process that ends with the measurement.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port")
}

fn wait(at: SocketAddr) {
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(at).is_err() {
        assert!(Instant::now() < end, "nothing listens at {at}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn authtrail(server: SocketAddr, output: &Path, more: &[&str]) -> (Running, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrail"));
    command.args(["record", "proxy", "--listen", "127.0.0.1:0", "--target", &format!("http://{server}"), "-o"]);
    let mut child = command.arg(output).args(more).stderr(Stdio::piped()).spawn().expect("authtrail starts");
    let mut said = BufReader::new(child.stderr.take().expect("its messages"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a message");
    let at = line.split_once("http://").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    (Running(child), at.unwrap_or_else(|| panic!("said: {line}")))
}

/// Prints the numbers of one way; the p99 of an event in microseconds.
fn measure(name: &str, at: SocketAddr) -> u64 {
    let events = spread(streams(at));
    let began = Instant::now();
    let requests = spread(requests(at));
    let per_second = REQUESTS.0 as f64 / began.elapsed().as_secs_f64();
    let began = Instant::now();
    assert_eq!(ask(&mut BufReader::new(connect(at)), at, "/large"), LARGE);
    let large = LARGE as f64 / 1e6 / began.elapsed().as_secs_f64();
    let ms = |microseconds: u64| format!("{:.2}", microseconds as f64 / 1e3);
    println!(
        "{name:<22} {:>9} {:>9} {:>9} {:>9} {:>9} {per_second:>9.0} {large:>9.0}",
        ms(events[0]),
        ms(events[1]),
        ms(events[2]),
        ms(requests[0]),
        ms(requests[1]),
    );
    events[1]
}

/// Median, 99th of 100, and worst.
fn spread(mut times: Vec<u64>) -> [u64; 3] {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    [at(0.5), at(0.99), at(1.0)]
}

fn connect(at: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(at).expect("a connection");
    socket.set_nodelay(true).expect("no delay");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    socket
}

/// How long each event was on its way.
fn streams(at: SocketAddr) -> Vec<u64> {
    let read = move || {
        let mut socket = connect(at);
        write!(socket, "GET /events HTTP/1.1\r\nHost: {at}\r\n\r\n").expect("a request");
        let mut times = Vec::new();
        for line in BufReader::new(socket).lines().map_while(Result::ok) {
            if let Some(sent) = line.strip_prefix("data: ").and_then(|sent| sent.trim().parse::<u64>().ok()) {
                times.push(now().saturating_sub(sent));
            }
            if times.len() == EVENTS.0 {
                break;
            }
        }
        assert_eq!(times.len(), EVENTS.0, "events are missing");
        times
    };
    let readers: Vec<_> = (0..STREAMS).map(|_| std::thread::spawn(read)).collect();
    readers.into_iter().flat_map(|reader| reader.join().expect("a reader")).collect()
}

/// How long each request took, over connections that stay open.
fn requests(at: SocketAddr) -> Vec<u64> {
    let (requests, connections) = REQUESTS;
    let client = move || {
        let mut socket = BufReader::new(connect(at));
        let one = |_| {
            let began = now();
            assert_eq!(ask(&mut socket, at, "/small"), 1000);
            now() - began
        };
        (0..requests / connections).map(one).collect::<Vec<u64>>()
    };
    let clients: Vec<_> = (0..connections).map(|_| std::thread::spawn(client)).collect();
    clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
}

/// Asks and reads the answer; how many octets its body had.
fn ask(socket: &mut BufReader<TcpStream>, at: SocketAddr, target: &str) -> usize {
    write!(socket.get_mut(), "GET {target} HTTP/1.1\r\nHost: {at}\r\n\r\n").expect("a request");
    let mut length = 0;
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).expect("a head");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(octets) = line.strip_prefix("content-length: ") {
            length = octets.parse().expect("a length");
        }
    }
    std::io::copy(&mut socket.take(length as u64), &mut std::io::sink()).expect("a body") as usize
}

/// The server: `/events`, `/small`, `/large`.
fn serve() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        for socket in socket.incoming().flatten() {
            std::thread::spawn(move || answer(socket));
        }
    });
    at
}

fn answer(socket: TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut lines = BufReader::new(socket.try_clone()?);
    let mut socket = socket;
    loop {
        let mut target = String::new();
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(asked) = line.strip_prefix("GET ") {
                asked.split(' ').next().unwrap_or_default().clone_into(&mut target);
            }
        }
        let octets = match &*target {
            "/events" => {
                write!(
                    socket,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                )?;
                for _ in 0..EVENTS.0 {
                    let event = format!("data: {:>20}\n\n", now());
                    socket.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())?;
                    std::thread::sleep(EVENTS.1);
                }
                socket.write_all(b"0\r\n\r\n")?;
                continue;
            }
            "/large" => LARGE,
            _ => 1000,
        };
        write!(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {octets}\r\n\r\n")?;
        let piece = vec![b'x'; octets.min(1 << 20)];
        let mut rest = octets;
        while rest > 0 {
            socket.write_all(&piece[..rest.min(piece.len())])?;
            rest -= rest.min(piece.len());
        }
    }
}
