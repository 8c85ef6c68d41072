//! One incident judged into rows: the library call that everything else here stands on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::collect::{self, incident_id};
use super::rows::{CaptureRow, ExchangeRow, FindingRow, LinkRow, Rows, TrailRow, ValueRow};
use crate::check::rule_set::RuleSet;
use crate::decode::{self, ReadOptions, Source};
use crate::diagnose::{self, diagnose_decoded};
use crate::report::escape::terminal;
use crate::secret::FingerprintKey;
use crate::trail::schema::Revision;

/// The version of the line of a journal, and of what a worker writes.
pub const SCHEMA: &str = "authtrail-audit-v1";

/// How to judge.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The rules to judge by.
    pub rules: &'a RuleSet,
    /// How to read.
    pub read: ReadOptions,
    /// The key of the fingerprints: one for all recordings, so that equal values compare.
    pub key: FingerprintKey,
    /// The revision to judge by; `None` decides it from the recordings.
    pub assume_revision: Option<Revision>,
}

impl<'a> Options<'a> {
    /// The defaults: limits of every reader, nothing assumed.
    pub fn new(rules: &'a RuleSet, key: FingerprintKey) -> Self {
        Options { rules, read: ReadOptions::default(), key, assume_revision: None }
    }

    /// Digest of everything beside the recordings that decides what the rows say: program, rules, key, key logs,
    /// assumed revision, limit of memory. The same digest and the same recordings give the same rows.
    pub fn judged_by(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("authtrail 2026 what an audit was judged by");
        let limit = self.read.limits.memory.to_string();
        let revision = self.assume_revision.map_or("", Revision::name);
        let check = self.key.fingerprint("authtrail 2026 which key").to_string();
        for part in [env!("CARGO_PKG_VERSION"), SCHEMA, self.rules.version(), &check, revision, &limit] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        for keylog in &self.read.keylogs {
            // One that cannot be read gives no keys, and is told with the recording.
            hasher.update(blake3::hash(&std::fs::read(keylog).unwrap_or_default()).as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

/// What was found in the recordings of one incident: a line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Line")]
pub struct Judged {
    /// [`SCHEMA`].
    pub schema: String,
    /// Id of the incident, as in the rows.
    pub incident: String,
    /// The paths of its recordings, as given or found, in order; escaped for a terminal, as in the rows.
    pub paths: Vec<String>,
    /// [`Options::judged_by`].
    pub judged_by: String,
    /// The rows of the six tables.
    #[serde(flatten)]
    pub rows: Rows,
}

/// The same as it stands in the line. What is flattened would be read twice: into values of any kind, and from these.
#[derive(Deserialize)]
struct Line {
    schema: String,
    incident: String,
    paths: Vec<String>,
    judged_by: String,
    captures: Vec<CaptureRow>,
    exchanges: Vec<ExchangeRow>,
    trails: Vec<TrailRow>,
    links: Vec<LinkRow>,
    findings: Vec<FindingRow>,
    values: Vec<ValueRow>,
}

impl From<Line> for Judged {
    fn from(line: Line) -> Judged {
        let Line { schema, incident, paths, judged_by, captures, exchanges, trails, links, findings, values } = line;
        Judged {
            schema,
            incident,
            paths,
            judged_by,
            rows: Rows { captures, exchanges, trails, links, findings, values },
        }
    }
}

/// Judges one recording that is in memory: bytes in, structs out. `name` stands for its path; a compression of the
/// whole is undone.
///
/// Never fails and never panics: what cannot be read or judged stands in the row of the recording.
///
/// ```
/// use authtrail::audit::{Options, judge};
/// use authtrail::{check::rule_set::RuleSet, secret::FingerprintKey};
///
/// let key = FingerprintKey::from_file_content(b"one key for all recordings");
/// let options = Options::new(RuleSet::embedded()?, key);
/// let har = br#"{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"entries":[]}}"#;
/// let judged = judge("login.har", har.to_vec(), &options);
/// assert_eq!(judged.rows.captures[0].format.as_deref(), Some("har"));
/// assert!(judged.rows.trails.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn judge(name: &str, content: impl Into<Bytes>, options: &Options<'_>) -> Judged {
    let source = Source::in_memory(Path::new(name), content.into(), &options.read);
    judge_sources(vec![source], options, options.judged_by(), &found)
}

/// Judges the recordings of one incident, as [`judge`] does. Reads the files.
pub fn judge_files(paths: &[PathBuf], options: &Options<'_>) -> Judged {
    let sources = paths.iter().map(|path| Source::open_hashing_all(path, &options.read)).collect();
    judge_sources(sources, options, options.judged_by(), &found)
}

/// What finds something in the opened recordings of an incident: id of the incident, digest of what it is judged by.
pub(super) trait Found: Fn(Vec<Source>, &str, &str, &Options<'_>) -> Rows {}

impl<F: Fn(Vec<Source>, &str, &str, &Options<'_>) -> Rows> Found for F {}

/// Judges what was opened before.
pub(super) fn judge_sources(
    sources: Vec<Source>,
    options: &Options<'_>,
    judged_by: String,
    found: &impl Found,
) -> Judged {
    let named: Vec<(PathBuf, Option<u64>, [u8; 32])> = sources
        .iter()
        .map(|source| {
            let bytes = source.opened.as_ref().ok().map(|opened| opened.bytes);
            (source.path.clone(), bytes, source.digest())
        })
        .collect();
    let incident = incident_id(named.iter().map(|(path, _, digest)| (path.as_path(), digest)));
    let rows = contained(|| found(sources, &incident, &judged_by, options))
        .unwrap_or_else(|| lost(&named, &incident, &judged_by));
    let paths = named.iter().map(|(path, ..)| terminal(&path.to_string_lossy()).into_owned()).collect();
    Judged { schema: SCHEMA.to_owned(), incident, paths, judged_by, rows }
}

/// The way through the rooms, and the rows of what came out.
pub(super) fn found(sources: Vec<Source>, incident_id: &str, judged_by: &str, options: &Options<'_>) -> Rows {
    let decoded = decode::read_sources(sources, &options.read);
    let whole = diagnose::Options {
        rules: options.rules,
        read: options.read.clone(),
        key: Some(options.key.clone()),
        show_secrets: false,
        assume_revision: options.assume_revision,
    };
    let found = diagnose_decoded(decoded, &whole);
    collect::rows(collect::Sources {
        id: incident_id,
        report: &found.report,
        incident: &found.incident,
        captures: &found.captures,
        key: &options.key,
        judged_by,
    })
}

/// What `work` gives; `None` where it panics. A fault of this program costs one incident and not the audit.
fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    // Nothing that `work` may have left half done is seen again: it owns what it changes.
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// The rows of an incident on which the program failed.
fn lost(named: &[(PathBuf, Option<u64>, [u8; 32])], incident: &str, judged_by: &str) -> Rows {
    let row = |(at, (path, bytes, digest)): (usize, &(PathBuf, Option<u64>, [u8; 32]))| CaptureRow {
        incident: incident.to_owned(),
        recording: format!("{incident}-c{}", at + 1),
        path: terminal(&path.to_string_lossy()).into_owned(),
        content: bytes.map(|_| blake3::Hash::from_bytes(*digest).to_hex().to_string()),
        bytes: bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        format: None,
        creator: None,
        usable: false,
        complete: false,
        sanitized: "possible".to_owned(),
        legs: Vec::new(),
        exchanges: 0,
        trails: 0,
        first_at: None,
        last_at: None,
        clock_offset: 0,
        problems: 1,
        problem: Some("a fault of this program stopped the judgement; please report it with the recording".to_owned()),
        judged_by: judged_by.to_owned(),
    };
    Rows { captures: named.iter().enumerate().map(row).collect(), ..Rows::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_contained_and_told() {
        assert_eq!(contained(|| 7), Some(7));
        assert_eq!(contained::<u8>(|| panic!("deliberate")), None);
        let rows = lost(&[("a.har".into(), Some(3), [1; 32])], "00ff", "0123");
        assert_eq!(rows.captures[0].recording, "00ff-c1");
        assert!(!rows.captures[0].usable && rows.captures[0].problem.is_some());
    }
}
