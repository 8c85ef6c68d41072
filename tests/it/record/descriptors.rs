//! Too few file descriptors, and more connections than can be served.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};

use super::program::Program;
use super::servers::{Reply, Server};
use super::{ask, ask_on, body, read, wait_for};

/// The answer to `target` on this connection; `None` where it was closed instead.
fn text_on(socket: &mut TcpStream, at: SocketAddr, target: &str) -> Option<String> {
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    ask_on(socket, &at.to_string(), "GET", target, "", "").map(|got| got.text().to_owned())
}

fn text(at: SocketAddr, target: &str) -> Option<String> {
    text_on(&mut TcpStream::connect(at).unwrap(), at, target)
}

#[test]
fn with_few_descriptors_connections_are_refused_until_others_are_free() {
    let server = Server::plain(|request| Reply::sized(200, "", &request.target));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.har");
    let program = Program::with_descriptors(40, &server, &path);
    let at = program.at;
    assert_eq!(text(at, "/before").as_deref(), Some("/before"));
    let mut idle: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(at).unwrap()).collect();
    assert_eq!(text(at, "/refused"), None);
    // Whoever has a place is served, also where no other is free.
    assert_eq!(text_on(&mut idle[0], at, "/meanwhile").as_deref(), Some("/meanwhile"));
    drop(idle);
    wait_for(|| text(at, "/after").as_deref() == Some("/after"));
    let asked = server.seen().iter().filter(|asked| asked.target == "/after").count();
    program.interrupt();
    let (decoded, har) = read(&path);
    let bodies: Vec<String> = decoded.exchanges.iter().map(body).collect();
    assert_eq!((&bodies[..], asked), (&["/before", "/meanwhile", "/after"].map(str::to_owned)[..], 1));
    assert!(decoded.captures[0].complete && decoded.captures[0].end_mark.is_some(), "{:?}", decoded.captures[0]);
    let refused = har["log"]["_authtrailEnd"]["refused"].as_u64();
    assert!(refused >= Some(180), "{refused:?}");
}

/// A process whose limit of descriptors others change.
#[cfg(target_os = "linux")]
struct Descriptors(Pid);

#[cfg(target_os = "linux")]
impl Descriptors {
    fn open(&self) -> Vec<u64> {
        let folder = format!("/proc/{}/fd", self.0.as_raw_nonzero());
        let names = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name());
        names.map(|name| name.to_str().unwrap().parse().unwrap()).collect()
    }

    /// Sets the limit; gives the one before.
    fn limit(&self, limit: Rlimit) -> Rlimit {
        rustix::process::prlimit(Some(self.0), Resource::Nofile, limit).unwrap()
    }

    /// From now on one more can be open, and no second one.
    fn leave_one(&self) -> Rlimit {
        let open = self.open();
        let free = (0..).find(|number| !open.contains(number)).unwrap();
        self.limit(Rlimit { current: Some(free + 1), ..getrlimit(Resource::Nofile) })
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_descriptors_it_refuses_or_waits_and_loses_nothing() {
    // Each connection to the server ends with its answer: none is kept for the next request.
    let server = Server::plain(|request| Reply::sized(200, "Connection: close\r\n", &request.target));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.har");
    let program = Program::start(&server, &path);
    let (at, descriptors) = (program.at, Descriptors(Pid::from_child(&program.child)));
    let own = descriptors.open().len();
    assert_eq!(text(at, "/before").as_deref(), Some("/before"));
    wait_for(|| descriptors.open().len() == own);
    let limit = descriptors.leave_one();
    // One for the client, none for the server.
    let got = ask(at, "GET", "/refused", "", "");
    assert!(got.head.starts_with("HTTP/1.1 502"), "{}", got.head);
    wait_for(|| descriptors.open().len() == own);
    let holder = TcpStream::connect(at).unwrap();
    wait_for(|| descriptors.open().len() == own + 1);
    // None at all: whoever comes now waits.
    let waiting = std::thread::spawn(move || text(at, "/waited"));
    wait_for(|| program.said().contains("connections cannot be accepted"));
    descriptors.limit(limit);
    assert_eq!(waiting.join().unwrap().as_deref(), Some("/waited"));
    drop(holder);
    program.interrupt();
    let (decoded, har) = read(&path);
    let targets: Vec<&str> = decoded.exchanges.iter().map(|of| &*of.request.target).collect();
    assert_eq!(targets, ["/before", "/refused", "/waited"]);
    let statuses: Vec<u64> =
        (0..3).filter_map(|number| har["log"]["entries"][number]["response"]["status"].as_u64()).collect();
    assert_eq!(statuses, [200, 0, 200]);
    assert!(decoded.captures[0].complete && decoded.captures[0].end_mark.is_some(), "{:?}", decoded.captures[0]);
}

#[test]
fn thousands_of_idle_connections_cost_little_and_stop_nobody() {
    const IDLE: u64 = 3000;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    // Other tests of this process have files open as well.
    let idle = limit.current.map_or(IDLE, |most| IDLE.min(most.saturating_sub(600)));
    let server = Server::plain(|request| Reply::sized(200, "", &request.target));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.har");
    let program = Program::start(&server, &path);
    let at = program.at;
    let mut first = TcpStream::connect(at).unwrap();
    let sockets: Vec<TcpStream> = (0..idle).map(|_| TcpStream::connect(at).unwrap()).collect();
    assert_eq!(text_on(&mut first, at, "/first").as_deref(), Some("/first"));
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
        assert!(kilobytes < 100_000, "{kilobytes} kB for {idle} idle connections");
    }
    drop(sockets);
    wait_for(|| text(at, "/after").as_deref() == Some("/after"));
    program.interrupt();
    let (decoded, _) = read(&path);
    assert_eq!(decoded.exchanges.iter().map(body).collect::<Vec<_>>(), ["/first", "/after"]);
    assert!(decoded.captures[0].complete && decoded.captures[0].end_mark.is_some(), "{:?}", decoded.captures[0]);
}
