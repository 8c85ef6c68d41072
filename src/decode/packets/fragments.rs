//! Puts IP fragments together, within limits.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use bytes::Bytes;
use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber};

use crate::capture::limits::Limits;

/// Fragments of one packet that are taken. The longest packet in the smallest usual fragments has some hundred.
const PIECES: u32 = 8192;
/// Packets put together last that are remembered: a recording of several devices holds each fragment twice.
const REMEMBERED: usize = 64;

/// A part of an IP packet.
pub(super) struct Fragment<'a> {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: IpNumber,
    pub identification: u32,
    pub offset: IpFragOffset,
    /// Whether others follow.
    pub more: bool,
    pub octets: &'a [u8],
}

/// What fragments of one packet share (RFC 791, 3.2; RFC 8200, 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key(IpAddr, IpAddr, u8, u32);

/// Packets of which fragments came.
pub(super) struct Fragments {
    open: HashMap<Key, Open>,
    /// In the order in which they were opened. May name packets that are whole by now.
    order: VecDeque<(Key, u64)>,
    whole: VecDeque<Key>,
    opened: u64,
    most: usize,
    given_up: u64,
}

struct Open {
    buffer: IpDefragBuf,
    number: u64,
    pieces: u32,
}

impl Fragments {
    pub(super) fn new(limits: &Limits) -> Fragments {
        let most = limits.fragmented_packets.max(1);
        let (open, order, whole) = (HashMap::new(), VecDeque::new(), VecDeque::new());
        Fragments { open, order, whole, opened: 0, most, given_up: 0 }
    }

    /// Packets whose fragments never came together.
    pub(super) fn incomplete(&self) -> u64 {
        self.given_up.saturating_add(self.open.len() as u64)
    }

    /// Takes a fragment. The packet, where it is whole now.
    pub(super) fn add(&mut self, fragment: Fragment<'_>) -> Option<(IpNumber, Bytes)> {
        let Fragment { source, destination, protocol, identification, .. } = fragment;
        let key = Key(source, destination, protocol.0, identification);
        if !self.open.contains_key(&key) {
            if self.whole.contains(&key) {
                return None;
            }
            self.make_room();
            self.opened += 1;
            let buffer = IpDefragBuf::new(protocol, Vec::new(), Vec::new());
            self.open.insert(key, Open { buffer, number: self.opened, pieces: 0 });
            self.order.push_back((key, self.opened));
        }
        let open = self.open.get_mut(&key)?;
        open.pieces += 1;
        let taken = open.buffer.add(fragment.offset, fragment.more, fragment.octets);
        if open.buffer.is_complete() {
            self.whole.push_back(key);
            if self.whole.len() > REMEMBERED {
                self.whole.pop_front();
            }
            let (data, _) = self.open.remove(&key)?.buffer.take_bufs();
            return Some((protocol, Bytes::from(data)));
        }
        // A number used again for another packet, or nonsense: neither can be put together.
        if taken.is_err() || open.pieces > PIECES {
            self.open.remove(&key);
            self.given_up += 1;
        }
        None
    }

    /// Gives up the oldest where there are too many.
    fn make_room(&mut self) {
        while self.open.len() >= self.most || self.order.len() > self.most.saturating_mul(2) {
            let Some((key, number)) = self.order.pop_front() else { return };
            if self.open.get(&key).is_some_and(|open| open.number == number) {
                self.open.remove(&key);
                self.given_up += 1;
            }
        }
    }
}
