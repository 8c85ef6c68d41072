//! Answers of an HTTP/1 connection, and what they turn the connection into.

use bytes::Bytes;

use super::super::after::After;
use super::super::collect::Collector;
use super::super::draft::Draft;
use super::super::framing::{self, Framing};
use super::super::http2::Http2;
use super::super::{Mark, head};
use super::way::Message;
use super::{Http1, Side};
use crate::decode::body::Body;
use crate::decode::exchange::{Headers, Withheld};

impl Http1 {
    /// The head of a response is there; what follows it is its body.
    pub(super) fn answer_head(&mut self, octets: &Bytes, mark: Mark) {
        let Some(head) = head::response(octets) else {
            self.server.search(false);
            return self.messages_lost(Side::Server);
        };
        // RFC 9110, 15.2: interim responses go before the one that counts.
        if matches!(head.status, 100 | 102..=199) {
            return;
        }
        let index = self.request_answered(mark);
        let Some(draft) = self.drafts.get_mut(index) else { return };
        let headers = Headers { list: head.fields, withheld: Withheld::Nothing };
        let method = draft.request().method.clone();
        let mut body = framing::of_response(&headers.list, head.minor, head.status, &method);
        for problem in [body.shape, head.odd].into_iter().flatten() {
            self.problems.add(mark, format!("response {problem}"));
        }
        let upgrade = headers.get("upgrade").unwrap_or_default().to_ascii_lowercase();
        let tunnel = method == "CONNECT" && matches!(head.status, 200..=299);
        if tunnel {
            // RFC 9110, 9.3.6: whatever the fields say.
            body.framing = Framing::None;
        }
        let collector = Collector::of(body.framing, body.codings, &headers, &self.context);
        draft.answer(head.status, headers, mark);
        if let Some(collector) = collector {
            self.server.body(body.framing, Message { draft: index, body: collector, last: mark });
        } else if let Some(response) = draft.response_mut() {
            response.body = Body::none();
        }
        if self.turning == Some(index) {
            self.turning = None;
        }
        match head.status {
            101 if upgrade == "h2c" => self.turn_to_http2(index),
            101 => self.turn(After::upgrade(&upgrade, mark)),
            _ if tunnel => self.turn(After::tunnel(&self.context, mark)),
            _ => {}
        }
    }

    /// The head of a response has no end in the capture.
    pub(super) fn partial_answer(&mut self, octets: &Bytes, begun: Mark) {
        let Some(head) = head::response(octets).filter(|head| !matches!(head.status, 100..=199)) else { return };
        let kept = head.fields.len();
        self.problems.add(begun, format!("response is cut off in its head; kept the first {kept} fields"));
        let index = self.request_answered(begun);
        if let Some(draft) = self.drafts.get_mut(index) {
            draft.answer(head.status, Headers { list: head.fields, withheld: Withheld::Everything }, begun);
        }
        if self.turning == Some(index) {
            self.turning = None;
        }
    }

    /// The exchange to which a response belongs that begins now.
    fn request_answered(&mut self, mark: Mark) -> usize {
        if self.answers_lost && self.outstanding.len() > 1 {
            // Answers are missing. Where the client waits for each answer, this one is for the last request; otherwise
            // nobody knows.
            let last = self.outstanding.pop_back().filter(|_| !self.pipelined);
            self.outstanding.clear();
            self.answers_lost = false;
            if let Some(last) = last {
                return last;
            }
        }
        self.answers_lost = false;
        if let Some(next) = self.outstanding.pop_front() {
            return next;
        }
        self.problems.add(mark, "response without its request in the capture; kept without request");
        self.drafts.push(Draft::without_request(&self.context, "http/1.1", None));
        self.drafts.len() - 1
    }

    /// RFC 7540, 3.2: the request is answered on stream 1; this answer was an interim one.
    fn turn_to_http2(&mut self, index: usize) {
        // The request is the last one: the client waits with the next.
        let mut upgraded = None;
        if index + 1 == self.drafts.len() {
            upgraded = self.drafts.pop().map(Draft::unanswered);
        }
        let mut context = self.context.clone();
        context.facts.mid_stream = false;
        self.turn(After::Layer(Box::new(Http2::new(context, upgraded))));
    }

    /// From here on both sides speak something else.
    fn turn(&mut self, mut after: After) {
        // What the client sent already came before this answer in the capture.
        while let Some(chunk) = self.client.unhold() {
            after.chunk(chunk);
        }
        self.after = Some(after);
    }
}
