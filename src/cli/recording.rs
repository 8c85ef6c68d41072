//! What every way of recording needs: signals that end it well, the status line, the name of a recording.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use authtrail::report::escape;

/// Set when the process is asked to end, by Ctrl-C or by another program. Asked twice, it ends at once.
#[cfg(feature = "live")]
pub(crate) fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    use signal_hook::consts::TERM_SIGNALS;
    let stop = Arc::new(AtomicBool::new(false));
    let register = |signal: i32| {
        // The order counts: the first signal finds the flag unset.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, stop.clone())?;
        signal_hook::flag::register(signal, stop.clone()).map(|_| ())
    };
    for signal in TERM_SIGNALS.iter().copied().filter(|signal| *signal != signal_hook::consts::SIGQUIT) {
        register(signal).context("signals")?;
    }
    #[cfg(unix)]
    register(signal_hook::consts::SIGHUP).context("signals")?;
    Ok(stop)
}

/// `authtrail-20260729T093000Z.har`, in the folder where the program runs.
pub(crate) fn default_path(extension: &str) -> PathBuf {
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    PathBuf::from(format!("authtrail-{now}.{extension}"))
}

/// `1 packet`, `17 packets`.
pub(crate) fn count(number: u64, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

/// One line on standard error that changes, where that is a terminal; otherwise nothing.
pub(crate) struct StatusLine {
    shown: bool,
    terminal: bool,
}

impl StatusLine {
    /// Nothing is shown yet.
    pub(crate) fn new() -> StatusLine {
        StatusLine { shown: false, terminal: std::io::stderr().is_terminal() }
    }

    /// Whether anything that is shown would be seen.
    #[cfg(feature = "proxy")]
    pub(crate) fn is_seen(&self) -> bool {
        self.terminal
    }

    /// Shows `text` in place of what was shown before.
    pub(crate) fn show(&mut self, text: &str) {
        if self.terminal {
            self.shown = true;
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K{}", escape::terminal(text));
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Makes a file that only its owner reads; fails where there is one already.
#[cfg(feature = "proxy")]
pub(crate) fn create_private(path: &std::path::Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Signals that are meant for the command that this process runs.
///
/// A terminal gives Ctrl-C to both: here it is only noted, so that the recording ends well. What is sent to this process
/// alone is passed on.
#[cfg(feature = "proxy")]
pub(crate) struct Forwarded(Vec<(i32, Arc<AtomicBool>)>);

#[cfg(feature = "proxy")]
impl Forwarded {
    /// From now on.
    pub(crate) fn new() -> anyhow::Result<Forwarded> {
        use signal_hook::consts;
        let register = |signal: i32| {
            let seen = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal, Arc::clone(&seen)).map(|_| (signal, seen))
        };
        register(consts::SIGINT).context("signals")?;
        #[cfg(unix)]
        let passed = [consts::SIGTERM, consts::SIGHUP, consts::SIGUSR1, consts::SIGUSR2];
        #[cfg(unix)]
        register(consts::SIGQUIT).context("signals")?;
        #[cfg(not(unix))]
        let passed = [consts::SIGTERM];
        passed.into_iter().map(register).collect::<Result<_, _>>().map(Forwarded).context("signals")
    }

    /// Passes on what came since the last call.
    pub(crate) fn pass_on(&self, child: &std::process::Child) {
        for (signal, seen) in &self.0 {
            if seen.swap(false, std::sync::atomic::Ordering::Relaxed) {
                send(child, *signal);
            }
        }
    }
}

#[cfg(all(feature = "proxy", unix))]
fn send(child: &std::process::Child, signal: i32) {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(all(feature = "proxy", not(unix)))]
fn send(_: &std::process::Child, _: i32) {}

/// Ends this process as a command ended: with its exit status, or by the signal that killed it.
#[cfg(feature = "proxy")]
pub(crate) fn end_as(ended: std::process::ExitStatus) -> ! {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&ended) {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        std::process::exit(128 + signal);
    }
    std::process::exit(ended.code().unwrap_or(1))
}

/// The authority in `folder`, or else in the folder where programs keep what they make for a user.
#[cfg(feature = "proxy")]
pub(crate) fn authority(folder: Option<&std::path::Path>) -> anyhow::Result<authtrail::record::proxy::Authority> {
    let folder = folder.map(PathBuf::from).or_else(data_folder);
    let folder = folder.context("no data folder is known for this user; pass --authority FOLDER")?;
    Ok(authtrail::record::proxy::Authority::open(&folder)?)
}

#[cfg(feature = "proxy")]
fn data_folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = named("XDG_DATA_HOME").or_else(|| named("LOCALAPPDATA"));
    let data = data.or_else(|| named("HOME").map(|home| home.join(".local").join("share")))?;
    Some(data.join("authtrail"))
}
