//! A login of the official client library at real servers, recorded in every way there is: the recording tells what
//! happened, the injected fault is the cause.
//!
//! The players stand in `samples/e2e`; `npm ci` there makes them ready.

#[cfg(feature = "live")]
mod interface;
mod players;
mod run;

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::{diagnose, items, text};
use players::{Certificates, Process, Servers, client, log_in};

/// What is wrong in a login, and what is to be said of it.
struct Case {
    server: &'static str,
    client: &'static str,
    /// The link and the rule of the cause; `None` where the login is to succeed.
    cause: Option<(&'static str, &'static str)>,
}

const CLEAN: Case = Case { server: "", client: "", cause: None };

const CASES: [Case; 4] = [
    CLEAN,
    Case { server: "", client: "token-never-attached", cause: Some(("token-attachment", "token-not-attached")) },
    Case { server: "", client: "verifier-of-another-flow", cause: Some(("token-request", "verifier-of-another-flow")) },
    Case { server: "server-refuses-audience", client: "", cause: Some(("token-acceptance", "right-audience-refused")) },
];

impl Case {
    fn name(&self) -> &'static str {
        [self.server, self.client].into_iter().find(|fault| !fault.is_empty()).unwrap_or("clean")
    }

    /// Compares the verdict on `recording` with what happened.
    fn judge(&self, folder: &Path, recording: &str) {
        let report = diagnose(folder, &[recording.to_owned()], &[], None);
        let trails = items(&report, "trails");
        let [trail] = trails else { panic!("{}: {} trails", self.name(), trails.len()) };
        let found = (text(trail, "/outcome"), text(trail, "/cause/link"), text(trail, "/cause/rule"));
        let expected = self.cause.map_or(("authorized", "", ""), |(link, rule)| ("lost", link, rule));
        assert_eq!(found, expected, "{}: {recording}", self.name());
    }
}

fn authtrail() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrail"));
    command.env_remove("SSLKEYLOGFILE").stdin(Stdio::null());
    command
}

/// Starts a recorder that says where it listens; gives the addresses, one for each of the `listeners`.
fn recorder(command: &mut Command, listeners: usize) -> (Process, Vec<String>) {
    let mut process = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    let stream = process.stderr.take().expect("a pipe");
    let said = players::lines_until(stream, "recording to");
    let addresses: Vec<String> = said
        .iter()
        .filter_map(|line| line.strip_prefix("authtrail: http://")?.split(' ').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(addresses.len(), listeners, "{said:?}");
    (Process(process), addresses)
}

fn reverse(case: &Case) {
    let folder = tempfile::tempdir().unwrap();
    let servers = Servers::start(case.server, None);
    let mut command = authtrail();
    command.current_dir(folder.path()).args(["record", "proxy", "-o", "login.har"]);
    for origin in servers.origins() {
        command.args(["--target", &origin, "--listen", "127.0.0.1:0"]);
    }
    let (process, addresses) = recorder(&mut command, 2);
    log_in(&mut client(&[], &format!("http://{}/mcp", addresses[0]), case.client), case.cause.is_none());
    assert_eq!(process.interrupt(), 0);
    case.judge(folder.path(), "login.har");
}

fn forward(case: &Case) {
    let folder = tempfile::tempdir().unwrap();
    let servers = Servers::start(case.server, None);
    let mut command = authtrail();
    command.current_dir(folder.path()).args(["record", "proxy", "-o", "login.har", "--listen", "127.0.0.1:0"]);
    command.args(["--authority", "authority"]);
    let (process, addresses) = recorder(&mut command, 1);
    let mut client = client(&[], &servers.mcp, case.client);
    log_in(client.env("HTTP_PROXY", format!("http://{}", addresses[0])), case.cause.is_none());
    assert_eq!(process.interrupt(), 0);
    case.judge(folder.path(), "login.har");
}

/// Over TLS on both sides: the client trusts the authority of the proxy, the proxy that of the servers. `second`: the
/// client speaks HTTP/2.
fn forward_tls(case: &Case, second: bool) {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let servers = Servers::start(case.server, Some(&certificates));
    let own = ["--authority", "authority"];
    let mut printing = authtrail();
    printing.current_dir(folder.path()).args(["record", "proxy", "--print-ca", "-o", "ca.pem"]).args(own);
    assert!(printing.status().unwrap().success());
    let mut command = authtrail();
    command.current_dir(folder.path()).args(["record", "proxy", "-o", "login.har", "--listen", "127.0.0.1:0"]);
    let (process, addresses) = recorder(command.args(own).arg("--ca").arg(&certificates.authority), 1);
    let mut client = client(&[], &servers.mcp, case.client);
    let proxy = format!("http://{}", addresses[0]);
    client.env("HTTP_PROXY", &proxy).env("HTTPS_PROXY", &proxy);
    if second {
        client.env("HTTP2", "1");
    }
    log_in(client.env("NODE_EXTRA_CA_CERTS", folder.path().join("ca.pem")), case.cause.is_none());
    assert_eq!(process.interrupt(), 0);
    case.judge(folder.path(), "login.har");
    // The proxy speaks HTTP/2 where the other side does: the client where it may, the authorization server always.
    let recording = std::fs::read(folder.path().join("login.har")).unwrap();
    let recording: serde_json::Value = serde_json::from_slice(&recording).unwrap();
    for (origin, server) in servers.origins().iter().zip(["HTTP/1.1", "HTTP/2"]) {
        let entries = items(&recording["log"], "entries").iter();
        let entries = entries.filter(|entry| text(entry, "/request/url").starts_with(origin));
        let versions: Vec<[&str; 2]> = entries
            .map(|entry| ["/request/httpVersion", "/response/httpVersion"].map(|version| text(entry, version)))
            .collect();
        let expected = [if second { "HTTP/2" } else { "HTTP/1.1" }, server];
        assert!(origin.starts_with("https:") && versions.len() > 2, "{origin}: {}", versions.len());
        assert!(versions.iter().all(|found| *found == expected), "{origin}: {versions:?}");
    }
}

#[test]
fn a_login_over_tls_through_the_forward_proxy_tells_what_happened() {
    if players::are_here() {
        forward_tls(&CLEAN, false);
        CASES.iter().for_each(|case| forward_tls(case, true));
    }
}

#[test]
fn a_login_through_the_reverse_proxy_tells_what_happened() {
    if players::are_here() {
        CASES.iter().for_each(reverse);
    }
}

#[test]
fn a_login_through_the_forward_proxy_tells_what_happened() {
    if players::are_here() {
        CASES.iter().for_each(forward);
    }
}
