//! pcapng: blocks with a type and a length at both ends, in sections that have a byte order each.
//!
//! Name resolution and comments are stepped over. A block inside whose bounds something is wrong costs
//! itself; a block without believable bounds ends the file, unless another section begins behind it.

use bytes::Bytes;

use super::statistics::{Said, Statistics, Tally};
use super::{ByteOrder, Ending, NO_TIME, Next};
use crate::capture::content::{Content, Window};
use crate::evidence::Timestamp;

/// Section Header Block. The same in both byte orders.
pub(in crate::decode::packets) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
/// The old Packet Block.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
/// Blocks that Wireshark counts as frames though they hold no packet: a journal entry, system calls.
const COUNTED: [u32; 4] = [9, 0x204, 0x216, 0x221];
/// Secrets type of a TLS key log: `TLSK`.
const TLS_KEY_LOG: u32 = 0x544c_534b;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const OPTION_END_TIME: u16 = 3;
const OPTION_INTERFACE_DROPPED: u16 = 5;
const OPTION_SYSTEM_DROPPED: u16 = 7;
const OPTION_USER_APPLICATION: u16 = 4;
const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

/// Octets of a block that are no content: type and length before, length behind.
const FRAME: usize = 12;
/// Interfaces of one section that are kept. Real files have a handful.
const INTERFACES: usize = 65_536;

/// Where a reader of blocks stands.
pub(in crate::decode::packets) struct Reader {
    at: usize,
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// The program that wrote the first section that names one.
    pub(super) creator: Option<String>,
    /// Packet blocks that could not be read.
    pub(super) left_out: u64,
    tally: Tally,
}

impl Default for Reader {
    fn default() -> Self {
        let (interfaces, tally) = (Vec::new(), Tally::default());
        Reader { at: 0, order: ByteOrder::Little, interfaces, creator: None, left_out: 0, tally }
    }
}

/// What a packet block needs of its interface.
#[derive(Clone, Copy)]
struct Interface {
    link: u32,
    /// Most octets of a frame; `None` where there is no limit.
    snap_length: Option<usize>,
    unit: Unit,
    /// Seconds to add to every time.
    offset: i64,
}

/// What a time counts.
#[derive(Clone, Copy)]
enum Unit {
    Microseconds,
    /// So many in a second.
    PerSecond(u64),
}

impl Interface {
    fn time(&self, ticks: u64) -> Timestamp {
        let microseconds = match self.unit {
            Unit::Microseconds => i64::try_from(ticks).unwrap_or(i64::MAX),
            Unit::PerSecond(count) => {
                i64::try_from(u128::from(ticks) * 1_000_000 / u128::from(count.max(1))).unwrap_or(i64::MAX)
            }
        };
        Timestamp(microseconds.saturating_add(self.offset.saturating_mul(1_000_000)))
    }
}

/// One block: its type and where its body stands.
struct Block {
    kind: u32,
    start: usize,
    end: usize,
}

impl Reader {
    /// The next frame.
    pub(super) fn next(&mut self, window: &mut Window) -> Next {
        loop {
            let block = match self.block(window) {
                Ok(block) => block,
                Err(ending) => return Next::End(ending),
            };
            let body = window.get(block.start..block.end).unwrap_or_default();
            let found = match block.kind {
                ENHANCED_PACKET => self.enhanced(body, block.start),
                SIMPLE_PACKET => self.simple(body, block.start),
                PACKET => self.old(body, block.start),
                kind if COUNTED.contains(&kind) => return Next::Counted,
                kind => {
                    self.other(kind, body);
                    continue;
                }
            };
            match found {
                Some(next) => {
                    self.tally.frame();
                    return next;
                }
                None => {
                    // It is a frame in Wireshark's count as long as the file goes on.
                    self.left_out += 1;
                    return Next::Counted;
                }
            }
        }
    }

    /// Steps to the next block.
    fn block(&mut self, window: &mut Window) -> Result<Block, Ending> {
        let at = self.at;
        let left = window.len().saturating_sub(at);
        if left == 0 {
            return Err(Ending::Whole);
        }
        let head = window.get(at..at + left.min(FRAME)).unwrap_or_default();
        let Some(kind) = self.order.u32(head, 0) else { return Err(Ending::CutOff) };
        if kind == SECTION_HEADER {
            // The magic behind the length says the byte order of this section.
            self.order = match head.get(8..12) {
                Some([0x4d, 0x3c, 0x2b, 0x1a]) => ByteOrder::Little,
                Some([0x1a, 0x2b, 0x3c, 0x4d]) => ByteOrder::Big,
                Some(_) => return Err(Ending::Broken("a section without a byte order".to_owned())),
                None => return Err(Ending::CutOff),
            };
            self.interfaces.clear();
            self.tally.section(at == 0);
        }
        let Some(length) = self.order.u32(head, 4) else { return Err(Ending::CutOff) };
        let length = length as usize;
        if length < FRAME || !length.is_multiple_of(4) {
            return Err(Ending::Broken(format!("a block claims {length} octets")));
        }
        if length > left {
            return Err(Ending::CutOff);
        }
        self.at = at + length;
        Ok(Block { kind, start: at + 8, end: at + length - 4 })
    }

    fn enhanced(&self, body: &[u8], start: usize) -> Option<Next> {
        let number = |place| self.order.u32(body, place);
        let interface = self.interfaces.get(number(0)? as usize)?;
        let ticks = u64::from(number(4)?) << 32 | u64::from(number(8)?);
        self.packet(interface, interface.time(ticks), body, start, 20, number(12)?, number(16)?)
    }

    fn old(&self, body: &[u8], start: usize) -> Option<Next> {
        let number = |place| self.order.u32(body, place);
        let interface = self.interfaces.get(usize::from(self.order.u16(body, 0)?))?;
        let ticks = u64::from(number(4)?) << 32 | u64::from(number(8)?);
        self.packet(interface, interface.time(ticks), body, start, 20, number(12)?, number(16)?)
    }

    fn simple(&self, body: &[u8], start: usize) -> Option<Next> {
        let interface = self.interfaces.first()?;
        let original = self.order.u32(body, 0)?;
        // The block does not say how much was captured: all, up to the snap length.
        let most = interface.snap_length.unwrap_or(usize::MAX).min(body.len().saturating_sub(4));
        let captured = u32::try_from(most).unwrap_or(u32::MAX).min(original);
        self.packet(interface, NO_TIME, body, start, 4, captured, original)
    }

    #[allow(clippy::too_many_arguments)] // The fields of a block, named once.
    fn packet(
        &self,
        interface: &Interface,
        time: Timestamp,
        body: &[u8],
        start: usize,
        head: usize,
        captured: u32,
        original: u32,
    ) -> Option<Next> {
        let (captured, original) = (captured as usize, original as usize);
        if captured > body.len().saturating_sub(head) {
            return None;
        }
        Some(Next::Frame { time, link: interface.link, start: start + head, captured, original })
    }

    /// Takes what packets need from the other blocks.
    fn other(&mut self, kind: u32, body: &[u8]) {
        match kind {
            INTERFACE_STATISTICS => {
                if let Some(said) = self.statistics_block(body) {
                    self.tally.said(&said, INTERFACES);
                }
            }
            INTERFACE if self.interfaces.len() < INTERFACES => self.interfaces.extend(self.interface(body)),
            SECTION_HEADER if self.creator.is_none() => {
                // RFC draft-ietf-opsawg-pcapng, 4.1: the options stand behind 16 octets.
                let options = Options { order: self.order, rest: body.get(16..).unwrap_or_default() };
                self.creator = options
                    .into_iter()
                    .find(|(code, _)| *code == OPTION_USER_APPLICATION)
                    .map(|(_, value)| String::from_utf8_lossy(value).trim_end_matches('\0').to_owned())
                    .filter(|name| !name.is_empty());
            }
            _ => {}
        }
    }

    /// What the recorders say in the file.
    pub(super) fn statistics(&self) -> Statistics {
        self.tally.statistics(self.left_out)
    }

    /// RFC draft-ietf-opsawg-pcapng, 4.6: interface, time, then the counters as options.
    fn statistics_block(&self, body: &[u8]) -> Option<Said> {
        let number = |octets: &[u8], at| self.order.u32(octets, at);
        let ticks = |octets: &[u8], at| Some(u64::from(number(octets, at)?) << 32 | u64::from(number(octets, at + 4)?));
        let mut said = Said { interface: number(body, 0)?, ..Said::default() };
        let interface = self.interfaces.get(said.interface as usize)?;
        said.time = Some(interface.time(ticks(body, 4)?));
        for (code, value) in (Options { order: self.order, rest: body.get(12..).unwrap_or_default() }) {
            match code {
                OPTION_COMMENT => {
                    said.extent = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).or(said.extent);
                }
                OPTION_END_TIME => said.time = ticks(value, 0).map(|ticks| interface.time(ticks)).or(said.time),
                OPTION_INTERFACE_DROPPED | OPTION_SYSTEM_DROPPED => {
                    let dropped = self.order.u64(value, 0).unwrap_or_default();
                    said.dropped = Some(said.dropped.unwrap_or_default().saturating_add(dropped));
                }
                _ => {}
            }
        }
        Some(said)
    }

    fn interface(&self, body: &[u8]) -> Option<Interface> {
        let link = u32::from(self.order.u16(body, 0)?);
        let snap_length = self.order.u32(body, 4).filter(|length| *length != 0).map(|length| length as usize);
        let mut interface = Interface { link, snap_length, unit: Unit::Microseconds, offset: 0 };
        for (code, value) in (Options { order: self.order, rest: body.get(8..).unwrap_or_default() }) {
            match (code, value) {
                (OPTION_TIME_RESOLUTION, [resolution, ..]) => interface.unit = unit(*resolution),
                (OPTION_TIME_OFFSET, value) => {
                    let seconds = self.order.u64(value, 0).unwrap_or_default();
                    interface.offset = i64::from_ne_bytes(seconds.to_ne_bytes());
                }
                _ => {}
            }
        }
        Some(interface)
    }
}

/// `if_tsresol`: a negative power of 10, or of 2 where the highest bit is set.
fn unit(resolution: u8) -> Unit {
    let exponent = u32::from(resolution & 0x7f);
    let count = if resolution & 0x80 != 0 { 2u64.checked_pow(exponent) } else { 10u64.checked_pow(exponent) };
    match count {
        Some(1_000_000) => Unit::Microseconds,
        Some(count) => Unit::PerSecond(count),
        // Finer than any clock; Wireshark does not believe it either.
        None => Unit::Microseconds,
    }
}

/// The options of a block: code and value.
struct Options<'a> {
    order: ByteOrder,
    rest: &'a [u8],
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let code = self.order.u16(self.rest, 0)?;
        let length = usize::from(self.order.u16(self.rest, 2)?);
        let value = self.rest.get(4..4 + length)?;
        self.rest = self.rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        (code != OPTION_END).then_some((code, value))
    }
}

/// The TLS key logs in the Decryption Secrets Blocks of the file, wherever they stand: keys may come after the packets
/// that they open.
pub(in crate::decode::packets) fn key_logs(content: &Content) -> Vec<Bytes> {
    let mut found = Vec::new();
    if !content.starts_with(&SECTION_HEADER.to_be_bytes()) {
        return found;
    }
    let (mut reader, mut window) = (Reader::default(), content.window());
    while let Ok(block) = reader.block(&mut window) {
        if block.kind != DECRYPTION_SECRETS {
            continue;
        }
        let body = content.get(block.start..block.end).unwrap_or_default();
        if reader.order.u32(body, 0) != Some(TLS_KEY_LOG) {
            continue;
        }
        let Some(length) = reader.order.u32(body, 4) else { continue };
        let end = (length as usize).min(body.len().saturating_sub(8));
        found.push(content.slice(block.start + 8..block.start + 8 + end));
    }
    found
}
