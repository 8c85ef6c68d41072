//! Reads what two sides said, without a recording around it: for tests from outside, and for whoever has the plaintext.

use bytes::Bytes;

use super::{Facts, Found, Http};
use crate::capture::limits::Limits;
use crate::decode::exchange::Exchange;
use crate::decode::packets::stream::{Chunk, Content, Conversation, Side, Sink};
use crate::evidence::{CaptureId, Timestamp};

/// A part of what one side said.
#[derive(Debug, Clone)]
pub enum Plaintext {
    /// Octets that follow on those before.
    Octets(Bytes),
    /// Missing octets, and how many where that is known.
    Gap(Option<u64>),
    /// Nothing more comes from this side; true for a reset.
    End(bool),
}

/// The exchanges in `parts`, and what could not be read. Each part comes with whether the client said it, in the order
/// of time; part N stands in frame N, counted from 1.
pub fn exchanges(parts: impl IntoIterator<Item = (bool, Plaintext)>, limits: &Limits) -> (Vec<Exchange>, Vec<String>) {
    let nowhere = ([0, 0, 0, 0], 0).into();
    let conversation =
        Conversation { capture: CaptureId(0), tcp_stream: 0, client: nowhere, server: nowhere, closed: None };
    let mut http = Http::new(&conversation, Facts::default(), limits, None);
    for (frame, (client, part)) in (1..).zip(parts) {
        let side = if client { Side::Client } else { Side::Server };
        let content = match part {
            Plaintext::Octets(octets) => Content::Data(octets),
            Plaintext::Gap(octets) => Content::Gap(octets),
            Plaintext::End(by_reset) => Content::End { by_reset },
        };
        http.chunk(Chunk { side, content, frame, time: Timestamp(i64::from(frame)) });
    }
    let Found { exchanges, problems, .. } = http.finish();
    (exchanges, problems.into_iter().map(|(_, message)| message).collect())
}
