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
    /// Octets are missing before these, or they do not begin with a message.
    anywhere: bool,
    /// A message begins somewhere in them, behind what may become frames.
    has_message: bool,
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
            self.chosen = Some(self.last_resort().unwrap_or(Protocol::Other));
        }
        self.chosen
    }

    /// The chunks held.
    pub(super) fn take(&mut self) -> Vec<Chunk> {
        std::mem::take(&mut self.held)
    }

    /// The protocol when nothing more comes.
    pub(super) fn at_end(&mut self) -> Option<Protocol> {
        let cut_short = [&self.client, &self.server].into_iter().any(Way::may_be_cut_short);
        self.chosen = self.chosen.or_else(|| self.last_resort()).or(cut_short.then_some(Protocol::Http1));
        self.chosen.filter(|protocol| *protocol != Protocol::Other)
    }

    /// The protocol when no more octets are looked at.
    fn last_resort(&self) -> Option<Protocol> {
        (self.client.has_message || self.server.has_message).then_some(Protocol::Http1)
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
        self.earliest(find_request(&self.octets, true))
    }

    fn response(&mut self) -> Option<Protocol> {
        match begins_response(&self.octets) {
            Some(true) => return Some(Protocol::Http1),
            Some(false) => self.anywhere = true,
            None => return None,
        }
        self.earliest(find_response(&self.octets))
    }

    /// What begins first: the message at `http1`, or frames of HTTP/2 that follow each other.
    fn earliest(&mut self, http1: Option<usize>) -> Option<Protocol> {
        self.has_message = http1.is_some();
        match (http1, find_frames(&self.octets, FRAMES)) {
            (Some(message), Ok(frames) | Err(frames)) if message < frames => Some(Protocol::Http1),
            (_, Ok(_)) => Some(Protocol::Http2MidStream),
            (_, Err(_)) => None,
        }
    }

    /// Whether the recording ends in the middle of what looks like a request line with a known method.
    fn may_be_cut_short(&self) -> bool {
        const METHODS: [&[u8]; 7] = [b"GET /", b"POST /", b"PUT /", b"DELETE /", b"PATCH /", b"OPTIONS /", b"HEAD /"];
        !self.anywhere && METHODS.iter().any(|method| self.octets.starts_with(method))
    }
}
