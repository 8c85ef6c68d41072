//! The diagnosis of a recording while it grows: the status line, and what `--watch` prints.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use authtrail::Options;
use authtrail::check::rule_set::RuleSet;
use authtrail::record::proxy::Statistics;
use authtrail::report::contract::Report;
use authtrail::report::terminal_width;
use authtrail::report::text::Growth;

use super::recording::{StatusLine, count};

/// The shortest time between two diagnoses.
const SHORTEST: Duration = Duration::from_millis(300);
/// How much longer than a diagnosis the time after it is: a large recording is looked at less often.
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
    /// What the last look showed, for the status line.
    reached: String,
    not_before: Instant,
}

impl Watch {
    /// Of the recording at this path. `print`: what is new is printed to standard error.
    pub(crate) fn new(recording: PathBuf, rules: &'static RuleSet, print: bool) -> Watch {
        let growth = print.then(Growth::default);
        let line = StatusLine::new();
        Watch { recording, rules, line, growth, looked_at: None, reached: String::new(), not_before: Instant::now() }
    }

    /// Looks where there is something new, and it is not too early.
    pub(crate) fn look(&mut self, statistics: &Statistics) {
        if self.growth.is_none() && !self.line.is_seen() {
            return;
        }
        if self.looked_at != Some(statistics.exchanges) && Instant::now() >= self.not_before {
            self.diagnose(statistics.exchanges);
        }
        let open = if statistics.open > 0 { format!(" ({} open)", statistics.open) } else { String::new() };
        let failed = if statistics.failed.is_some() { "; NOT RECORDING" } else { "" };
        self.line.show(&format!("{}{open}{}{failed}", count(statistics.exchanges, "exchange"), self.reached));
    }

    /// Looks at the whole, however early it is.
    pub(crate) fn finish(&mut self, statistics: &Statistics) {
        // The end mark is new also where no exchange is: now what is missing will not come.
        if self.growth.is_some() {
            self.diagnose(statistics.exchanges);
        }
        self.line.clear();
    }

    /// Takes the status line away, for a message.
    pub(crate) fn clear(&mut self) {
        self.line.clear();
    }

    fn diagnose(&mut self, exchanges: u64) {
        let began = Instant::now();
        let report = authtrail::diagnose(std::slice::from_ref(&self.recording), &Options::new(self.rules));
        self.not_before = Instant::now() + SHORTEST.max(began.elapsed().saturating_mul(SHARE));
        self.looked_at = Some(exchanges);
        self.reached = reached(&report);
        let new = self.growth.as_mut().map(|growth| growth.lines(&report, terminal_width())).unwrap_or_default();
        if !new.is_empty() {
            self.line.clear();
            let _ = anstream::AutoStream::auto(std::io::stderr()).write_all(new.as_bytes());
        }
    }
}

/// `, 1 trail, token-response held`.
fn reached(report: &Report) -> String {
    let mut last = report.trails.iter().filter_map(|trail| {
        let row = trail.chain.iter().rfind(|row| matches!(row.status, "held" | "broken"))?;
        Some(format!(", {} {}", row.link, row.status))
    });
    format!(", {}{}", count(report.trails.len() as u64, "trail"), last.next_back().unwrap_or_default())
}
