//! An exchange in the making.

use compact_str::{CompactString, format_compact};

use super::head::RequestHead;
use super::{Context, Mark};
use crate::decode::body::Body;
use crate::decode::exchange::{Answer, Exchange, Fields, Headers, Request, Response, Unknown, Withheld};
use crate::evidence::At;

/// An exchange of which more may come.
#[derive(Debug)]
pub(super) struct Draft(Exchange);

/// Where a request goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub scheme: Option<CompactString>,
    pub authority: CompactString,
    pub target: CompactString,
}

impl Draft {
    /// A request whose head is there. `begun`: its first octet; `mark`: what completed its head.
    pub(super) fn new(context: &Context, request: Request, begun: Mark, mark: Mark, h2_stream: Option<u32>) -> Self {
        Draft(Exchange {
            capture: context.conversation.capture,
            at: At::Frames {
                request: Some(mark.frame),
                response: None,
                tcp_stream: context.conversation.tcp_stream,
                h2_stream,
            },
            sent_at: Some(begun.time),
            answered_at: None,
            connection: context.connection.clone(),
            request,
            answer: Answer::NotRecorded,
        })
    }

    /// An answer whose request is not in the recording. Nothing is known of the request, its method included.
    pub(super) fn without_request(context: &Context, version: &str, h2_stream: Option<u32>) -> Self {
        let request = Request {
            method: CompactString::default(),
            scheme: context.scheme().into(),
            authority: CompactString::default(),
            target: CompactString::default(),
            version: Some(version.into()),
            headers: Headers { list: Fields::default(), withheld: Withheld::Everything },
            body: Body::not_recorded(Unknown::BodyNotRecorded),
        };
        let nowhere = Mark { frame: 0, time: crate::evidence::Timestamp(0) };
        let mut draft = Draft::new(context, request, nowhere, nowhere, h2_stream);
        draft.0.sent_at = None;
        if let At::Frames { request, .. } = &mut draft.0.at {
            *request = None;
        }
        draft
    }

    /// The request of an answer that stood before it in the capture.
    pub(super) fn set_request(&mut self, request: Request, begun: Mark, mark: Mark) {
        self.0.request = request;
        self.0.sent_at = Some(begun.time);
        self.request_done(mark);
    }

    /// Orders exchanges as their requests stand in the capture.
    pub(super) fn order(&self) -> (Option<crate::evidence::Timestamp>, Option<u32>) {
        (self.0.sent_at.or(self.0.answered_at), self.0.at.h2_stream())
    }

    /// The request as far as it is known.
    pub(super) fn request(&self) -> &Request {
        &self.0.request
    }

    /// The request, to be completed.
    pub(super) fn request_mut(&mut self) -> &mut Request {
        &mut self.0.request
    }

    /// The request is complete.
    pub(super) fn request_done(&mut self, mark: Mark) {
        if let At::Frames { request, .. } = &mut self.0.at {
            *request = Some(mark.frame);
        }
    }

    /// The head of the answer is there.
    pub(super) fn answer(&mut self, status: u16, headers: Headers, mark: Mark) {
        let body = Body::not_recorded(Unknown::BodyNotRecorded);
        self.0.answer = Answer::Received(Response { status, headers, body, from_cache: false });
        self.answer_done(mark, mark);
    }

    /// The answer, to be completed.
    pub(super) fn response_mut(&mut self) -> Option<&mut Response> {
        match &mut self.0.answer {
            Answer::Received(response) => Some(response),
            _ => None,
        }
    }

    /// The answer is complete. `last`: its last octet; `mark`: what shows that it was the last one.
    pub(super) fn answer_done(&mut self, last: Mark, mark: Mark) {
        self.0.answered_at = Some(last.time);
        if let At::Frames { response, .. } = &mut self.0.at {
            *response = Some(mark.frame);
        }
    }

    /// The answer is complete, and is shown where its head is.
    pub(super) fn answer_ended(&mut self, last: Mark) {
        self.0.answered_at = Some(last.time);
    }

    /// The answer goes on in HTTP/2 after an upgrade.
    pub(super) fn set_h2_stream(&mut self, id: u32) {
        if let At::Frames { h2_stream, .. } = &mut self.0.at {
            *h2_stream = Some(id);
        }
    }

    /// The request alone: what came was no answer to it.
    pub(super) fn unanswered(mut self) -> Self {
        self.0.answer = Answer::NotRecorded;
        self.0.answered_at = None;
        if let At::Frames { response, .. } = &mut self.0.at {
            *response = None;
        }
        self
    }

    /// Whether the head of an answer has come.
    pub(super) fn is_answered(&self) -> bool {
        matches!(self.0.answer, Answer::Received(_))
    }

    /// No answer came, and none can come. Does nothing where one came.
    pub(super) fn no_answer(&mut self, why: &str) {
        if !self.is_answered() {
            self.0.answer = Answer::None(why.to_owned());
        }
    }

    /// The exchange as it is.
    pub(super) fn into_exchange(self) -> Exchange {
        self.0
    }
}

/// The request of an HTTP/1 head.
pub(super) fn request_of(context: &Context, head: RequestHead, withheld: Withheld) -> Request {
    let host = head.fields.values("host").next().unwrap_or_default();
    let Target { scheme, authority, target } = target_of(&head.method, &head.target, host);
    Request {
        scheme: scheme.unwrap_or_else(|| context.scheme().into()),
        authority,
        target,
        version: Some(format_compact!("http/1.{}", head.minor)),
        headers: Headers { list: head.fields, withheld },
        method: head.method,
        body: Body::none(),
    }
}

/// The four forms of a request target (RFC 9112, 3.2).
fn target_of(method: &str, target: &str, host: &str) -> Target {
    if method == "CONNECT" {
        return Target { scheme: None, authority: target.into(), target: CompactString::default() };
    }
    // RFC 9112, 3.3: the asterisk form has neither path nor query.
    let target = if target == "*" { "" } else { target.split('#').next().unwrap_or_default() };
    match target.split_once("://") {
        // RFC 9112, 3.2.2: the absolute form goes before the Host field.
        Some((scheme, rest)) if !target.starts_with('/') => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let target = if path.starts_with('/') { path.into() } else { format_compact!("/{path}") };
            Target { scheme: Some(scheme.to_ascii_lowercase().into()), authority: authority.into(), target }
        }
        _ => Target { scheme: None, authority: host.into(), target: target.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, target: &str, expected: (Option<&str>, &str, &str)) {
        let found = target_of(method, target, "host");
        assert_eq!((found.scheme.as_deref(), &*found.authority, &*found.target), expected);
    }

    #[test]
    fn forms_of_a_target() {
        check("GET", "/a?u=http://b/", (None, "host", "/a?u=http://b/"));
        check("GET", "HTTP://b:80?q", (Some("http"), "b:80", "/?q"));
        check("GET", "http://b", (Some("http"), "b", "/"));
        check("CONNECT", "b:443", (None, "b:443", ""));
        check("OPTIONS", "*", (None, "host", ""));
    }
}
