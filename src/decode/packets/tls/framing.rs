//! Records out of the octets of one side: they may fill several chunks, and several may stand in one.
//!
//! Holds at most one record and one chunk. Knows nothing of keys.

use bytes::BytesMut;

/// Octets of the header of a record.
const HEADER: usize = 5;
/// Most octets of a record behind its header: 2^14 of text, 2048 of protection (RFC 5246, 6.2.3).
const LONGEST: usize = (1 << 14) + 2048;
/// Once a side has sent as much as this, room is made for as much at a time.
const ROOM: usize = 16 << 10;

/// The kinds of records (RFC 8446, 5.1).
pub(super) mod kind {
    pub(in super::super) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(in super::super) const ALERT: u8 = 21;
    pub(in super::super) const HANDSHAKE: u8 = 22;
    pub(in super::super) const APPLICATION_DATA: u8 = 23;
}

/// A record as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) kind: u8,
    pub(super) version: u16,
    pub(super) body: BytesMut,
}

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) version: u16,
    pub(super) length: usize,
}

impl Header {
    /// Reads the first octets of a record; `None` where it cannot be one.
    pub(super) fn read(octets: &[u8]) -> Option<Header> {
        let [kind, major, minor, high, low, ..] = octets else { return None };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let plausible = matches!(kind, 20..=23) && *major == 3 && *minor <= 4 && length <= LONGEST;
        plausible.then_some(Header { kind: *kind, version: u16::from_be_bytes([*major, *minor]), length })
    }
}

/// What octets that are missing cost.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Torn {
    /// They belong to one record, whose end is known.
    Record(Header),
    /// They belong to a record that is lost already.
    Same,
    /// It is not known where the next record begins.
    Boundary,
}

/// Where the octets that come next stand.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In front of a record, or in one whose beginning is in the buffer.
    Known,
    /// In a record that is lost; so many of its octets are still to come.
    InLostRecord(usize),
    /// Anywhere.
    Unknown,
}

/// The octets of one side that are not yet records.
pub(super) struct Framing {
    buffer: BytesMut,
    place: Place,
    received: u64,
}

impl Framing {
    pub(super) fn new() -> Self {
        Framing { buffer: BytesMut::new(), place: Place::Known, received: 0 }
    }

    /// Octets taken until now.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Whether it is not known where records begin.
    pub(super) fn is_lost(&self) -> bool {
        self.place == Place::Unknown
    }

    /// Takes the octets of a chunk.
    pub(super) fn push(&mut self, mut octets: &[u8]) {
        self.received = self.received.saturating_add(octets.len() as u64);
        if let Place::InLostRecord(left) = &mut self.place {
            let passed = octets.len().min(*left);
            *left -= passed;
            octets = octets.get(passed..).unwrap_or_default();
            if *left == 0 {
                self.place = Place::Known;
            }
        }
        if self.buffer.capacity() - self.buffer.len() < octets.len() {
            let room = if self.received > ROOM as u64 { ROOM } else { 0 };
            self.buffer.reserve(room.max(octets.len()));
        }
        self.buffer.extend_from_slice(octets);
    }

    /// Takes note that octets are missing.
    pub(super) fn gap(&mut self, size: Option<u64>) -> Torn {
        let header = Header::read(&self.buffer);
        let size = size.and_then(|size| usize::try_from(size).ok());
        let (left, torn) = match (&self.place, header) {
            (Place::InLostRecord(left), _) => (*left, Torn::Same),
            (Place::Known, Some(header)) => ((HEADER + header.length) - self.buffer.len(), Torn::Record(header)),
            (Place::Known, None) | (Place::Unknown, _) => (0, Torn::Boundary),
        };
        self.buffer.clear();
        match size {
            Some(size) if size <= left => {
                self.place = if size == left { Place::Known } else { Place::InLostRecord(left - size) };
                torn
            }
            _ => {
                self.place = Place::Unknown;
                Torn::Boundary
            }
        }
    }

    /// The next record, where it is whole. Where what stands there cannot be one, the boundary is lost.
    pub(super) fn next(&mut self) -> Option<Record> {
        if self.place != Place::Known || self.buffer.len() < HEADER {
            return None;
        }
        let Some(header) = Header::read(&self.buffer) else {
            self.place = Place::Unknown;
            return None;
        };
        if self.buffer.len() < HEADER + header.length {
            return None;
        }
        Some(self.cut(header))
    }

    /// A copy of what may be the next record where the boundary is lost. Answer with [`Framing::found`] or
    /// [`Framing::not_found`] before asking again.
    pub(super) fn candidate(&mut self, plausible: impl Fn(Header) -> bool) -> Option<Record> {
        if self.place != Place::Unknown {
            return None;
        }
        let here = |octets: &[u8]| Header::read(octets).is_some_and(&plausible);
        let at = self.buffer.windows(HEADER).position(here);
        let kept = at.unwrap_or(self.buffer.len().saturating_sub(HEADER - 1));
        let _ = self.buffer.split_to(kept);
        at?;
        let header = Header::read(&self.buffer)?;
        let body = self.buffer.get(HEADER..HEADER + header.length)?;
        Some(Record { kind: header.kind, version: header.version, body: BytesMut::from(body) })
    }

    /// The candidate is a record.
    pub(super) fn found(&mut self) {
        if let Some(header) = Header::read(&self.buffer) {
            let _ = self.cut(header);
        }
        self.place = Place::Known;
    }

    /// The candidate is none.
    pub(super) fn not_found(&mut self) {
        let _ = self.buffer.split_to(1.min(self.buffer.len()));
    }

    /// Drops what is there, and says how many octets it was.
    pub(super) fn discard(&mut self) -> usize {
        std::mem::take(&mut self.buffer).len()
    }

    fn cut(&mut self, header: Header) -> Record {
        let whole = (HEADER + header.length).min(self.buffer.len());
        let mut body = self.buffer.split_to(whole);
        let _ = body.split_to(HEADER.min(body.len()));
        Record { kind: header.kind, version: header.version, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, length: usize) -> Vec<u8> {
        let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
        [&[kind, 3, 3, high, low][..], &vec![0xee; length]].concat()
    }

    #[test]
    fn records_come_out_however_they_were_cut() {
        let all = [record(22, 10), record(23, 0), record(23, 300)].concat();
        for size in 1..all.len() {
            let mut framing = Framing::new();
            let mut lengths = Vec::new();
            for chunk in all.chunks(size) {
                framing.push(chunk);
                lengths.extend(std::iter::from_fn(|| framing.next()).map(|record| record.body.len()));
            }
            assert_eq!((lengths, framing.discard()), (vec![10, 0, 300], 0), "chunks of {size}");
        }
    }

    #[test]
    fn a_gap_within_a_record_costs_that_record() {
        let all = [record(23, 100), record(23, 7)].concat();
        let mut framing = Framing::new();
        framing.push(&all[..50]);
        let header = Header { kind: 23, version: 0x0303, length: 100 };
        assert_eq!(framing.gap(Some(20)), Torn::Record(header));
        framing.push(&all[70..75]);
        assert_eq!(framing.gap(Some(5)), Torn::Same);
        framing.push(&all[80..]);
        assert_eq!(framing.next().map(|record| record.body.len()), Some(7));
    }

    #[test]
    fn a_gap_beyond_a_record_loses_the_boundary() {
        let all = [record(23, 100), record(23, 7)].concat();
        let mut framing = Framing::new();
        framing.push(&all[..50]);
        assert_eq!(framing.gap(Some(56)), Torn::Boundary);
        framing.push(&all[106..]);
        framing.push(&record(23, 40));
        assert!(framing.next().is_none());
        let found = framing.candidate(|header| header.kind == 23).unwrap();
        assert_eq!(found.body.len(), 40);
        framing.found();
        framing.push(&record(23, 1));
        assert_eq!(framing.next().map(|record| record.body.len()), Some(1));
    }

    #[test]
    fn what_cannot_be_a_record_loses_the_boundary() {
        let mut framing = Framing::new();
        framing.push(b"GET / HTTP/1.1\r\n");
        assert!(framing.next().is_none() && framing.is_lost());
    }
}
