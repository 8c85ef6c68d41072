//! Kills and full disks: nothing that completed is lost, and every file can be read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authtrail::decode::exchange::Answer;
use authtrail::record::proxy::start;

use super::program::Program;
use super::servers::{Reply, Server};
use super::{ask_on, body, read, reverse, wait_for};

#[test]
fn no_completed_exchange_is_lost_when_it_is_killed() {
    let server = Server::plain(|request| Reply::sized(200, "", &format!("{}{}", request.target, "x".repeat(3000))));
    let folder = tempfile::tempdir().unwrap();
    let runs: u64 = std::env::var("AUTHTRAIL_KILLS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(20);
    for run in 0..runs {
        let path = folder.path().join(format!("{run}.har"));
        let mut program = Program::start(&server, &path);
        let at = program.at;
        let count = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let count = Arc::clone(&count);
                std::thread::spawn(move || {
                    let mut completed = Vec::new();
                    for number in 0..10_000 {
                        let target = format!("/{client}/{number}/");
                        let Ok(mut socket) = TcpStream::connect(at) else { break };
                        let got = ask_on(&mut socket, &at.to_string(), "GET", &target, "", "");
                        let Some(got) = got.filter(|got| got.body.len() == target.len() + 3000) else { break };
                        assert!(got.text().starts_with(&target));
                        completed.push(target);
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    completed
                })
            })
            .collect();
        // Different moments, the same in every run of the test.
        wait_for(|| count.load(Ordering::Relaxed) > 0);
        std::thread::sleep(Duration::from_micros(run * 7_919 % 200_000));
        program.child.kill().unwrap();
        program.child.wait().unwrap();
        let completed: Vec<String> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        let (decoded, _) = read(&path);
        let facts = &decoded.captures[0];
        assert!(facts.usable && !facts.complete && facts.end_mark.is_none(), "{facts:?}");
        let found: Vec<&str> = decoded
            .exchanges
            .iter()
            .filter(|of| matches!(of.answer, Answer::Received(_)))
            .map(|of| &*of.request.target)
            .collect();
        assert!(!completed.is_empty(), "nothing completed in run {run}");
        for target in &completed {
            assert!(found.contains(&&**target), "run {run}: {target} is lost; {} of {}", found.len(), completed.len());
        }
    }
}

#[test]
fn an_open_stream_is_recorded_as_far_as_it_was_seen() {
    let server = Server::plain(|_| {
        Reply::chunked(&["data: 1\n\n"; 1000], Duration::from_millis(20)).with("Content-Type: text/event-stream\r\n")
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.har");
    let mut program = Program::start(&server, &path);
    let mut socket = TcpStream::connect(program.at).unwrap();
    socket.write_all(format!("GET /stream HTTP/1.1\r\nHost: {}\r\n\r\n", program.at).as_bytes()).unwrap();
    socket.read_exact(&mut [0; 500]).unwrap();
    let written = || std::fs::read_to_string(&path).unwrap_or_default().contains("data: 1");
    wait_for(written);
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    let (decoded, _) = read(&path);
    assert!(body(&decoded.exchanges[0]).starts_with("data: 1\n\n"));
}

/// A file system of 1 MB; `None` where this user cannot make one.
struct Small(PathBuf);

impl Small {
    fn mount(folder: &Path) -> Option<Small> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder).output();
        mount.is_ok_and(|mount| mount.status.success()).then(|| Small(folder.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
#[allow(clippy::print_stderr)] // A test that cannot be made says so.
fn a_full_disk_refuses_and_loses_nothing() {
    let server = Server::plain(|request| Reply::sized(200, "", &format!("{}{}", request.target, "x".repeat(20_000))));
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(folder.path()) else {
        eprintln!("only root can make a small file system; not tested here");
        return;
    };
    let mut settings = reverse(&[&server]).1;
    settings.output = small.0.join("a.har");
    let path = settings.output.clone();
    let proxy = start(settings).unwrap();
    let at = proxy.addresses()[0];
    let mut completed = Vec::new();
    let mut refused = 0;
    for number in 0..100 {
        let target = format!("/{number}/");
        let mut socket = TcpStream::connect(at).unwrap();
        match ask_on(&mut socket, &at.to_string(), "GET", &target, "", "") {
            Some(got) if got.head.starts_with("HTTP/1.1 200") && got.body.len() > 20_000 => completed.push(target),
            Some(got) if got.head.starts_with("HTTP/1.1 503") => refused += 1,
            _ => {}
        }
    }
    assert!(completed.len() > 20 && refused > 20, "{} completed, {refused} refused", completed.len());
    assert!(proxy.statistics().failed.is_some());
    proxy.stop().unwrap();
    let (decoded, har) = read(&path);
    assert!(har.is_object(), "the file is no whole HAR");
    let found: Vec<&str> = decoded.exchanges.iter().map(|of| &*of.request.target).collect();
    assert_eq!(found, completed.iter().map(|target| &**target).collect::<Vec<_>>());
    assert_eq!(decoded.captures[0].end_mark, None, "something passed that is not in the file");
    drop(small);
}
