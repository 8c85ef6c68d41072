//! Packet captures: frames, IP, TCP, TLS, HTTP/1.1 and HTTP/2.
//!
//! ```text
//! file -> frames -> network (link, IP, fragments, tunnels) -> index (segments sorted by connection)
//!      -> reassembly (each connection, in parallel) -> layers (TLS, HTTP) -> exchanges
//! ```

mod client;
mod connections;
mod direction;
mod file;
mod fragments;
mod index;
mod layers;
mod link;
mod live;
mod network;
mod quic;
mod reassembly;
mod rounds;
mod segment;
pub(crate) mod stream;
#[cfg(test)]
mod tests;
pub mod tls;

use bytes::Bytes;

use super::format::Reading;
use super::{ReadOptions, Sanitized};
use crate::evidence::CaptureId;
use file::Frames;
use index::Index;

/// What every connection of a recording needs.
struct Context<'a> {
    capture: CaptureId,
    options: &'a ReadOptions,
}

/// Reads a packet capture.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let context = Context { capture, options };
    let Some(frames) = Frames::new(content) else {
        let problems = vec![(None, "the head of the file is cut off; nothing to read".to_owned())];
        return Reading {
            exchanges: Vec::new(),
            creator: None,
            sanitized: Sanitized::No,
            complete: false,
            end_mark: None,
            problems,
        };
    };
    let mut index = Index::new(content, frames, &options.limits);
    let outcome = rounds::run(&mut index, content, &context);
    let mut exchanges = Vec::new();
    let mut found: Vec<(u32, String)> = Vec::new();
    for finished in outcome.finished {
        exchanges.extend(finished.ending.exchanges);
        found.extend(finished.problems);
    }
    found.sort();
    let mut problems = index.problems();
    problems.extend(found.into_iter().map(|(frame, message)| (Some(format!("frame {frame}")), message)));
    Reading {
        exchanges,
        creator: index.creator(),
        sanitized: Sanitized::No,
        complete: index.complete(),
        end_mark: None,
        problems,
    }
}
