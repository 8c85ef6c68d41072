//! The way through the rooms as one call.

use std::path::PathBuf;

use crate::check::{self, rule_set::RuleSet};
use crate::decode::{self, CaptureFacts, Decoded, ReadOptions};
use crate::report::{self, contract::Report};
use crate::secret::FingerprintKey;
use crate::trail::schema::Revision;
use crate::trail::{self, BuildOptions, Incident};

/// How to diagnose.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The rules to judge by.
    pub rules: &'a RuleSet,
    /// How to read.
    pub read: ReadOptions,
    /// The key for fingerprints; `None` derives it from the recordings.
    pub key: Option<FingerprintKey>,
    /// Whether secrets are shown.
    pub show_secrets: bool,
    /// The revision to judge by; `None` decides it from the recordings.
    pub assume_revision: Option<Revision>,
}

impl<'a> Options<'a> {
    /// The defaults: limits of every reader, fingerprints under a key of the recordings, nothing assumed.
    pub fn new(rules: &'a RuleSet) -> Self {
        Options { rules, read: ReadOptions::default(), key: None, show_secrets: false, assume_revision: None }
    }
}

/// Reads the recordings of one incident and says where authorization was lost.
///
/// Never fails: what cannot be read stands in the report.
///
/// ```
/// use authtrail::{Options, check::rule_set::RuleSet, diagnose};
///
/// let rules = RuleSet::embedded()?;
/// let report = diagnose(&["no-such-file.har".into()], &Options::new(rules));
/// assert!(report.trails.is_empty());
/// assert!(!report.captures[0].usable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn diagnose(paths: &[PathBuf], options: &Options<'_>) -> Report {
    diagnose_decoded(decode::read_all(paths, &options.read), options).report
}

/// What was found in the recordings of one incident, with what it was found in.
#[derive(Debug)]
pub(crate) struct Found {
    /// One for each recording.
    pub(crate) captures: Vec<CaptureFacts>,
    /// What was reconstructed.
    pub(crate) incident: Incident,
    /// The report.
    pub(crate) report: Report,
}

/// The way from exchanges to the report.
pub(crate) fn diagnose_decoded(decoded: Decoded, options: &Options<'_>) -> Found {
    let key = key(&decoded, options.key.as_ref());
    let build = BuildOptions { limits: options.read.limits, assume_revision: options.assume_revision };
    let captures = decoded.captures;
    let incident = trail::build(decoded.exchanges, &captures, &build);
    let diagnoses = check::diagnosis::diagnose(options.rules, &incident);
    let report = report::build::report(report::build::Sources {
        rules: options.rules,
        captures: &captures,
        incident: &incident,
        diagnoses: &diagnoses,
        key: &key,
        show_secrets: options.show_secrets,
    });
    Found { captures, incident, report }
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

/// Reads the recordings of one incident and says what each exchange is. Without a key, the one of the recordings is taken.
pub fn list(paths: &[PathBuf], options: &ReadOptions, key: Option<&FingerprintKey>) -> Listing {
    let decoded = decode::read_all(paths, options);
    let key = self::key(&decoded, key);
    let build = BuildOptions { limits: options.limits, assume_revision: None };
    let incident = trail::build(decoded.exchanges, &decoded.captures, &build);
    Listing { captures: decoded.captures, incident, key }
}

/// The key asked for, or the one of the recordings (design, decision 7).
fn key(decoded: &Decoded, asked: Option<&FingerprintKey>) -> FingerprintKey {
    let derived = || FingerprintKey::from_digests(decoded.captures.iter().map(|capture| &capture.digest));
    asked.cloned().unwrap_or_else(derived)
}
