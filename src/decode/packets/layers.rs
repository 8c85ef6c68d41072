//! What is above TCP, and inside a tunnel: TLS where the first octets are a record, HTTP otherwise, on any port.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Buf;

use super::http::{Facts, Found, Http, Inside, Layer};
use super::proxy_header::{self, Beginning};
use super::stream::{Chunk, Content, Conversation, Side, Sink};
use super::tls::{KeyLog, Tls, TlsFacts, looks_like_tls};
use crate::capture::limits::Limits;

/// Octets of the first record that say that it is one.
const RECORD_HEAD: usize = 5;
/// Chunks that wait until it is known what is spoken.
const WAITING: usize = 64;

/// What the layers of all connections share, and where they leave what they know of TLS.
#[derive(Clone)]
pub(super) struct Shared {
    pub keylog: Arc<KeyLog>,
    pub limits: Limits,
    /// What is known of each TLS connection inside the one that this is made for; tunnels may hold several.
    pub seen: Arc<Mutex<Vec<TlsFacts>>>,
}

impl Shared {
    /// What was left.
    pub(super) fn take_seen(&self) -> Vec<TlsFacts> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The layers of one connection.
pub(super) struct Layers {
    conversation: Conversation,
    shared: Shared,
    mid_stream: bool,
    depth: u8,
    /// Octets of the client that still belong to the header of a load balancer; `None` before one was seen. There is at
    /// most one.
    passing: Option<usize>,
    upper: Upper,
}

enum Upper {
    /// It is not known yet what is spoken. The chunks so far, and the first octets of both sides.
    Unknown(Vec<Chunk>, [Vec<u8>; 2]),
    Tls(Box<Tls<Http>>),
    Http(Box<Http>),
}

impl Layers {
    /// For a connection. `mid_stream`: the recording does not hold its beginning.
    pub(super) fn new(conversation: Conversation, shared: Shared, mid_stream: bool) -> Layers {
        Layers {
            conversation,
            shared,
            mid_stream,
            depth: 0,
            passing: None,
            upper: Upper::Unknown(Vec::new(), Default::default()),
        }
    }

    /// Decides by the first octets. `last`: no others come.
    fn decide(&mut self, last: bool) {
        let Upper::Unknown(chunks, first) = &mut self.upper else { return };
        match proxy_header::beginning(&first[0]) {
            Beginning::Header(length) if self.passing.is_none() => {
                self.passing = Some(length);
                first.iter_mut().for_each(Vec::clear);
                std::mem::take(chunks).into_iter().for_each(|chunk| self.chunk(chunk));
            }
            Beginning::Perhaps if !last && chunks.len() < WAITING => return,
            Beginning::Header(_) | Beginning::Perhaps | Beginning::Other => {}
        }
        let Upper::Unknown(chunks, first) = &mut self.upper else { return };
        let is_tls = first.iter().any(|octets| octets.len() >= RECORD_HEAD && looks_like_tls(octets));
        let may_be = first.iter().any(|octets| octets.len() < RECORD_HEAD && looks_like_tls(octets));
        let nothing = first.iter().all(Vec::is_empty);
        if !is_tls && (may_be || nothing) && !last && chunks.len() < WAITING {
            return;
        }
        let mut chunks = std::mem::take(chunks);
        let [client, _] = first;
        if begins_connection(client) {
            // Whatever else is missing: nothing of either side came before this.
            chunks.retain(|chunk| !matches!(chunk.content, Content::Gap(None)));
            self.mid_stream = false;
        }
        let http = self.http(is_tls);
        self.upper = if is_tls {
            Upper::Tls(Box::new(Tls::new(self.shared.keylog.clone(), http)))
        } else {
            Upper::Http(Box::new(http))
        };
        chunks.into_iter().for_each(|chunk| self.chunk(chunk));
    }

    fn http(&self, secure: bool) -> Http {
        let facts = Facts { secure, alpn: None, mid_stream: self.mid_stream, depth: self.depth };
        let shared = self.shared.clone();
        let inside: Inside = Arc::new(move |conversation, depth| {
            let layers = Layers::new(conversation.clone(), shared.clone(), false);
            Box::new(Layers { depth, ..layers })
        });
        Http::new(&self.conversation, facts, &self.shared.limits, Some(inside))
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
            Upper::Unknown(chunks, [client, server]) => {
                let first = if chunk.side == Side::Client { client } else { server };
                if let Content::Data(octets) = &chunk.content {
                    first.extend(octets.iter().take(proxy_header::TELLING.saturating_sub(first.len())));
                }
                chunks.push(chunk);
                self.decide(false);
            }
        }
    }
}

impl Layer for Layers {
    fn finish(mut self: Box<Self>) -> Found {
        self.decide(true);
        match self.upper {
            Upper::Unknown(..) => Found::default(),
            Upper::Http(http) => http.finish(),
            Upper::Tls(tls) => {
                let (http, facts) = tls.finish();
                self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(facts);
                http.finish()
            }
        }
    }
}

/// Whether the first octets of a client are what only begins a connection: a hello, or the preface of HTTP/2.
fn begins_connection(octets: &[u8]) -> bool {
    matches!(octets, [22, 3, _, _, _, 1, ..]) || octets.starts_with(b"PRI * HTTP/2.0\r\n")
}
