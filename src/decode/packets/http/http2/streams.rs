//! Streams of HTTP/2: one request and its answer each.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::super::after::After;
use super::super::collect::{Collector, End};
use super::super::draft::Draft;
use super::super::{Mark, bounds};
use super::block::Head;
use super::frame::{FrameHeader, error_name, flag};
use super::{Http2, Side};
use crate::decode::body::Body;
use crate::decode::exchange::{Request, Response};
use crate::decode::packets::stream::{Chunk, Content};

/// A stream.
pub(super) struct Stream {
    /// Its exchange.
    pub(super) draft: usize,
    request: Half,
    answer: Half,
    /// What a tunnel holds, where this is one.
    tunnel: Option<After>,
    /// One side gave it up.
    reset: bool,
    /// The tunnel is open: what the server sends belongs to it.
    open: bool,
}

/// One direction of a stream.
enum Half {
    /// Its head has not come.
    Waiting,
    /// Its body is being read; the mark is the last octet so far.
    Body(Box<Collector>, Mark),
    /// It is complete, or given up.
    Done,
}

impl Stream {
    fn new(draft: usize) -> Self {
        Stream { draft, request: Half::Waiting, answer: Half::Waiting, tunnel: None, reset: false, open: false }
    }

    /// The stream of a request that came in HTTP/1.1.
    pub(super) fn upgraded(draft: usize) -> Self {
        Stream { request: Half::Done, ..Stream::new(draft) }
    }

    /// The body of one side that is being read.
    pub(super) fn body(&mut self, side: Side) -> Option<&mut Collector> {
        match self.half(side) {
            Half::Body(body, _) => Some(body),
            _ => None,
        }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Client => &mut self.request,
            Side::Server => &mut self.answer,
        }
    }

    fn is_done(&self) -> bool {
        matches!((&self.request, &self.answer), (Half::Done, Half::Done))
    }
}

impl Http2 {
    /// The fields of a request, or of its trailer section.
    pub(super) fn request_fields(&mut self, id: u32, head: Head, begun: Mark, end: bool, mark: Mark) {
        let known = self.streams.get(&id).map(|stream| (matches!(stream.request, Half::Waiting), stream.draft));
        let protocol = head.protocol.clone();
        match known {
            Some((true, draft)) => {
                // The answer stood before it in the capture.
                let request = self.request_of(head);
                if let Some(draft) = self.drafts.get_mut(draft) {
                    draft.set_request(request, begun, mark);
                }
            }
            None => {
                // RFC 9113, 5.1.1: a stream is not used again. The rest of a stream that is over, or whose head is not in
                // the capture, is no request.
                if head.is_trailer() || (!id.is_multiple_of(2) && id <= self.highest) {
                    return;
                }
                let request = self.request_of(head);
                let draft = Draft::new(&self.context, request, begun, mark, Some(id));
                self.open(id, draft, mark);
            }
            Some((false, _)) => {}
        }
        if !id.is_multiple_of(2) {
            self.highest = self.highest.max(id);
        }
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if let Half::Waiting = stream.request
            && let Some(draft) = self.drafts.get(stream.draft)
        {
            let request = draft.request();
            let collector = Collector::new(&request.headers, Some(Vec::new()), &self.context);
            if request.method == "CONNECT" {
                stream.tunnel = Some(After::stream(&self.context, protocol.as_deref(), mark));
            }
            stream.request = Half::Body(Box::new(collector), mark);
        }
        if end {
            self.half_done(id, Side::Client, End::Whole, mark);
        }
    }

    fn request_of(&self, head: Head) -> Request {
        let authority = head.authority.or_else(|| head.headers.get("host").map(Into::into));
        Request {
            method: head.method.unwrap_or_default(),
            scheme: head.scheme.map_or_else(|| self.context.scheme().into(), |scheme| scheme.to_ascii_lowercase()),
            authority: authority.unwrap_or_default(),
            target: head.path.filter(|path| &**path != "*").unwrap_or_default(),
            version: Some("h2".into()),
            headers: head.headers,
            body: Body::none(),
        }
    }

    fn open(&mut self, id: u32, draft: Draft, mark: Mark) {
        self.drafts.push(draft);
        self.streams.insert(id, Stream::new(self.drafts.len() - 1));
        if self.streams.len() > bounds::STREAMS {
            self.close_resets();
        }
        if self.streams.len() > bounds::STREAMS
            && let Some((_, oldest)) = self.streams.pop_first()
        {
            if !std::mem::replace(&mut self.over_limit, true) {
                let most = bounds::STREAMS;
                self.problems
                    .add(mark, format!("more than {most} HTTP/2 streams open at once; the oldest are given up"));
            }
            self.close(oldest);
        }
    }

    /// Nothing comes any more on streams that were given up.
    fn close_resets(&mut self) {
        let (over, open) = std::mem::take(&mut self.streams).into_iter().partition(|(_, stream)| stream.reset);
        self.streams = open;
        let over: BTreeMap<u32, Stream> = over;
        over.into_values().for_each(|stream| self.close(stream));
    }

    /// The fields of a response, or of its trailer section.
    pub(super) fn answer_fields(&mut self, id: u32, head: Head, end: bool, mark: Mark) {
        if !self.streams.contains_key(&id) {
            // A stream that is over; or one whose request is not in the capture, or stands later in it.
            if id == 0 || id <= self.highest && !self.requests_lost {
                return;
            }
            self.open(id, Draft::without_request(&self.context, "h2", Some(id)), mark);
        }
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if let Half::Waiting = stream.answer {
            let Some(status) = head.status else {
                self.problems.add(mark, "response whose status is in an unknown table entry; kept without answer");
                stream.answer = Half::Done;
                return;
            };
            // RFC 9113, 8.1: interim responses go before the one that counts.
            if (100..200).contains(&status) && !end {
                return;
            }
            let collector = Collector::new(&head.headers, Some(Vec::new()), &self.context);
            stream.open = stream.tunnel.is_some() && (200..300).contains(&status);
            stream.answer = Half::Body(Box::new(collector), mark);
            if let Some(draft) = self.drafts.get_mut(stream.draft) {
                draft.answer(status, head.headers, mark);
            }
        }
        if end {
            self.half_done(id, Side::Server, End::Whole, mark);
        }
    }

    /// Octets of a DATA frame.
    pub(super) fn stream_data(&mut self, side: Side, header: FrameHeader, octets: Bytes, last: bool, mark: Mark) {
        let id = header.stream;
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let tunnelled = side == Side::Client || stream.open;
        if let Some(tunnel) = stream.tunnel.as_mut().filter(|_| tunnelled) {
            if !octets.is_empty() {
                tunnel.chunk(Chunk { side, content: Content::Data(octets), frame: mark.frame, time: mark.time });
            }
        } else if let Half::Body(body, end) = stream.half(side) {
            if !octets.is_empty() {
                body.push(octets, mark);
            }
            *end = mark;
        }
        if last && header.flags & flag::END_STREAM != 0 {
            self.half_done(id, side, End::Whole, mark);
        }
    }

    /// One side of a stream is over.
    fn half_done(&mut self, id: u32, side: Side, end: End, mark: Mark) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if let Half::Body(..) = stream.half(side)
            && let Half::Body(body, _) = std::mem::replace(stream.half(side), Half::Done)
            && let Some(draft) = self.drafts.get_mut(stream.draft)
        {
            finish(draft, side, body.finish(end), (end == End::Whole).then_some(mark));
        }
        if stream.is_done()
            && let Some(stream) = self.streams.remove(&id)
        {
            self.close(stream);
        }
    }

    /// RST_STREAM: this side sends no more, and wants no more. What the other side had sent already may still come.
    pub(super) fn reset(&mut self, side: Side, id: u32, code: Option<u32>, mark: Mark) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.reset = true;
        let name = error_name(code.unwrap_or_default());
        let by = if side == Side::Client { "client" } else { "server" };
        if let Some(draft) = self.drafts.get_mut(stream.draft) {
            draft.no_answer(&format!("RST_STREAM {name} by the {by}"));
        }
        if let Half::Waiting = stream.half(side) {
            *stream.half(side) = Half::Done;
        }
        self.half_done(id, side, End::Cut, mark);
    }

    /// What is left of a stream at its end.
    pub(super) fn close(&mut self, stream: Stream) {
        let Stream { draft, request, answer, tunnel, .. } = stream;
        // A tunnel has no body that could be cut.
        let end = if tunnel.is_some() { End::Whole } else { End::Cut };
        if let Some(draft) = self.drafts.get_mut(draft) {
            for (side, half) in [(Side::Client, request), (Side::Server, answer)] {
                if let Half::Body(body, _) = half {
                    finish(draft, side, body.finish(end), None);
                }
            }
        }
        if let Some(tunnel) = tunnel {
            self.found.add(tunnel.finish());
        }
    }
}

/// Puts a body into its message; `done`: what completed it. Wireshark shows a message of HTTP/2 where its head is, so
/// that its frame stays that one.
fn finish(draft: &mut Draft, side: Side, body: Body, done: Option<Mark>) {
    match side {
        Side::Client => draft.request_mut().body = body,
        Side::Server => {
            if let Some(Response { body: place, .. }) = draft.response_mut() {
                *place = body;
            }
            if let Some(mark) = done {
                draft.answer_ended(mark);
            }
        }
    }
}
