//! What the layers of a packet capture hand to each other: pieces of a byte stream, in the order of the recording.
//!
//! ```text
//! frames -> segments of a connection -> [TLS ->] HTTP -> exchanges
//! ```
//!
//! Each layer takes chunks through [`Sink`] and gives chunks to the next one. A layer never waits for what may not come,
//! and never invents octets: what is missing stays a [`Content::Gap`].

use std::net::SocketAddr;

use bytes::Bytes;

use crate::evidence::{CaptureId, Closed, Timestamp};

/// Who sent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// The one that opened the connection; where its opening is not in the capture, the one that looks like it.
    Client,
    /// The other one.
    Server,
}

/// A piece of one direction of a byte stream.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// Who sent it.
    pub side: Side,
    /// What it is.
    pub content: Content,
    /// The frame that completed it, counted from 1 as Wireshark does. For decrypted octets the frame in which Wireshark
    /// shows them: the one that completes the record.
    pub frame: u32,
    /// When that frame was captured.
    pub time: Timestamp,
}

/// What a chunk holds.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Octets that follow on those before.
    Data(Bytes),
    /// So many octets were sent and are not in the capture. `None` where it is not known how many.
    Gap(Option<u64>),
    /// Nothing more comes from this side: FIN, or RST where `by_reset`. A TLS layer passes it on.
    End {
        /// Whether by RST.
        by_reset: bool,
    },
}

/// One TCP connection.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    /// The recording.
    pub capture: CaptureId,
    /// `tcp.stream` as Wireshark numbers it.
    pub tcp_stream: u32,
    /// The side that opened it.
    pub client: SocketAddr,
    /// The other side.
    pub server: SocketAddr,
    /// How it ended; `None` where the capture shows neither a FIN nor a reset.
    pub closed: Option<Closed>,
}

/// A layer that takes chunks, in the order of the recording across both sides.
pub(crate) trait Sink {
    /// Takes the next chunk.
    fn chunk(&mut self, chunk: Chunk);
}
