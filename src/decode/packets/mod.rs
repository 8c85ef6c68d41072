//! Packet captures: frames, IP, TCP, TLS, HTTP/1.1 and HTTP/2.
//!
//! ```text
//! file -> frames -> network (link, IP, fragments, tunnels) -> index (segments sorted by connection)
//!      -> reassembly (each connection, in parallel) -> layers (TLS, HTTP) -> exchanges
//! ```

mod client;
mod connections;
mod direction;
pub mod extent;
mod file;
mod fragments;
pub mod http;
mod index;
mod keys;
mod layers;
mod link;
mod live;
mod network;
pub mod peek;
mod proxy_header;
mod quic;
mod reassembly;
mod refused;
mod rounds;
mod segment;
pub(crate) mod stream;
#[cfg(test)]
mod tests;
pub mod tls;
mod unread;

use std::sync::Arc;

use super::exchange::Exchange;
use super::format::Reading;
use super::{ReadOptions, Sanitized};
use crate::capture::content::Content;
use crate::evidence::CaptureId;
use file::{Frames, NO_TIME};
use index::Index;
use layers::Shared;
use rounds::Outcome;
use unread::Unread;

/// What every connection of a recording needs.
struct Context<'a> {
    capture: CaptureId,
    options: &'a ReadOptions,
    shared: Arc<Shared>,
}

/// Reads a packet capture.
pub(super) fn read(content: &Content, capture: CaptureId, options: &ReadOptions) -> Reading {
    let mut reading = Reading {
        exchanges: Vec::new(),
        creator: None,
        sanitized: Sanitized::No,
        complete: false,
        end_mark: None,
        dropped: None,
        refused: Vec::new(),
        problems: Vec::new(),
        more_problems: 0,
    };
    let Some(frames) = Frames::new(content) else {
        reading.problems.push((None, "the head of the file is cut off; nothing to read".to_owned()));
        return reading;
    };
    let (keylog, said) = keys::collect(content, options);
    reading.problems.extend(said.into_iter().map(|message| (None, message)));
    let shared = Arc::new(Shared { keylog: Arc::new(keylog), limits: options.limits });
    let context = Context { capture, options, shared };
    let mut index = Index::new(frames, &options.limits);
    let outcome = rounds::run(&mut index, content, &context);
    reading.problems.extend(index.problems());
    let seen_whole = put_together(outcome, options, &mut reading);
    (reading.creator, reading.complete) = (index.creator(), index.complete());
    let statistics = index.statistics();
    reading.dropped = statistics.dropped;
    // What was cut, or stays closed, may be what seems to be missing.
    reading.end_mark = statistics.end_mark.filter(|_| reading.complete && seen_whole && !index.cuts());
    reading
}

/// Puts together what the connections gave, in the order of the recording. Whether all of it was readable.
fn put_together(outcome: Outcome, options: &ReadOptions, reading: &mut Reading) -> bool {
    let mut unread = Unread::default();
    let mut alone: Vec<(Option<u32>, String)> = Vec::new();
    let mut of_http = Vec::new();
    let mut finished = outcome.finished;
    finished.sort_by_key(|finished| finished.stream);
    for connection in finished {
        for facts in &connection.found.tls {
            alone.extend(unread.add(connection.stream, facts));
        }
        alone.extend(connection.problems.into_iter().map(|(frame, message)| (Some(frame), message)));
        let refused = connection.refused.filter(|_| reading.refused.len() < refused::MOST);
        reading.refused.extend(refused.map(|refused| *refused));
        of_http.extend(connection.found.problems);
    }
    let too_many = outcome.given_up;
    if too_many > 0 {
        let message = format!("more connections open at once than the limit; {too_many} of them were given up");
        reading.problems.push((None, message));
    }
    if unread.any && options.keylog_from_environment && !options.keylogs.is_empty() {
        let names: Vec<String> = options.keylogs.iter().map(|path| path.display().to_string()).collect();
        let message = format!("keys taken from SSLKEYLOGFILE ({}), since --keylog is absent", names.join(", "));
        reading.problems.push((None, message));
    }
    let seen_whole = too_many == 0 && alone.is_empty() && !unread.left_closed();
    reading.problems.extend(unread.problems().into_iter().map(|message| (None, message)));
    alone.sort_by_key(|(frame, _)| *frame);
    let place = |frame: Option<u32>| frame.map(|frame| format!("frame {frame}"));
    reading.problems.extend(alone.into_iter().map(|(frame, message)| (place(frame), message)));
    reading.problems.extend(of_http);
    reading.exchanges = rounds::in_order(outcome.exchanges);
    reading.exchanges.iter_mut().for_each(take_invented_times_away);
    seen_whole
}

/// Simple Packet Blocks have no times.
fn take_invented_times_away(exchange: &mut Exchange) {
    for time in [&mut exchange.sent_at, &mut exchange.answered_at] {
        *time = time.filter(|time| *time != NO_TIME);
    }
}
