//! The servers and the client, as processes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing here takes longer, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/e2e")
}

/// Whether the players are here. Where `AUTHTRAIL_E2E` is set, they must be.
pub(super) fn are_here() -> bool {
    let node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    let here = node && folder().join("node_modules/oidc-provider").is_dir();
    assert!(
        here || std::env::var_os("AUTHTRAIL_E2E").is_none(),
        "node or samples/e2e/node_modules is missing (npm ci)"
    );
    if !here {
        skipped("node or samples/e2e/node_modules is not here; ./test installs them");
    }
    here
}

/// Says why nothing was tested.
#[allow(clippy::print_stderr)] // The test harness shows it.
pub(super) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// A process that ends with the test.
pub(super) struct Process(pub(super) Child);

impl Process {
    /// Asks it to end as Ctrl-C does, and waits.
    pub(super) fn interrupt(mut self) -> i32 {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill is there").success());
        let begun = Instant::now();
        loop {
            match self.0.try_wait().expect("a process of this test") {
                Some(status) => return status.code().expect("it ends by itself"),
                None => assert!(begun.elapsed() < PATIENCE, "it does not end when interrupted"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines that a process writes until one says what is `wanted`. What it writes after that is read and dropped.
pub(super) fn lines_until(stream: impl std::io::Read + Send + 'static, wanted: &str) -> Vec<String> {
    let (send, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    let begun = Instant::now();
    let mut said = Vec::new();
    while let Ok(line) = lines.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
        said.push(line);
        if said.last().is_some_and(|line| line.contains(wanted)) {
            return said;
        }
    }
    panic!("'{wanted}' was not said, but: {said:?}");
}

/// The authorization server and the MCP server.
pub(super) struct Servers {
    _process: Process,
    /// URL of the MCP endpoint.
    pub(super) mcp: String,
    /// The issuer.
    pub(super) authorization_server: String,
}

/// An authority of this test alone, and what it signed for the servers; in files.
pub(super) struct Certificates {
    /// The certificate of the authority.
    pub(super) authority: PathBuf,
    /// That of 127.0.0.1.
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificates {
    pub(super) fn make(folder: &Path) -> Certificates {
        use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "an authority of this test");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let write = |name: &str, content: String| -> PathBuf {
            let path = folder.join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        Certificates {
            authority: write("authority.pem", authority.pem()),
            certificate: write("certificate.pem", certificate.pem()),
            key: write("key.pem", key.serialize_pem()),
        }
    }
}

impl Servers {
    pub(super) fn start(fault: &str, tls: Option<&Certificates>) -> Servers {
        let mut command = Command::new("node");
        command.current_dir(folder()).args(["servers.mjs", fault]);
        if let Some(tls) = tls {
            command.env("TLS_CERT", &tls.certificate).env("TLS_KEY", &tls.key);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("node starts");
        let said = lines_until(process.stdout.take().expect("a pipe"), "{\"mcp\"");
        let ready: Value = serde_json::from_str(&said[said.len() - 1]).expect("a line of JSON");
        let text = |member: &str| ready[member].as_str().expect("an address").to_owned();
        Servers { _process: Process(process), mcp: text("mcp"), authorization_server: text("as") }
    }

    /// The origins of the MCP server and of the authorization server.
    pub(super) fn origins(&self) -> [String; 2] {
        [self.mcp.trim_end_matches("/mcp").to_owned(), self.authorization_server.clone()]
    }

    /// Their ports, for a filter.
    #[cfg(feature = "live")]
    pub(super) fn ports(&self) -> [String; 2] {
        self.origins().map(|origin| origin.rsplit(':').next().expect("a port").to_owned())
    }
}

/// The client that logs in at `url`. What is given to it stands before its own arguments.
pub(super) fn client(node_options: &[&str], url: &str, fault: &str) -> Command {
    let mut command = Command::new("node");
    command.current_dir(folder()).args(node_options).args(["client.mjs", url, fault]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy", "SSLKEYLOGFILE"] {
        command.env_remove(name);
    }
    command
}

/// Runs the client to its end; whether the tool answered must be as `expected`.
pub(super) fn log_in(command: &mut Command, expected: bool) {
    let output: Output = command.output().expect("node starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(i32::from(!expected)), "{said}");
}
