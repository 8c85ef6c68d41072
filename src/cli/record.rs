//! `authtrail record`: makes recordings.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use url::Url;

use super::arguments::Common;
use super::interface::{self, Interface};
use super::status::Status;

/// Arguments of `record`.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// Where to record
    #[command(subcommand)]
    what: What,
}

/// Where to record.
#[derive(Debug, Subcommand)]
enum What {
    /// Between a client and its servers, as a proxy
    #[command(after_help = PROXY_HELP)]
    Proxy(Proxy),
    /// At a network device
    Interface(Interface),
}

const PROXY_HELP: &str = "\
Example:
  authtrail record proxy --target https://mcp.example.com -o login.har
  then give the client http://127.0.0.1:8080/... instead of https://mcp.example.com/...";

/// Arguments of `record proxy`.
#[derive(Debug, Args)]
// Without the feature nobody reads them, and help is the same.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
struct Proxy {
    /// Stand for the server with this origin; several times for several servers, each with its own --listen
    #[arg(long, value_name = "URL")]
    target: Vec<Url>,
    /// Address to listen at, in the order of the targets [default: 127.0.0.1:8080 and the ports after it]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<SocketAddr>,
    /// Allow --listen at an address that other machines reach
    #[arg(long)]
    allow_remote: bool,
    /// Trust the authorities in this file (PEM) as well, for certificates of servers
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// Do not verify the certificate of this host
    #[arg(long, value_name = "HOST")]
    insecure_host: Vec<String>,
    /// Put every exchange on the disk itself before its last octet is passed on
    #[arg(long)]
    sync: bool,
}

/// Runs it.
pub(crate) fn run(of: &Record, common: &Common) -> anyhow::Result<Status> {
    match &of.what {
        What::Proxy(of) => proxy(of, common),
        What::Interface(of) => interface::run(of, common),
    }
}

#[cfg(not(feature = "proxy"))]
fn proxy(_: &Proxy, _: &Common) -> anyhow::Result<Status> {
    anyhow::bail!("this build has no proxy; build it with the feature `proxy`: cargo build --release --features proxy")
}

#[cfg(feature = "proxy")]
fn proxy(of: &Proxy, common: &Common) -> anyhow::Result<Status> {
    use super::messages::say;
    use authtrail::record::proxy::{Settings, start};

    let output = common.output.clone().unwrap_or_else(default_output);
    let mut settings = Settings::new(listeners(of)?, output);
    settings.sync = of.sync;
    settings.authorities.clone_from(&of.ca);
    settings.insecure_hosts.clone_from(&of.insecure_host);
    settings.allow_remote = of.allow_remote;
    let path = settings.output.display().to_string();
    let proxy = start(settings)?;
    for (address, target) in proxy.addresses().iter().zip(&of.target) {
        say(&format!("http://{address} stands for {}; recording to {path}", target.origin().ascii_serialization()));
    }
    proxy.until_interrupted(std::time::Duration::from_secs(1), |_| {})?;
    let statistics = proxy.stop()?;
    say(&format!("{path}: {} exchanges; authtrail diagnose {path}", statistics.exchanges));
    Ok(Status::Good)
}

/// One listener for each target.
#[cfg(feature = "proxy")]
fn listeners(of: &Proxy) -> anyhow::Result<Vec<authtrail::record::proxy::Listen>> {
    use authtrail::record::proxy::{Listen, Mode};

    if of.listen.len() > of.target.len() {
        anyhow::bail!("--listen: there are more addresses than targets");
    }
    let address = |index: usize| -> anyhow::Result<SocketAddr> {
        let port = u16::try_from(8080 + index).unwrap_or_default();
        Ok(of.listen.get(index).copied().unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], port))))
    };
    let targets = of.target.iter().enumerate();
    targets
        .map(|(index, target)| Ok(Listen { address: address(index)?, mode: Mode::Reverse(target.clone()) }))
        .collect()
}

/// A name with the time in it, in the current folder.
#[cfg(feature = "proxy")]
fn default_output() -> PathBuf {
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    PathBuf::from(format!("authtrail-{now}.har"))
}
