//! One side of a connection: its records, its keys, and what waits for the other side.

use std::collections::VecDeque;

use super::framing::{Framing, Record};
use super::keys::{Budget, Keys};
use super::messages::Messages;
use crate::evidence::Timestamp;

/// Octets and records that may wait for the other side. Servers take 16 KiB of 0-RTT data as a rule.
const MOST_HELD_OCTETS: usize = 1 << 20;
const MOST_HELD: usize = 4096;

/// Where something stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) frame: u32,
    pub(super) time: Timestamp,
}

/// How the records of a side are protected.
pub(super) enum Protection {
    /// Not yet.
    Plain,
    /// By keys that we have.
    Open(Box<Keys>),
    /// In a way that we cannot open, to the end of the connection.
    Sealed,
}

/// What waits for the other side to say how it is protected.
pub(super) enum Held {
    Record(Record, At),
    /// Up to so many records are missing here; exactly one where `certain`.
    Missed {
        records: u64,
        certain: bool,
        at: At,
    },
}

/// One side of a connection.
pub(super) struct Flow {
    pub(super) framing: Framing,
    pub(super) messages: Messages,
    pub(super) protection: Protection,
    pub(super) budget: Budget,
    pub(super) held: VecDeque<Held>,
    held_octets: usize,
    /// The end of this side, while something is held that stands before it.
    pub(super) ended: Option<(bool, At)>,
    /// Whether the next layer was told that nothing more comes.
    pub(super) end_told: bool,
    /// Whether the next layer was told of a gap of unknown size, and of nothing since.
    pub(super) gap_told: bool,
    /// Whether records stood before the first data, and did not open, that may have been data: 0-RTT data behind a hello
    /// that does not name them. The next layer is told of a gap where any data follow.
    pub(super) gap_owed: bool,
    /// Whether the next layer was given octets.
    pub(super) delivered: bool,
    /// Whether any record was opened.
    pub(super) opened: bool,
}

impl Flow {
    pub(super) fn new() -> Self {
        Flow {
            framing: Framing::new(),
            messages: Messages::default(),
            protection: Protection::Plain,
            budget: Budget::default(),
            held: VecDeque::new(),
            held_octets: 0,
            ended: None,
            end_told: false,
            gap_told: false,
            gap_owed: false,
            delivered: false,
            opened: false,
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.protection, Protection::Plain)
    }

    /// Keeps something until the other side has spoken; `false` where that would be too much.
    pub(super) fn hold(&mut self, held: Held) -> bool {
        if let Held::Record(record, _) = &held {
            self.held_octets += record.body.len();
        }
        self.held.push_back(held);
        self.held_octets <= MOST_HELD_OCTETS && self.held.len() <= MOST_HELD
    }

    /// The first that waits.
    pub(super) fn release(&mut self) -> Option<Held> {
        let held = self.held.pop_front();
        if let Some(Held::Record(record, _)) = &held {
            self.held_octets = self.held_octets.saturating_sub(record.body.len());
        }
        held
    }
}
