//! Frames of HTTP/2 (RFC 9113, 4 and 6), cut out of the octets of one side.

use bytes::{Buf, Bytes};
use nom::bytes::complete::take;
use nom::combinator::map;
use nom::number::complete::{be_u8, be_u24, be_u32};
use nom::{IResult, Parser};

use super::super::Mark;
use super::super::sniff::PREFACE;

/// The nine octets before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct FrameHeader {
    pub length: u32,
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
}

/// Frame types (RFC 9113, 6).
pub(super) mod kind {
    pub(in super::super) const DATA: u8 = 0;
    pub(in super::super) const HEADERS: u8 = 1;
    pub(in super::super) const PRIORITY: u8 = 2;
    pub(in super::super) const RST_STREAM: u8 = 3;
    pub(in super::super) const SETTINGS: u8 = 4;
    pub(in super::super) const PUSH_PROMISE: u8 = 5;
    pub(in super::super) const PING: u8 = 6;
    pub(in super::super) const GOAWAY: u8 = 7;
    pub(in super::super) const WINDOW_UPDATE: u8 = 8;
    pub(in super::super) const CONTINUATION: u8 = 9;
}

/// Flags (RFC 9113, 6).
pub(super) mod flag {
    pub(in super::super) const END_STREAM: u8 = 0x1;
    pub(in super::super) const END_HEADERS: u8 = 0x4;
    pub(in super::super) const PADDED: u8 = 0x8;
    pub(in super::super) const PRIORITY: u8 = 0x20;
}

/// Octets of a frame header.
const HEADER: usize = 9;

/// The largest frame that is believed while looking for one (RFC 9113, 4.2: the size that needs no agreement).
const BELIEVED: u32 = 16_384;

pub(super) fn header(input: &[u8]) -> IResult<&[u8], FrameHeader> {
    let fields = (be_u24, be_u8, be_u8, be_u32);
    let header = |(length, kind, flags, stream): (u32, u8, u8, u32)| FrameHeader {
        length,
        kind,
        flags,
        // RFC 9113, 4.1: the first bit is reserved.
        stream: stream & 0x7fff_ffff,
    };
    map(fields, header).parse(input)
}

/// What a HEADERS or PUSH_PROMISE frame holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HeaderPart<'a> {
    /// The stream promised, in PUSH_PROMISE.
    pub promised: Option<u32>,
    /// The fragment of the header block.
    pub fragment: &'a [u8],
}

/// Takes padding, priority and promised stream away.
pub(super) fn header_part<'a>(frame: &FrameHeader, payload: &'a [u8]) -> Option<HeaderPart<'a>> {
    parse_header_part(frame, payload).ok().map(|(_, part)| part)
}

fn parse_header_part<'a>(frame: &FrameHeader, input: &'a [u8]) -> IResult<&'a [u8], HeaderPart<'a>> {
    let (input, padding) = if frame.flags & flag::PADDED != 0 { be_u8(input)? } else { (input, 0) };
    let (input, promised) = match frame.kind {
        kind::PUSH_PROMISE => map(be_u32, |id| Some(id & 0x7fff_ffff)).parse(input)?,
        _ => (input, None),
    };
    let priority = frame.kind == kind::HEADERS && frame.flags & flag::PRIORITY != 0;
    let (input, _) = take(if priority { 5usize } else { 0 }).parse(input)?;
    let (rest, fragment) = take(input.len().saturating_sub(usize::from(padding))).parse(input)?;
    // RFC 9113, 6.2: padding longer than the rest of the payload is an error.
    let (rest, _) = take(usize::from(padding)).parse(rest)?;
    Ok((rest, HeaderPart { promised, fragment }))
}

/// The error code of RST_STREAM, or the last stream and the error code of GOAWAY.
pub(super) fn numbers(payload: &[u8]) -> (Option<u32>, Option<u32>) {
    let parsed: IResult<&[u8], u32> = be_u32(payload);
    let Ok((rest, first)) = parsed else { return (None, None) };
    let second: IResult<&[u8], u32> = be_u32(rest);
    (Some(first), second.ok().map(|(_, second)| second))
}

/// The name of an error code (RFC 9113, 7).
pub(super) fn error_name(code: u32) -> &'static str {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    usize::try_from(code).ok().and_then(|code| NAMES.get(code)).copied().unwrap_or("an unknown error code")
}

/// Whether this can be the header of a frame.
fn is_plausible(header: &FrameHeader) -> bool {
    let FrameHeader { length, kind, flags, stream } = *header;
    let shape = match kind {
        kind::DATA => stream > 0 && flags & !0x9 == 0,
        kind::HEADERS => stream > 0 && flags & !0x2d == 0 && length > 0,
        kind::PRIORITY => stream > 0 && length == 5,
        kind::RST_STREAM => stream > 0 && length == 4 && flags == 0,
        kind::SETTINGS => stream == 0 && length % 6 == 0 && length <= 600 && (flags == 0 || flags == 1 && length == 0),
        kind::PUSH_PROMISE => stream > 0 && flags & !0xc == 0 && length > 4,
        kind::PING => stream == 0 && length == 8 && flags <= 1,
        kind::GOAWAY => stream == 0 && length >= 8 && flags == 0,
        kind::WINDOW_UPDATE => length == 4 && flags == 0,
        kind::CONTINUATION => stream > 0 && flags & !0x4 == 0,
        _ => false,
    };
    shape && length <= BELIEVED && stream < 1 << 24
}

/// Where a chain of so many frames begins. The last one needs its header only. Ends with the first place that might be
/// one and is not there yet.
pub(in super::super) fn find(octets: &[u8], frames: usize) -> Result<usize, usize> {
    let mut start = 0;
    while let Some(rest) = octets.get(start..).filter(|rest| rest.len() >= HEADER) {
        match chain(rest, frames) {
            Some(true) => return Ok(start),
            None => return Err(start),
            Some(false) => start += 1,
        }
    }
    Err(start)
}

/// Whether so many frames follow each other; `None` where more octets decide.
fn chain(octets: &[u8], frames: usize) -> Option<bool> {
    let mut at = 0usize;
    for _ in 0..frames {
        let Ok((_, frame)) = header(octets.get(at..)?) else { return None };
        if !is_plausible(&frame) {
            return Some(false);
        }
        at += HEADER + frame.length as usize;
    }
    Some(true)
}

/// Cuts the octets of one side into frames.
#[derive(Debug)]
pub(super) struct Frames {
    state: State,
}

#[derive(Debug)]
enum State {
    /// So many octets of the preface were there.
    Preface(usize),
    /// In a frame header.
    Header { octets: Vec<u8>, begun: Option<Mark> },
    /// In a payload that is needed as a whole.
    Payload { header: FrameHeader, begun: Mark, octets: Vec<u8> },
    /// In a payload that is not needed.
    Skip(u32),
    /// In a DATA frame: octets left, and octets of padding after them. The pad length may not have come.
    Data { header: FrameHeader, left: u32, padding: Option<u32> },
    /// Looking for the next frame.
    Lost(Vec<u8>),
}

/// What came next.
#[derive(Debug)]
pub(super) enum Event {
    /// More octets are needed.
    More,
    /// A whole frame.
    Frame { header: FrameHeader, payload: Bytes, begun: Mark },
    /// Octets of a DATA frame; `last`: the frame is complete.
    Data { header: FrameHeader, octets: Bytes, last: bool },
    /// A frame over the limit; it is passed over.
    TooLarge(FrameHeader),
    /// These are no frames; the next one is searched.
    NotFrames,
}

const NEXT: State = State::Header { octets: Vec::new(), begun: None };

impl Frames {
    /// `preface`: the client's first octets. `lost`: the beginning is missing.
    pub(super) fn new(preface: bool, lost: bool) -> Self {
        let state = match (lost, preface) {
            (true, _) => State::Lost(Vec::new()),
            (false, true) => State::Preface(0),
            (false, false) => NEXT,
        };
        Frames { state }
    }

    /// Takes the next part of `octets`; payloads of more than `most` octets are passed over.
    pub(super) fn take(&mut self, octets: &mut Bytes, mark: Mark, most: usize) -> Event {
        match &mut self.state {
            State::Preface(seen) => {
                let wanted = PREFACE.get(*seen..).unwrap_or_default();
                let count = wanted.len().min(octets.len());
                if wanted.get(..count) != octets.get(..count) {
                    self.state = State::Lost(PREFACE.get(..*seen).unwrap_or_default().to_vec());
                    return Event::NotFrames;
                }
                octets.advance(count);
                *seen += count;
                if *seen == PREFACE.len() {
                    self.state = NEXT;
                }
                Event::More
            }
            State::Header { octets: seen, begun } => {
                let begun = *begun.get_or_insert(mark);
                let count = (HEADER - seen.len()).min(octets.len());
                seen.extend_from_slice(&octets.split_to(count));
                match header(seen) {
                    Ok((_, header)) => self.begin(header, begun, octets, most),
                    Err(_) => Event::More,
                }
            }
            State::Payload { header, begun, octets: seen } => {
                let (header, begun) = (*header, *begun);
                let count = (header.length as usize - seen.len()).min(octets.len());
                seen.extend_from_slice(&octets.split_to(count));
                if seen.len() < header.length as usize {
                    return Event::More;
                }
                let payload = Bytes::from(std::mem::take(seen));
                self.state = NEXT;
                Event::Frame { header, payload, begun }
            }
            State::Skip(left) => {
                let count = (*left as usize).min(octets.len());
                octets.advance(count);
                *left -= count as u32;
                if *left == 0 {
                    self.state = NEXT;
                }
                Event::More
            }
            State::Data { .. } => self.data(octets),
            State::Lost(seen) => {
                seen.extend_from_slice(octets);
                octets.clear();
                match find(seen, 2) {
                    Ok(start) => {
                        *octets = Bytes::from(seen.split_off(start));
                        self.state = NEXT;
                    }
                    Err(start) => drop(seen.drain(..start)),
                }
                Event::More
            }
        }
    }

    /// A frame header is there.
    fn begin(&mut self, header: FrameHeader, begun: Mark, octets: &mut Bytes, most: usize) -> Event {
        let length = header.length as usize;
        if header.kind == kind::DATA {
            let padding = if header.flags & flag::PADDED != 0 { None } else { Some(0) };
            self.state = State::Data { header, left: header.length, padding };
            return self.data(octets);
        }
        self.state = NEXT;
        if length > most {
            self.state = State::Skip(header.length);
            return Event::TooLarge(header);
        }
        if octets.len() >= length {
            return Event::Frame { header, payload: octets.split_to(length), begun };
        }
        self.state = State::Payload { header, begun, octets: Vec::new() };
        Event::More
    }

    fn data(&mut self, octets: &mut Bytes) -> Event {
        let State::Data { header, left, padding } = &mut self.state else { return Event::More };
        let header = *header;
        let padding = match padding {
            Some(padding) => padding,
            None if *left == 0 => padding.insert(0),
            None if octets.is_empty() => return Event::More,
            None => {
                *left -= 1;
                // RFC 9113, 6.1: more padding than payload is an error; the octets are all padding then.
                padding.insert(u32::from(octets.get_u8()).min(*left))
            }
        };
        let data = (left.saturating_sub(*padding) as usize).min(octets.len());
        let part = octets.split_to(data);
        *left -= data as u32;
        if *left <= *padding {
            let skipped = (*left as usize).min(octets.len());
            octets.advance(skipped);
            *left -= skipped as u32;
            *padding = *left;
        }
        let last = *left == 0;
        if last {
            self.state = NEXT;
        }
        if last || !part.is_empty() { Event::Data { header, octets: part, last } } else { Event::More }
    }

    /// Takes a gap. The stream of the DATA frame that holds it, and whether the frame ends with it; `None` where
    /// frames are lost.
    pub(super) fn gap(&mut self, octets: Option<u64>) -> Option<(FrameHeader, bool)> {
        if let State::Data { header, left, padding: Some(padding) } = &mut self.state
            && let Some(octets) = octets
            && octets <= u64::from(*left)
        {
            let header = *header;
            *left -= octets as u32;
            *padding = (*padding).min(*left);
            let last = *left == 0;
            if last {
                self.state = NEXT;
            }
            return Some((header, last));
        }
        self.state = State::Lost(Vec::new());
        None
    }
}
