//! Tells connections apart and numbers them as Wireshark does (`tcp.stream`): in the order of their first frame, whether
//! or not they hold payload.
//!
//! Frames that share both addresses and both ports are one connection, until a SYN comes with another initial sequence
//! number than the one in force for its direction: then the ports are used again, and a new connection begins.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use foldhash::fast::RandomState;

use super::network::Datagram;
use super::segment::{ACK, End, FIN, Header, RST, SYN};

/// A connection: its number is `tcp.stream`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ConnectionId(pub u32);

/// What is kept of every connection until the end of the recording; hence small.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// The sequence number before the first octet of each end.
    base: [Option<u32>; 2],
    finished: [bool; 2],
    reset: bool,
    /// Whether the first end is the one whose address and port are the smaller ones.
    first_is_low: bool,
    /// The place of its run in the batch that is being filled, and which batch that is.
    pub slot: u32,
    pub batch: u32,
}

/// Both ends, the smaller one first. An IPv4 address is its own number; those of IPv6 are numbered, so that a key is 16
/// octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    is_ipv4: bool,
    low: u32,
    high: u32,
    ports: (u16, u16),
}

/// Every connection of a recording.
#[derive(Default)]
pub(super) struct Connections {
    addresses: HashMap<Ipv6Addr, u32, RandomState>,
    newest: HashMap<Key, u32, RandomState>,
    entries: Vec<Entry>,
    most: usize,
    /// Connections beyond the limit, whose frames were left out.
    pub(super) left_out: u64,
}

/// Where a segment belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Belongs {
    /// To which connection.
    pub id: ConnectionId,
    /// Who sent it.
    pub from: End,
    /// The connection of the same ports that it ends.
    pub replaces: Option<ConnectionId>,
}

impl Connections {
    pub(super) fn new(most: usize) -> Connections {
        Connections { most, ..Connections::default() }
    }

    /// Finds or begins the connection of a segment, and takes note of what the segment does to it.
    pub(super) fn of(&mut self, header: &Header) -> Option<Belongs> {
        let belongs = self.find(header)?;
        note(self.entries.get_mut(belongs.id.0 as usize)?, header, belongs.from);
        Some(belongs)
    }

    fn find(&mut self, header: &Header) -> Option<Belongs> {
        let (key, from_low) = self.key(header.source, header.destination)?;
        let found = self.newest.get(&key).copied();
        let Some((number, entry)) = found.and_then(|number| Some((number, self.entries.get(number as usize)?))) else {
            return Some(Belongs { id: self.begin(key, from_low)?, from: End::First, replaces: None });
        };
        let from = if entry.first_is_low == from_low { End::First } else { End::Second };
        let is_opening = header.flags & (SYN | ACK) == SYN;
        if is_opening && entry.base[from.index()].is_some_and(|base| base != header.sequence) {
            let id = self.begin(key, from_low)?;
            return Some(Belongs { id, from: End::First, replaces: Some(ConnectionId(number)) });
        }
        Some(Belongs { id: ConnectionId(number), from, replaces: None })
    }

    /// Counts the connection of a segment that an ICMP error returns, as Wireshark does where the header is whole.
    pub(super) fn returned(&mut self, datagram: &Datagram<'_>) {
        if let Some(header) = Header::read(datagram).filter(|_| datagram.octets.len() >= 20) {
            self.find(&header);
        }
    }

    /// Whether nothing more is to be expected of a connection: both ends have finished, or one has reset it.
    pub(super) fn is_over(&self, id: ConnectionId) -> bool {
        self.entries.get(id.0 as usize).is_some_and(|entry| entry.reset || entry.finished == [true; 2])
    }

    /// The place of a connection in the batch; `None` where it has none yet.
    pub(super) fn slot(&self, id: ConnectionId, batch: u32) -> Option<u32> {
        let entry = self.entries.get(id.0 as usize)?;
        (entry.batch == batch).then_some(entry.slot)
    }

    /// Gives a connection its place in the batch.
    pub(super) fn place(&mut self, id: ConnectionId, batch: u32, slot: u32) {
        if let Some(entry) = self.entries.get_mut(id.0 as usize) {
            (entry.batch, entry.slot) = (batch, slot);
        }
    }

    fn begin(&mut self, key: Key, from_low: bool) -> Option<ConnectionId> {
        if self.entries.len() >= self.most {
            self.left_out += 1;
            return None;
        }
        let number = u32::try_from(self.entries.len()).ok()?;
        self.entries.push(Entry { first_is_low: from_low, ..Entry::default() });
        self.newest.insert(key, number);
        Some(ConnectionId(number))
    }

    /// The key of a pair, and whether the source is its smaller end.
    fn key(&mut self, source: SocketAddr, destination: SocketAddr) -> Option<(Key, bool)> {
        let is_ipv4 = source.is_ipv4();
        let source = (self.number(source.ip())?, source.port());
        let destination = (self.number(destination.ip())?, destination.port());
        let from_low = source <= destination;
        let (low, high) = if from_low { (source, destination) } else { (destination, source) };
        Some((Key { is_ipv4, low: low.0, high: high.0, ports: (low.1, high.1) }, from_low))
    }

    /// The number of an address. `None` where there are more than the connections that may be told apart have.
    fn number(&mut self, address: IpAddr) -> Option<u32> {
        let address = match address {
            IpAddr::V4(address) => return Some(address.to_bits()),
            IpAddr::V6(address) => address,
        };
        if let Some(number) = self.addresses.get(&address) {
            return Some(*number);
        }
        if self.addresses.len() / 2 >= self.most {
            self.left_out += 1;
            return None;
        }
        let next = u32::try_from(self.addresses.len()).ok()?;
        self.addresses.insert(address, next);
        Some(next)
    }
}

/// Takes note of where the numbers of both ends begin, and of their ends.
fn note(entry: &mut Entry, header: &Header, from: End) {
    let (own, other) = (from.index(), from.other().index());
    let is_answer = header.flags & (SYN | ACK) == (SYN | ACK);
    if entry.base[own].is_none() || is_answer {
        let is_syn = header.flags & SYN != 0;
        entry.base[own] = Some(if is_syn { header.sequence } else { header.sequence.wrapping_sub(1) });
    }
    if entry.base[other].is_none() && header.flags & ACK != 0 {
        entry.base[other] = Some(header.acknowledgment.wrapping_sub(1));
    }
    entry.finished[own] |= header.flags & FIN != 0;
    entry.reset |= header.flags & RST != 0;
}
