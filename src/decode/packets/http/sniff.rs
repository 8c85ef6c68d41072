//! Tells by the first octets whether a connection speaks HTTP, and which.

use super::head::{begins_request, begins_response, find_request, find_response};
use super::http2::find_frames;
use super::{Facts, bounds};
use crate::decode::packets::stream::{Chunk, Content, Side};

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
    /// HTTP/2 without its beginning.
    Http2MidStream,
    Other,
}

/// So many frames in a row are no chance.
const FRAMES: usize = 4;

/// RFC 9113, 3.4.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Holds the first chunks until it is known what they are.
pub(super) struct Sniffer {
    held: Vec<Chunk>,
    octets: usize,
    chosen: Option<Protocol>,
    client: Way,
    server: Way,
}

/// The octets of one side so far.
#[derive(Default)]
struct Way {
    octets: Vec<u8>,
    /// What its octets begin with, where that is decided.
    begins: Option<Protocol>,
    /// Octets are missing before these, or they do not begin with a message.
    anywhere: bool,
}

impl Sniffer {
    pub(super) fn new(facts: &Facts) -> Self {
        // RFC 9113, 3.2; RFC 7301, 6. Any other name decides nothing: servers choose it and speak HTTP all the same.
        let chosen = match facts.alpn.as_deref() {
            Some(b"h2") => Some(Protocol::Http2),
            Some(b"http/1.1" | b"http/1.0") => Some(Protocol::Http1),
            _ => None,
        };
        Sniffer { held: Vec::new(), octets: 0, chosen, client: Way::default(), server: Way::default() }
    }

    /// Takes a chunk; the protocol as soon as it is known.
    pub(super) fn chunk(&mut self, chunk: Chunk) -> Option<Protocol> {
        if self.chosen.is_none() {
            self.look(&chunk);
        }
        self.held.push(chunk);
        if self.chosen.is_none() && (self.octets > bounds::SNIFF || self.held.len() > bounds::SNIFF / 16) {
            self.held = Vec::new();
            self.chosen = Some(Protocol::Other);
        }
        self.chosen
    }

    /// The chunks held.
    pub(super) fn take(&mut self) -> Vec<Chunk> {
        std::mem::take(&mut self.held)
    }

    /// The protocol when nothing more comes.
    pub(super) fn at_end(&mut self) -> Option<Protocol> {
        if self.chosen.is_none() && [&self.client, &self.server].into_iter().any(Way::may_be_cut_short) {
            self.chosen = Some(Protocol::Http1);
        }
        self.chosen.filter(|protocol| *protocol != Protocol::Other)
    }

    fn look(&mut self, chunk: &Chunk) {
        let way = match chunk.side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        match &chunk.content {
            Content::Data(octets) => {
                self.octets += octets.len();
                way.octets.extend_from_slice(octets);
                self.chosen = match chunk.side {
                    Side::Client => way.request(),
                    Side::Server => way.response(),
                };
            }
            Content::Gap(_) => {
                way.octets.clear();
                way.anywhere = true;
            }
            Content::End { .. } => {}
        }
    }
}

impl Way {
    fn request(&mut self) -> Option<Protocol> {
        if !self.anywhere {
            if let Some(octets) = self.octets.get(..PREFACE.len())
                && octets == PREFACE
            {
                return Some(Protocol::Http2);
            }
            if PREFACE.starts_with(&self.octets) {
                return None;
            }
            match begins_request(&self.octets) {
                Some(true) => return Some(Protocol::Http1),
                Some(false) => self.anywhere = true,
                None => return None,
            }
        }
        if find_request(&self.octets, true).is_some() { Some(Protocol::Http1) } else { self.frames() }
    }

    /// HTTP/2 without its beginning: frames that follow each other.
    fn frames(&self) -> Option<Protocol> {
        find_frames(&self.octets, FRAMES).ok().map(|_| Protocol::Http2MidStream)
    }

    fn response(&mut self) -> Option<Protocol> {
        match begins_response(&self.octets) {
            Some(true) => return Some(Protocol::Http1),
            Some(false) => self.anywhere = true,
            None => return None,
        }
        if find_response(&self.octets).is_some() { Some(Protocol::Http1) } else { self.frames() }
    }

    /// Whether the recording ends in the middle of what looks like a request line with a known method.
    fn may_be_cut_short(&self) -> bool {
        const METHODS: [&[u8]; 7] = [b"GET /", b"POST /", b"PUT /", b"DELETE /", b"PATCH /", b"OPTIONS /", b"HEAD /"];
        !self.anywhere && METHODS.iter().any(|method| self.octets.starts_with(method))
    }
}
