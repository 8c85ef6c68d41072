//! The blocks of a pcapng file (draft-ietf-opsawg-pcapng), each as the octets of one write.
//!
//! Own and not a library's: the one that writes this format has no Decryption Secrets Block, and a block that is written
//! at once is whole or not there when the process is killed. Numbers are little-endian, times microseconds.

use std::net::IpAddr;

use crate::decode::packets::extent::Extent;
use crate::evidence::Timestamp;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const NAME_RESOLUTION: u32 = 4;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const VERSION: [u16; 2] = [1, 0];
/// Secrets type of a TLS key log: `TLSK`.
const TLS_KEY_LOG: u32 = 0x544c_534b;
/// Power of ten of the time unit.
const MICROSECONDS: u8 = 6;

const COMMENT: u16 = 1;
const END: [u8; 4] = [0; 4];

/// The device that packets come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// What frames begin with: a LINKTYPE of the registry of capture file formats.
    pub link: u16,
    /// Most octets of a frame that are kept.
    pub snap_length: u32,
    /// The filter expression; `None` where everything is recorded.
    pub filter: Option<String>,
}

/// What a recorder counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that reached the filter.
    pub received: u64,
    /// Packets that the device dropped.
    pub dropped_by_interface: u64,
    /// Packets that the system dropped, as the recorder was too slow.
    pub dropped_by_system: u64,
}

impl Counters {
    /// What was counted after `earlier`.
    pub fn since(self, earlier: Counters) -> Counters {
        Counters {
            received: self.received.saturating_sub(earlier.received),
            dropped_by_interface: self.dropped_by_interface.saturating_sub(earlier.dropped_by_interface),
            dropped_by_system: self.dropped_by_system.saturating_sub(earlier.dropped_by_system),
        }
    }

    /// All that were dropped.
    pub fn dropped(self) -> u64 {
        self.dropped_by_interface.saturating_add(self.dropped_by_system)
    }
}

/// Section Header Block and Interface Description Block: what a file begins with.
pub(super) fn head(interface: &Interface) -> Vec<u8> {
    let mut out = Vec::new();
    block(&mut out, SECTION_HEADER, |body| {
        body.extend(BYTE_ORDER_MAGIC.to_le_bytes());
        VERSION.iter().for_each(|number| body.extend(number.to_le_bytes()));
        // The length of the section is not known before it ends.
        body.extend((-1i64).to_le_bytes());
        option(body, 3, std::env::consts::OS.as_bytes());
        option(body, 4, concat!("authtrail ", env!("CARGO_PKG_VERSION")).as_bytes());
        body.extend(END);
    });
    block(&mut out, INTERFACE, |body| {
        body.extend(interface.link.to_le_bytes());
        body.extend([0; 2]);
        body.extend(interface.snap_length.to_le_bytes());
        option(body, 2, interface.name.as_bytes());
        option(body, 9, &[MICROSECONDS]);
        if let Some(filter) = &interface.filter {
            // The first octet says that the filter is an expression of libpcap.
            let value: Vec<u8> = std::iter::once(0).chain(filter.bytes()).collect();
            option(body, 11, &value);
        }
        body.extend(END);
    });
    out
}

/// Enhanced Packet Block. `original`: octets that the frame had on the wire.
pub(super) fn packet(out: &mut Vec<u8>, time: Timestamp, octets: &[u8], original: u32) {
    block(out, ENHANCED_PACKET, |body| {
        body.extend(0u32.to_le_bytes());
        body.extend(ticks(time));
        body.extend(u32::try_from(octets.len()).unwrap_or(u32::MAX).to_le_bytes());
        body.extend(original.to_le_bytes());
        body.extend(octets);
    });
}

/// Name Resolution Block: the names of addresses.
pub(super) fn names<'a>(names: impl IntoIterator<Item = (IpAddr, &'a [String])>) -> Vec<u8> {
    let mut out = Vec::new();
    block(&mut out, NAME_RESOLUTION, |body| {
        for (address, names) in names {
            let (kind, mut value): (u16, Vec<u8>) = match address {
                IpAddr::V4(address) => (1, address.octets().to_vec()),
                IpAddr::V6(address) => (2, address.octets().to_vec()),
            };
            for name in names {
                value.extend(name.bytes().filter(|octet| *octet != 0));
                value.push(0);
            }
            option(body, kind, &value);
        }
        body.extend(END);
    });
    out
}

/// Decryption Secrets Block: lines of a TLS key log.
pub(super) fn secrets(lines: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    block(&mut out, DECRYPTION_SECRETS, |body| {
        body.extend(TLS_KEY_LOG.to_le_bytes());
        body.extend(u32::try_from(lines.len()).unwrap_or(u32::MAX).to_le_bytes());
        body.extend(lines);
    });
    out
}

/// Interface Statistics Block: what was counted in this file, and which part of the recording it is.
pub(super) fn statistics(begin: Timestamp, end: Timestamp, counters: Counters, extent: Extent) -> Vec<u8> {
    let mut out = Vec::new();
    block(&mut out, STATISTICS, |body| {
        body.extend(0u32.to_le_bytes());
        body.extend(ticks(end));
        option(body, COMMENT, extent.to_string().as_bytes());
        option(body, 2, &ticks(begin));
        option(body, 3, &ticks(end));
        option(body, 4, &counters.received.to_le_bytes());
        option(body, 5, &counters.dropped_by_interface.to_le_bytes());
        option(body, 7, &counters.dropped_by_system.to_le_bytes());
        option(body, 8, &extent.packets.to_le_bytes());
        body.extend(END);
    });
    out
}

/// A block around what `fill` writes: type, length, body to a multiple of four octets, length.
fn block(out: &mut Vec<u8>, kind: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    fill(out);
    let body = out.len().saturating_sub(start);
    out.resize(start.saturating_add(body.next_multiple_of(4)), 0);
    let length = u32::try_from(out.len().saturating_sub(start).saturating_add(4)).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(place) = out.get_mut(start.saturating_add(4)..start.saturating_add(8)) {
        place.copy_from_slice(&length);
    }
    out.extend(length);
}

/// An option: code, length, value to a multiple of four octets. A value longer than an option can be is cut.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let value = value.get(..usize::from(length)).unwrap_or_default();
    body.extend(code.to_le_bytes());
    body.extend(length.to_le_bytes());
    body.extend(value);
    body.resize(body.len().saturating_add(value.len().next_multiple_of(4) - value.len()), 0);
}

/// A time as blocks have it: the upper half, then the lower.
fn ticks(time: Timestamp) -> [u8; 8] {
    let ticks = u64::try_from(time.0).unwrap_or_default();
    let [a, b, c, d, e, f, g, h] = ticks.to_le_bytes();
    [e, f, g, h, a, b, c, d]
}
