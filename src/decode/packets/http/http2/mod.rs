//! HTTP/2 (RFC 9113): frames of both sides, header blocks, streams.
//!
//! The two sides are read apart and meet in the streams, so that the order in which a capture shows them does not
//! matter. SETTINGS are not kept: what they allow the other side, the other side does in its frames.

mod block;
mod frame;
mod streams;

use std::collections::BTreeMap;

use bytes::Bytes;

use super::draft::Draft;
use super::hpack::Decoder;
use super::{Context, Found, Layer, Mark, Problems};
use crate::decode::packets::stream::{Chunk, Content, Side, Sink};
use block::Block;
pub(super) use frame::find as find_frames;
use frame::{Event, FrameHeader, Frames, flag, kind};
use streams::Stream;

/// One connection.
pub(super) struct Http2 {
    context: Box<Context>,
    client: Way,
    server: Way,
    drafts: Vec<Draft>,
    streams: BTreeMap<u32, Stream>,
    /// The highest stream that the client opened.
    highest: u32,
    /// The last stream that the server will answer, and why (RFC 9113, 6.8).
    goaway: Option<(u32, &'static str)>,
    /// Frames of the client may be missing.
    requests_lost: bool,
    /// Frames of the server may be missing.
    answers_lost: bool,
    over_limit: bool,
    found: Found,
    problems: Problems,
}

/// One direction.
struct Way {
    frames: Frames,
    hpack: Decoder,
    /// The header block that is not complete.
    block: Option<Block>,
    /// Whether nothing more comes; true for a reset.
    ended: Option<bool>,
}

impl Way {
    fn new(preface: bool, whole: bool) -> Self {
        Way { frames: Frames::new(preface, !whole), hpack: Decoder::new(whole), block: None, ended: None }
    }
}

impl Http2 {
    /// `upgraded`: the request that asked for HTTP/2 in HTTP/1.1. It is stream 1 (RFC 7540, 3.2).
    pub(super) fn new(context: Box<Context>, upgraded: Option<Draft>) -> Self {
        let whole = !context.facts.mid_stream;
        let mut http2 = Http2 {
            client: Way::new(true, whole),
            server: Way::new(false, whole),
            drafts: Vec::new(),
            streams: BTreeMap::new(),
            highest: 0,
            goaway: None,
            requests_lost: !whole,
            answers_lost: !whole,
            over_limit: false,
            found: Found { recognised: true, ..Found::default() },
            problems: Problems::default(),
            context,
        };
        if let Some(mut draft) = upgraded {
            draft.set_h2_stream(1);
            http2.drafts.push(draft);
            http2.streams.insert(1, Stream::upgraded(0));
            http2.highest = 1;
        }
        http2
    }

    fn way(&mut self, side: Side) -> &mut Way {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn data(&mut self, side: Side, mut octets: Bytes, mark: Mark) {
        let most = self.context.limits.headers;
        while !octets.is_empty() {
            match self.way(side).frames.take(&mut octets, mark, most) {
                Event::More => {}
                Event::Frame { header, payload, begun } => self.frame(side, header, &payload, begun, mark),
                Event::Data { header, octets, last } => self.stream_data(side, header, octets, last, mark),
                Event::TooLarge(header) => {
                    self.problems
                        .add(mark, format!("HTTP/2 frame of {} octets is over the limit; passed over", header.length));
                    if matches!(header.kind, kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION) {
                        self.lose_headers(side);
                    }
                }
                Event::NotFrames => {
                    self.problems.add(mark, "octets that are no HTTP/2 frames; skipped to the next frame");
                    self.lose(side);
                }
            }
        }
    }

    fn frame(&mut self, side: Side, header: FrameHeader, payload: &[u8], begun: Mark, mark: Mark) {
        let way = self.way(side);
        if let Some(block) = way.block.as_mut().filter(|_| header.kind == kind::CONTINUATION) {
            if block.stream == header.stream && block.add(payload, header.flags) {
                if block.complete
                    && let Some(block) = way.block.take()
                {
                    self.header_block(side, block, mark);
                }
                return;
            }
            self.problems.add(mark, "header block in too many CONTINUATION frames, or of another stream; left out");
            return self.lose_headers(side);
        }
        if way.block.take().is_some() {
            // RFC 9113, 6.10: nothing may stand between the frames of a header block.
            self.problems.add(mark, "header block without its end; left out");
            self.lose_headers(side);
        }
        match header.kind {
            kind::HEADERS | kind::PUSH_PROMISE => self.begin_block(side, header, payload, begun, mark),
            kind::CONTINUATION => self.lose_headers(side),
            kind::RST_STREAM => self.reset(side, header.stream, frame::numbers(payload).0, mark),
            kind::GOAWAY if side == Side::Server => {
                if let (Some(last), code) = frame::numbers(payload) {
                    let last = last & 0x7fff_ffff;
                    let last = self.goaway.map_or(last, |(before, _)| before.min(last));
                    self.goaway = Some((last, frame::error_name(code.unwrap_or_default())));
                }
            }
            _ => {}
        }
    }

    fn begin_block(&mut self, side: Side, header: FrameHeader, payload: &[u8], begun: Mark, mark: Mark) {
        let Some(part) = frame::header_part(&header, payload) else {
            self.problems.add(mark, "HTTP/2 frame whose padding is longer than it; left out");
            return self.lose_headers(side);
        };
        let block = Block {
            stream: header.stream,
            promised: part.promised,
            end_stream: header.kind == kind::HEADERS && header.flags & flag::END_STREAM != 0,
            complete: header.flags & flag::END_HEADERS != 0,
            octets: Vec::new(),
            frames: 1,
            begun,
        };
        if block.complete {
            // The usual case: one frame, no copy.
            self.header_fields(side, block, part.fragment, mark);
        } else {
            self.way(side).block = Some(Block { octets: part.fragment.to_vec(), ..block });
        }
    }

    fn header_block(&mut self, side: Side, mut block: Block, mark: Mark) {
        let octets = std::mem::take(&mut block.octets);
        self.header_fields(side, block, &octets, mark);
    }

    fn header_fields(&mut self, side: Side, block: Block, octets: &[u8], mark: Mark) {
        let most = self.context.limits.headers;
        let (head, broken) = block::decode(&mut self.way(side).hpack, octets, most);
        if broken {
            self.problems
                .add(mark, "header block is damaged; fields that refer to earlier ones are unknown from here on");
            self.way(side).hpack.lose();
        }
        if head.over_limit {
            self.problems.add(mark, "header fields are longer than the limit; the rest is left out");
        }
        match side {
            Side::Client => self.request_fields(block.stream, head, block.begun, block.end_stream, mark),
            Side::Server => match block.promised {
                // RFC 9113, 8.4: the server writes the request itself, and it has no body.
                Some(promised) => self.request_fields(promised, head, block.begun, true, mark),
                None => self.answer_fields(block.stream, head, block.end_stream, mark),
            },
        }
    }

    /// Header blocks of `side` are missing: their table entries are unknown from here on.
    fn lose_headers(&mut self, side: Side) {
        let way = self.way(side);
        way.block = None;
        way.hpack.lose();
        match side {
            Side::Client => self.requests_lost = true,
            Side::Server => self.answers_lost = true,
        }
    }

    /// Frames of `side` are missing, of whatever stream.
    fn lose(&mut self, side: Side) {
        self.lose_headers(side);
        for stream in self.streams.values_mut() {
            if let Some(body) = stream.body(side) {
                body.unreadable();
            }
        }
    }

    fn gap(&mut self, side: Side, octets: Option<u64>, mark: Mark) {
        let Some((header, last)) = self.way(side).frames.gap(octets) else { return self.lose(side) };
        if let Some(body) = self.streams.get_mut(&header.stream).and_then(|stream| stream.body(side)) {
            body.gap(octets);
        }
        if last {
            self.stream_data(side, header, Bytes::new(), true, mark);
        }
    }

    /// What is known of requests without an answer.
    fn settle(&mut self) {
        let reset = [&self.client, &self.server].into_iter().any(|way| way.ended == Some(true));
        let closed = match self.server.ended {
            _ if self.answers_lost => None,
            _ if reset => Some("connection reset".to_owned()),
            Some(_) => Some("connection closed".to_owned()),
            None => None,
        };
        for (id, stream) in &self.streams {
            let Some(draft) = self.drafts.get_mut(stream.draft) else { continue };
            // RFC 9113, 6.8: streams above the last one were not looked at.
            let refused = self.goaway.filter(|(last, _)| id > last && !id.is_multiple_of(2));
            if let Some(why) = refused.map(|(_, name)| format!("GOAWAY {name}")).or_else(|| closed.clone()) {
                draft.no_answer(&why);
            }
        }
    }
}

impl Sink for Http2 {
    fn chunk(&mut self, chunk: Chunk) {
        let (side, mark) = (chunk.side, Mark::of(&chunk));
        match chunk.content {
            Content::Data(octets) => self.data(side, octets, mark),
            Content::Gap(octets) => self.gap(side, octets, mark),
            Content::End { by_reset } => {
                self.way(side).ended.get_or_insert(by_reset);
            }
        }
    }
}

impl Layer for Http2 {
    fn finish(mut self: Box<Self>) -> Found {
        self.settle();
        for (_, stream) in std::mem::take(&mut self.streams) {
            self.close(stream);
        }
        self.drafts.sort_by_key(Draft::order);
        let mut found = self.found;
        let inside = std::mem::take(&mut found.exchanges);
        found.exchanges = self.drafts.into_iter().map(Draft::into_exchange).collect();
        found.exchanges.extend(inside);
        found.problems.extend(self.problems.into_list(&self.context));
        found
    }
}
