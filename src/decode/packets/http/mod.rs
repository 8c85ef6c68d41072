//! HTTP over the plaintext of one connection: chunks of both sides in, exchanges out.
//!
//! HTTP is recognised by its content, on any port; what it is not is passed over in silence. Nothing is guessed: what
//! a gap swallowed is unknown, and reading goes on where the next message can be found.
//!
//! What is deliberately not read: the frames of WebSocket, and trailer fields. HTTP/3 never comes here.

mod after;
mod bounds;
mod chunked;
mod collect;
mod draft;
mod framing;
mod head;
mod hpack;
mod http1;
mod http2;
mod plaintext;
mod sniff;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use compact_str::format_compact;

use crate::capture::limits::Limits;
use crate::decode::exchange::{Connection, Exchange};
use crate::evidence::Timestamp;

use super::stream::{Chunk, Conversation, Sink};
use super::tls::TlsFacts;
use http1::Http1;
use http2::Http2;
pub use plaintext::{Plaintext, exchanges};
use sniff::{Protocol, Sniffer};

/// What the layers below know of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Whether the octets were encrypted on the wire.
    pub secure: bool,
    /// The protocol that both sides chose in the TLS handshake.
    pub alpn: Option<Vec<u8>>,
    /// The capture begins after the connection did: what comes first may be an answer to an unseen request.
    pub mid_stream: bool,
    /// In how many tunnels the connection stands.
    pub depth: u8,
}

/// What was found in a connection.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In the order in which the requests began.
    pub exchanges: Vec<Exchange>,
    /// What could not be read: the place in the recording, and the message.
    pub problems: Vec<(Option<String>, String)>,
    /// What is known of each TLS connection around it and in its tunnels.
    pub tls: Vec<TlsFacts>,
    /// Whether it was HTTP at all.
    pub recognised: bool,
}

impl Found {
    /// Adds what was found in a tunnel.
    fn add(&mut self, inside: Found) {
        self.exchanges.extend(inside.exchanges);
        self.problems.extend(inside.problems);
        self.tls.extend(inside.tls);
    }
}

/// A layer that ends in exchanges.
pub(crate) trait Layer: Sink + Send {
    /// Nothing more comes.
    fn finish(self: Box<Self>) -> Found;
}

/// Makes the layers for what is inside tunnels: TLS, HTTP or anything else.
pub(crate) trait Inside: Send + Sync {
    /// A layer that stands in so many tunnels.
    fn layer(self: Arc<Self>, conversation: &Conversation, depth: u8) -> Box<dyn Layer>;
}

/// The HTTP layer of one connection.
pub(crate) struct Http(Mode);

enum Mode {
    Sniffing(Box<Context>, Sniffer),
    Speaking(Box<dyn Layer>),
    /// Not HTTP.
    Silent,
}

/// What every part of this layer needs to know.
#[derive(Clone)]
struct Context {
    conversation: Conversation,
    facts: Facts,
    connection: Connection,
    limits: Limits,
    inside: Option<Arc<dyn Inside>>,
}

/// A frame and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    frame: u32,
    time: Timestamp,
}

impl Http {
    /// A layer for `conversation`. `inside` makes the layers of tunnels; without it what is inside is read as plain HTTP.
    pub(crate) fn new(
        conversation: &Conversation,
        facts: Facts,
        limits: &Limits,
        inside: Option<Arc<dyn Inside>>,
    ) -> Self {
        let id = format_compact!("tcp.stream {}", conversation.tcp_stream);
        let connection = Connection {
            id: Some(id.as_str().into()),
            client: Some(conversation.client),
            server: Some(conversation.server),
            page: None,
            closed: conversation.closed,
            wrapper: None,
        };
        let sniffer = Sniffer::new(&facts);
        let context = Context { conversation: conversation.clone(), facts, connection, limits: *limits, inside };
        Http(Mode::Sniffing(Box::new(context), sniffer))
    }

    /// Nothing more comes.
    pub(crate) fn finish(self) -> Found {
        let speaking = match self.0 {
            Mode::Speaking(layer) => Some(layer),
            Mode::Sniffing(context, sniffer) => {
                sniffer.at_end().map(|protocol| layer(context, protocol, sniffer.into_chunks()))
            }
            Mode::Silent => None,
        };
        speaking.map(Layer::finish).unwrap_or_default()
    }
}

/// The layer for a protocol, which takes the chunks that came so far.
fn layer(mut context: Box<Context>, protocol: Protocol, chunks: Vec<Chunk>) -> Box<dyn Layer> {
    let mut layer: Box<dyn Layer> = match protocol {
        Protocol::Http2 => Box::new(Http2::new(context, None)),
        Protocol::Http2MidStream => {
            context.facts.mid_stream = true;
            Box::new(Http2::new(context, None))
        }
        Protocol::Http1 | Protocol::Other => Box::new(Http1::new(context)),
    };
    chunks.into_iter().for_each(|chunk| layer.chunk(chunk));
    layer
}

impl Sink for Http {
    fn chunk(&mut self, chunk: Chunk) {
        let sniffer = match &mut self.0 {
            Mode::Silent => return,
            Mode::Speaking(layer) => return layer.chunk(chunk),
            Mode::Sniffing(_, sniffer) => sniffer,
        };
        let Some(protocol) = sniffer.protocol(&chunk) else { return sniffer.hold(chunk) };
        if let Mode::Sniffing(context, sniffer) = std::mem::replace(&mut self.0, Mode::Silent)
            && protocol != Protocol::Other
        {
            let mut layer = layer(context, protocol, sniffer.into_chunks());
            layer.chunk(chunk);
            self.0 = Mode::Speaking(layer);
        }
    }
}

impl Layer for Http {
    fn finish(self: Box<Self>) -> Found {
        Http::finish(*self)
    }
}

impl Context {
    /// The scheme of requests that name none.
    fn scheme(&self) -> &'static str {
        if self.facts.secure { "https" } else { "http" }
    }

    /// A head as it is kept: what was decrypted is part of a larger buffer, which must not stay for it.
    fn kept(&self, head: Bytes) -> Bytes {
        if self.facts.secure { Bytes::copy_from_slice(&head) } else { head }
    }

    /// The layer for what is inside a tunnel; `None` where tunnels are nested too deep.
    fn inside(&self) -> Option<Box<dyn Layer>> {
        let depth = self.facts.depth + 1;
        if depth > bounds::TUNNELS {
            return None;
        }
        Some(match &self.inside {
            Some(inside) => inside.clone().layer(&self.conversation, depth),
            None => {
                let facts = Facts { depth, ..Facts::default() };
                Box::new(Http::new(&self.conversation, facts, &self.limits, None))
            }
        })
    }
}

impl Mark {
    fn of(chunk: &Chunk) -> Self {
        Mark { frame: chunk.frame, time: chunk.time }
    }
}

/// Problems of one connection, within a bound.
#[derive(Debug, Default)]
struct Problems {
    list: Vec<(u32, String)>,
    more: usize,
}

impl Problems {
    fn add(&mut self, mark: Mark, message: impl Into<String>) {
        if self.list.len() < bounds::PROBLEMS {
            self.list.push((mark.frame, message.into()));
        } else {
            self.more += 1;
        }
    }

    fn into_list(mut self, context: &Context) -> Vec<(Option<String>, String)> {
        // A problem of one side may be found before one of the other side that stands earlier in the recording.
        self.list.sort();
        let place = |(frame, message)| (Some(format!("frame {frame}")), message);
        let mut list: Vec<_> = self.list.into_iter().map(place).collect();
        if self.more > 0 {
            let stream = context.conversation.tcp_stream;
            list.push((None, format!("tcp.stream {stream}: {} more problems in its HTTP", self.more)));
        }
        list
    }
}
