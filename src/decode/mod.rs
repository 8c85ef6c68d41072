//! Turns bytes of a known format into HTTP exchanges.
//!
//! Knows nothing of OAuth or MCP. What cannot be read becomes a [`Problem`]; what can be kept is kept.

pub mod body;
mod burp;
mod debug_proxy;
pub(crate) mod event_ends;
pub mod exchange;
mod fields;
mod format;
pub mod har;
mod json_text;
mod message;
mod mitmproxy;
mod netlog;
pub mod packets;
pub mod pieces;
mod saz;
mod tnetstring;
mod transcript;
mod unwrap;
mod url;
mod warc;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::capture::digest::digest;
use crate::capture::limits::Limits;
use crate::capture::open::{Opened, open};
use crate::evidence::{CaptureId, Problem, Timestamp};
use exchange::Exchange;
use format::{Read, Reading};

/// Whether credentials were removed from a recording (design, decision 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sanitized {
    /// It is known that none were.
    No,
    /// They may have been.
    Possible,
    /// It is proved that some were.
    Yes,
}

/// What is known of one recording as a whole.
#[derive(Debug, Clone)]
pub struct CaptureFacts {
    /// Which.
    pub id: CaptureId,
    /// The path as given; `-` for standard input.
    pub path: PathBuf,
    /// `har`, `pcap`, ...; `None` where the format was not recognised.
    pub format: Option<&'static str>,
    /// The program that wrote it, as it says, with its version.
    pub creator: Option<String>,
    /// Whether credentials were removed.
    pub sanitized: Sanitized,
    /// Whether it was read to its end.
    pub complete: bool,
    /// The recorder's own end mark: nothing was missed until then. `None` where there is none.
    pub end_mark: Option<Timestamp>,
    /// Packets that the recorder dropped, as it says. `None` where it does not say, and for what is no packet capture.
    pub dropped: Option<u64>,
    /// The [`digest`] of the file as it is stored.
    pub digest: [u8; 32],
    /// SHA-256 of the file in hex; `None` unless asked for.
    pub sha256: Option<String>,
    /// Whether it could be opened and recognised; otherwise the exit status is 2.
    pub usable: bool,
    /// What could not be read in it.
    pub problems: Vec<Problem>,
}

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Limits of every reader.
    pub limits: Limits,
    /// Whether SHA-256 digests are wanted.
    pub sha256: bool,
    /// Key logs of the TLS connections in packet captures.
    pub keylogs: Vec<PathBuf>,
    /// Whether they were named by `SSLKEYLOGFILE` and not by the user: then the report says so.
    pub keylog_from_environment: bool,
}

/// What was read from the recordings of one incident.
#[derive(Debug, Default)]
pub struct Decoded {
    /// One for each path given, in that order, also where it could not be opened.
    pub captures: Vec<CaptureFacts>,
    /// The exchanges of each recording, in the order in which they stand in it.
    pub exchanges: Vec<Exchange>,
}

/// Reads every recording. A bad one does not stop the others.
pub fn read_all(paths: &[PathBuf], options: &ReadOptions) -> Decoded {
    let read: Vec<_> = paths
        .par_iter()
        .enumerate()
        .map(|(index, path)| read_one(path, CaptureId(u32::try_from(index).unwrap_or(u32::MAX)), options))
        .collect();
    let mut decoded = Decoded::default();
    for (facts, exchanges) in read {
        decoded.captures.push(facts);
        decoded.exchanges.extend(exchanges);
    }
    decoded
}

fn read_one(path: &Path, id: CaptureId, options: &ReadOptions) -> (CaptureFacts, Vec<Exchange>) {
    match open(path, &options.limits, options.sha256) {
        Ok(opened) => read_opened(path, id, opened, options),
        Err(error) => {
            let mut facts = nothing_known(path, id);
            facts.problems = problems(id, vec![(None, error.to_string())], 0, options);
            (facts, Vec::new())
        }
    }
}

/// Reads a recording that is already in memory, as [`read_all`] reads a file.
pub fn read_content(
    path: &Path,
    id: CaptureId,
    content: bytes::Bytes,
    options: &ReadOptions,
) -> (CaptureFacts, Vec<Exchange>) {
    let digest = digest(&content);
    read_opened(path, id, Opened { content, digest, sha256: None, whole: true, problems: Vec::new() }, options)
}

fn read_opened(path: &Path, id: CaptureId, opened: Opened, options: &ReadOptions) -> (CaptureFacts, Vec<Exchange>) {
    let mut facts = nothing_known(path, id);
    facts.digest = opened.digest;
    facts.sha256 = opened.sha256;
    let mut said: Vec<(Option<String>, String)> = opened.problems.into_iter().map(|message| (None, message)).collect();
    let Some(format) = format::recognise(&opened.content) else {
        said.push((None, format::unrecognised(&opened.content)));
        facts.problems = problems(id, said, 0, options);
        return (facts, Vec::new());
    };
    facts.format = Some(format.name);
    let mut exchanges = Vec::new();
    let mut more = 0;
    match format.read {
        Read::NotYet(instead) => {
            said.push((None, format!("is a {} file, which this build does not read; {instead}", format.name)))
        }
        Read::With(read) => {
            let Reading { exchanges: read, creator, sanitized, complete, end_mark, dropped, problems, more_problems } =
                read(&opened.content, id, options);
            said.extend(problems);
            more = more_problems;
            exchanges = read;
            exchanges.iter_mut().for_each(|exchange| unwrap::unwrap(exchange, &options.limits));
            facts = CaptureFacts {
                creator,
                sanitized,
                end_mark,
                dropped,
                usable: true,
                complete: complete && opened.whole,
                ..facts
            };
        }
    }
    facts.problems = problems(id, said, more, options);
    (facts, exchanges)
}

fn nothing_known(path: &Path, id: CaptureId) -> CaptureFacts {
    CaptureFacts {
        id,
        path: path.to_owned(),
        format: None,
        creator: None,
        sanitized: Sanitized::Possible,
        complete: false,
        end_mark: None,
        dropped: None,
        digest: [0; 32],
        sha256: None,
        usable: false,
        problems: Vec::new(),
    }
}

/// The problems of one recording, at most as many as the limit; the last one says how many more there are.
fn problems(
    id: CaptureId,
    mut said: Vec<(Option<String>, String)>,
    more: usize,
    options: &ReadOptions,
) -> Vec<Problem> {
    let more = more + said.len().saturating_sub(options.limits.problems);
    said.truncate(options.limits.problems);
    if more > 0 {
        said.push((None, format!("{more} more problems of this kind")));
    }
    said.into_iter().map(|(at, message)| Problem { capture: Some(id), at, message }).collect()
}
