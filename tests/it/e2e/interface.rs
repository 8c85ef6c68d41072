//! `record interface` on the loopback device, beside the proxy and alone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::*;

/// Whether this process may record `lo`. Where `AUTHTRAIL_E2E` is set, root must be able to.
fn may_record() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let output = authtrail()
        .current_dir(folder.path())
        .args(["record", "interface", "-i", "lo", "-o", "x.pcapng", "no", "such", "filter"])
        .output()
        .unwrap();
    // The device is opened first, and then the filter is wrong.
    let may = String::from_utf8_lossy(&output.stderr).contains("filter 'no such filter'");
    if !may {
        players::skipped(&format!("no right to record lo: {}", String::from_utf8_lossy(&output.stderr)));
    }
    may
}

fn record(folder: &Path, name: &str, arguments: &[&str], ports: &[String]) -> Process {
    let filter = ports.iter().map(|port| format!("tcp port {port}")).collect::<Vec<_>>().join(" or ");
    let mut command = authtrail();
    command.current_dir(folder).args(["record", "interface", "-i", "lo", "-o", name]).args(arguments).arg(filter);
    Process(command.spawn().expect("the program starts"))
}

/// The same, once it records to `name`.
fn start(folder: &Path, name: &str, arguments: &[&str], ports: &[String]) -> Process {
    let process = record(folder, name, arguments, ports);
    let begun = Instant::now();
    while !folder.join(name).exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the recording does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}

/// How often each request with its answer stands in a recording: method, address, status, lengths of the bodies.
fn exchanges(folder: &Path, recording: &str, origins: &[String]) -> BTreeMap<String, usize> {
    // Fingerprints of two recordings do not compare.
    let arguments = ["exchanges", recording, "--format", "jsonl", "--show-secrets"];
    let output = authtrail().current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut counted = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let origin = format!("{}://{}", text(&row, "/scheme"), text(&row, "/host"));
        if origins.contains(&origin) {
            let uri = text(&row, "/uri").trim_start_matches(&origin).to_owned();
            // HAR does not tell an empty body from none.
            let number = |member: &str| row[member].as_u64().unwrap_or_default();
            let numbers = ["status", "request_body_len", "response_body_len"].map(number);
            *counted.entry(format!("{} {origin}{uri} {numbers:?}", text(&row, "/method"))).or_default() += 1;
        }
    }
    counted
}

#[test]
fn a_live_capture_tells_what_happened() {
    if !players::are_here() || !may_record() {
        return;
    }
    for case in &CASES {
        let folder = tempfile::tempdir().unwrap();
        let servers = Servers::start(case.server, None);
        let capture = start(folder.path(), "login.pcapng", &[], &servers.ports());
        log_in(&mut client(&[], &servers.mcp, case.client), case.cause.is_none());
        assert_eq!(capture.interrupt(), 0);
        case.judge(folder.path(), "login.pcapng");
    }
}

/// The files of the row, oldest first.
fn row_of(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().flatten().map(|file| file.path());
    let mut row: Vec<PathBuf> = files.filter(|file| file.to_string_lossy().contains("row_")).collect();
    row.sort();
    row
}

#[test]
fn a_killed_capture_keeps_the_login() {
    if !players::are_here() || !may_record() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let servers = Servers::start("", None);
    let row = record(folder.path(), "row.pcapng", &["--rotate-size", "20K"], &servers.ports());
    let capture = start(folder.path(), "login.pcapng", &[], &servers.ports());
    let begun = Instant::now();
    while row_of(folder.path()).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the recording does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    log_in(&mut client(&[], &servers.mcp, ""), true);
    // The system hands packets over after 20 milliseconds at most.
    std::thread::sleep(Duration::from_secs(1));
    drop((capture, row));
    CLEAN.judge(folder.path(), "login.pcapng");
    // A row of files is one recording when put together.
    let files = row_of(folder.path());
    assert!(files.len() > 1, "{files:?}");
    let whole: Vec<u8> = files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    std::fs::write(folder.path().join("whole.pcapng"), whole).unwrap();
    CLEAN.judge(folder.path(), "whole.pcapng");
}

#[test]
fn a_live_capture_shows_the_exchanges_that_the_proxy_shows() {
    if !players::are_here() || !may_record() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let servers = Servers::start("", None);
    let capture = start(folder.path(), "login.pcapng", &[], &servers.ports());
    let mut command = authtrail();
    command.current_dir(folder.path()).args(["record", "proxy", "-o", "login.har", "--listen", "127.0.0.1:0"]);
    let (process, addresses) = recorder(command.args(["--authority", "authority"]), 1);
    log_in(client(&[], &servers.mcp, "").env("HTTP_PROXY", format!("http://{}", addresses[0])), true);
    assert_eq!((process.interrupt(), capture.interrupt()), (0, 0));
    CLEAN.judge(folder.path(), "login.har");
    CLEAN.judge(folder.path(), "login.pcapng");
    let [by_proxy, live] =
        ["login.har", "login.pcapng"].map(|recording| exchanges(folder.path(), recording, &servers.origins()));
    assert!(by_proxy.values().sum::<usize>() > 10, "{by_proxy:#?}");
    assert_eq!(by_proxy, live);
}

#[test]
fn a_live_capture_opens_tls_with_a_key_log_that_grows() {
    if !players::are_here() || !may_record() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tls = Certificates::make(folder.path());
    let servers = Servers::start("", Some(&tls));
    let capture = start(folder.path(), "login.pcapng", &["--keylog", "keys.log"], &servers.ports());
    let keys = format!("--tls-keylog={}", folder.path().join("keys.log").display());
    log_in(client(&[&keys], &servers.mcp, "").env("NODE_EXTRA_CA_CERTS", &tls.authority), true);
    assert_eq!(capture.interrupt(), 0);
    // The keys stand in the recording: it needs nothing beside it.
    std::fs::remove_file(folder.path().join("keys.log")).unwrap();
    CLEAN.judge(folder.path(), "login.pcapng");
    let report = diagnose(folder.path(), &["login.pcapng".to_owned()], &[], None);
    let capture = &items(&report, "captures")[0];
    assert_eq!((&capture["complete"], &capture["dropped"]), (&Value::from(true), &Value::from(0)), "{capture}");
    assert!(text(capture, "/creator").starts_with("authtrail "), "{capture}");
}
