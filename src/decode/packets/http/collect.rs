//! Gathers a body from its pieces, and decides which bodies are kept.

use bytes::Bytes;
use compact_str::CompactString;

use super::framing::{Framing, members};
use super::{Context, Mark};
use crate::decode::body::{Body, ContentCoding};
use crate::decode::exchange::{Headers, Unknown};
use crate::decode::pieces::{Piece, Pieces};

/// A body that is being read.
pub(super) struct Collector {
    pieces: Vec<Piece>,
    /// Octets so far, also of what is not kept; `None` after a gap of unknown size.
    length: Option<u64>,
    /// Codings in the order applied; `None` where one is not known here.
    codings: Option<Vec<ContentCoding>>,
    kind: Kind,
    /// Why octets are not kept any more.
    dropped: Option<Unknown>,
    /// Most octets kept.
    most: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Readable without its end.
    EventStream,
    /// Passed over beyond so many octets.
    Bulk(u64),
    Other,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As its framing says.
    Whole,
    /// Before that.
    Cut,
}

impl Collector {
    /// For the body of an HTTP/1 message, which is framed so; `None` where it has none.
    pub(super) fn of(
        framing: Framing,
        transfer: Option<Vec<ContentCoding>>,
        headers: &Headers,
        context: &Context,
    ) -> Option<Self> {
        if framing == Framing::None {
            return None;
        }
        let mut collector = Collector::new(headers, transfer, context);
        if framing == Framing::Unknown {
            collector.unreadable();
        }
        Some(collector)
    }

    /// For the body of a message with these header fields. `transfer`: transfer codings beside chunked; `None` where one
    /// is not known.
    pub(super) fn new(headers: &Headers, transfer: Option<Vec<ContentCoding>>, context: &Context) -> Self {
        let content = ContentCoding::every(members(&headers.list, "content-encoding"));
        let codings = content.zip(transfer).map(|(content, transfer)| [content, transfer].concat());
        let kind = kind(headers.get("content-type").unwrap_or_default());
        let most = context.limits.body as u64;
        Collector { pieces: Vec::new(), length: Some(0), codings, kind, dropped: None, most }
    }

    /// The next octets.
    pub(super) fn push(&mut self, octets: Bytes, mark: Mark) {
        if octets.is_empty() {
            return;
        }
        self.lengthen(Some(octets.len() as u64));
        let length = self.length.unwrap_or(u64::MAX);
        match self.kind {
            Kind::Bulk(most) if length > most => self.drop_all(Unknown::BodyPassedOver),
            _ if length > self.most => self.drop_all(Unknown::BodyUnreadable),
            _ if self.dropped.is_none() => {
                if self.pieces.is_empty() {
                    // Most bodies come in one.
                    self.pieces.reserve_exact(1);
                }
                self.pieces.push(Piece { octets, time: mark.time, frame: mark.frame });
            }
            _ => {}
        }
    }

    /// Octets that are not in the recording.
    pub(super) fn gap(&mut self, octets: Option<u64>) {
        let before = self.length;
        self.lengthen(octets);
        self.drop_all(if before == Some(0) { Unknown::BodyNotRecorded } else { Unknown::BodyUnreadable });
    }

    /// Its octets cannot be told from others.
    pub(super) fn unreadable(&mut self) {
        self.length = None;
        self.drop_all(Unknown::BodyUnreadable);
    }

    /// What there is at the end.
    pub(super) fn finish(self, end: End) -> Body {
        let uncoded = self.codings.as_ref().is_some_and(Vec::is_empty);
        let length = self.length.filter(|_| uncoded && end == End::Whole);
        if let Some(reason) = self.dropped {
            return Body::without_octets(reason, length);
        }
        let open = end == End::Cut;
        if open && self.kind != Kind::EventStream {
            let nothing = self.length == Some(0);
            return Body::not_recorded(if nothing { Unknown::BodyNotRecorded } else { Unknown::BodyUnreadable });
        }
        match self.codings {
            _ if self.length == Some(0) => Body::none(),
            None => Body::without_octets(Unknown::BodyUnreadable, None),
            Some(codings) => Body::pieces(Pieces { list: self.pieces.into(), codings: codings.into(), open }),
        }
    }

    fn lengthen(&mut self, octets: Option<u64>) {
        self.length = self.length.zip(octets).map(|(length, more)| length.saturating_add(more));
    }

    fn drop_all(&mut self, reason: Unknown) {
        self.dropped.get_or_insert(reason);
        self.pieces = Vec::new();
    }
}

/// The one place that says which bodies are kept. Authorization and MCP speak JSON, forms, event streams and pages;
/// media, fonts and scripts hold nothing of either, and would keep every decrypted octet in memory.
fn kind(content_type: &str) -> Kind {
    let mut essence = CompactString::new(content_type.split(';').next().unwrap_or_default().trim());
    essence.make_ascii_lowercase();
    let (family, rest) = essence.split_once('/').unwrap_or((&essence, ""));
    match (family, rest) {
        ("text", "event-stream") => Kind::EventStream,
        ("image" | "video" | "audio" | "font", _) => Kind::Bulk(16 << 10),
        ("text", "css" | "javascript") => Kind::Bulk(64 << 10),
        ("application", "javascript" | "x-javascript" | "wasm" | "pdf") => Kind::Bulk(64 << 10),
        // Servers give this name to documents as well; those are small.
        ("application", "octet-stream" | "zip" | "gzip" | "x-gzip" | "x-tar" | "x-protobuf") => Kind::Bulk(64 << 10),
        _ => Kind::Other,
    }
}
