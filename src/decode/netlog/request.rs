//! A URL request, from the events about it.

use std::net::SocketAddr;

use memchr::memmem;

use super::event::Params;
use crate::decode::body::Body;
use crate::decode::exchange::{
    self, Answer, Connection, Exchange, Fields, Headers, Request, Response, Unknown, Withheld,
};
use crate::decode::fields::{Pairs, fields};
use crate::decode::format::Problems;
use crate::decode::message::{field, status_line};
use crate::decode::{ReadOptions, url};
use crate::evidence::{At, CaptureId, Timestamp};

/// What was done to find a connection.
#[derive(Debug)]
pub(super) struct Job {
    /// The socket that was found.
    pub(super) socket: i64,
}

/// How far behind the last request on a connection the next one is looked for, in octets.
const NEAR: usize = 256 << 10;

/// A connection.
#[derive(Debug, Default)]
pub(super) struct Socket {
    client: Option<SocketAddr>,
    server: Option<SocketAddr>,
    /// What was sent over it.
    sent: Vec<u8>,
    /// Where in it the last request that was found ends.
    found: usize,
}

impl Socket {
    /// Takes an event.
    pub(super) fn take(&mut self, params: &Params, sent: Option<Vec<u8>>) {
        let address = |name: &str| params.text(name).and_then(|text| text.parse().ok());
        self.client = address("local_address").or(self.client);
        self.server = address("remote_address").or(self.server);
        self.sent.extend(sent.unwrap_or_default());
    }

    /// The body of a request of HTTP/1.1 that was sent over it: what follows its head. Requests are asked for in the order
    /// in which they were sent.
    fn body_after(&mut self, head: &[u8], length: usize) -> Option<Vec<u8>> {
        let rest = self.sent.get(self.found..)?;
        let near = rest.get(..rest.len().min(head.len() + NEAR))?;
        let start = self.found + memmem::find(near, head)? + head.len();
        let end = start.checked_add(length)?;
        let body = self.sent.get(start..end)?.to_vec();
        self.found = end;
        Some(body)
    }
}

/// One time that a request was sent, or was to be sent.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    id: i64,
    method: String,
    url: String,
    began_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// The job that found its connection.
    pub(super) job: Option<i64>,
    /// First line of HTTP/1.1.
    line: Option<String>,
    version: Option<&'static str>,
    sent: Option<Vec<String>>,
    sent_body: Option<usize>,
    received: Option<Vec<String>>,
    body: Vec<u8>,
    /// Octets of the body that were received and are not in the log.
    body_missing: bool,
    error: Option<String>,
}

impl Attempt {
    /// What `URL_REQUEST_START_JOB` says.
    pub(super) fn new(id: i64, params: &Params, at: Option<Timestamp>) -> Self {
        let text = |name: &str| params.text(name).unwrap_or_default().to_owned();
        Attempt { id, method: text("method"), url: text("url"), began_at: at, ..Attempt::default() }
    }

    /// The same request once more.
    pub(super) fn again(&self, at: Option<Timestamp>) -> Self {
        let (method, url) = (self.method.clone(), self.url.clone());
        Attempt { id: self.id, method, url, began_at: at, job: self.job, ..Attempt::default() }
    }

    /// Whether an answer came.
    pub(super) fn is_answered(&self) -> bool {
        self.received.is_some()
    }

    /// Whether it is of HTTP at all.
    pub(super) fn is_http(&self) -> bool {
        ["http://", "https://", "ws://", "wss://"].iter().any(|scheme| self.url.starts_with(scheme))
    }

    /// Takes an event.
    pub(super) fn take(
        &mut self,
        name: &str,
        params: &Params,
        at: Option<Timestamp>,
        octets: Option<Vec<u8>>,
        error: Option<String>,
    ) {
        match name {
            "HTTP_STREAM_REQUEST_BOUND_TO_JOB" => self.job = params.dependency(),
            "HTTP_TRANSACTION_SEND_REQUEST_HEADERS" => self.send(params, None, at),
            "HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS" => self.send(params, Some("h2"), at),
            "HTTP_TRANSACTION_QUIC_SEND_REQUEST_HEADERS" => self.send(params, Some("h3"), at),
            "HTTP_TRANSACTION_SEND_REQUEST_BODY" => self.sent_body = params.count("length"),
            "UPLOAD_DATA_STREAM_INIT" => self.sent_body = params.count("total_size").or(self.sent_body),
            "HTTP_TRANSACTION_READ_RESPONSE_HEADERS" => {
                self.received = Some(params.headers().into_iter().map(str::to_owned).collect());
                self.ended_at = at;
            }
            "URL_REQUEST_JOB_FILTERED_BYTES_READ" => {
                self.body_missing |= octets.is_none() && params.count("byte_count") != Some(0);
                self.body.extend(octets.unwrap_or_default());
                self.ended_at = at;
            }
            "FAILED" | "URL_REQUEST_START_JOB" | "REQUEST_ALIVE" => self.error = error.or(self.error.take()),
            "CANCELLED" => self.error = self.error.take().or_else(|| Some("cancelled".to_owned())),
            _ => {}
        }
    }

    fn send(&mut self, params: &Params, version: Option<&'static str>, at: Option<Timestamp>) {
        self.sent = Some(params.headers().into_iter().map(str::to_owned).collect());
        self.line = params.text("line").map(str::to_owned);
        self.version = version;
        self.began_at = at.or(self.began_at);
    }

    /// The exchange.
    pub(super) fn finish(
        self,
        capture: CaptureId,
        socket: Option<(i64, &mut Socket)>,
        options: &ReadOptions,
        problems: &mut Problems,
    ) -> Exchange {
        let number = u32::try_from(self.id).unwrap_or(u32::MAX);
        let mut say = |message: String| problems.say(Some(format!("source {number}")), message);
        if self.method.is_empty() {
            say("request has no method; kept without".to_owned());
        }
        let url = url::split(&self.url);
        let version = match (self.version, &self.line) {
            (Some(version), _) => Some(version.into()),
            (None, line) => line.as_deref().and_then(|line| exchange::version(line.trim_end().rsplit(' ').next()?)),
        };
        let mut connection = Connection::default();
        let mut sent = None;
        if let Some((id, socket)) = socket {
            connection = Connection {
                id: Some(id.to_string().into()),
                client: socket.client,
                server: socket.server,
                ..Connection::default()
            };
            let length = self.sent_body.unwrap_or(0);
            sent = self.head().and_then(|head| socket.body_after(&head, length)).filter(|body| !body.is_empty());
        }
        let request_body = match (self.sent_body, sent) {
            (_, Some(octets)) => Body::plain(octets),
            (Some(0), _) => Body::none(),
            (None, _) if self.sent.is_some() => Body::none(),
            _ => Body::not_recorded(Unknown::BodyNotRecorded),
        };
        let request = Request {
            headers: headers("request", self.sent.as_deref(), options, &mut say),
            authority: url.authority.into(),
            target: url.target.into(),
            scheme: url.scheme.into(),
            method: self.method.as_str().into(),
            version,
            body: request_body,
        };
        let (sent_at, ended_at) = (self.began_at, self.ended_at);
        let answer = self.answer(options, &mut say);
        let answered_at = ended_at.filter(|_| answer.response().is_some());
        let at = At::Item { word: "source", number };
        Exchange { capture, at, sent_at, answered_at, connection, request, answer }
    }

    /// The head of HTTP/1.1 as it was sent.
    fn head(&self) -> Option<Vec<u8>> {
        let mut head = self.line.clone()?.into_bytes();
        for line in self.sent.as_ref()? {
            head.extend_from_slice(line.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        Some(head)
    }

    fn answer(self, options: &ReadOptions, say: &mut dyn FnMut(String)) -> Answer {
        let Some(lines) = &self.received else {
            // Without an error it may be an answer from the cache, or one that was still to come.
            return self.error.map_or(Answer::NotRecorded, Answer::None);
        };
        // HTTP/2 has no status line; Chromium writes one, or the pseudo-header.
        let status = lines.first().and_then(|line| {
            status_line(line.trim_end()).or_else(|| line.strip_prefix(":status: ")?.trim().parse().ok())
        });
        let Some(status) = status else {
            say("response has no status; kept without response".to_owned());
            return Answer::NotRecorded;
        };
        let bare = (100..200).contains(&status) || matches!(status, 204 | 205) || self.method == "HEAD";
        let is_stream =
            lines.iter().any(|line| line.to_ascii_lowercase().starts_with("content-type: text/event-stream"));
        let body = match (bare, self.body_missing, self.body.is_empty()) {
            (true, ..) => Body::none(),
            _ if self.error.is_some() && !is_stream => Body::not_recorded(Unknown::BodyUnreadable),
            (_, false, false) => Body::plain(self.body),
            _ => Body::not_recorded(Unknown::BodyNotRecorded),
        };
        let headers = headers("response", lines.get(1..), options, say);
        Answer::Received(Response { status, headers, body, from_cache: false })
    }
}

/// Header lines. In the default mode credentials are replaced by how many octets they had.
fn headers(whose: &str, lines: Option<&[String]>, options: &ReadOptions, say: &mut dyn FnMut(String)) -> Headers {
    let Some(lines) = lines else { return Headers { list: Fields::default(), withheld: Withheld::Everything } };
    let mut pairs = Pairs::new(options.limits.headers);
    for line in lines {
        // Pseudo-headers are parts of the request that stand elsewhere.
        if let Some((name, value)) = field(line).filter(|(name, _)| !name.starts_with(':')) {
            pairs.push(&name, &value);
        }
    }
    let mut withheld = Withheld::Nothing;
    if pairs.over_limit {
        withheld = Withheld::Everything;
        say(format!("{whose} headers over the limit; kept the first {}", pairs.len()));
    }
    let mut list = fields(pairs);
    let is_note = |value: &str| value.starts_with('[') && value.ends_with(" bytes were stripped]");
    list.mask(|header| header.value.is_some_and(is_note));
    Headers { list, withheld }
}
