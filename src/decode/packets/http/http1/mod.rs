//! HTTP/1.0 and 1.1 (RFC 9112): requests of one side, answers of the other, matched in order.
//!
//! An answer waits for its request and a tunnel for its answer, so that the order in which a capture shows the two sides
//! does not matter.

mod answers;
mod requests;
mod way;

use std::collections::VecDeque;

use bytes::Bytes;

use super::after::After;
use super::collect::End;
use super::draft::Draft;
use super::{Context, Found, Layer, Mark, Problems, bounds};
use crate::decode::packets::stream::{Chunk, Content, Side, Sink};
use way::{Progress, Way};

/// One connection.
pub(super) struct Http1 {
    context: Box<Context>,
    client: Way,
    server: Way,
    drafts: Vec<Draft>,
    /// Requests whose answers have not begun.
    outstanding: VecDeque<usize>,
    /// Requests may be missing from the capture: an answer without a request is not kept waiting.
    requests_lost: bool,
    /// Answers may be missing from the capture.
    answers_lost: bool,
    /// Requests were sent without waiting for answers.
    pipelined: bool,
    /// The request after which the client may speak another protocol, until its answer decides.
    turning: Option<usize>,
    after: Option<After>,
    problems: Problems,
}

impl Http1 {
    pub(super) fn new(context: Box<Context>) -> Self {
        Http1 {
            requests_lost: context.facts.mid_stream,
            context,
            client: Way::new(Side::Client),
            server: Way::new(Side::Server),
            drafts: Vec::new(),
            outstanding: VecDeque::new(),
            answers_lost: false,
            pipelined: false,
            turning: None,
            after: None,
            problems: Problems::default(),
        }
    }

    fn way(&mut self, side: Side) -> &mut Way {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Whether what comes next from `side` must wait for the other side.
    fn must_wait(&self, side: Side) -> bool {
        if self.after.is_some() {
            return false;
        }
        match side {
            Side::Client => self.turning.is_some() && self.client.is_between_messages() && self.server.ended.is_none(),
            Side::Server => {
                self.outstanding.is_empty()
                    && !self.requests_lost
                    && self.client.ended.is_none()
                    && self.server.is_between_messages()
            }
        }
    }

    /// The next chunk that waits no longer, in the order of the recording.
    fn next_released(&self) -> Option<&Chunk> {
        let client = self.client.held.front().filter(|_| !self.must_wait(Side::Client));
        let server = self.server.held.front().filter(|_| !self.must_wait(Side::Server));
        [client, server].into_iter().flatten().min_by_key(|chunk| chunk.frame)
    }

    /// Reads chunks that wait no longer.
    fn release(&mut self) {
        while let Some(side) = self.next_released().map(|chunk| chunk.side) {
            let Some(chunk) = self.way(side).unhold() else { return };
            self.read(chunk);
        }
    }

    fn read(&mut self, chunk: Chunk) {
        if let Some(after) = &mut self.after {
            after.chunk(chunk);
            return;
        }
        let (side, mark) = (chunk.side, Mark::of(&chunk));
        match chunk.content {
            Content::Data(octets) => self.data(side, octets, mark),
            Content::Gap(octets) => self.gap(side, octets, mark),
            Content::End { by_reset } => self.end(side, by_reset, mark),
        }
    }

    fn data(&mut self, side: Side, mut octets: Bytes, mark: Mark) {
        while !octets.is_empty() {
            let rest = |octets| Chunk { side, content: Content::Data(octets), frame: mark.frame, time: mark.time };
            if let Some(after) = &mut self.after {
                return after.chunk(rest(octets));
            }
            if self.must_wait(side) || self.next_released().is_some_and(|chunk| chunk.frame < mark.frame) {
                return self.way(side).hold_first(rest(octets));
            }
            let most = self.context.limits.headers;
            match self.way(side).take(&mut octets, mark, most) {
                Progress::More => {}
                Progress::Head { octets: head, begun } => {
                    let head = self.context.kept(head);
                    match side {
                        Side::Client => self.request_head(&head, begun, mark),
                        Side::Server => self.answer_head(&head, mark),
                    }
                }
                Progress::Body(data) => {
                    let way = self.way(side);
                    if let Some(message) = &mut way.message {
                        message.body.push(data, mark);
                        message.last = mark;
                    }
                    if way.is_complete() {
                        self.message_done(side, End::Whole, mark);
                    }
                }
                Progress::Done => {
                    if let Some(message) = &mut self.way(side).message {
                        message.last = mark;
                    }
                    self.message_done(side, End::Whole, mark);
                }
                Progress::NotHttp(why) => {
                    if !self.drafts.is_empty() {
                        self.problems.add(mark, format!("{}: {why}; skipped to the next message", name(side)));
                    }
                    self.messages_lost(side);
                }
                Progress::TooLong => {
                    self.problems.add(mark, format!("{}: a head is longer than the limit; cut there", name(side)));
                    self.head_is_lost(side);
                    self.way(side).search(false);
                    self.messages_lost(side);
                }
                Progress::Broken(why) => {
                    self.problems.add(mark, format!("{}: {why}; the body is left out", name(side)));
                    if let Some(message) = &mut self.way(side).message {
                        message.body.unreadable();
                    }
                    self.message_done(side, End::Cut, mark);
                    self.way(side).search(false);
                    self.messages_lost(side);
                }
                Progress::NextFound => {
                    if self.way(side).message.is_some() {
                        self.messages_lost(side);
                    }
                    self.message_done(side, End::Cut, mark);
                }
            }
        }
    }

    /// Messages of `side` may have come that are not known.
    fn messages_lost(&mut self, side: Side) {
        match side {
            Side::Client => self.requests_lost = true,
            Side::Server => {
                self.answers_lost = true;
                self.turning = None;
            }
        }
    }

    /// What came of a head is all that comes.
    fn head_is_lost(&mut self, side: Side) -> bool {
        let Some((head, begun)) = self.way(side).partial_head() else { return false };
        match side {
            Side::Client => self.partial_request(&head, begun),
            Side::Server => self.partial_answer(&head, begun),
        }
        true
    }

    /// The message of `side` is complete, or no more comes of it.
    fn message_done(&mut self, side: Side, end: End, mark: Mark) {
        let way = self.way(side);
        way.message_over();
        let Some(message) = way.message.take() else { return };
        let (last, body) = (message.last, message.body.finish(end));
        let Some(draft) = self.drafts.get_mut(message.draft) else { return };
        match side {
            Side::Client => {
                draft.request_mut().body = body;
                if end == End::Whole {
                    draft.request_done(mark);
                }
            }
            Side::Server => {
                if let Some(response) = draft.response_mut() {
                    response.body = body;
                }
                if end == End::Whole {
                    draft.answer_done(last, mark);
                }
            }
        }
    }

    fn gap(&mut self, side: Side, octets: Option<u64>, mark: Mark) {
        if !self.head_is_lost(side) {
            let way = self.way(side);
            if way.gap(octets) {
                // The gap ends before the message does, or with it.
                if way.is_complete() {
                    self.message_done(side, End::Whole, mark);
                }
                return;
            }
            if way.searches_in_body() {
                return;
            }
            self.message_done(side, End::Cut, mark);
        }
        self.way(side).search(true);
        self.messages_lost(side);
    }

    fn end(&mut self, side: Side, by_reset: bool, mark: Mark) {
        self.head_is_lost(side);
        let whole = self.way(side).is_whole_at_close() && !by_reset;
        self.message_done(side, if whole { End::Whole } else { End::Cut }, mark);
        self.way(side).ended.get_or_insert(by_reset);
    }

    /// What is known of requests without an answer.
    fn settle(&mut self) {
        let reset = [&self.client, &self.server].into_iter().any(|way| way.ended == Some(true));
        let why = match self.server.ended {
            _ if self.answers_lost => return,
            _ if reset => "connection reset",
            Some(_) => "connection closed",
            None => return,
        };
        for draft in self.outstanding.drain(..) {
            if let Some(draft) = self.drafts.get_mut(draft) {
                draft.no_answer(why);
            }
        }
    }
}

impl Sink for Http1 {
    fn chunk(&mut self, chunk: Chunk) {
        if let Some(after) = &mut self.after {
            after.chunk(chunk);
            return;
        }
        let side = chunk.side;
        if self.must_wait(side) || !self.way(side).held.is_empty() {
            let way = self.way(side);
            way.hold_last(chunk);
            if way.held_octets > bounds::HELD {
                self.stop_waiting(side);
            }
        } else {
            self.read(chunk);
        }
        self.release();
    }
}

impl Http1 {
    /// Too much waits, or nothing more comes to wait for.
    fn stop_waiting(&mut self, side: Side) {
        match side {
            Side::Client => self.turning = None,
            Side::Server => self.requests_lost = true,
        }
    }
}

impl Layer for Http1 {
    fn finish(mut self: Box<Self>) -> Found {
        self.stop_waiting(Side::Client);
        self.stop_waiting(Side::Server);
        self.release();
        for side in [Side::Client, Side::Server] {
            self.head_is_lost(side);
            let nowhere = Mark { frame: 0, time: crate::evidence::Timestamp(0) };
            self.message_done(side, End::Cut, nowhere);
        }
        self.settle();
        let mut found = Found { recognised: true, ..Found::default() };
        let after = self.after.take().map(|after| after.finish()).unwrap_or_default();
        found.exchanges = self.drafts.into_iter().map(Draft::into_exchange).collect();
        found.problems = self.problems.into_list(&self.context);
        found.add(after);
        found
    }
}

/// Whose octets, in messages.
fn name(side: Side) -> &'static str {
    match side {
        Side::Client => "octets of the client",
        Side::Server => "octets of the server",
    }
}
