//! The diagnosis of a recording while it grows: the status line, and what `--watch` prints.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use authtrail::Options;
use authtrail::check::rule_set::RuleSet;
use authtrail::report::contract::Report;
use authtrail::report::terminal_width;
use authtrail::report::text::Growth;

use super::recording::{StatusLine, count};

/// The shortest time between two diagnoses.
const SHORTEST: Duration = Duration::from_millis(300);
/// A diagnosis may take this part of the time at most: a large recording is looked at less often.
const SHARE: u32 = 8;

/// Looks at a recording again and again.
pub(crate) struct Watch {
    recording: PathBuf,
    rules: &'static RuleSet,
    line: StatusLine,
    /// What was printed; `None` where only the status line is wanted.
    growth: Option<Growth>,
    /// Exchanges at the last look.
    looked_at: Option<u64>,
    not_before: Instant,
}

impl Watch {
    /// Of the recording at this path. `print`: what is new is printed to standard error.
    pub(crate) fn new(recording: PathBuf, rules: &'static RuleSet, print: bool) -> Watch {
        let growth = print.then(Growth::default);
        let line = StatusLine::new();
        Watch { recording, rules, line, growth, looked_at: None, not_before: Instant::now() }
    }

    /// Looks where there is something new, and it is not too early. `exchanges`: that completed so far.
    pub(crate) fn look(&mut self, exchanges: u64) {
        let wanted = self.growth.is_some() || self.line.is_wanted();
        if wanted && self.looked_at != Some(exchanges) && Instant::now() >= self.not_before {
            self.diagnose(exchanges);
        }
    }

    /// Looks once more, however early, and takes the status line away.
    pub(crate) fn finish(&mut self, exchanges: u64) {
        if self.growth.is_some() && self.looked_at != Some(exchanges) {
            self.diagnose(exchanges);
        }
        self.line.clear();
    }

    fn diagnose(&mut self, exchanges: u64) {
        let began = Instant::now();
        let report = authtrail::diagnose(std::slice::from_ref(&self.recording), &Options::new(self.rules));
        self.not_before = Instant::now() + SHORTEST.max(began.elapsed().saturating_mul(SHARE));
        self.looked_at = Some(exchanges);
        let new = self.growth.as_mut().map(|growth| growth.lines(&report, terminal_width())).unwrap_or_default();
        if !new.is_empty() {
            self.line.clear();
            let _ = anstream::AutoStream::auto(std::io::stderr()).write_all(new.as_bytes());
        }
        self.line.show(&status(&report, exchanges));
    }
}

/// `17 exchanges, 1 trail, last link reached: token-response`.
fn status(report: &Report, exchanges: u64) -> String {
    let mut status = vec![count(exchanges, "exchange"), count(report.trails.len() as u64, "trail")];
    let reached = |row: &&authtrail::report::contract::ChainRow| matches!(row.status, "held" | "broken");
    let last = report.trails.iter().filter_map(|trail| trail.chain.iter().rfind(reached)).next_back();
    status.extend(last.map(|row| format!("last link reached: {}", row.link)));
    status.join(", ")
}
