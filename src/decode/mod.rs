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
mod har;
mod headers;
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

use crate::capture::coding::{Coding, decompress};
use crate::capture::digest::digest;
use crate::capture::limits::Limits;
use crate::capture::open::{OpenError, Opened, open, open_content, open_hashing_all};
use crate::evidence::{CaptureId, Problem, Refused, Timestamp};
use exchange::Exchange;
pub(crate) use fields::is_mask;
use format::Read;

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
    /// Octets of the file as it is stored; `None` where it could not be opened.
    pub bytes: Option<u64>,
    /// Packets that the recorder dropped, as it says. `None` where it does not say, and for what is no packet capture.
    pub dropped: Option<u64>,
    /// Connections that were refused: nobody listened at the address. Only packet captures show them; at most 4096.
    pub refused: Vec<Refused>,
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

/// A recording before it is read.
#[derive(Debug)]
pub struct Source {
    /// The path as given, or a name for what is in memory.
    pub path: PathBuf,
    /// Its content, or why there is none.
    pub opened: Result<Opened, OpenError>,
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub fn open(path: &Path, options: &ReadOptions) -> Source {
        Source { path: path.to_owned(), opened: open(path, &options.limits, options.sha256) }
    }

    /// Opens a file and takes the digest of all its octets.
    pub fn open_hashing_all(path: &Path, options: &ReadOptions) -> Source {
        Source { path: path.to_owned(), opened: open_hashing_all(path, &options.limits, options.sha256) }
    }

    /// A recording that is already in memory, compressed or not, under a name.
    pub fn in_memory(name: &Path, content: bytes::Bytes, options: &ReadOptions) -> Source {
        Source { path: name.to_owned(), opened: open_content(content, &options.limits) }
    }

    /// BLAKE3 of the recording as it is stored; zeros where it could not be opened.
    pub fn digest(&self) -> [u8; 32] {
        self.opened.as_ref().map_or([0; 32], |opened| opened.digest)
    }
}

/// Name of the format whose recordings begin like this, a compression of the whole undone; `None` where it is none that is
/// known. The beginning of a file is enough for most formats.
pub fn format_of(beginning: &[u8]) -> Option<&'static str> {
    let content = match Coding::by_magic(beginning) {
        Some(coding) => decompress(coding, beginning, 1 << 16, 1000).0,
        None => Vec::new(),
    };
    let content = if content.is_empty() { beginning } else { &content };
    format::recognise(content).map(|format| format.name)
}

/// Reads every recording. A bad one does not stop the others.
pub fn read_all(paths: &[PathBuf], options: &ReadOptions) -> Decoded {
    read_sources(paths.par_iter().map(|path| Source::open(path, options)).collect(), options)
}

/// Reads recordings that were opened before, as [`read_all`] does.
pub fn read_sources(sources: Vec<Source>, options: &ReadOptions) -> Decoded {
    let read: Vec<_> = sources
        .into_par_iter()
        .enumerate()
        .map(|(index, source)| read_one(source, CaptureId(u32::try_from(index).unwrap_or(u32::MAX)), options))
        .collect();
    let mut decoded = Decoded::default();
    for (facts, exchanges) in read {
        decoded.captures.push(facts);
        if decoded.exchanges.is_empty() {
            // Most often there is one recording, and nothing to move.
            decoded.exchanges = exchanges;
        } else {
            decoded.exchanges.extend(exchanges);
        }
    }
    decoded
}

fn read_one(source: Source, id: CaptureId, options: &ReadOptions) -> (CaptureFacts, Vec<Exchange>) {
    match source.opened {
        Ok(opened) => read_opened(&source.path, id, opened, options),
        Err(error) => {
            let mut facts = nothing_known(&source.path, id);
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
    let (digest, bytes) = (digest(&content), content.len() as u64);
    let content = content.into();
    read_opened(path, id, Opened { content, bytes, digest, sha256: None, whole: true, problems: Vec::new() }, options)
}

fn read_opened(path: &Path, id: CaptureId, opened: Opened, options: &ReadOptions) -> (CaptureFacts, Vec<Exchange>) {
    let mut facts = nothing_known(path, id);
    facts.bytes = Some(opened.bytes);
    facts.digest = opened.digest;
    facts.sha256 = opened.sha256;
    let mut said: Vec<(Option<String>, String)> = opened.problems.into_iter().map(|message| (None, message)).collect();
    let Some(format) = format::recognise(&opened.content) else {
        said.push((None, format::unrecognised(&opened.content)));
        facts.problems = problems(id, said, 0, options);
        return (facts, Vec::new());
    };
    facts.format = Some(format.name);
    let reading = match format.read {
        Read::With(read) => read(&opened.content, id, options),
        Read::Along(read) => read(&opened.content, id, options),
        Read::NotYet(instead) => {
            said.push((None, format!("is a {} file, which this build does not read; {instead}", format.name)));
            facts.problems = problems(id, said, 0, options);
            return (facts, Vec::new());
        }
    };
    said.extend(reading.problems);
    let mut exchanges = reading.exchanges;
    exchanges.iter_mut().for_each(|exchange| unwrap::unwrap(exchange, &options.limits));
    let facts = CaptureFacts {
        creator: reading.creator,
        sanitized: reading.sanitized,
        end_mark: reading.end_mark,
        dropped: reading.dropped,
        refused: reading.refused,
        usable: true,
        complete: reading.complete && opened.whole,
        problems: problems(id, said, reading.more_problems, options),
        ..facts
    };
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
        bytes: None,
        dropped: None,
        refused: Vec::new(),
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
