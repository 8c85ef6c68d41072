//! Turns bytes of a known format into HTTP exchanges.
//!
//! Knows nothing of OAuth or MCP. What cannot be read becomes a [`Problem`]; what can be kept is kept.

pub mod body;
pub mod exchange;

use std::path::PathBuf;

use crate::capture::limits::Limits;
use crate::evidence::{CaptureId, Problem, Timestamp};
use exchange::Exchange;

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
    /// BLAKE3 of the content.
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
    let _ = (paths, options);
    Decoded::default()
}
