//! Undoes compression, of whole recordings and of bodies, within limits.

use std::io::{BufRead, Read};

use brotli_decompressor::Decompressor;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use lz4_flex::frame::FrameDecoder;
use ruzstd::decoding::StreamingDecoder;

use super::limits::Limits;

/// A way of compressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// RFC 1952, several members allowed.
    Gzip,
    /// RFC 1950: what HTTP calls `deflate`.
    Zlib,
    /// RFC 1951 without a wrapper: what some servers send as `deflate`.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
    /// The frame format of LZ4, which no HTTP message is coded in but recordings are.
    Lz4,
}

/// How decompression ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At the end of the input.
    Whole,
    /// More would have come out than the limits allow.
    OverLimit,
    /// The input is cut off or broken there.
    Broken,
}

/// Octets that may always come out, whatever the ratio: small inputs compress well.
const RATIO_FREE: usize = 1 << 20;

impl Coding {
    /// The coding whose mark the octets begin with. Brotli and bare deflate have none.
    pub fn by_magic(octets: &[u8]) -> Option<Coding> {
        match octets {
            [0x1f, 0x8b, 0x08, ..] => Some(Coding::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Coding::Zstd),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Coding::Lz4),
            // RFC 1950, 2.2: method 8, window up to 32 KiB, and a check that makes the pair a multiple of 31.
            [cmf, flg, ..]
                if cmf & 0x0f == 8 && cmf >> 4 <= 7 && u16::from_be_bytes([*cmf, *flg]).is_multiple_of(31) =>
            {
                Some(Coding::Zlib)
            }
            _ => None,
        }
    }
}

/// Decompresses `input` to at most `most` octets, and to at most `ratio` octets for each one of the input.
///
/// What came out before the end is given in every case.
pub fn decompress(coding: Coding, input: &[u8], most: usize, ratio: usize) -> (Vec<u8>, End) {
    let most = most.min(input.len().saturating_mul(ratio).max(RATIO_FREE));
    let mut out = Vec::new();
    let end = match coding {
        Coding::Gzip => drain(MultiGzDecoder::new(input), &mut out, most),
        Coding::Zlib => drain(ZlibDecoder::new(input), &mut out, most),
        Coding::Deflate => drain(DeflateDecoder::new(input), &mut out, most),
        Coding::Brotli => drain(Decompressor::new(input, 4096), &mut out, most),
        Coding::Zstd | Coding::Lz4 => frames(coding, input, &mut out, most),
    };
    (out, end)
}

/// Decompresses what `reader` brings, `size` octets, as [`decompress`] does, and tells after each step how many octets
/// have come out.
///
/// Zstandard frames after the first one are not read: a body is one frame.
pub(crate) fn decompress_from<R: BufRead>(
    coding: Coding,
    reader: &mut R,
    size: usize,
    limits: &Limits,
    out: &mut Vec<u8>,
    mut step: impl FnMut(&R, usize),
) -> End {
    let most = limits.body.min(size.saturating_mul(limits.ratio).max(RATIO_FREE));
    match coding {
        Coding::Gzip => steps(MultiGzDecoder::new(reader), out, most, |d, n| step(d.get_ref(), n)),
        Coding::Zlib => steps(ZlibDecoder::new(reader), out, most, |d, n| step(d.get_ref(), n)),
        Coding::Deflate => steps(DeflateDecoder::new(reader), out, most, |d, n| step(d.get_ref(), n)),
        // A small buffer, so that what came out belongs to what was just read.
        Coding::Brotli => steps(Decompressor::new(reader, 512), out, most, |d, n| step(d.get_ref(), n)),
        Coding::Zstd => match StreamingDecoder::new(reader) {
            Ok(decoder) => steps(decoder, out, most, |d, n| step(d.get_ref(), n)),
            Err(_) => End::Broken,
        },
        Coding::Lz4 => steps(FrameDecoder::new(reader), out, most, |d, n| step(d.get_ref(), n)),
    }
}

/// RFC 8878, 3: a stream is one or more frames. LZ4 has the same rule, and the same frames that are skipped.
fn frames(coding: Coding, mut input: &[u8], out: &mut Vec<u8>, most: usize) -> End {
    while !input.is_empty() {
        if let [first, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] = input
            && first & 0xf0 == 0x50
        {
            // RFC 8878, 3.1.2: a skippable frame.
            let Some(after) = rest.get(u32::from_le_bytes([*a, *b, *c, *d]) as usize..) else { return End::Broken };
            input = after;
            continue;
        }
        let before = input.len();
        let end = if coding == Coding::Lz4 {
            drain(FrameDecoder::new(&mut input), out, most)
        } else {
            let Ok(decoder) = StreamingDecoder::new(&mut input) else { return End::Broken };
            drain(decoder, out, most)
        };
        match end {
            End::Whole if input.len() < before => {}
            End::Whole => return End::Broken,
            end => return end,
        }
    }
    End::Whole
}

fn drain(reader: impl Read, out: &mut Vec<u8>, most: usize) -> End {
    steps(reader, out, most, |_, _| {})
}

fn steps<R: Read>(mut reader: R, out: &mut Vec<u8>, most: usize, mut step: impl FnMut(&R, usize)) -> End {
    let mut chunk = vec![0u8; 32 << 10];
    loop {
        let count = match reader.read(&mut chunk) {
            Ok(0) => return End::Whole,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return End::Broken,
        };
        let room = most.saturating_sub(out.len());
        out.extend(chunk.iter().take(count.min(room)));
        step(&reader, out.len());
        if count > room {
            return End::OverLimit;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_one_after_the_other_are_one_content() {
        let twice = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(Coding::by_magic(&twice), Some(Coding::Gzip));
        assert_eq!(decompress(Coding::Gzip, &twice, 100, 1000), (b"one two".to_vec(), End::Whole));
    }

    #[test]
    fn what_came_before_the_damage_is_kept() {
        let content = vec![b'a'; 100_000];
        let whole = gzip(&content);
        let (out, end) = decompress(Coding::Gzip, &whole[..whole.len() - 4], 1 << 20, 1000);
        assert_eq!((out.len(), end), (100_000, End::Broken));
    }

    #[test]
    fn a_bomb_stops_at_the_ratio() {
        let bomb = gzip(&vec![0; 64 << 20]);
        let (out, end) = decompress(Coding::Gzip, &bomb, 1 << 30, 100);
        assert_eq!(end, End::OverLimit);
        assert!(out.len() <= (bomb.len() * 100).max(RATIO_FREE));
    }

    #[test]
    fn zstd_frames_and_skippable_frames() {
        let frame = ruzstd::encoding::compress_to_vec(&b"hello"[..], ruzstd::encoding::CompressionLevel::Fastest);
        let skip = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
        let input = [&frame[..], &skip[..], &frame[..]].concat();
        assert_eq!(decompress(Coding::Zstd, &input, 100, 1000), (b"hellohello".to_vec(), End::Whole));
    }

    #[test]
    fn lz4_frames() {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(b"hello").unwrap();
        let frame = encoder.finish().unwrap();
        assert_eq!(Coding::by_magic(&frame), Some(Coding::Lz4));
        let twice = [&frame[..], &frame[..]].concat();
        assert_eq!(decompress(Coding::Lz4, &twice, 100, 1000), (b"hellohello".to_vec(), End::Whole));
        let (out, end) = decompress(Coding::Lz4, &twice[..twice.len() - 6], 100, 1000);
        assert_eq!((&out[..5], end), (&b"hello"[..], End::Broken));
    }
}
