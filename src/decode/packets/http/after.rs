//! What a connection carries after an upgrade or in a tunnel.

use super::{Context, Found, Layer, Mark};
use crate::decode::packets::stream::{Chunk, Content};

/// What follows.
pub(super) enum After {
    /// Something that may hold exchanges.
    Layer(Box<dyn Layer>),
    /// Octets that are counted and not read.
    Unread {
        /// What they are, in messages.
        what: &'static str,
        /// Where they begin.
        mark: Mark,
        /// How many.
        octets: u64,
    },
}

impl After {
    /// After status 101 with this `Upgrade` field, in lower case.
    pub(super) fn upgrade(protocol: &str, mark: Mark) -> After {
        let what = if protocol == "websocket" { "WebSocket frames" } else { "octets of another protocol" };
        After::Unread { what, mark, octets: 0 }
    }

    /// After CONNECT.
    pub(super) fn tunnel(context: &Context, mark: Mark) -> After {
        match context.inside() {
            Some(layer) => After::Layer(layer),
            None => After::Unread { what: "tunnels nested deeper than the limit", mark, octets: 0 },
        }
    }

    /// In a stream of HTTP/2 that was opened by CONNECT (RFC 9113, 8.5; RFC 8441, 4).
    pub(super) fn stream(context: &Context, protocol: Option<&str>, mark: Mark) -> After {
        match protocol {
            Some(protocol) => After::upgrade(protocol, mark),
            None => After::tunnel(context, mark),
        }
    }

    pub(super) fn chunk(&mut self, chunk: Chunk) {
        match self {
            After::Layer(layer) => layer.chunk(chunk),
            After::Unread { octets, .. } => {
                if let Content::Data(data) = chunk.content {
                    *octets += data.len() as u64;
                }
            }
        }
    }

    pub(super) fn finish(self) -> Found {
        match self {
            After::Layer(layer) => layer.finish(),
            After::Unread { octets: 0, .. } => Found::default(),
            After::Unread { what, mark, octets } => {
                let problem =
                    (Some(format!("frame {}", mark.frame)), format!("{what} are not decoded ({octets} octets)"));
                Found { problems: vec![problem], ..Found::default() }
            }
        }
    }
}
