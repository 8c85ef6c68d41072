//! The way through the rooms as one call.

use std::path::PathBuf;

use crate::check::rule_set::RuleSet;
use crate::decode::{self, CaptureFacts, Decoded, ReadOptions, Sanitized};
use crate::evidence::CaptureId;
use crate::report::contract::{self, Report};
use crate::secret::FingerprintKey;
use crate::trail::Incident;
use crate::trail::schema::Revision;

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
    let decoded = decode::read_all(paths, &options.read);
    let key = key(&decoded, options.key.as_ref());
    report(decoded, &key, options)
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
    Listing { captures: decoded.captures, incident: incident(decoded.exchanges), key }
}

/// The key asked for, or the one of the recordings (design, decision 7).
fn key(decoded: &Decoded, asked: Option<&FingerprintKey>) -> FingerprintKey {
    let derived = || FingerprintKey::from_digests(decoded.captures.iter().map(|capture| &capture.digest));
    asked.cloned().unwrap_or_else(derived)
}

// SEAM: to be replaced by `trail::build`.
fn incident(exchanges: Vec<decode::exchange::Exchange>) -> Incident {
    let mut exchanges = exchanges;
    exchanges.sort_by_key(|exchange| exchange.sent_at);
    let mut next = std::collections::HashMap::<CaptureId, usize>::new();
    let ordinals = exchanges.iter().map(|exchange| {
        let next = next.entry(exchange.capture).or_default();
        *next += 1;
        *next - 1
    });
    let ordinals = ordinals.collect();
    Incident { exchanges, ordinals, ..Incident::default() }
}

// SEAM: to be replaced by trail::build, check and report::build.
fn report(decoded: Decoded, key: &FingerprintKey, options: &Options<'_>) -> Report {
    let _ = (key, options.show_secrets, options.assume_revision);
    let count = |id: CaptureId| decoded.exchanges.iter().filter(|exchange| exchange.capture == id).count();
    let captures = decoded.captures.iter().map(|capture| self::capture(capture, count(capture.id))).collect();
    Report {
        schema: contract::SCHEMA,
        tool: contract::Tool {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rules_version: options.rules.version().to_owned(),
        },
        captures,
        trails: Vec::new(),
        problems: Vec::new(),
    }
}

fn capture(facts: &CaptureFacts, exchanges: usize) -> contract::Capture {
    contract::Capture {
        id: facts.id.to_string(),
        path: facts.path.display().to_string(),
        sha256: facts.sha256.clone(),
        format: facts.format.unwrap_or("unknown").to_owned(),
        creator: facts.creator.clone(),
        usable: facts.usable,
        exchanges,
        sanitized: match facts.sanitized {
            Sanitized::No => "no",
            Sanitized::Possible => "possible",
            Sanitized::Yes => "yes",
        },
        legs: Vec::new(),
        clock_offset_s: 0.0,
        complete: facts.complete,
        problems: facts.problems.iter().map(contract::Problem::from).collect(),
    }
}
