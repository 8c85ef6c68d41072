//! Connections that were refused: nobody listened there (RFC 9293, 3.5.2, group 1).

use std::net::SocketAddr;

use super::segment::{ACK, End, RST, SYN, Segment};
use crate::evidence::{CaptureId, Refused};

/// Refusals that are kept of a recording. A scan of ports makes very many, and none of them is a lost callback.
pub(super) const MOST: usize = 4096;

/// What the first segments of a connection between `ends` say, where they are its opening, sent once or more often, and a
/// reset by the other end that acknowledges it and is all that the other end ever said.
pub(super) fn refusal(segments: &[Segment], ends: [SocketAddr; 2], capture: CaptureId) -> Option<Refused> {
    let (first, rest) = segments.split_first()?;
    let opens = |segment: &Segment| segment.from == End::First && segment.flags & (SYN | ACK | RST) == SYN;
    let resets = |segment: &Segment| {
        let says = segment.flags & (RST | ACK) == (RST | ACK);
        segment.from == End::Second && says && segment.acknowledgment == first.sequence.wrapping_add(1)
    };
    if !opens(first) || !rest.iter().all(|segment| opens(segment) || resets(segment)) {
        return None;
    }
    let reset = rest.iter().rfind(|segment| resets(segment))?;
    Some(Refused { capture, asked: first.frame, frame: reset.frame, at: reset.time, server: ends[1] })
}
