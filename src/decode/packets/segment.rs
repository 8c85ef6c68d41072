//! TCP segments: the header read, the payload left where it is.

use std::net::SocketAddr;

use bytes::Bytes;

use super::network::{Datagram, Root, place};
use crate::evidence::Timestamp;

/// RFC 9293, 3.1.
pub(super) const FIN: u8 = 0x01;
/// Opens a connection.
pub(super) const SYN: u8 = 0x02;
/// Resets it.
pub(super) const RST: u8 = 0x04;
/// The acknowledgment number counts.
pub(super) const ACK: u8 = 0x10;

/// One segment, small, since a recording has millions of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// When its frame was captured.
    pub time: Timestamp,
    /// Where its payload is.
    pub payload: Place,
    /// Its frame.
    pub frame: u32,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number.
    pub acknowledgment: u32,
    /// Octets of payload that were sent.
    pub sent: u32,
    /// Octets of payload in the recording; at most `sent`.
    pub held: u32,
    /// The flags.
    pub flags: u8,
    /// Which of the two ends of the connection sent it.
    pub from: End,
}

/// One of the two ends of a connection, before it is known which is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The one that sent the first segment.
    First,
    /// The other one.
    Second,
}

impl End {
    /// As an index of a pair.
    pub(super) fn index(self) -> usize {
        match self {
            End::First => 0,
            End::Second => 1,
        }
    }

    /// The other one.
    pub(super) fn other(self) -> End {
        match self {
            End::First => End::Second,
            End::Second => End::First,
        }
    }
}

/// Where a payload is: an octet of the recording, or a packet that was put together from fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u64);

/// Marks a place that is none in the recording.
const REBUILT: u64 = 1 << 63;

/// What places are places in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// The recording.
    pub recording: &'a Bytes,
    /// Payloads of packets that were put together from fragments.
    pub rebuilt: &'a [Bytes],
}

impl Source<'_> {
    /// Octets of the payload from `skip` on, without a copy.
    pub(super) fn slice(&self, segment: &Segment, skip: u64) -> Bytes {
        let held = segment.held as usize;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(held);
        if segment.payload.0 & REBUILT != 0 {
            let index = usize::try_from(segment.payload.0 & !REBUILT).unwrap_or(usize::MAX);
            return self
                .rebuilt
                .get(index)
                .filter(|whole| whole.len() >= held)
                .map_or(Bytes::new(), |whole| whole.slice(skip..held));
        }
        let start = usize::try_from(segment.payload.0).unwrap_or(usize::MAX);
        match start.checked_add(held) {
            Some(end) if end <= self.recording.len() => self.recording.slice(start + skip..end),
            _ => Bytes::new(),
        }
    }

    /// Whether the place of the payload is one as long as the recording is open.
    pub(super) fn is_lasting(&self, segment: &Segment) -> bool {
        segment.payload.0 & REBUILT == 0
    }

    /// The payload as octets.
    pub(super) fn octets(&self, segment: &Segment) -> &[u8] {
        let held = segment.held as usize;
        let (whole, start): (&[u8], usize) = if segment.payload.0 & REBUILT != 0 {
            let index = usize::try_from(segment.payload.0 & !REBUILT).unwrap_or(usize::MAX);
            (self.rebuilt.get(index).map_or(&[], |whole| &**whole), 0)
        } else {
            (self.recording, usize::try_from(segment.payload.0).unwrap_or(usize::MAX))
        };
        whole.get(start..start.saturating_add(held)).unwrap_or_default()
    }
}

/// What stands in a TCP header.
pub(super) struct Header {
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number.
    pub acknowledgment: u32,
    /// The flags.
    pub flags: u8,
    /// Octets of the header; `None` where it claims to be shorter than a header.
    length: Option<usize>,
}

impl Header {
    /// Reads the header. `None` where the capture length cut it before the flags.
    pub(super) fn read(datagram: &Datagram<'_>) -> Option<Header> {
        let [a, b, c, d, s0, s1, s2, s3, k0, k1, k2, k3, offset, flags, ..] = *datagram.octets else { return None };
        let length = usize::from(offset >> 4) * 4;
        Some(Header {
            source: SocketAddr::new(datagram.source, u16::from_be_bytes([a, b])),
            destination: SocketAddr::new(datagram.destination, u16::from_be_bytes([c, d])),
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            acknowledgment: u32::from_be_bytes([k0, k1, k2, k3]),
            flags,
            length: (length >= 20).then_some(length),
        })
    }

    /// The segment, in a frame of these octets that starts there in the recording. A packet put together from fragments
    /// adds its payload to `rebuilt`.
    pub(super) fn segment(
        &self,
        datagram: &Datagram<'_>,
        (frame, time): (u32, Timestamp),
        from: End,
        (octets, start): (&[u8], usize),
        rebuilt: &mut Vec<Bytes>,
    ) -> Option<Segment> {
        let length = self.length?;
        let payload = datagram.octets.get(length..).unwrap_or_default();
        let sent = datagram.length.saturating_sub(length);
        let payload_place = match datagram.root {
            _ if payload.is_empty() => Place(0),
            Root::Recording => Place((start + place(octets, payload)?) as u64),
            Root::Rebuilt(whole) => {
                let start = place(whole, payload)?;
                rebuilt.push(whole.slice(start..start + payload.len()));
                Place((rebuilt.len() as u64).saturating_sub(1) | REBUILT)
            }
        };
        Some(Segment {
            time,
            payload: payload_place,
            frame,
            sequence: self.sequence,
            acknowledgment: self.acknowledgment,
            sent: u32::try_from(sent).ok()?,
            held: u32::try_from(payload.len()).ok()?,
            flags: self.flags,
            from,
        })
    }
}
