//! Conversations as people write them down: `tests/http/<case>.txt`.
//!
//! ```text
//! ! secure                  a fact about the connection: secure, mid-stream, alpn NAME
//! > GET / HTTP/1.1          a line of the client; a carriage return and a line feed are added
//! >                         an empty line
//! >| some\x00text           octets without a line end; \r \n \t \\ \xNN
//! >gap 12                   octets that are not in the capture; without a number: nobody knows how many
//! >end                      FIN; >reset: RST
//! < HTTP/1.1 200 OK         the same for the server
//! >headers 1 END_STREAM     a frame of HTTP/2; see `frames.rs`
//! >+ :method: GET           a field of it
//! ```
//!
//! A change of side or an empty line begins a new frame. Frames are numbered from 1, ten milliseconds apart.

use bytes::Bytes;

use super::frames::Frames;
use crate::capture::limits::Limits;
use crate::decode::packets::http::{Facts, Found, Http};
use crate::decode::packets::stream::{Chunk, Content, Conversation, Side, Sink};
use crate::evidence::{CaptureId, Timestamp};

/// A conversation.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    pub(super) facts: Facts,
    pub(super) chunks: Vec<Chunk>,
}

impl Transcript {
    pub(super) fn parse(text: &str) -> Transcript {
        let mut parser = Parser::default();
        text.lines().for_each(|line| parser.line(line));
        parser.flush();
        parser.transcript
    }

    pub(super) fn add(&mut self, side: Side, content: Content) {
        let frame = self.chunks.len() as u32 + 1;
        self.chunks.push(Chunk { side, content, frame, time: Timestamp(i64::from(frame) * 10_000) });
    }

    /// Reads the conversation as it stands.
    pub(super) fn read(&self) -> Found {
        read(&self.facts, self.chunks.iter().cloned(), &Limits::default())
    }

    /// The same octets in the same frames, handed over in pieces of at most `most` octets.
    pub(super) fn split(&self, most: impl Fn(usize) -> usize) -> Vec<Chunk> {
        let mut split = Vec::new();
        for chunk in &self.chunks {
            let Content::Data(octets) = &chunk.content else {
                split.push(chunk.clone());
                continue;
            };
            let mut rest = octets.clone();
            while !rest.is_empty() {
                let part = rest.split_to(most(split.len()).clamp(1, rest.len()));
                split.push(Chunk { content: Content::Data(part), ..chunk.clone() });
            }
        }
        split
    }
}

/// Reads a transcript line by line.
#[derive(Default)]
struct Parser {
    transcript: Transcript,
    /// The frame of the capture that is being written.
    pending: Option<(Side, Vec<u8>)>,
    /// Frames of HTTP/2, client and server.
    frames: [Frames; 2],
}

impl Parser {
    fn line(&mut self, line: &str) {
        if line.starts_with('#') {
            return;
        }
        if let Some(fact) = line.strip_prefix("! ") {
            return self.fact(fact);
        }
        let (side, rest) = match line.split_at_checked(1) {
            Some((">", rest)) => (Side::Client, rest),
            Some(("<", rest)) => (Side::Server, rest),
            None => return self.flush(),
            Some((other, _)) => panic!("a line begins with {other:?}"),
        };
        if let Some(field) = rest.strip_prefix("+ ") {
            return self.frames[side as usize].field(field);
        }
        self.end_frame();
        if self.pending.as_ref().is_some_and(|(before, _)| *before != side) {
            self.flush();
        }
        let octets = match rest {
            "" => b"\r\n".to_vec(),
            rest if rest.starts_with(' ') => format!("{}\r\n", &rest[1..]).into_bytes(),
            rest if rest.starts_with("| ") => unescape(&rest[2..]),
            rest => match self.frames[side as usize].begin(rest) {
                Some(octets) => octets,
                None => {
                    self.flush();
                    return self.transcript.add(side, content(rest));
                }
            },
        };
        self.push(side, octets);
    }

    fn fact(&mut self, fact: &str) {
        let facts = &mut self.transcript.facts;
        match fact.split_once(' ') {
            Some(("alpn", name)) => facts.alpn = Some(name.into()),
            None if fact == "secure" => facts.secure = true,
            None if fact == "mid-stream" => facts.mid_stream = true,
            _ => panic!("unknown fact: {fact}"),
        }
    }

    fn push(&mut self, side: Side, octets: Vec<u8>) {
        if !octets.is_empty() {
            self.pending.get_or_insert((side, Vec::new())).1.extend(octets);
        }
    }

    /// The fields of a frame of HTTP/2 are all there.
    fn end_frame(&mut self) {
        for side in [Side::Client, Side::Server] {
            let octets = self.frames[side as usize].end();
            self.push(side, octets);
        }
    }

    fn flush(&mut self) {
        self.end_frame();
        if let Some((side, octets)) = self.pending.take() {
            self.transcript.add(side, Content::Data(octets.into()));
        }
    }
}

pub(super) fn read(facts: &Facts, chunks: impl IntoIterator<Item = Chunk>, limits: &Limits) -> Found {
    let mut http = Http::new(&conversation(), facts.clone(), limits, None);
    chunks.into_iter().for_each(|chunk| http.chunk(chunk));
    http.finish()
}

pub(super) fn conversation() -> Conversation {
    Conversation {
        capture: CaptureId(0),
        tcp_stream: 7,
        client: ([192, 0, 2, 1], 50_000).into(),
        server: ([192, 0, 2, 2], 80).into(),
        closed: None,
    }
}

fn content(directive: &str) -> Content {
    match directive.split_once(' ') {
        None if directive == "gap" => Content::Gap(None),
        None if directive == "end" => Content::End { by_reset: false },
        None if directive == "reset" => Content::End { by_reset: true },
        Some(("gap", count)) => Content::Gap(Some(count.parse().expect("a number of octets"))),
        _ => panic!("unknown directive: {directive}"),
    }
}

pub(super) fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        octets.extend(before.as_bytes());
        match after.as_bytes().first() {
            Some(b'r') => octets.push(b'\r'),
            Some(b'n') => octets.push(b'\n'),
            Some(b't') => octets.push(b'\t'),
            Some(b'\\') => octets.push(b'\\'),
            Some(b'x') => octets.push(u8::from_str_radix(&after[1..3], 16).expect("two hexadecimal digits")),
            other => panic!("unknown escape: {other:?}"),
        }
        rest = &after[if after.starts_with('x') { 3 } else { 1 }..];
    }
    octets.extend(rest.as_bytes());
    octets
}

/// Octets for a test.
pub(super) fn octets(octets: impl AsRef<[u8]>) -> Bytes {
    Bytes::copy_from_slice(octets.as_ref())
}
