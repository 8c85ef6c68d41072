//! A body as a packet capture holds it: in pieces, each with the time at which it was there.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use bytes::Bytes;

use super::body::ContentCoding;
use super::event_ends::EventEnds;
use super::exchange::Unknown;
use crate::capture::coding::{Coding, End, decompress, decompress_from};
use crate::capture::limits::Limits;
use crate::evidence::Timestamp;

/// Some octets of a body, transfer coding removed.
#[derive(Clone)]
pub(crate) struct Piece {
    /// The octets: a slice of the recording, or of what was decrypted from it.
    pub octets: Bytes,
    /// When the frame was captured that completed them.
    pub time: Timestamp,
    /// That frame.
    pub frame: u32,
}

/// A body in pieces.
#[derive(Clone)]
pub(crate) struct Pieces {
    /// In the order sent.
    pub list: Box<[Piece]>,
    /// Content codings in the order applied; none of them is undone.
    pub codings: Box<[ContentCoding]>,
    /// The recording does not hold the end, or the sender closed before it. What came can be read: an event stream.
    pub open: bool,
}

/// A body with the times of its parts.
#[derive(Debug, Clone)]
pub struct Timed<'a> {
    /// The octets, every coding removed.
    pub octets: Cow<'a, [u8]>,
    /// Ascending offsets into `octets`: all octets before the offset were there in that frame.
    pub marks: Vec<TimeMark>,
}

/// How much of a body was there, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeMark {
    /// So many octets.
    pub octets: usize,
    /// When the frame was captured.
    pub time: Timestamp,
    /// The frame, counted from 1; 0 where the recording is none of packets.
    pub frame: u32,
}

impl<'a> Timed<'a> {
    /// An event stream whose events came at these times.
    pub(crate) fn by_events(octets: Cow<'a, [u8]>, times: &[Timestamp]) -> Timed<'a> {
        let mut ends = EventEnds::default();
        let ends = octets.iter().enumerate().filter(|(_, octet)| ends.ends_with(**octet)).map(|(at, _)| at + 1);
        let marks = ends.zip(times).map(|(octets, time)| TimeMark { octets, time: *time, frame: 0 }).collect();
        Timed { octets, marks }
    }

    /// When the octet at `offset` was there; `None` beyond the end.
    pub fn mark_of(&self, offset: usize) -> Option<TimeMark> {
        let index = self.marks.partition_point(|mark| mark.octets <= offset);
        self.marks.get(index).copied()
    }
}

impl Pieces {
    /// Octets as sent.
    pub(crate) fn encoded_len(&self) -> u64 {
        self.list.iter().map(|piece| piece.octets.len() as u64).sum()
    }

    /// The octets, every coding undone.
    pub(crate) fn octets(&self, limits: &Limits) -> Result<Cow<'_, [u8]>, Unknown> {
        if self.codings.is_empty() {
            return self.joined(limits);
        }
        self.timed(limits).map(|timed| timed.octets)
    }

    fn joined(&self, limits: &Limits) -> Result<Cow<'_, [u8]>, Unknown> {
        if self.encoded_len() > limits.body as u64 {
            return Err(Unknown::BodyUnreadable);
        }
        match &*self.list {
            [] => Ok(Cow::Borrowed(&[])),
            [one] => Ok(Cow::Borrowed(&one.octets)),
            several => {
                let mut octets = Vec::with_capacity(several.iter().map(|piece| piece.octets.len()).sum());
                several.iter().for_each(|piece| octets.extend_from_slice(&piece.octets));
                Ok(Cow::Owned(octets))
            }
        }
    }

    /// The octets, every coding undone, with the time of each part.
    pub(crate) fn timed(&self, limits: &Limits) -> Result<Timed<'_>, Unknown> {
        // Codings are undone from the last one applied to the first.
        let Some((last, before)) = self.codings.split_last() else {
            let mut end = 0;
            let marks = self.list.iter().map(|piece| {
                end += piece.octets.len();
                TimeMark { octets: end, time: piece.time, frame: piece.frame }
            });
            return Ok(Timed { marks: marks.collect(), octets: self.joined(limits)? });
        };
        if self.encoded_len() > limits.body as u64 {
            return Err(Unknown::BodyUnreadable);
        }
        let (mut octets, mut marks) = self.undo_outermost(*last, limits)?;
        for coding in before.iter().rev() {
            let coding = variant(*coding, &octets);
            let (decoded, end) = decompress(coding, &octets, limits.body, limits.ratio);
            if !self.accepts(end) {
                return Err(Unknown::BodyUnreadable);
            }
            // Two codings on one body: only the whole has a time.
            marks = marks.last().map(|mark| TimeMark { octets: decoded.len(), ..*mark }).into_iter().collect();
            octets = decoded;
        }
        Ok(Timed { octets: Cow::Owned(octets), marks })
    }

    /// Whether what came out before the end may be shown.
    fn accepts(&self, end: End) -> bool {
        end == End::Whole || (self.open && end == End::Broken)
    }

    fn undo_outermost(&self, coding: ContentCoding, limits: &Limits) -> Result<(Vec<u8>, Vec<TimeMark>), Unknown> {
        let first: Vec<u8> = self.list.iter().flat_map(|piece| piece.octets.iter().copied()).take(4).collect();
        if first.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut reader = PieceReader { pieces: &self.list, index: 0, offset: 0 };
        let mut out = Vec::new();
        let mut marks: Vec<TimeMark> = Vec::new();
        let size = usize::try_from(self.encoded_len()).unwrap_or(usize::MAX);
        let end = decompress_from(variant(coding, &first), &mut reader, size, limits, &mut out, |reader, octets| {
            let Some(piece) = reader.last_touched() else { return };
            match marks.last_mut() {
                Some(mark) if mark.frame == piece.frame => mark.octets = octets,
                _ => marks.push(TimeMark { octets, time: piece.time, frame: piece.frame }),
            }
        });
        if self.accepts(end) { Ok((out, marks)) } else { Err(Unknown::BodyUnreadable) }
    }
}

/// HTTP's `deflate` is a zlib stream, and from some servers a bare one (RFC 9110, 8.4.1.2).
fn variant(coding: ContentCoding, octets: &[u8]) -> Coding {
    match coding {
        ContentCoding::Gzip => Coding::Gzip,
        ContentCoding::Deflate if Coding::by_magic(octets) == Some(Coding::Zlib) => Coding::Zlib,
        ContentCoding::Deflate => Coding::Deflate,
        ContentCoding::Brotli => Coding::Brotli,
        ContentCoding::Zstd => Coding::Zstd,
    }
}

/// Reads pieces one after the other and knows which one is being read.
pub(crate) struct PieceReader<'a> {
    pieces: &'a [Piece],
    index: usize,
    offset: usize,
}

impl<'a> PieceReader<'a> {
    /// The last piece of which an octet was taken.
    fn last_touched(&self) -> Option<&'a Piece> {
        let index = if self.offset > 0 { self.index } else { self.index.checked_sub(1)? };
        self.pieces.get(index)
    }
}

impl Read for PieceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for PieceReader<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        while let Some(piece) = self.pieces.get(self.index) {
            if self.offset < piece.octets.len() {
                return Ok(piece.octets.get(self.offset..).unwrap_or_default());
            }
            self.index += 1;
            self.offset = 0;
        }
        Ok(&[])
    }

    fn consume(&mut self, count: usize) {
        self.offset += count;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;
    use crate::decode::body::Body;

    fn body(parts: &[&[u8]], codings: &[ContentCoding], open: bool) -> Body {
        let piece = |(index, part): (usize, &&[u8])| Piece {
            octets: Bytes::copy_from_slice(part),
            time: Timestamp(index as i64),
            frame: index as u32 + 1,
        };
        let list = parts.iter().enumerate().map(piece).collect();
        Body::pieces(Pieces { list, codings: codings.into(), open })
    }

    /// What comes out, and after how many octets which frame.
    type Expected<'a> = Result<(&'a str, &'a [(usize, u32)]), Unknown>;

    fn check(body: &Body, expected: Expected<'_>) {
        let timed = body.timed(&Limits::default()).map(|timed| timed.unwrap());
        let timed = timed.map(|timed| {
            let marks: Vec<_> = timed.marks.iter().map(|mark| (mark.octets, mark.frame)).collect();
            (String::from_utf8_lossy(&timed.octets).into_owned(), marks)
        });
        assert_eq!(timed, expected.map(|(text, marks)| (text.to_owned(), marks.to_vec())));
        let octets = body.octets(&Limits::default()).map(|octets| octets.unwrap().into_owned());
        assert_eq!(octets, expected.map(|(text, _)| text.as_bytes().to_vec()));
    }

    /// Two events, flushed one by one as a server does.
    fn flushed() -> (Vec<u8>, Vec<u8>) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"one").unwrap();
        encoder.flush().unwrap();
        let first = encoder.get_ref().clone();
        encoder.write_all(b"two").unwrap();
        encoder.flush().unwrap();
        let second = encoder.get_ref()[first.len()..].to_vec();
        (first, second)
    }

    #[test]
    fn pieces_have_times() {
        check(&body(&[b"one", b"two"], &[], false), Ok(("onetwo", &[(3, 1), (6, 2)])));
        let (first, second) = flushed();
        check(&body(&[&first, &second], &[ContentCoding::Gzip], true), Ok(("onetwo", &[(3, 1), (6, 2)])));
        let timed = body(&[b"one", b"two"], &[], false);
        let timed = timed.timed(&Limits::default()).unwrap().unwrap();
        let frames: Vec<_> = [0, 2, 3, 6].map(|offset| timed.mark_of(offset).map(|mark| mark.frame)).to_vec();
        assert_eq!(frames, [Some(1), Some(1), Some(2), None]);
    }

    #[test]
    fn a_coding_without_its_end() {
        let (first, _) = flushed();
        check(&body(&[&first], &[ContentCoding::Gzip], false), Err(Unknown::BodyUnreadable));
        check(&body(&[b"no gzip"], &[ContentCoding::Gzip], false), Err(Unknown::BodyUnreadable));
        check(&body(&[], &[ContentCoding::Gzip], true), Ok(("", &[])));
    }

    #[test]
    fn deflate_in_both_forms_and_codings_on_codings() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(b"hello").unwrap();
        let zlib = zlib.finish().unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        bare.write_all(b"hello").unwrap();
        let bare = bare.finish().unwrap();
        check(&body(&[&zlib], &[ContentCoding::Deflate], false), Ok(("hello", &[(5, 1)])));
        check(&body(&[&bare], &[ContentCoding::Deflate], false), Ok(("hello", &[(5, 1)])));
        check(&body(&[b"\x0b\x02\x80", b"hello\x03"], &[ContentCoding::Brotli], false), Ok(("hello", &[(5, 2)])));
        let mut twice = GzEncoder::new(Vec::new(), Compression::default());
        twice.write_all(&zlib).unwrap();
        let twice = twice.finish().unwrap();
        check(&body(&[&twice], &[ContentCoding::Deflate, ContentCoding::Gzip], false), Ok(("hello", &[(5, 1)])));
    }

    #[test]
    fn limits_hold() {
        let large = body(&[&[b'x'; 100]], &[], false);
        let limits = Limits { body: 99, ..Limits::default() };
        assert!(large.octets(&limits).is_err() && large.timed(&limits).is_err());
        let mut bomb = GzEncoder::new(Vec::new(), Compression::default());
        bomb.write_all(&vec![0; 1 << 22]).unwrap();
        let bomb = bomb.finish().unwrap();
        let bomb = body(&[&bomb], &[ContentCoding::Gzip], true);
        assert!(bomb.octets(&Limits { body: 1 << 21, ..Limits::default() }).is_err());
        assert!(bomb.octets(&Limits { ratio: 1, ..Limits::default() }).is_err());
    }
}
