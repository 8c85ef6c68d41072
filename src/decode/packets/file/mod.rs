//! Capture files: a row of frames with their times.
//!
//! Frames are places in the content: what is read of them here is gone with the next one. Own readers and not
//! a library's, since those make a list of options for every packet, and one broken block costs them the rest.

mod pcap;
pub(super) mod pcapng;
mod statistics;

use crate::capture::content::{Content, Window};
use crate::evidence::Timestamp;
pub(super) use statistics::Statistics;

/// The time of a frame whose recording has no clock (Simple Packet Blocks).
pub(super) const NO_TIME: Timestamp = Timestamp(i64::MIN);

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its number, counted from 1 as Wireshark does.
    pub number: u32,
    /// When it was captured; [`NO_TIME`] where that is not recorded.
    pub time: Timestamp,
    /// What it begins with: a LINKTYPE of the registry of capture file formats.
    pub link: u32,
    /// Where it begins in the content.
    pub start: usize,
    /// Octets of it in the content.
    pub captured: usize,
    /// Octets that it had on the wire; never less than `captured`.
    pub original: usize,
}

/// The frames of a capture file, in its order.
pub(super) struct Frames {
    window: Window,
    reader: Reader,
    /// The number of the last frame.
    number: u32,
}

enum Reader {
    Pcap(pcap::Reader),
    Pcapng(pcapng::Reader),
}

/// Why the frames end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The file ends there.
    Whole,
    /// The file ends inside a record.
    CutOff,
    /// What stands there is no record; the text says why.
    Broken(String),
}

/// What a reader found.
enum Next {
    Frame {
        time: Timestamp,
        link: u32,
        start: usize,
        captured: usize,
        original: usize,
    },
    /// A frame in Wireshark's count that holds no packet.
    Counted,
    End(Ending),
}

impl Frames {
    /// Reads the head of the file. `None` where it is neither format.
    pub(super) fn new(content: &Content) -> Option<Frames> {
        let reader = if content.starts_with(&pcapng::SECTION_HEADER.to_be_bytes()) {
            Reader::Pcapng(pcapng::Reader::default())
        } else {
            Reader::Pcap(pcap::Reader::new(content)?)
        };
        Some(Frames { window: content.window(), reader, number: 0 })
    }

    /// The next frame, or why there is none.
    pub(super) fn next(&mut self) -> Result<Frame, Ending> {
        loop {
            let next = match &mut self.reader {
                Reader::Pcap(reader) => reader.next(&mut self.window),
                Reader::Pcapng(reader) => reader.next(&mut self.window),
            };
            match next {
                Next::Frame { time, link, start, captured, original } => {
                    self.number = self.number.saturating_add(1);
                    let original = original.max(captured);
                    return Ok(Frame { number: self.number, time, link, start, captured, original });
                }
                Next::Counted => self.number = self.number.saturating_add(1),
                Next::End(ending) => return Err(ending),
            }
        }
    }

    /// The octets of a frame, as far as captured.
    pub(super) fn octets(&mut self, frame: &Frame) -> &[u8] {
        self.window.get(frame.start..frame.start.saturating_add(frame.captured)).unwrap_or_default()
    }

    /// Frames so far.
    pub(super) fn count(&self) -> u32 {
        self.number
    }

    /// The program that wrote the file, as it says.
    pub(super) fn creator(&self) -> Option<String> {
        match &self.reader {
            Reader::Pcap(_) => None,
            Reader::Pcapng(reader) => reader.creator.clone(),
        }
    }

    /// What the recorders say of what they missed.
    pub(super) fn statistics(&self) -> Statistics {
        match &self.reader {
            Reader::Pcap(_) => Statistics::default(),
            Reader::Pcapng(reader) => reader.statistics(),
        }
    }

    /// Blocks that could not be read and were left out.
    pub(super) fn left_out(&self) -> u64 {
        match &self.reader {
            Reader::Pcap(_) => 0,
            Reader::Pcapng(reader) => reader.left_out,
        }
    }
}

/// The order of octets in the numbers of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn u16(self, octets: &[u8], at: usize) -> Option<u16> {
        let found: [u8; 2] = octets.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self {
            ByteOrder::Little => u16::from_le_bytes(found),
            ByteOrder::Big => u16::from_be_bytes(found),
        })
    }

    fn u32(self, octets: &[u8], at: usize) -> Option<u32> {
        let found: [u8; 4] = octets.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self {
            ByteOrder::Little => u32::from_le_bytes(found),
            ByteOrder::Big => u32::from_be_bytes(found),
        })
    }

    fn u64(self, octets: &[u8], at: usize) -> Option<u64> {
        let found: [u8; 8] = octets.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(match self {
            ByteOrder::Little => u64::from_le_bytes(found),
            ByteOrder::Big => u64::from_be_bytes(found),
        })
    }
}
