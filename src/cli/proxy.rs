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
    /// Print the chain as it grows, and name the loss the moment it is proved
    #[arg(long)]
    watch: bool,
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
    use super::recording::{authority, count};
    use super::watch::Watch;

    if of.print_ca {
        let certificate = authority(of.authority.as_deref())?.certificate().to_owned();
        super::output::write_to(common.output.as_deref(), |out| out.write_all(certificate.as_bytes()))
            .context("the certificate")?;
        return Ok(Status::Good);
    }
    let settings = settings(of, common)?;
    let path = settings.output.clone();
    let mut watch = Watch::new(path.clone(), authtrail::check::rule_set::RuleSet::embedded()?, of.watch);
    let proxy = start(settings)?;
    let interruption = proxy.hear_interruption()?;
    for (number, address) in proxy.addresses().iter().enumerate() {
        match of.target.get(number) {
            Some(target) => say(&format!("http://{address} stands for {}", target.origin().ascii_serialization())),
            None => say(&format!("http://{address} is the proxy; clients trust the certificate of --print-ca")),
        }
    }
    say(&format!("recording to {}; Ctrl-C ends it", path.display()));
    proxy.until(interruption, std::time::Duration::from_millis(250), |proxy| {
        for notice in proxy.notices() {
            watch.clear();
            say(&notice);
        }
        watch.look(&proxy.statistics());
    });
    watch.clear();
    let mut notices = proxy.notices();
    let statistics = proxy.stop()?;
    watch.finish(&statistics);
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
        [] => vec![Mode::Forward {
            authority: std::sync::Arc::new(super::recording::authority(of.authority.as_deref())?),
            allow: of.allow.clone(),
        }],
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
