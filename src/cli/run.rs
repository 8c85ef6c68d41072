//! `authtrail record run -- COMMAND`: starts a client, records its traffic, and says what it shows when it ends.
//!
//! As with strace and perf, standard input and output belong to the command, what is said goes to standard error, and the
//! process ends as the command did.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

#[cfg(not(feature = "proxy"))]
use super::arguments::Common;
use super::status::Status;

/// What the help adds.
pub(crate) const HELP: &str = "\
Example:
  authtrail record run -o login.har -- npx the-client https://mcp.example.com/mcp

The command gets HTTP_PROXY and its relatives, the certificate of the proxy in the variables by which Node.js, OpenSSL,
Python and curl are told what to trust, and SSLKEYLOGFILE. A browser that it opens is not led through the proxy: record
it as well. The exit status is that of the command.";

/// Arguments of `record run`.
#[derive(Debug, Args)]
// Without the feature nobody reads them, and help is the same.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
pub(crate) struct Run {
    /// Print the chain as it grows, and name the loss the moment it is proved
    #[arg(long)]
    watch: bool,
    /// Write the diagnosis to this file instead of standard error; its extension gives the format
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Open only what goes to this host (`*.example.com` for those below it); the rest passes unread [default: open all]
    #[arg(long, value_name = "HOST")]
    allow: Vec<String>,
    /// Folder of the authority that signs for opened hosts [default: authtrail in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    authority: Option<PathBuf>,
    /// Trust the authorities in this file (PEM) as well, for certificates of servers
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// Do not verify the certificate of this host
    #[arg(long, value_name = "HOST")]
    insecure_host: Vec<String>,
    /// Put every exchange on the disk itself before its last octet is passed on
    #[arg(long)]
    sync: bool,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[cfg(not(feature = "proxy"))]
pub(crate) fn run(_: &Run, _: &Common) -> anyhow::Result<Status> {
    anyhow::bail!("this build has no proxy; build it with the feature `proxy`: cargo build --release --features proxy")
}

#[cfg(feature = "proxy")]
pub(crate) use with_proxy::run;

#[cfg(feature = "proxy")]
mod with_proxy {
    use std::fs;
    use std::io;
    use std::path::Path;
    use std::process::{Child, Command, ExitStatus};
    use std::sync::Arc;
    use std::time::Duration;

    use anyhow::{Context, bail};
    use authtrail::Options;
    use authtrail::check::rule_set::RuleSet;
    use authtrail::record::client::{Led, bundle, variables};
    use authtrail::record::proxy::{Listen, Mode, Proxy, Settings, start};
    use authtrail::report::{json, terminal_width, text};

    use super::super::arguments::{Common, Format};
    use super::super::messages::say;
    use super::super::output::write_to;
    use super::super::recording::{self, Forwarded, authority};
    use super::super::watch::Watch;
    use super::{Run, Status};

    /// How often the command is looked at.
    const LOOK_EVERY: Duration = Duration::from_millis(20);

    pub(crate) fn run(of: &Run, common: &Common) -> anyhow::Result<Status> {
        let Some((program, arguments)) = of.command.split_first() else { bail!("a command is missing after --") };
        let format = report_format(of, common)?;
        let recording = common.output.clone().unwrap_or_else(|| recording::default_path("har"));
        let keylog = recording.with_extension("keys");
        let authority = Arc::new(authority(of.authority.as_deref())?);
        let trusted = Trusted::new(authority.certificate()).context("certificates for the command")?;
        let mode = Mode::Forward { authority, allow: of.allow.clone() };
        let listen = Listen { address: ([127, 0, 0, 1], 0).into(), mode };
        let mut settings = Settings::new(vec![listen], recording.clone());
        settings.sync = of.sync;
        settings.authorities.clone_from(&of.ca);
        settings.insecure_hosts.clone_from(&of.insecure_host);
        let proxy = start(settings)?;
        let address = *proxy.addresses().first().context("the proxy listens nowhere")?;
        let led = Led {
            proxy: address,
            authority: &trusted.authority,
            bundle: &trusted.bundle,
            keylog: new_keylog(&keylog)?,
        };
        let mut command = Command::new(program);
        command.args(arguments);
        for (name, value) in variables(led) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let signals = Forwarded::new()?;
        let mut watch = Watch::new(recording.clone(), RuleSet::embedded()?, of.watch);
        let ended = command
            .spawn()
            .with_context(|| format!("'{}' cannot be started", program.to_string_lossy()))
            .and_then(|child| Ok(wait(child, &proxy, &mut watch, &signals)?));
        let statistics = proxy.stop()?;
        watch.finish(&statistics);
        if fs::metadata(&keylog).is_ok_and(|about| about.len() == 0) {
            fs::remove_file(&keylog).context("the empty key log")?;
        }
        drop(trusted);
        // Without a command there is nothing to diagnose, and no recording to keep.
        let ended = ended.inspect_err(|_| drop(fs::remove_file(&recording)))?;
        let exchanges = recording::count(statistics.exchanges, "exchange");
        say(&format!("{}: {exchanges}; authtrail {} says this again", recording.display(), recording.display()));
        diagnose(of, &recording, format)?;
        recording::end_as(ended)
    }

    /// Waits until the command ends, passes signals on, and looks at the recording meanwhile.
    fn wait(mut child: Child, proxy: &Proxy, watch: &mut Watch, signals: &Forwarded) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            signals.pass_on(&child);
            watch.look(&proxy.statistics());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn report_format(of: &Run, common: &Common) -> anyhow::Result<Format> {
        let of_report = Common { format: common.format, output: of.report.clone() };
        of_report.format().map_err(anyhow::Error::msg)
    }

    fn diagnose(of: &Run, recording: &Path, format: Format) -> anyhow::Result<()> {
        let report = authtrail::diagnose(&[recording.to_owned()], &Options::new(RuleSet::embedded()?));
        let fill = |out: &mut dyn io::Write| match format {
            Format::Text => {
                let width = if of.report.is_some() { 80 } else { terminal_width() };
                let options = text::TextOptions { width, quiet: false, verbose: false };
                out.write_all(text::render(&report, options).as_bytes())
            }
            Format::Json => json::pretty(out, &report),
            Format::Jsonl => json::line(out, &report),
        };
        match &of.report {
            Some(path) => write_to(Some(path), fill).with_context(|| path.display().to_string()),
            None => {
                let mut out = anstream::AutoStream::auto(io::stderr());
                fill(&mut out).context("standard error")
            }
        }
    }

    /// A key log that only its owner reads; programs append to it.
    fn new_keylog(path: &Path) -> anyhow::Result<&Path> {
        recording::create_private(path).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// The files that tell the command what to trust, as long as it runs.
    struct Trusted {
        folder: std::path::PathBuf,
        authority: std::path::PathBuf,
        bundle: std::path::PathBuf,
    }

    impl Trusted {
        fn new(authority: &str) -> io::Result<Trusted> {
            let folder = std::env::temp_dir().join(format!("authtrail-run-{}", std::process::id()));
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            // Fails where it is there: nobody else can have put his own authority into it.
            builder.create(&folder)?;
            let trusted =
                Trusted { authority: folder.join("authority.pem"), bundle: folder.join("bundle.pem"), folder };
            fs::write(&trusted.authority, authority)?;
            fs::write(&trusted.bundle, bundle(authority))?;
            Ok(trusted)
        }
    }

    impl Drop for Trusted {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
