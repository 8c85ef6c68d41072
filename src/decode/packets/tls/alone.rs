//! This layer by itself, for whoever wants to look at it alone: chunks in, plaintext and facts out.

use std::sync::Arc;

use bytes::Bytes;

use super::facts::TlsFacts;
use super::keylog::KeyLog;
use super::layer::Tls;
use crate::decode::packets::stream::{Chunk, Content, Side, Sink};
use crate::evidence::Timestamp;

/// A piece of one side of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Octets.
    Octets(Bytes),
    /// Octets that are missing, and how many where that is known.
    Gap(Option<u64>),
    /// The end of the side.
    End,
}

/// What was inside a connection.
#[derive(Debug, Default)]
pub struct Decrypted {
    /// In the order in which it was handed on: whether the client sent it, the frame, and what.
    pub pieces: Vec<(bool, u32, Piece)>,
    /// What is known of the connection.
    pub facts: TlsFacts,
}

impl Decrypted {
    /// The octets of one side one after another, without regard to gaps.
    pub fn octets(&self, of_client: bool) -> Vec<u8> {
        let of_side = self.pieces.iter().filter(|(client, ..)| *client == of_client);
        let octets = of_side.filter_map(|(.., piece)| match piece {
            Piece::Octets(octets) => Some(octets.as_ref()),
            _ => None,
        });
        octets.flatten().copied().collect()
    }
}

/// Decrypts one connection. Each chunk is whether the client sent it, and what; frames are counted from 1.
pub fn decrypt(keylog: KeyLog, chunks: impl IntoIterator<Item = (bool, Piece)>) -> Decrypted {
    let mut tls = Tls::new(Arc::new(keylog), Collected::default());
    for ((client, piece), frame) in chunks.into_iter().zip(1u32..) {
        let content = match piece {
            Piece::Octets(octets) => Content::Data(octets),
            Piece::Gap(size) => Content::Gap(size),
            Piece::End => Content::End { by_reset: false },
        };
        let side = if client { Side::Client } else { Side::Server };
        tls.chunk(Chunk { side, content, frame, time: Timestamp(i64::from(frame)) });
    }
    let (collected, facts) = tls.finish();
    Decrypted { pieces: collected.0, facts }
}

#[derive(Default)]
struct Collected(Vec<(bool, u32, Piece)>);

impl Sink for Collected {
    fn chunk(&mut self, chunk: Chunk) {
        let piece = match chunk.content {
            Content::Data(octets) => Piece::Octets(octets),
            Content::Gap(size) => Piece::Gap(size),
            Content::End { .. } => Piece::End,
        };
        self.0.push((chunk.side == Side::Client, chunk.frame, piece));
    }
}
