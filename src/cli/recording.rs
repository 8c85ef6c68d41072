//! What every way of recording needs: signals that end it well, the status line, the name of a recording.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use authtrail::report::escape;

/// Set when the process is asked to end, by Ctrl-C or by another program. Asked twice, it ends at once.
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
