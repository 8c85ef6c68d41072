//! One exchange while it happens: what was seen of it so far.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::{HeaderMap, Method, StatusCode, Version};
use tokio::sync::oneshot;

use super::entry;
use super::recorder::{Recorder, lock};
use crate::decode::event_ends::EventEnds;
use crate::evidence::Timestamp;

/// One exchange, shared by the two bodies that pass.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Its number in this recording, in the order of beginnings.
    pub(super) number: u64,
    /// When the header fields of the request were there.
    pub(super) started_at: Timestamp,
    began: Instant,
    /// The client's connection to the proxy.
    pub(super) connection: u64,
    /// The client's address.
    pub(super) client: SocketAddr,
    /// The request without its body.
    pub(super) request: RequestHead,
    recorder: Arc<Recorder>,
    /// Octets of memory that its heads take.
    weight: AtomicUsize,
    seen: Mutex<Seen>,
    changed: AtomicBool,
}

/// A request without its body, as the client sent it.
#[derive(Debug)]
pub(super) struct RequestHead {
    /// Method.
    pub(super) method: Method,
    /// Absolute URL in the client's names.
    pub(super) url: String,
    /// Version on the client's side.
    pub(super) version: Version,
    /// Header fields.
    pub(super) headers: HeaderMap,
}

/// What changes while an exchange happens.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Body of the request.
    pub(super) request_body: Kept,
    /// The response; `None` before it came.
    pub(super) response: Option<ResponseHead>,
    /// Its body.
    pub(super) response_body: Kept,
    /// The server's address; `None` before it answered.
    pub(super) server: Option<SocketAddr>,
    /// How it ended; `None` while it goes on.
    pub(super) ended: Option<(Duration, End)>,
    /// What was changed on the way.
    pub(super) changes: Vec<Change>,
    /// Header fields of the request that were not passed on, beside those that are meant for the next hop only.
    pub(super) kept_back: Vec<&'static str>,
    /// Octets that passed in a tunnel after this exchange: from the client, from the server.
    pub(super) tunnel: Option<(u64, u64)>,
    /// Whether the entry was given to the recorder.
    recorded: bool,
}

/// A response without its body, as the client got it.
#[derive(Debug, Clone)]
pub(super) struct ResponseHead {
    /// After so long.
    pub(super) after: Duration,
    /// Status code.
    pub(super) status: StatusCode,
    /// Version on the server's side.
    pub(super) version: Version,
    /// Header fields.
    pub(super) headers: HeaderMap,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Both messages were passed on whole.
    Whole,
    /// No answer came, or it broke off: why.
    Broken(String),
    /// The client went away before the end.
    ClientGone,
    /// It was not passed on, since the proxy itself would have spoilt it: why.
    Refused(String),
}

/// Something that the proxy changed, as it is written in the recording and undone by the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Where: `request.url`, `response.header.location`, `response.body`.
    pub(super) place: String,
    /// What the client has there.
    pub(super) here: String,
    /// What the server has there.
    pub(super) there: String,
}

/// A body as far as it is kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The first octets.
    pub(super) octets: Vec<u8>,
    /// How many passed.
    pub(super) passed: u64,
    /// Whether its end passed.
    pub(super) whole: bool,
    /// The events of an event stream.
    pub(super) events: Option<Events>,
}

/// When the events of a stream came.
#[derive(Debug, Default, Clone)]
pub(super) struct Events {
    /// Milliseconds after the beginning of the exchange, one for each event in the order of the stream.
    pub(super) times: Vec<f64>,
    ends: EventEnds,
}

/// Events whose times are kept.
const EVENTS: usize = 100_000;

impl Events {
    fn read(&mut self, octets: &[u8], milliseconds: f64) {
        for octet in octets {
            if self.ends.ends_with(*octet) && self.times.len() < EVENTS {
                self.times.push(milliseconds);
            }
        }
    }
}

/// Octets that an exchange takes beside its messages, roughly, and a header field beside its name and value.
const EXCHANGE: usize = 2048;
const FIELD: usize = 64;

impl RequestHead {
    fn weight(&self) -> usize {
        EXCHANGE + self.url.len() + weight(&self.headers)
    }
}

fn weight(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| FIELD + name.as_str().len() + value.len()).sum()
}

impl Seen {
    /// A copy with so many octets of each body.
    fn first(&self, octets: usize) -> Seen {
        Seen {
            request_body: self.request_body.first(octets),
            response: self.response.clone(),
            response_body: self.response_body.first(octets),
            server: self.server,
            ended: self.ended.clone(),
            changes: self.changes.clone(),
            kept_back: self.kept_back.clone(),
            tunnel: self.tunnel,
            recorded: self.recorded,
        }
    }
}

impl Kept {
    fn first(&self, octets: usize) -> Kept {
        let first = self.octets.get(..self.octets.len().min(octets)).unwrap_or_default();
        Kept { octets: first.to_vec(), passed: self.passed, whole: self.whole, events: self.events.clone() }
    }

    fn read(&mut self, octets: &[u8], milliseconds: f64, recorder: &Recorder) {
        self.passed += octets.len() as u64;
        let room = recorder.bounds().body.saturating_sub(self.octets.len());
        // Once something was left out nothing is kept any more: a body with a hole is none.
        let is_first_part = self.octets.len() as u64 + octets.len() as u64 == self.passed;
        let taken = octets.get(..octets.len().min(room)).unwrap_or_default();
        if is_first_part && !taken.is_empty() && recorder.hold_body(taken.len()) {
            self.octets.extend_from_slice(taken);
            if let Some(events) = &mut self.events {
                events.read(taken, milliseconds);
            }
        }
    }

    /// Whether the end of what passed is not kept.
    pub(super) fn is_cut(&self) -> bool {
        (self.octets.len() as u64) < self.passed
    }
}

/// Which body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// That of the request.
    Request,
    /// That of the response.
    Response,
}

impl Exchange {
    /// A request came. `None` where there is no memory to record it: then it is to be refused.
    pub(super) fn begin(
        recorder: &Arc<Recorder>,
        connection: u64,
        client: SocketAddr,
        request: RequestHead,
        changes: Vec<Change>,
    ) -> Option<Arc<Exchange>> {
        let weight = request.weight();
        if !recorder.hold(weight) {
            return None;
        }
        let exchange = Arc::new(Exchange {
            number: recorder.number(),
            started_at: Timestamp(jiff::Timestamp::now().as_microsecond()),
            began: Instant::now(),
            connection,
            client,
            request,
            recorder: Arc::clone(recorder),
            weight: AtomicUsize::new(weight),
            seen: Mutex::new(Seen { changes, ..Seen::default() }),
            changed: AtomicBool::new(true),
        });
        recorder.opened(&exchange);
        Some(exchange)
    }

    /// The answer began.
    pub(super) fn answered(
        &self,
        status: StatusCode,
        version: Version,
        headers: HeaderMap,
        server: Option<SocketAddr>,
        changes: Vec<Change>,
    ) {
        let more = weight(&headers);
        self.recorder.take(more);
        self.weight.fetch_add(more, Ordering::Relaxed);
        let mut seen = lock(&self.seen);
        let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
        // The ends of events cannot be seen in a coded stream.
        let coded = headers.contains_key(CONTENT_ENCODING);
        if !coded && content_type.is_some_and(|value| value.starts_with(b"text/event-stream")) {
            seen.response_body.events = Some(Events::default());
        }
        seen.server = server;
        seen.changes.extend(changes);
        seen.response = Some(ResponseHead { after: self.began.elapsed(), status, version, headers });
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Octets of a body come by.
    pub(super) fn octets(&self, side: Side, octets: &[u8]) {
        let milliseconds = self.began.elapsed().as_secs_f64() * 1e3;
        let mut seen = lock(&self.seen);
        let body = if side == Side::Request { &mut seen.request_body } else { &mut seen.response_body };
        body.read(octets, milliseconds, &self.recorder);
        self.changed.store(true, Ordering::Relaxed);
    }

    /// A body ended as it should.
    pub(super) fn body_ended(&self, side: Side) {
        let mut seen = lock(&self.seen);
        let body = if side == Side::Request { &mut seen.request_body } else { &mut seen.response_body };
        body.whole = true;
    }

    /// Something in the request was changed.
    pub(super) fn changes(&self, changes: Vec<Change>) {
        lock(&self.seen).changes.extend(changes);
    }

    /// A header field of the request was not passed on.
    pub(super) fn kept_back(&self, name: &'static str) {
        lock(&self.seen).kept_back.push(name);
    }

    /// A tunnel that this exchange opened has ended, with so many octets from the client and from the server.
    pub(super) fn tunnelled(&self, from_client: u64, from_server: u64) {
        lock(&self.seen).tunnel = Some((from_client, from_server));
    }

    /// The exchange is over: its entry is written. `None` where that was said before; else whether it is in the file.
    pub(super) fn end(&self, end: End) -> Option<oneshot::Receiver<bool>> {
        {
            let mut seen = lock(&self.seen);
            if std::mem::replace(&mut seen.recorded, true) {
                return None;
            }
            seen.ended = Some((self.began.elapsed(), end));
        }
        let written = self.recorder.completed(self, self.entry());
        let mut seen = lock(&self.seen);
        let Seen { request_body, response_body, .. } = &mut *seen;
        for body in [request_body, response_body] {
            self.recorder.release(std::mem::take(&mut body.octets).len());
        }
        Some(written)
    }

    /// The recording ends before the exchange does: its entry is written as far as it was seen.
    pub(super) fn leave_open(&self) {
        if !std::mem::replace(&mut lock(&self.seen).recorded, true) {
            // Nobody waits: what has no entry of a whole exchange is not passed on any more.
            drop(self.recorder.completed(self, self.entry()));
        }
    }

    /// The entry of what was seen.
    fn entry(&self) -> Bytes {
        entry::write(self, &lock(&self.seen))
    }

    /// The entry as far as the exchange was seen, with so many octets of each body. What passes does not wait for it.
    pub(super) fn entry_so_far(&self, octets: usize) -> Bytes {
        let seen = lock(&self.seen).first(octets);
        entry::write(self, &seen)
    }

    /// Whether anything was seen since this was asked last.
    pub(super) fn changed(&self) -> bool {
        self.changed.swap(false, Ordering::Relaxed)
    }

    /// How long it has been.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.recorder.release(*self.weight.get_mut());
    }
}
