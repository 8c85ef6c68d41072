//! Classic pcap: a head of 24 octets, then records with a head of 16. Both byte orders, micro- and nanoseconds.

use super::{ByteOrder, Ending, Next};
use crate::capture::content::Window;
use crate::evidence::Timestamp;

/// Octets of the file head.
const HEAD: usize = 24;
/// Octets of a record head.
const RECORD: usize = 16;
/// Longest record that is believed: what libpcap allows for any link.
const LONGEST: usize = 128 << 20;

/// Where a reader of a classic capture file stands.
pub(super) struct Reader {
    order: ByteOrder,
    nanoseconds: bool,
    link: u32,
    at: usize,
}

impl Reader {
    /// Reads the file head. `None` where it is no classic capture file.
    pub(super) fn new(content: &[u8]) -> Option<Reader> {
        let magic: [u8; 4] = content.get(..4)?.try_into().ok()?;
        let (order, nanoseconds) = match magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (ByteOrder::Little, false),
            [0xa1, 0xb2, 0xc3, 0xd4] => (ByteOrder::Big, false),
            [0x4d, 0x3c, 0xb2, 0xa1] => (ByteOrder::Little, true),
            [0xa1, 0xb2, 0x3c, 0x4d] => (ByteOrder::Big, true),
            _ => return None,
        };
        // The upper half says how long a frame check sequence is; it stands behind the packet and is not looked at.
        let link = order.u32(content, 20).unwrap_or_default() & 0xffff;
        Some(Reader { order, nanoseconds, link, at: HEAD })
    }

    /// The next record.
    pub(super) fn next(&mut self, window: &mut Window) -> Next {
        let Some(left) = window.len().checked_sub(self.at) else { return Next::End(Ending::CutOff) };
        if left == 0 {
            return Next::End(Ending::Whole);
        }
        let head = window.get(self.at..self.at.saturating_add(RECORD)).unwrap_or_default();
        let number = |place| self.order.u32(head, place);
        let (Some(seconds), Some(fraction), Some(captured), Some(original)) =
            (number(0), number(4), number(8), number(12))
        else {
            return Next::End(Ending::CutOff);
        };
        let (captured, original) = (captured as usize, original as usize);
        if captured > LONGEST {
            return Next::End(Ending::Broken(format!("a record claims {captured} octets")));
        }
        if captured > left.saturating_sub(RECORD) {
            return Next::End(Ending::CutOff);
        }
        let start = self.at.saturating_add(RECORD);
        self.at = start.saturating_add(captured);
        let microseconds = if self.nanoseconds { fraction / 1000 } else { fraction };
        let time = Timestamp(i64::from(seconds) * 1_000_000 + i64::from(microseconds));
        Next::Frame { time, link: self.link, start, captured, original }
    }
}
