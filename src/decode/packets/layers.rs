//! What is above TCP: told by the first octets, then handed on.

use bytes::{Bytes, BytesMut};

use super::Context;
use super::client::{Speech, speech};
use super::stream::{Chunk, Content, Conversation, Side, Sink};
use crate::decode::exchange::Exchange;
use crate::evidence::Closed;

/// Chunks that wait until it is known what is spoken.
const WAITING: usize = 64;

/// What the layers of a connection found.
#[derive(Default)]
pub(super) struct Ending {
    /// In the order in which they stand in it.
    pub exchanges: Vec<Exchange>,
    /// Whether it was a connection that matters: HTTP, or TLS.
    pub of_use: bool,
}

/// The layers of one connection.
pub(super) struct Layers {
    conversation: Conversation,
    upper: Upper,
}

enum Upper {
    /// It is not known yet what is spoken. The chunks so far.
    Unknown(Vec<Chunk>),
    /// HTTP, or TLS around it.
    Known(u64),
    /// Something else.
    Other,
}

impl Layers {
    pub(super) fn new(conversation: Conversation, _context: &Context<'_>) -> Layers {
        Layers { conversation, upper: Upper::Unknown(Vec::new()) }
    }

    /// Whether what comes is of no use.
    pub(super) fn is_other(&self) -> bool {
        matches!(self.upper, Upper::Other)
    }

    pub(super) fn chunk(&mut self, chunk: Chunk) {
        match &mut self.upper {
            Upper::Unknown(waiting) => {
                waiting.push(chunk);
                self.decide(false);
            }
            Upper::Known(octets) => {
                if let Content::Data(data) = chunk.content {
                    *octets += data.len() as u64;
                }
            }
            Upper::Other => {}
        }
    }

    fn decide(&mut self, last: bool) {
        let Upper::Unknown(waiting) = &mut self.upper else { return };
        let of = |side| beginning(waiting, side);
        let speeches = [Side::Client, Side::Server].map(|side| speech(&of(side)));
        let known = speeches.iter().any(|it| matches!(it, Speech::Tls(_) | Speech::Http(_)));
        if known {
            self.upper = Upper::Known(0);
        } else if last || waiting.len() > WAITING {
            self.upper = Upper::Other;
        }
    }

    pub(super) fn finish(mut self, closed: Option<Closed>) -> Ending {
        self.decide(true);
        self.conversation.closed = closed;
        Ending { of_use: !matches!(self.upper, Upper::Other), ..Ending::default() }
    }
}

/// The first octets of a side, as many as are needed to tell what is spoken.
fn beginning(chunks: &[Chunk], side: Side) -> Bytes {
    let mut found = BytesMut::new();
    for chunk in chunks.iter().filter(|chunk| chunk.side == side) {
        match &chunk.content {
            Content::Data(octets) if found.is_empty() && octets.len() >= 16 => return octets.clone(),
            Content::Data(octets) => found.extend_from_slice(octets),
            _ => {}
        }
        if found.len() >= 16 {
            break;
        }
    }
    found.freeze()
}
