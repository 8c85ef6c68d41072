//! Judges many incidents: opens, skips what was judged before, judges, writes down.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::collect::incident_id;
use super::inputs::Job;
use super::journal::{Journal, LineKey, Place};
use super::judge::{Found, Judged, Options, found, judge_sources};
use super::work::{Capacity, Sorted, Stream, Supply, spread};
use crate::decode::Source;

/// What happened with one incident.
#[derive(Debug)]
pub enum Event {
    /// It was judged now.
    Judged {
        /// What was found.
        judged: Box<Judged>,
        /// Octets of its recordings.
        bytes: u64,
    },
    /// It was judged before, by the same rules, and has not changed.
    Kept {
        /// Octets of its recordings.
        bytes: u64,
    },
}

/// Where the line of an incident stands in the journal, and in which order the rows come.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) paths: Vec<PathBuf>,
    pub(super) place: Place,
}

/// Octets of memory for each octet of a recording, about: bodies stay where they are, everything else is taken apart.
const FACTOR: u64 = 4;
/// The same for compressed recordings.
const FACTOR_COMPRESSED: u64 = 16;
/// Octets of memory for the smallest recording.
const LEAST: u64 = 1 << 20;

/// Sets of key logs whose digests are kept: a list may name recordings in any number of folders.
const KNOWN: usize = 1000;

fn cost(job: &Job) -> u64 {
    let is_compressed = job.paths.iter().any(|path| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        ["gz", "zst", "br", "lz4", "saz", "zhar", "zip"].contains(&&*extension)
    });
    let factor = if is_compressed { FACTOR_COMPRESSED } else { FACTOR };
    job.bytes.saturating_mul(factor).saturating_add(LEAST)
}

/// Judges incidents in parallel and tells of each as it is done, in no order. With a journal, what stands in it already
/// is not judged again, and what is judged now is written to it first.
///
/// # Errors
///
/// The journal cannot be written, or the threads cannot be started.
pub(super) fn run(
    jobs: Vec<Job>,
    options: &Options<'_>,
    capacity: Capacity,
    journal: Option<&Journal>,
    stop: &AtomicBool,
    tell: &(dyn Fn(Event) + Sync),
) -> io::Result<Vec<Written>> {
    let run = Run::new(options, journal, stop, tell, found);
    run.all(Sorted::new(jobs, cost), capacity)
}

/// Judges incidents as their recordings are named, each with what `tell` does with it.
///
/// # Errors
///
/// The threads cannot be started.
pub(super) fn stream(
    jobs: impl Iterator<Item = Job>,
    options: &Options<'_>,
    capacity: Capacity,
    stop: &AtomicBool,
    tell: &(dyn Fn(Event) + Sync),
) -> io::Result<()> {
    Run::new(options, None, stop, tell, found).all(Stream::new(jobs, cost), capacity).map(drop)
}

struct Run<'a, F> {
    options: &'a Options<'a>,
    journal: Option<&'a Journal>,
    stop: &'a AtomicBool,
    tell: &'a (dyn Fn(Event) + Sync),
    /// What finds something in opened recordings: [`found`], or in a test something that fails.
    found: F,
    /// [`Options::judged_by`] for each set of key logs.
    judged_by: Mutex<HashMap<Vec<PathBuf>, String>>,
    written: Mutex<Vec<Written>>,
    failed: Mutex<Option<io::Error>>,
}

impl<'a, F: Found + Sync> Run<'a, F> {
    fn new(
        options: &'a Options<'a>,
        journal: Option<&'a Journal>,
        stop: &'a AtomicBool,
        tell: &'a (dyn Fn(Event) + Sync),
        found: F,
    ) -> Self {
        let (judged_by, written, failed) = (Mutex::default(), Mutex::default(), Mutex::default());
        Run { options, journal, stop, tell, found, judged_by, written, failed }
    }

    fn all(self, jobs: impl Supply<Job>, capacity: Capacity) -> io::Result<Vec<Written>> {
        spread(jobs, capacity, self.stop, |job| {
            if let Err(error) = self.one(job) {
                // Where the journal cannot be written, going on would lose what is done.
                self.stop.store(true, Ordering::Relaxed);
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        })?;
        if let Some(error) = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        if let Some(journal) = self.journal {
            journal.sync()?;
        }
        let mut written = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        written.sort_by(|a, b| a.paths.cmp(&b.paths));
        Ok(written)
    }

    fn one(&self, job: Job) -> io::Result<()> {
        let mut options = self.options.clone();
        options.read.keylogs.extend(job.keylogs.iter().cloned());
        options.read.keylog_from_environment &= job.keylogs.is_empty();
        let judged_by = self.judged_by(&options);
        let sources: Vec<Source> = job.paths.iter().map(|path| Source::open_hashing_all(path, &options.read)).collect();
        if let Some(place) = self.known(&sources, &judged_by) {
            self.note(job.paths, place);
            (self.tell)(Event::Kept { bytes: job.bytes });
            return Ok(());
        }
        let judged = judge_sources(sources, &options, judged_by, &self.found);
        if let Some(journal) = self.journal {
            let place = journal.append(&judged)?;
            self.note(job.paths, place);
        }
        (self.tell)(Event::Judged { judged: Box::new(judged), bytes: job.bytes });
        Ok(())
    }

    fn judged_by(&self, options: &Options<'_>) -> String {
        let mut known = self.judged_by.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN {
            known.clear();
        }
        known.entry(options.read.keylogs.clone()).or_insert_with(|| options.judged_by()).clone()
    }

    fn known(&self, sources: &[Source], judged_by: &str) -> Option<Place> {
        let journal = self.journal.filter(|journal| journal.known() > 0)?;
        let named: Vec<_> = sources.iter().map(|source| (source.path.as_path(), source.digest())).collect();
        let incident = incident_id(named.iter().map(|(path, digest)| (*path, digest)));
        journal.place(&LineKey { incident, judged_by: judged_by.to_owned() })
    }

    fn note(&self, paths: Vec<PathBuf>, place: Place) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push(Written { paths, place });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::rule_set::RuleSet;
    use crate::secret::FingerprintKey;

    #[test]
    fn a_panic_costs_the_recording_that_it_happens_in() {
        let folder = tempfile::tempdir().unwrap();
        let jobs: Vec<Job> = (0..20)
            .map(|number| {
                let path = folder.path().join(format!("{number:02}.har"));
                std::fs::write(&path, r#"{"log":{"version":"1.2","entries":[]}}"#).unwrap();
                Job { paths: vec![path], bytes: 40, keylogs: Vec::new() }
            })
            .collect();
        let key = FingerprintKey::from_file_content(b"sixteen octets..");
        let options = Options::new(RuleSet::embedded().unwrap(), key);
        let told = Mutex::new(Vec::new());
        let tell = |event: Event| {
            let Event::Judged { judged, .. } = event else { return };
            told.lock().unwrap().push((judged.paths[0].clone(), judged.rows.captures[0].usable));
        };
        let stop = AtomicBool::new(false);
        let fails = |sources: Vec<Source>, incident: &str, judged_by: &str, options: &Options<'_>| {
            assert!(!sources[0].path.ends_with("07.har"), "a deliberate fault");
            found(sources, incident, judged_by, options)
        };
        let run = Run::new(&options, None, &stop, &tell, fails);
        run.all(Sorted::new(jobs, cost), Capacity { threads: 2, bytes: 1 << 30 }).unwrap();
        let mut told = told.into_inner().unwrap();
        told.sort();
        assert_eq!(told.len(), 20);
        for (path, usable) in told {
            assert_eq!(usable, !path.ends_with("07.har"), "{path}");
        }
    }
}
