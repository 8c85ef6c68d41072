//! What a proxy is told to do, and why it cannot.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::authority::Authority;

/// What to record, and where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The listeners: one for each target of the reverse mode, or one for the forward mode.
    pub listen: Vec<Listen>,
    /// The recording. It must not exist.
    pub output: PathBuf,
    /// Whether every exchange is put on the disk itself before its last octet is passed on.
    pub sync: bool,
    /// Files with certificates (PEM) of authorities that are trusted beside those of this machine.
    pub authorities: Vec<PathBuf>,
    /// Hosts whose certificates are not verified.
    pub insecure_hosts: Vec<String>,
    /// Whether addresses other than those of this machine alone may be listened at.
    pub allow_remote: bool,
    /// Limits.
    pub bounds: Bounds,
}

/// One listener.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Where; port 0 takes any that is free.
    pub address: SocketAddr,
    /// What for.
    pub mode: Mode,
}

/// What a listener stands for.
#[derive(Debug, Clone)]
pub enum Mode {
    /// For the server with this origin (`https://mcp.example.com`): the client is given the listener's address instead.
    Reverse(url::Url),
    /// For every server: the client is told to use a proxy.
    Forward {
        /// Signs for the hosts that are opened.
        authority: Arc<Authority>,
        /// Hosts that are opened (`mcp.example.com`, `*.example.com`); every one where there is none.
        allow: Vec<String>,
    },
}

/// Limits that keep a hostile or slow peer from more than its share.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Octets of one body that are recorded. More is passed on, and the entry says so.
    pub body: usize,
    /// Octets of all messages that are held for the recording. Where three quarters are taken, bodies are cut; where all
    /// are, new exchanges are refused.
    pub memory: usize,
    /// Connections at one time, as far as there are file descriptors for them; more are closed at once.
    pub connections: usize,
    /// After so long without a request a connection is closed.
    pub idle: Duration,
    /// How long a request may take to bring its header fields.
    pub headers: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            body: 8 << 20,
            memory: 256 << 20,
            connections: 1024,
            idle: Duration::from_secs(120),
            headers: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// Listeners with this recording, and everything else as it is by default.
    pub fn new(listen: Vec<Listen>, output: PathBuf) -> Self {
        Settings {
            listen,
            output,
            sync: false,
            authorities: Vec::new(),
            insecure_hosts: Vec::new(),
            allow_remote: false,
            bounds: Bounds::default(),
        }
    }

    /// Refuses what nobody can mean.
    pub(super) fn check(&self) -> Result<(), Error> {
        for listen in &self.listen {
            if !listen.address.ip().is_loopback() && !self.allow_remote {
                return Err(Error::Remote(listen.address));
            }
            let Mode::Reverse(target) = &listen.mode else { continue };
            let is_origin = matches!(target.scheme(), "http" | "https")
                && target.path() == "/"
                && target.query().is_none()
                && target.fragment().is_none()
                && target.username().is_empty();
            if !is_origin {
                return Err(Error::Target(target.to_string()));
            }
        }
        Ok(())
    }

    /// What the recording says of its recorder: `log._authtrail`.
    pub(super) fn about(&self, addresses: &[SocketAddr]) -> Value {
        let routes = self.listen.iter().zip(addresses).map(|(listen, address)| match &listen.mode {
            Mode::Reverse(target) => json!({
                "mode": "reverse", "here": format!("http://{address}"), "there": target.origin().ascii_serialization(),
            }),
            Mode::Forward { allow, .. } => json!({
                "mode": "forward", "here": format!("http://{address}"), "allow": allow,
            }),
        });
        json!({ "recorder": "proxy", "listeners": routes.collect::<Vec<_>>() })
    }
}

/// Why a proxy cannot begin or end.
#[derive(Debug)]
pub enum Error {
    /// The recording cannot be made.
    Recording {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The end mark could not be written.
    End(io::Error),
    /// The address cannot be listened at.
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
    /// The address is one that other machines reach.
    Remote(SocketAddr),
    /// A target is no origin: `http` or `https`, a host, perhaps a port, and nothing after it.
    Target(String),
    /// Certificates of authorities cannot be read.
    Authorities(String),
    /// The system gives no threads or sockets.
    Runtime(io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Recording { path, cause } if cause.kind() == io::ErrorKind::AlreadyExists => {
                write!(f, "{}: exists, and a recording is never written over; choose another name", path.display())
            }
            Error::Recording { path, cause } => write!(f, "{}: {cause}", path.display()),
            Error::End(cause) => write!(f, "the recording could not be ended: {cause}; what was written is kept"),
            Error::Listen { address, cause } => write!(f, "{address}: cannot be listened at: {cause}"),
            Error::Remote(address) => write!(
                f,
                "{address}: other machines reach this address, and whoever uses the proxy is recorded with all \
                 credentials; pass --allow-remote if that is meant"
            ),
            Error::Target(target) => {
                write!(f, "target '{target}': not an origin such as https://mcp.example.com; leave out path and query")
            }
            Error::Authorities(message) => f.write_str(message),
            Error::Runtime(cause) => write!(f, "the proxy cannot begin: {cause}"),
        }
    }
}

impl std::error::Error for Error {}
