//! How far an audit is: a line on a terminal, nothing elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};

use authtrail::audit::{Event, Job};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const TEMPLATE: &str =
    "{wide_bar} {percent:>3} %  {msg}, {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left";

/// The line.
pub(crate) struct Progress {
    bar: ProgressBar,
    all: u64,
    done: AtomicU64,
    lost: AtomicU64,
}

impl Progress {
    /// Begins a line for these incidents, if standard error is a terminal.
    pub(crate) fn new(jobs: &[Job]) -> Progress {
        let bytes = jobs.iter().map(|job| job.bytes).sum();
        // Hidden by itself where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Progress { bar, all: jobs.len() as u64, done: AtomicU64::new(0), lost: AtomicU64::new(0) }
    }

    /// An incident is done.
    pub(crate) fn done(&self, event: &Event) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = match event {
            Event::Judged { judged, bytes } => {
                let lost = judged.rows.trails.iter().filter(|trail| trail.outcome == "lost").count();
                self.lost.fetch_add(lost as u64, Ordering::Relaxed);
                *bytes
            }
            Event::Kept { bytes } => *bytes,
        };
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_message(format!("{done}/{}, {} lost", self.all, self.lost.load(Ordering::Relaxed)));
        self.bar.inc(bytes);
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
