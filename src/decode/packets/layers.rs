//! What is above TCP, and inside a tunnel: TLS where the first octets are a record, HTTP otherwise, on any port.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::http::{Facts, Found, Http, Inside, Layer};
use super::proxy_header::{self, Beginning};
use super::stream::{Chunk, Content, Conversation, Side, Sink};
use super::tls::{KeyLog, Tls, looks_like_tls};
use crate::capture::limits::Limits;

/// Octets of the first record that say that it is one.
const RECORD_HEAD: usize = 5;
/// Chunks that wait until it is known what is spoken.
const WAITING: usize = 64;

/// What the layers of all connections of a recording share.
pub(super) struct Shared {
    pub keylog: Arc<KeyLog>,
    pub limits: Limits,
}

/// The layers of one connection.
pub(super) struct Layers {
    conversation: Conversation,
    shared: Arc<Shared>,
    mid_stream: bool,
    depth: u8,
    /// Octets of the client that still belong to the header of a load balancer; `None` before one was seen. There is at
    /// most one.
    passing: Option<usize>,
    upper: Upper,
}

enum Upper {
    /// It is not known yet what is spoken.
    Unknown(Waiting),
    Tls(Box<Tls<Http>>),
    Http(Http),
}

/// What came before it is known what is spoken.
#[derive(Default)]
struct Waiting {
    chunks: Vec<Chunk>,
    /// The first octets of the client and of the server.
    first: [Bytes; 2],
}

/// What the first octets say.
enum Spoken {
    /// Nothing yet.
    Unknown,
    /// The header of a load balancer, which has so many octets.
    Behind(usize),
    Tls,
    /// Or anything else.
    Http,
}

impl Waiting {
    /// Takes note of the octets that a side begins with.
    fn note(&mut self, chunk: &Chunk) {
        let Content::Data(octets) = &chunk.content else { return };
        let first = &mut self.first[usize::from(chunk.side == Side::Server)];
        let more = octets.slice(..octets.len().min(proxy_header::TELLING.saturating_sub(first.len())));
        *first = if first.is_empty() { more } else { [&**first, &*more].concat().into() };
    }

    /// What is spoken. `passed`: a header of a load balancer came before; `last`: no other octets are waited for.
    fn spoken(&self, passed: bool, last: bool) -> Spoken {
        let first = &self.first;
        match proxy_header::beginning(&first[0]) {
            Beginning::Header(length) if !passed => return Spoken::Behind(length),
            Beginning::Perhaps if !last => return Spoken::Unknown,
            Beginning::Header(_) | Beginning::Perhaps | Beginning::Other => {}
        }
        if first.iter().any(|octets| octets.len() >= RECORD_HEAD && looks_like_tls(octets)) {
            return Spoken::Tls;
        }
        let may_be = first.iter().any(|octets| octets.len() < RECORD_HEAD && looks_like_tls(octets));
        let nothing = first.iter().all(Bytes::is_empty);
        if (may_be || nothing) && !last { Spoken::Unknown } else { Spoken::Http }
    }
}

impl Layers {
    /// For a connection. `mid_stream`: the recording does not hold its beginning.
    pub(super) fn new(conversation: Conversation, shared: Arc<Shared>, mid_stream: bool) -> Layers {
        let upper = Upper::Unknown(Waiting::default());
        Layers { conversation, shared, mid_stream, depth: 0, passing: None, upper }
    }

    /// Goes on with what is spoken.
    fn begin(&mut self, spoken: &Spoken) {
        let Upper::Unknown(waiting) = &mut self.upper else { return };
        let Waiting { mut chunks, first: [client, _] } = std::mem::take(waiting);
        if let Spoken::Behind(length) = spoken {
            self.passing = Some(*length);
        } else {
            if begins_connection(&client) {
                // Whatever else is missing: nothing of either side came before this.
                chunks.retain(|chunk| !matches!(chunk.content, Content::Gap(None)));
                self.mid_stream = false;
            }
            let is_tls = matches!(spoken, Spoken::Tls);
            let facts = Facts { secure: is_tls, alpn: None, mid_stream: self.mid_stream, depth: self.depth };
            let http = Http::new(&self.conversation, facts, &self.shared.limits, Some(self.shared.clone()));
            self.upper = if is_tls {
                Upper::Tls(Box::new(Tls::new(self.shared.keylog.clone(), http)))
            } else {
                Upper::Http(http)
            };
        }
        chunks.into_iter().for_each(|chunk| self.chunk(chunk));
    }

    /// Nothing more comes.
    pub(super) fn finish(mut self) -> Found {
        while let Upper::Unknown(waiting) = &self.upper {
            let spoken = waiting.spoken(self.passing.is_some(), true);
            self.begin(&spoken);
        }
        match self.upper {
            Upper::Unknown(..) => Found::default(),
            Upper::Http(http) => http.finish(),
            Upper::Tls(tls) => {
                let (http, facts) = tls.finish();
                let mut found = http.finish();
                found.tls.insert(0, facts);
                found
            }
        }
    }
}

impl Inside for Shared {
    fn layer(self: Arc<Self>, conversation: &Conversation, depth: u8) -> Box<dyn Layer> {
        let layers = Layers::new(conversation.clone(), self, false);
        Box::new(Layers { depth, ..layers })
    }
}

impl Sink for Layers {
    fn chunk(&mut self, mut chunk: Chunk) {
        if let Some(passing @ 1..) = &mut self.passing
            && chunk.side == Side::Client
        {
            match &mut chunk.content {
                Content::Data(octets) => {
                    let passed = octets.len().min(*passing);
                    octets.advance(passed);
                    *passing -= passed;
                    if octets.is_empty() {
                        return;
                    }
                }
                Content::Gap(_) | Content::End { .. } => *passing = 0,
            }
        }
        match &mut self.upper {
            Upper::Tls(tls) => tls.chunk(chunk),
            Upper::Http(http) => http.chunk(chunk),
            Upper::Unknown(waiting) => {
                waiting.note(&chunk);
                let enough = waiting.chunks.len() + 1 >= WAITING;
                match waiting.spoken(self.passing.is_some(), enough) {
                    Spoken::Unknown => waiting.chunks.push(chunk),
                    spoken => {
                        self.begin(&spoken);
                        self.chunk(chunk);
                    }
                }
            }
        }
    }
}

impl Layer for Layers {
    fn finish(self: Box<Self>) -> Found {
        Layers::finish(*self)
    }
}

/// Whether the first octets of a client are what only begins a connection: a hello, or the preface of HTTP/2.
fn begins_connection(octets: &[u8]) -> bool {
    matches!(octets, [22, 3, _, _, _, 1, ..]) || octets.starts_with(b"PRI * HTTP/2.0\r\n")
}
