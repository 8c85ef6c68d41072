//! Header blocks of HTTP/2 and the heads that they are.

use super::super::hpack::{Decoder, Field};
use super::super::{Mark, bounds};
use super::frame::flag;
use crate::decode::exchange::{Headers, Withheld};
use crate::decode::headers::Gathered;
use compact_str::CompactString;

/// A header block that comes in several frames.
#[derive(Debug)]
pub(super) struct Block {
    pub stream: u32,
    /// The stream that is promised, in PUSH_PROMISE.
    pub promised: Option<u32>,
    pub end_stream: bool,
    pub complete: bool,
    pub octets: Vec<u8>,
    pub frames: usize,
    /// The first octet of its first frame.
    pub begun: Mark,
}

impl Block {
    /// Takes a CONTINUATION frame; false where there are too many.
    pub(super) fn add(&mut self, payload: &[u8], flags: u8) -> bool {
        self.octets.extend_from_slice(payload);
        self.frames += 1;
        self.complete = flags & flag::END_HEADERS != 0;
        self.octets.len() <= bounds::BLOCK && self.frames <= bounds::CONTINUATIONS
    }
}

/// Pseudo-header fields (RFC 9113, 8.3) and header fields.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub method: Option<CompactString>,
    pub scheme: Option<CompactString>,
    pub authority: Option<CompactString>,
    pub path: Option<CompactString>,
    pub protocol: Option<CompactString>,
    pub status: Option<u16>,
    pub headers: Headers,
    /// Fields were left out.
    pub over_limit: bool,
}

/// Decodes a block; true where it is damaged. `most`: octets of the header list.
pub(super) fn decode(decoder: &mut Decoder, octets: &[u8], most: usize) -> (Head, bool) {
    let (mut head, mut fields) = (Head::default(), Gathered::default());
    let (mut unknown, mut size) = (false, 0usize);
    let decoded = decoder.decode(octets, |field| {
        let Field::Known(name, value) = field else {
            unknown = true;
            return;
        };
        // RFC 9113, 6.5.2: how the size of a header list is counted.
        size = size.saturating_add(32 + name.len() + value.len());
        if size > most || fields.len() >= bounds::FIELDS {
            head.over_limit = true;
        } else {
            head.add(name, value, &mut fields);
        }
    });
    let broken = decoded.is_err();
    let withheld = match () {
        () if broken || head.over_limit => Withheld::Everything,
        () if unknown => Withheld::TableEntries,
        () => Withheld::Nothing,
    };
    head.headers = Headers { list: fields.into(), withheld };
    (head, broken)
}

impl Head {
    /// Whether the fields end a message (RFC 9113, 8.1: they hold no pseudo-header fields).
    pub(super) fn is_trailer(&self) -> bool {
        let pseudo = [&self.method, &self.scheme, &self.authority, &self.path];
        self.headers.withheld == Withheld::Nothing && pseudo.into_iter().all(Option::is_none)
    }

    fn add(&mut self, name: CompactString, value: CompactString, fields: &mut Gathered) {
        let place = match &*name {
            ":method" => &mut self.method,
            ":scheme" => &mut self.scheme,
            ":authority" => &mut self.authority,
            ":path" => &mut self.path,
            ":protocol" => &mut self.protocol,
            ":status" => {
                self.status = value.parse().ok().filter(|status| (100..1000).contains(status));
                return;
            }
            _ => return add_header(&name, &value, fields),
        };
        place.get_or_insert(value);
    }
}

/// RFC 9113, 8.2.3: the parts of a cookie are one field outside HTTP/2.
fn add_header(name: &str, value: &str, fields: &mut Gathered) {
    if name != "cookie" || !fields.extend(Some(name), "; ", value) {
        fields.push(name, Some(value));
    }
}
