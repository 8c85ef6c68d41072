//! Chunked transfer coding (RFC 9112, 7.1), in whatever pieces it comes.

use bytes::{Buf, Bytes};
use memchr::memchr;

use super::bounds;

/// Reads one chunked body.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// Octets of the trailer section so far.
    trailer: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size,
    Data(u64),
    DataEnd,
    Trailer,
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Octets of the body.
    Data(Bytes),
    /// The body is complete.
    Done,
    /// More octets are needed.
    More,
    /// This is no chunked coding; the text says why.
    Broken(&'static str),
}

impl Chunked {
    pub(super) fn new() -> Self {
        Chunked { state: State::Size, line: Vec::new(), trailer: 0 }
    }

    /// Takes the next part of `octets`.
    pub(super) fn step(&mut self, octets: &mut Bytes) -> Step {
        loop {
            if octets.is_empty() {
                return Step::More;
            }
            match self.state {
                State::Data(left) => {
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(octets.len());
                    let left = left - take as u64;
                    self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
                    return Step::Data(octets.split_to(take));
                }
                State::DataEnd | State::Size | State::Trailer => match self.line(octets) {
                    Some(Step::More) => {}
                    Some(step) => return step,
                    None => return Step::More,
                },
            }
        }
    }

    /// Reads one line; `None` where its end has not come. Where the coding is broken the line is given back.
    fn line(&mut self, octets: &mut Bytes) -> Option<Step> {
        let most = if self.state == State::DataEnd { 2 } else { bounds::CHUNK_LINE };
        let end = memchr(b'\n', octets);
        let line: &[u8] = if self.line.is_empty() && end.is_some() {
            octets
        } else {
            self.line.extend_from_slice(octets.get(..end.map_or(octets.len(), |end| end + 1)).unwrap_or_default());
            &self.line
        };
        let length = memchr(b'\n', line);
        if length.unwrap_or(line.len()) > most {
            self.give_back(octets, end);
            return Some(Step::Broken("a line is longer than the limit"));
        }
        let Some(length) = length else {
            octets.clear();
            return None;
        };
        let line = line.get(..length).unwrap_or_default();
        let step = Self::read_line(&mut self.state, &mut self.trailer, line.strip_suffix(b"\r").unwrap_or(line));
        match step {
            Step::Broken(_) => self.give_back(octets, end),
            _ => {
                octets.advance(end.map_or(0, |end| end + 1));
                self.line.clear();
            }
        }
        Some(step)
    }

    /// Puts the line before the octets that follow it. `end`: the line feed in `octets`.
    fn give_back(&mut self, octets: &mut Bytes, end: Option<usize>) {
        if self.line.is_empty() {
            return;
        }
        let mut line = std::mem::take(&mut self.line);
        if let Some(end) = end {
            line.extend_from_slice(octets.get(end + 1..).unwrap_or_default());
        }
        *octets = Bytes::from(line);
    }

    fn read_line(state: &mut State, trailer: &mut usize, line: &[u8]) -> Step {
        match *state {
            State::DataEnd if line.is_empty() => *state = State::Size,
            State::DataEnd => return Step::Broken("a chunk is longer than it says"),
            State::Trailer if line.is_empty() => return Step::Done,
            State::Trailer => {
                // RFC 9110, 6.5.1: trailer fields are not header fields; nothing that is judged stands in them.
                *trailer += line.len();
                if *trailer > bounds::HELD {
                    return Step::Broken("the trailer section is longer than the limit");
                }
            }
            _ => match size(line) {
                Some(0) => *state = State::Trailer,
                Some(size) => *state = State::Data(size),
                None => return Step::Broken("a chunk size is no number"),
            },
        }
        Step::More
    }

    /// Takes a gap of `octets`; false where the place in the coding is lost.
    pub(super) fn gap(&mut self, octets: u64) -> bool {
        match self.state {
            State::Data(left) if octets < left => self.state = State::Data(left - octets),
            State::Data(left) if octets == left => self.state = State::DataEnd,
            _ => return false,
        }
        true
    }
}

/// The size in a chunk-size line, extensions left out.
fn size(line: &[u8]) -> Option<u64> {
    let end = memchr(b';', line).unwrap_or(line.len());
    let digits = line.get(..end)?.trim_ascii();
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    digits.iter().try_fold(0, |size, digit| Some(size << 4 | u64::from(char::from(*digit).to_digit(16)?)))
}

/// Where a chunk-size line begins after a gap: after a line end, alone on its line, and for the last chunk before an
/// empty line.
pub(super) fn find_size_line(octets: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(octets, b"\r\n").map(|at| at + 2).find(|at| {
        let Some(rest) = octets.get(*at..) else { return false };
        let digits = rest.iter().take_while(|octet| octet.is_ascii_hexdigit()).count();
        let after = rest.get(digits..).unwrap_or_default();
        match rest.get(..digits) {
            Some(b"0") => after.starts_with(b"\r\n\r\n"),
            Some(_) => (1..=6).contains(&digits) && after.starts_with(b"\r\n"),
            None => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], split: usize) -> (Vec<u8>, Step, Vec<u8>) {
        let mut chunked = Chunked::new();
        let (mut body, mut last) = (Vec::new(), Step::More);
        let mut parts = input.chunks(split);
        let mut rest = Bytes::new();
        for part in parts.by_ref() {
            rest = Bytes::copy_from_slice(part);
            loop {
                match chunked.step(&mut rest) {
                    Step::Data(data) => body.extend_from_slice(&data),
                    step => {
                        last = step;
                        break;
                    }
                }
            }
            if last != Step::More {
                break;
            }
        }
        let rest = rest.iter().copied().chain(parts.flatten().copied()).collect();
        (body, last, rest)
    }

    #[test]
    fn whatever_the_split() {
        let input = b"5;name=\"v\"\r\nhello\r\n1 \n \n0\r\nTrailer: x\r\n\r\nnext";
        for split in 1..input.len() {
            assert_eq!(read(input, split), (b"hello ".to_vec(), Step::Done, b"next".to_vec()), "{split}");
        }
    }

    #[test]
    fn what_is_no_chunk() {
        for input in [&b"x\r\n"[..], b"-1\r\n", b"\r\n", b"3\r\nabcd\r\n", b"ffffffffffffffff\r\n"] {
            assert!(matches!(read(input, 100).1, Step::Broken(_)), "{input:?}");
        }
    }

    #[test]
    fn a_size_line_is_found_after_a_gap() {
        assert_eq!(find_size_line(b"rest of data\r\n1a\r\ndata"), Some(14));
        assert_eq!(find_size_line(b"data\r\nzz\r\n0\r\n\r\n"), Some(10));
        assert_eq!(find_size_line(b"data\r\n0\r\nx"), None);
    }
}
