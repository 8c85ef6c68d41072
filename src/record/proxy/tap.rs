//! Bodies that are recorded while they pass.
//!
//! The last octets of a response wait until its entry is in the file: the end of the body where its length is not known
//! beforehand, the last piece where it is. Everything before leaves as it comes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;

use super::exchange::{End, Exchange, Side};
use super::lead;
use super::listen::Busy;
use super::names::Names;

/// A message broke off: why.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

/// A body on its way.
pub(super) struct Tap {
    /// Octets that go before those of the source.
    ready: VecDeque<Bytes>,
    source: Option<Incoming>,
    exchange: Option<(Arc<Exchange>, Side)>,
    /// Octets that are still to come, by `Content-Length`; `None` where the end tells.
    remaining: Option<u64>,
    /// The last piece, which waits for the recorder.
    held: Option<Frame<Bytes>>,
    written: Option<oneshot::Receiver<bool>>,
    recorded: bool,
    /// Why it broke off, where that is still to be said.
    broken: Option<Broken>,
    /// The connection is busy as long as this passes.
    busy: Option<Busy>,
    /// What is changed in the first event.
    names: Option<Names>,
}

impl Tap {
    /// A body with this declared length.
    pub(super) fn new(source: Incoming, exchange: Arc<Exchange>, side: Side, length: Option<u64>) -> Tap {
        if source.is_end_stream() {
            exchange.body_ended(side);
        }
        let mut tap = Tap::unread(source);
        tap.exchange = Some((exchange, side));
        tap.remaining = length.filter(|length| *length > 0);
        tap
    }

    /// The same with these octets before it; they were taken from it.
    pub(super) fn after(mut self, octets: impl IntoIterator<Item = Bytes>) -> Tap {
        self.ready.extend(octets);
        self
    }

    /// A body that is at hand as a whole.
    pub(super) fn whole(octets: Bytes, exchange: Arc<Exchange>, side: Side) -> Tap {
        let mut tap = Tap::none();
        tap.exchange = Some((exchange, side));
        tap.remaining = Some(octets.len() as u64).filter(|length| *length > 0);
        tap.ready.extend(Some(octets).filter(|octets| !octets.is_empty()));
        tap
    }

    /// A body that passes unread.
    pub(super) fn unread(source: Incoming) -> Tap {
        let mut tap = Tap::none();
        tap.source = Some(source);
        tap
    }

    /// A body that is not recorded: an answer of the proxy itself, or what was recorded before it was changed.
    pub(super) fn of(octets: impl Into<Bytes>) -> Tap {
        Tap::none().after([octets.into()])
    }

    /// Changes the names in the first event, where it is one of an address.
    pub(super) fn lead_first(&mut self, names: Option<&Names>) {
        self.names = names.cloned();
    }

    /// The connection is busy until this has passed.
    pub(super) fn keep(mut self, busy: Busy) -> Tap {
        self.busy = Some(busy);
        self
    }

    /// A body without octets, of an exchange that is recorded already.
    pub(super) fn none() -> Tap {
        Tap {
            ready: VecDeque::new(),
            source: None,
            exchange: None,
            remaining: None,
            held: None,
            written: None,
            recorded: false,
            broken: None,
            busy: None,
            names: None,
        }
    }

    /// What stands between the sender and the end.
    fn pull(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(octets) = self.ready.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(octets))));
        }
        match &mut self.source {
            Some(source) => Pin::new(source).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    /// The body has ended, or ends with the frame that is held.
    fn ended(&mut self) {
        let Some((exchange, side)) = &self.exchange else { return };
        exchange.body_ended(*side);
        if *side == Side::Response {
            self.written = exchange.end(End::Whole);
            self.recorded = true;
        }
    }

    /// The first event with the client's names in it.
    fn led(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let Some(names) = self.names.take() else { return frame };
        let led = frame.data_ref().and_then(|octets| std::str::from_utf8(octets).ok());
        match (led.and_then(|text| lead::endpoint_event(text, &names)), &self.exchange) {
            (Some((text, changes)), Some((exchange, _))) => {
                exchange.changes(changes);
                Frame::data(Bytes::from(text))
            }
            _ => frame,
        }
    }

    /// Notes what passes; whether it is the last piece.
    fn note(&mut self, frame: &Frame<Bytes>) -> bool {
        let Some((exchange, side)) = &self.exchange else { return false };
        let Some(octets) = frame.data_ref() else { return frame.is_trailers() };
        exchange.octets(*side, octets);
        self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(octets.len() as u64));
        self.remaining == Some(0)
    }
}

impl Body for Tap {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(broken) = self.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
        loop {
            if let Some(written) = &mut self.written {
                let written = ready!(Pin::new(written).poll(context));
                self.written = None;
                if !matches!(written, Ok(true)) {
                    self.held = None;
                    return Poll::Ready(Some(Err(Broken("the exchange could not be recorded".to_owned()))));
                }
            }
            if let Some(last) = self.held.take() {
                return Poll::Ready(Some(Ok(last)));
            }
            match ready!(self.pull(context)) {
                Some(Ok(frame)) => {
                    let frame = self.led(frame);
                    if !self.note(&frame) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    self.ended();
                    self.held = Some(frame);
                }
                Some(Err(error)) => {
                    if let Some((exchange, Side::Response)) = &self.exchange {
                        // The client gets no end, so nothing waits for this to be written.
                        let _ = exchange.end(End::Broken(describe(&error)));
                        self.recorded = true;
                    }
                    // Whoever sends drops what it holds when a body breaks off. It gets one turn to send what came before.
                    self.broken = Some(Broken(describe(&error)));
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None if self.recorded => return Poll::Ready(None),
                None => {
                    self.ended();
                    if self.written.is_none() {
                        return Poll::Ready(None);
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let source_ended = self.source.as_ref().is_none_or(Body::is_end_stream);
        let passed = self.ready.is_empty() && self.held.is_none() && self.written.is_none();
        // A response ends when it is recorded, not before.
        let free = self.recorded || !matches!(self.exchange, Some((_, Side::Response)));
        source_ended && passed && free && self.broken.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let ready: u64 = self.ready.iter().map(|octets| octets.len() as u64).sum();
        let held = self.held.as_ref().and_then(|frame| frame.data_ref()).map_or(0, |octets| octets.len() as u64);
        let source = self.source.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(source.lower() + ready + held);
        if let Some(upper) = source.upper() {
            hint.set_upper(upper + ready + held);
        }
        hint
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let (false, Some((exchange, Side::Response))) = (self.recorded, &self.exchange) {
            let _ = exchange.end(End::ClientGone);
        }
    }
}

/// The words of an error and of what caused it, each once.
pub(super) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}
