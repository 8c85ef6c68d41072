//! The program itself, as a proxy in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::servers::Server;

/// The program, as a proxy for a server.
pub(super) struct Program {
    pub(super) child: Child,
    /// Where it listens.
    pub(super) at: SocketAddr,
    said: Arc<Mutex<String>>,
}

impl Program {
    pub(super) fn start(server: &Server, output: &Path) -> Program {
        Program::run(Command::new(env!("CARGO_BIN_EXE_authtrail")), server, output)
    }

    /// With so many file descriptors at most.
    #[cfg(unix)]
    pub(super) fn with_descriptors(most: u32, server: &Server, output: &Path) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {most}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_authtrail")]);
        Program::run(command, server, output)
    }

    fn run(mut command: Command, server: &Server, output: &Path) -> Program {
        command.args(["record", "proxy", "--listen", "127.0.0.1:0", "--target", &server.origin(), "-o"]).arg(output);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let at = line.split_once("http://").and_then(|(_, rest)| rest.split_whitespace().next());
        let at = at.and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("said: {line}"));
        // Whatever it says later must find a reader.
        let said = Arc::new(Mutex::new(line));
        let own = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                own.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Program { child, at, said }
    }

    /// What it said so far.
    #[cfg(unix)]
    pub(super) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Ends it as Ctrl-C does.
    #[cfg(unix)]
    pub(super) fn interrupt(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.said());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
