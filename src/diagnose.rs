//! The way through the rooms as one call.

use std::path::PathBuf;

use crate::check::{self, rule_set::RuleSet};
use crate::decode::{self, CaptureFacts, Decoded, ReadOptions};
use crate::report::{self, contract::Report};
use crate::secret::FingerprintKey;
use crate::trail::schema::Revision;
use crate::trail::{self, BuildOptions, Incident};

/// How to diagnose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How to read.
    pub read: ReadOptions,
    /// The key for fingerprints; `None` derives it from the recordings.
    pub key: Option<FingerprintKey>,
    /// Whether secrets are shown.
    pub show_secrets: bool,
    /// The revision to judge by; `None` decides it from the recordings.
    pub assume_revision: Option<Revision>,
}

/// Reads the recordings of one incident and says where authorization was lost.
pub fn diagnose(paths: &[PathBuf], options: &Options) -> Report {
    let decoded = decode::read_all(paths, &options.read);
    judged(decoded, options)
}

/// What stands in recordings, before anything is judged.
#[derive(Debug)]
pub struct Listing {
    /// One for each path given.
    pub captures: Vec<CaptureFacts>,
    /// The exchanges and what they are.
    pub incident: Incident,
    /// The key for fingerprints.
    pub key: FingerprintKey,
}

/// Reads the recordings of one incident and says what each exchange is.
pub fn list(paths: &[PathBuf], options: &Options) -> Listing {
    let decoded = decode::read_all(paths, &options.read);
    let key = key(&decoded, options);
    let build = BuildOptions { limits: options.read.limits, assume_revision: None };
    let incident = trail::build(decoded.exchanges, &decoded.captures, &build);
    Listing { captures: decoded.captures, incident, key }
}

/// The key asked for, or the one of the recordings (design, decision 7).
fn key(decoded: &Decoded, options: &Options) -> FingerprintKey {
    let derived = || FingerprintKey::from_digests(decoded.captures.iter().map(|capture| &capture.digest));
    options.key.clone().unwrap_or_else(derived)
}

fn judged(decoded: Decoded, options: &Options) -> Report {
    let key = key(&decoded, options);
    let build = BuildOptions { limits: options.read.limits, assume_revision: options.assume_revision };
    let incident = trail::build(decoded.exchanges, &decoded.captures, &build);
    let rules = RuleSet::embedded().unwrap_or_else(|_| std::process::abort());
    let diagnoses = check::diagnosis::diagnose(rules, &incident);
    report::build::report(report::build::Sources {
        rules,
        captures: &decoded.captures,
        incident: &incident,
        diagnoses: &diagnoses,
        key: &key,
        show_secrets: options.show_secrets,
    })
}
