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

    /// The protocol, where this chunk shows it; otherwise the chunk is to be held.
    pub(super) fn protocol(&mut self, chunk: &Chunk) -> Option<Protocol> {
        let shown = self.chosen.or_else(|| self.look(chunk));
        let enough = self.octets > bounds::SNIFF || self.held.len() >= bounds::SNIFF / 16;
        shown.or_else(|| enough.then(|| self.last_resort().unwrap_or(Protocol::Other)))
    }

    /// Holds a chunk until more is known.
    pub(super) fn hold(&mut self, chunk: Chunk) {
        self.held.push(chunk);
    }

    /// The chunks held.
    pub(super) fn into_chunks(self) -> Vec<Chunk> {
        self.held
    }

    /// The protocol when nothing more comes.
    pub(super) fn at_end(&self) -> Option<Protocol> {
        let cut_short = [&self.client, &self.server].into_iter().any(Way::may_be_cut_short);
        self.chosen.or_else(|| self.last_resort()).or(cut_short.then_some(Protocol::Http1))
    }

    /// The protocol when no more octets are looked at.
    fn last_resort(&self) -> Option<Protocol> {
        (self.client.has_message || self.server.has_message).then_some(Protocol::Http1)
    }

    fn look(&mut self, chunk: &Chunk) -> Option<Protocol> {
        let way = match chunk.side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        match &chunk.content {
            Content::Data(octets) => {
                self.octets += octets.len();
                way.shows(octets, chunk.side)
            }
            Content::Gap(_) => {
                way.octets.clear();
                way.anywhere = true;
                None
            }
            Content::End { .. } => None,
        }
    }
}

impl Way {
    /// What these octets show, behind those before. Nearly always the first ones are enough, and nothing is kept.
    fn shows(&mut self, octets: &[u8], side: Side) -> Option<Protocol> {
        let mut kept = std::mem::take(&mut self.octets);
        let joined = if kept.is_empty() {
            octets
        } else {
            kept.extend_from_slice(octets);
            &kept
        };
        let shown = match side {
            Side::Client => self.request(joined),
            Side::Server => self.response(joined),
        };
        if shown.is_none() {
            self.octets = if kept.is_empty() { octets.to_vec() } else { kept };
        }
        shown
    }

    fn request(&mut self, octets: &[u8]) -> Option<Protocol> {
        if !self.anywhere {
            if octets.starts_with(PREFACE) {
                return Some(Protocol::Http2);
            }
            if PREFACE.starts_with(octets) {
                return None;
            }
            match begins_request(octets) {
                Some(true) => return Some(Protocol::Http1),
                Some(false) => self.anywhere = true,
                None => return None,
            }
        }
        self.earliest(find_request(octets, true), octets)
    }

    fn response(&mut self, octets: &[u8]) -> Option<Protocol> {
        match begins_response(octets) {
            Some(true) => return Some(Protocol::Http1),
            Some(false) => self.anywhere = true,
            None => return None,
        }
        self.earliest(find_response(octets), octets)
    }

    /// What begins first: the message at `http1`, or frames of HTTP/2 that follow each other.
    fn earliest(&mut self, http1: Option<usize>, octets: &[u8]) -> Option<Protocol> {
        self.has_message = http1.is_some();
        match (http1, find_frames(octets, FRAMES)) {
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
