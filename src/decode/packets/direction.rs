//! One direction of a connection: which octets have come, which wait for others, which are missing.
//!
//! Positions are sequence numbers with more bits, so that they never wrap: the lower 32 bits of a position are the
//! sequence number itself.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::segment::{Segment, Source};
use crate::evidence::Timestamp;

/// Where positions begin, so that earlier ones stay above zero.
const FIRST: u64 = 1 << 32;
/// RFC 7323, 2.2: no window is larger, so a segment farther away belongs to something else.
const WINDOW: u64 = 1 << 30;
/// A jump beyond this is believed only where others follow it: a straggler of an earlier connection jumps alone.
pub(super) const JUMP: u64 = 1 << 20;
/// Pieces that wait in one direction.
const PIECES: usize = 4096;
/// Pieces delivered last that are remembered, to compare a retransmission with.
const REMEMBERED: usize = 8;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// The next position that is wanted; `None` before anything is known.
    pub next: Option<u64>,
    /// Whether `next` was the first octet after the opening; otherwise the recording begins in the middle.
    pub from_start: bool,
    /// Whether `next` is only a guess, until the first octet has come.
    pub soft: bool,
    /// Pieces that came before others that are before them, by position. They never overlap.
    waiting: BTreeMap<u64, Bytes>,
    /// Octets of them.
    pub waiting_octets: usize,
    /// How far the other end says it has got.
    acknowledged: u64,
    /// How far anything seen reaches, cut payloads included.
    sent: u64,
    /// Where FIN stands.
    finish: Option<u64>,
    /// When FIN came.
    pub finished_at: Option<Timestamp>,
    /// Whether its end was told.
    pub ended: bool,
    /// The segment, counted in the connection, until which a hole may still be filled.
    pub wait_until: u64,
    remembered: VecDeque<(u64, Segment)>,
}

impl Direction {
    /// Begins at a sequence number.
    pub(super) fn begin(&mut self, sequence: u32, from_start: bool) {
        let position = FIRST | u64::from(sequence);
        (self.next, self.from_start, self.soft) = (Some(position), from_start, !from_start);
        (self.acknowledged, self.sent) = (position, position);
    }

    /// The position of a sequence number: the nearest one to what is wanted next.
    pub(super) fn position(&self, sequence: u32) -> Option<u64> {
        let next = self.next?;
        // The lower half of a position is a sequence number, and differences wrap.
        let ahead = sequence.wrapping_sub(next as u32).cast_signed();
        next.checked_add_signed(i64::from(ahead))
    }

    /// Whether a position is within reach.
    pub(super) fn in_window(&self, position: u64) -> bool {
        self.next.is_some_and(|next| position <= next.saturating_add(WINDOW))
    }

    /// Whether a position is so far ahead that it needs support.
    pub(super) fn is_jump(&self, position: u64) -> bool {
        !self.soft && self.next.is_some_and(|next| position > next.saturating_add(JUMP))
    }

    /// The other end has got everything before this position.
    pub(super) fn acknowledge(&mut self, position: u64) {
        self.acknowledged = self.acknowledged.max(position);
    }

    /// Takes note of how far a segment reaches, and of its FIN.
    pub(super) fn reaches(&mut self, end: u64, finishes: bool, time: Timestamp) {
        self.sent = self.sent.max(end);
        if finishes && self.finish.is_none() && self.next.is_some_and(|next| end >= next) {
            (self.finish, self.finished_at) = (Some(end), Some(time));
        }
    }

    /// Whether everything up to FIN has come.
    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some() && self.finish == self.next
    }

    /// Where the missing octets end, where some are missing.
    pub(super) fn hole(&self) -> Option<u64> {
        let next = self.next?;
        if let Some((position, _)) = self.waiting.first_key_value() {
            return (*position > next).then_some(*position);
        }
        if self.sent > next {
            return Some(self.sent.min(self.finish.unwrap_or(u64::MAX)));
        }
        // One octet more than was ever sent: a FIN that is not in the recording.
        let acknowledged = self.acknowledged.min(self.finish.unwrap_or(u64::MAX));
        (acknowledged > next.saturating_add(1)).then_some(acknowledged)
    }

    /// Gives up the octets before this position. How many they were.
    pub(super) fn skip_to(&mut self, position: u64) -> u64 {
        let missing = self.next.map_or(0, |next| position.saturating_sub(next));
        self.next = Some(position);
        self.wait_until = 0;
        missing
    }

    /// Whether more waits than may.
    pub(super) fn is_over(&self, octets: usize) -> bool {
        self.waiting_octets > octets || self.waiting.len() > PIECES
    }

    /// Pieces that wait.
    pub(super) fn pieces(&self) -> usize {
        self.waiting.len()
    }

    /// Takes the payload of a segment that begins at `start`. The octets that follow at once on those before, where nothing
    /// else waits; otherwise it waits itself until [`Direction::pop`]. Sets `differs` where an earlier copy was another.
    pub(super) fn take(
        &mut self,
        start: u64,
        segment: &Segment,
        source: Source<'_>,
        differs: &mut bool,
    ) -> Option<Bytes> {
        if self.soft {
            // Nothing came yet: what was only acknowledged or announced before is part of what is missing at the start.
            (self.next, self.soft) = (Some(start), false);
        }
        let next = self.next?;
        let end = start.saturating_add(u64::from(segment.held));
        if start < next {
            // A probe that keeps the connection alive brings one octet that was there before, whatever it holds
            // (RFC 9293, 3.8.4).
            if segment.sent <= 1 {
                return None;
            }
            *differs |= self.differs(start, segment, source);
        }
        let from = start.max(next);
        if from >= end {
            return None;
        }
        if self.waiting.is_empty() && start <= next {
            self.remember(start, segment, source);
            self.next = Some(end);
            self.wait_until = 0;
            return Some(source.slice(segment, from - start));
        }
        self.wait(from, source.slice(segment, from - start), differs);
        None
    }

    /// Keeps octets until those before them have come: only where none wait yet, since the first copy counts.
    fn wait(&mut self, start: u64, octets: Bytes, differs: &mut bool) {
        let end = start.saturating_add(octets.len() as u64);
        let part = |from: u64, to: u64| {
            let (from, to) = ((from - start) as usize, (to - start) as usize);
            octets.slice(from.min(octets.len())..to.min(octets.len()))
        };
        let mut at = start;
        while at < end {
            let before = self.waiting.range(..=at).next_back();
            let covered =
                before.map(|(position, piece)| (*position, piece, position.saturating_add(piece.len() as u64)));
            if let Some((position, piece, until)) = covered
                && until > at
            {
                let common = until.min(end);
                let skip = (at - position) as usize;
                let first = piece.get(skip..skip.saturating_add((common - at) as usize));
                *differs |= first.is_some_and(|first| first != part(at, common));
                at = common;
                continue;
            }
            let until = self.waiting.range(at..).next().map_or(end, |(position, _)| end.min(*position));
            let piece = part(at, until);
            self.waiting_octets = self.waiting_octets.saturating_add(piece.len());
            self.waiting.insert(at, piece);
            at = until;
        }
    }

    /// Octets that waited and follow on those before now.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        loop {
            let next = self.next?;
            let first = self.waiting.first_entry().filter(|first| *first.key() <= next)?;
            let (position, piece) = first.remove_entry();
            self.waiting_octets = self.waiting_octets.saturating_sub(piece.len());
            let known = usize::try_from(next - position).unwrap_or(usize::MAX);
            if known < piece.len() {
                self.next = Some(position.saturating_add(piece.len() as u64));
                self.wait_until = 0;
                return Some(piece.slice(known..));
            }
        }
    }

    fn remember(&mut self, start: u64, segment: &Segment, source: Source<'_>) {
        if source.is_lasting(segment) {
            if self.remembered.len() >= REMEMBERED {
                self.remembered.pop_front();
            }
            self.remembered.push_back((start, *segment));
        }
    }

    /// Whether a segment brings other octets than those that came before at the same place.
    fn differs(&self, start: u64, segment: &Segment, source: Source<'_>) -> bool {
        let octets = source.octets(segment);
        self.remembered.iter().any(|(earlier, first)| {
            let first = source.octets(first);
            let from = start.max(*earlier);
            let until = (start + octets.len() as u64).min(earlier + first.len() as u64);
            let common = |of: &u64, octets| -> Option<&[u8]> {
                <[u8]>::get(octets, (from.checked_sub(*of)?) as usize..(until.checked_sub(*of)?) as usize)
            };
            from < until && common(&start, octets) != common(earlier, first)
        })
    }
}
