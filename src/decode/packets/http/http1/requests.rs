//! Requests of an HTTP/1 connection.

use bytes::Bytes;

use super::super::collect::Collector;
use super::super::draft::{Draft, request_of};
use super::super::framing::{self, Framing, members};
use super::super::{Mark, bounds, head};
use super::way::Message;
use super::{Http1, Side};
use crate::decode::body::Body;
use crate::decode::exchange::{Headers, Unknown, Withheld};

impl Http1 {
    /// A request head is there; what follows it is its body.
    pub(super) fn request_head(&mut self, octets: &Bytes, begun: Mark, mark: Mark) {
        let Some(head) = head::request(octets) else {
            self.client.search(false);
            return self.messages_lost(Side::Client);
        };
        let (minor, odd) = (head.minor, head.odd);
        let request = request_of(&self.context, head, Withheld::Nothing);
        let tunnel = request.method == "CONNECT";
        let mut body = framing::of_request(&request.headers.list, minor);
        if tunnel {
            // RFC 9110, 9.3.6: what follows belongs to the tunnel.
            body.framing = Framing::None;
        }
        let several_hosts = request.headers.all("host").nth(1).is_some();
        let hosts = several_hosts.then_some("has more than one Host field; the first one is used");
        for problem in [body.shape, odd, hosts].into_iter().flatten() {
            self.problems.add(mark, format!("request {problem}"));
        }
        let turns = tunnel || asks_for_upgrade(&request.headers);
        let collector = Collector::of(body.framing, body.codings, &request.headers, &self.context);
        let index = self.add(Draft::new(&self.context, request, begun, mark, None));
        if turns {
            self.turning = Some(index);
        }
        if let Some(collector) = collector {
            self.client.body(body.framing, Message { draft: index, body: collector, last: mark });
        }
    }

    /// The head of a request has no end in the capture.
    pub(super) fn partial_request(&mut self, octets: &Bytes, begun: Mark) {
        let Some(head) = head::request(octets) else { return };
        let kept = head.fields.len();
        let mut request = request_of(&self.context, head, Withheld::Everything);
        request.body = Body::not_recorded(Unknown::BodyNotRecorded);
        self.problems.add(begun, format!("request is cut off in its head; kept the first {kept} fields"));
        self.add(Draft::new(&self.context, request, begun, begun, None));
    }

    fn add(&mut self, draft: Draft) -> usize {
        let answered_all = self.outstanding.is_empty();
        if answered_all && self.server.is_between_messages() {
            self.requests_lost = false;
        }
        self.pipelined |= !answered_all && !self.answers_lost;
        let index = self.drafts.len();
        if index == 0 {
            // Most connections of a recording hold one exchange, which is large.
            self.drafts.reserve_exact(1);
        }
        self.drafts.push(draft);
        self.outstanding.push_back(index);
        if self.outstanding.len() > bounds::OUTSTANDING {
            self.outstanding.pop_front();
            self.answers_lost = true;
        }
        index
    }
}

/// RFC 9110, 7.8: `Upgrade` counts where `Connection` names it.
fn asks_for_upgrade(headers: &Headers) -> bool {
    headers.get("upgrade").is_some()
        && members(&headers.list, "connection").any(|option| option.eq_ignore_ascii_case("upgrade"))
}
