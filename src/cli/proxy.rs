//! `authtrail record proxy`: a proxy that records until it is ended.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::arguments::{Common, size};
use super::status::Status;

/// What the help adds.
pub(crate) const HELP: &str = "\
Reverse: one --target for each server; no certificate to install.
  authtrail record proxy --target https://mcp.example.com -o login.har
  and give the client http://127.0.0.1:8080/... instead of https://mcp.example.com/...
  An authorization server on another host needs its own --target, or its legs stay unseen.

Forward: without --target; the client needs the certificate of --print-ca.
  authtrail record proxy --allow mcp.example.com --allow login.example.com -o login.har
  HTTPS_PROXY=http://127.0.0.1:8080 NODE_EXTRA_CA_CERTS=ca.pem the-client

Clients that sign the address they talk to (DPoP, private_key_jwt) need the forward mode.";

/// Arguments of `record proxy`.
#[derive(Debug, Args)]
// Without the feature nobody reads them, and help is the same.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
pub(crate) struct Proxy {
    /// Stand for the server with this origin; several times for several servers
    #[arg(long, value_name = "URL")]
    target: Vec<Url>,
    /// Address to listen at, in the order of the targets [default: 127.0.0.1:8080 and the ports after it]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<SocketAddr>,
    /// Allow --listen at an address that other machines reach
    #[arg(long)]
    allow_remote: bool,
    /// Open only what goes to this host (`*.example.com` for those below it); the rest passes unread [default: open all]
    #[arg(long, value_name = "HOST", conflicts_with = "target")]
    allow: Vec<String>,
    /// Print the certificate that clients of the forward mode have to trust, and end
    #[arg(long)]
    print_ca: bool,
    /// Folder of the authority that signs for opened hosts [default: authtrail in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    authority: Option<PathBuf>,
    /// Trust the authorities in this file (PEM) as well, for certificates of servers
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// Do not verify the certificate of this host
    #[arg(long, value_name = "HOST")]
    insecure_host: Vec<String>,
    /// Most octets of one body that are recorded, like 500K or 8M; what is more is passed on all the same
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_body: Option<usize>,
    /// Put every exchange on the disk itself before its last octet is passed on
    #[arg(long)]
    sync: bool,
}

#[cfg(not(feature = "proxy"))]
pub(crate) fn run(_: &Proxy, _: &Common) -> anyhow::Result<Status> {
    anyhow::bail!("this build has no proxy; build it with the feature `proxy`: cargo build --release --features proxy")
}

/// Runs it.
#[cfg(feature = "proxy")]
pub(crate) fn run(of: &Proxy, common: &Common) -> anyhow::Result<Status> {
    use anyhow::Context;
    use authtrail::record::proxy::start;

    use super::messages::say;
    use super::recording::{StatusLine, count};

    if of.print_ca {
        let certificate = authority(of)?.certificate().to_owned();
        super::output::write_to(common.output.as_deref(), |out| out.write_all(certificate.as_bytes()))
            .context("the certificate")?;
        return Ok(Status::Good);
    }
    let settings = settings(of, common)?;
    let path = settings.output.clone();
    let proxy = start(settings)?;
    for (number, address) in proxy.addresses().iter().enumerate() {
        match of.target.get(number) {
            Some(target) => say(&format!("http://{address} stands for {}", target.origin().ascii_serialization())),
            None => say(&format!("http://{address} is the proxy; clients trust the certificate of --print-ca")),
        }
    }
    say(&format!("recording to {}; Ctrl-C ends it", path.display()));
    let mut line = StatusLine::new();
    let mut progress = progress::Progress::new(path.clone());
    proxy.until_interrupted(std::time::Duration::from_millis(500), |proxy| {
        for notice in proxy.notices() {
            line.clear();
            say(&notice);
        }
        if line.is_seen() {
            line.show(&progress.words(&proxy.statistics()));
        }
    })?;
    line.clear();
    let mut notices = proxy.notices();
    let statistics = proxy.stop()?;
    notices.retain(|notice| !notice.is_empty());
    notices.iter().for_each(|notice| say(notice));
    let refused = if statistics.refused > 0 { format!(", {} refused", statistics.refused) } else { String::new() };
    let recorded = count(statistics.exchanges, "exchange");
    say(&format!("{}: {recorded}{refused}; read it with: authtrail {}", path.display(), path.display()));
    Ok(Status::Good)
}

#[cfg(feature = "proxy")]
fn settings(of: &Proxy, common: &Common) -> anyhow::Result<authtrail::record::proxy::Settings> {
    use authtrail::record::proxy::{Listen, Mode, Settings};

    let modes: Vec<Mode> = match &*of.target {
        [] => vec![Mode::Forward { authority: std::sync::Arc::new(authority(of)?), allow: of.allow.clone() }],
        targets => targets.iter().cloned().map(Mode::Reverse).collect(),
    };
    if of.listen.len() > modes.len() {
        anyhow::bail!("--listen is given {} times for {}; one address each", of.listen.len(), modes.len());
    }
    let first = of.listen.first().copied().unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    let listen = modes.into_iter().enumerate().map(|(number, mode)| {
        let port = u16::try_from(number).ok().and_then(|number| first.port().checked_add(number));
        let next = SocketAddr::new(first.ip(), if first.port() == 0 { 0 } else { port.unwrap_or_default() });
        Listen { address: of.listen.get(number).copied().unwrap_or(next), mode }
    });
    let output = common.output.clone().unwrap_or_else(|| super::recording::default_path("har"));
    let mut settings = Settings::new(listen.collect(), output);
    settings.sync = of.sync;
    settings.authorities.clone_from(&of.ca);
    settings.insecure_hosts.clone_from(&of.insecure_host);
    settings.allow_remote = of.allow_remote;
    if let Some(octets) = of.max_body {
        settings.bounds.body = octets;
    }
    Ok(settings)
}

#[cfg(feature = "proxy")]
fn authority(of: &Proxy) -> anyhow::Result<authtrail::record::proxy::Authority> {
    use anyhow::Context;

    let folder = of.authority.clone().or_else(data_folder);
    let folder = folder.context("no data folder is known for this user; pass --authority FOLDER")?;
    Ok(authtrail::record::proxy::Authority::open(&folder)?)
}

/// Where programs keep what they make for a user.
#[cfg(feature = "proxy")]
fn data_folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = named("XDG_DATA_HOME").or_else(|| named("LOCALAPPDATA"));
    let data = data.or_else(|| named("HOME").map(|home| home.join(".local").join("share")))?;
    Some(data.join("authtrail"))
}

#[cfg(feature = "proxy")]
mod progress {
    //! How far the clients have come, read from the recording itself now and then.

    use std::path::PathBuf;
    use std::time::{Duration, Instant};

    use authtrail::check::rule_set::RuleSet;
    use authtrail::record::proxy::Statistics;
    use authtrail::{Options, diagnose};

    use super::super::recording::count;

    /// Recordings above this size are not read again and again.
    const LARGEST: u64 = 16 << 20;

    /// What is known of the recording.
    pub(super) struct Progress {
        path: PathBuf,
        exchanges: u64,
        words: String,
        /// Reading may take a twentieth of the time.
        next: Instant,
    }

    impl Progress {
        /// Nothing read yet.
        pub(super) fn new(path: PathBuf) -> Self {
            Progress { path, exchanges: 0, words: String::new(), next: Instant::now() }
        }

        /// `12 exchanges, 1 trail, token-request held`.
        pub(super) fn words(&mut self, statistics: &Statistics) -> String {
            let now = Instant::now();
            let is_new = statistics.exchanges != self.exchanges && statistics.octets <= LARGEST;
            if let (true, true, Ok(rules)) = (is_new, now >= self.next, RuleSet::embedded()) {
                self.exchanges = statistics.exchanges;
                let report = diagnose(std::slice::from_ref(&self.path), &Options::new(rules));
                let mut reached = report.trails.iter().filter_map(|trail| {
                    let row = trail.chain.iter().rev().find(|row| matches!(row.status, "held" | "broken"))?;
                    Some(format!(", {} {}", row.link, row.status))
                });
                self.words = format!(
                    ", {}{}",
                    count(report.trails.len() as u64, "trail"),
                    reached.next_back().unwrap_or_default()
                );
                self.next = now + (now.elapsed() * 20).max(Duration::from_secs(1));
            }
            let open = if statistics.open > 0 { format!(" ({} open)", statistics.open) } else { String::new() };
            let failed = if statistics.failed.is_some() { "; NOT RECORDING" } else { "" };
            format!("{}{open}{}{failed}", count(statistics.exchanges, "exchange"), self.words)
        }
    }
}
