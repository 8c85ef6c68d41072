//! One direction of an HTTP/1 connection: cuts its octets into heads and bodies.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use memchr::memchr;

use super::super::chunked::{Chunked, Step, find_size_line};
use super::super::collect::Collector;
use super::super::framing::Framing;
use super::super::{Mark, bounds, head};
use crate::decode::packets::stream::{Chunk, Content, Side};

/// One direction.
pub(super) struct Way {
    side: Side,
    state: State,
    /// The message whose body is being read.
    pub(super) message: Option<Message>,
    /// Chunks that wait for the other side.
    pub(super) held: VecDeque<Chunk>,
    /// Their octets.
    pub(super) held_octets: usize,
    /// Whether nothing more comes; true for a reset.
    pub(super) ended: Option<bool>,
}

/// A message whose body is being read.
pub(super) struct Message {
    /// Its exchange.
    pub(super) draft: usize,
    /// The body so far.
    pub(super) body: Collector,
    /// Its last octet so far.
    pub(super) last: Mark,
}

enum State {
    /// Between messages, or in a head.
    Head { octets: Vec<u8>, begun: Option<Mark>, line_known: bool },
    /// In a body of which so many octets are left.
    Length(u64),
    /// In a chunked body.
    Chunked(Chunked),
    /// In a body that ends with the connection.
    UntilClose,
    /// Looking for the next message. `fresh`: it may begin with the first of the octets.
    Search { octets: Vec<u8>, fresh: bool, chunked: bool },
}

/// What came next.
pub(super) enum Progress {
    /// More octets are needed.
    More,
    /// A head; `begun` is its first octet.
    Head { octets: Bytes, begun: Mark },
    /// Octets of the body.
    Body(Bytes),
    /// The body is complete.
    Done,
    /// The octets begin no message; why. The next one is searched.
    NotHttp(&'static str),
    /// The head is longer than the limit.
    TooLong,
    /// The body is not as its framing says; why.
    Broken(&'static str),
    /// The next message was found before the end of this one.
    NextFound,
}

const BETWEEN: State = State::Head { octets: Vec::new(), begun: None, line_known: false };

impl Way {
    pub(super) fn new(side: Side) -> Self {
        Way { side, state: BETWEEN, message: None, held: VecDeque::new(), held_octets: 0, ended: None }
    }

    /// Whether the next octet begins a message.
    pub(super) fn is_between_messages(&self) -> bool {
        matches!(&self.state, State::Head { octets, .. } if octets.is_empty())
    }

    /// The head is read; its body comes next.
    pub(super) fn body(&mut self, framing: Framing, message: Message) {
        self.state = match framing {
            Framing::None => BETWEEN,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(Chunked::new()),
            Framing::UntilClose => State::UntilClose,
            Framing::Unknown => State::Search { octets: Vec::new(), fresh: false, chunked: false },
        };
        self.message = Some(message);
    }

    /// The message is over; a search goes on.
    pub(super) fn message_over(&mut self) {
        match &mut self.state {
            State::Search { chunked, .. } => *chunked = false,
            State::Head { .. } => {}
            _ => self.state = BETWEEN,
        }
    }

    /// The next message must be searched.
    pub(super) fn search(&mut self, fresh: bool) {
        self.state = State::Search { octets: Vec::new(), fresh, chunked: false };
    }

    /// The head that is not complete.
    pub(super) fn partial_head(&mut self) -> Option<(Bytes, Mark)> {
        let State::Head { octets, begun, .. } = &mut self.state else { return None };
        let head = Bytes::from(std::mem::take(octets));
        let begun = begun.take();
        self.state = BETWEEN;
        begun.filter(|_| !head.is_empty()).map(|begun| (head, begun))
    }

    /// Takes a gap inside a body; false where it is outside, or where the place in the body is lost.
    pub(super) fn gap(&mut self, octets: Option<u64>) -> bool {
        if let Some(message) = &mut self.message {
            let inside = match self.state {
                State::Length(left) => octets.map(|octets| octets.min(left)),
                _ => octets,
            };
            message.body.gap(inside);
        }
        match (&mut self.state, octets) {
            (State::Length(left), Some(octets)) if octets <= *left => *left -= octets,
            (State::Chunked(chunked), octets) => {
                if octets.is_some_and(|octets| chunked.gap(octets)) {
                    return true;
                }
                if let Some(message) = &mut self.message {
                    message.body.unreadable();
                }
                self.state = State::Search { octets: Vec::new(), fresh: false, chunked: true };
                return false;
            }
            (State::Search { octets, fresh, .. }, _) => {
                octets.clear();
                *fresh = true;
                return false;
            }
            (State::UntilClose, _) => {}
            _ => return false,
        }
        true
    }

    /// Whether nothing of the body is left.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, State::Length(0))
    }

    /// Whether the body may go on behind what is searched.
    pub(super) fn searches_in_body(&self) -> bool {
        matches!(self.state, State::Search { chunked: true, .. })
    }

    /// Whether the message is complete when the connection is closed.
    pub(super) fn is_whole_at_close(&self) -> bool {
        matches!(self.state, State::UntilClose)
    }

    /// Takes the next part of `octets`.
    pub(super) fn take(&mut self, octets: &mut Bytes, mark: Mark, most: usize) -> Progress {
        match &mut self.state {
            State::Head { .. } => self.head(octets, mark, most),
            State::Length(left) => {
                let take = usize::try_from(*left).unwrap_or(usize::MAX).min(octets.len());
                *left -= take as u64;
                Progress::Body(octets.split_to(take))
            }
            State::Chunked(chunked) => match chunked.step(octets) {
                Step::Data(data) => Progress::Body(data),
                Step::Done => Progress::Done,
                Step::More => Progress::More,
                Step::Broken(why) => Progress::Broken(why),
            },
            State::UntilClose => Progress::Body(std::mem::take(octets)),
            State::Search { .. } => self.look(octets),
        }
    }

    fn head(&mut self, octets: &mut Bytes, mark: Mark, most: usize) -> Progress {
        let State::Head { octets: seen, begun, line_known } = &mut self.state else { return Progress::More };
        let from = seen.len();
        if from == 0 {
            // RFC 9112, 2.2: empty lines before a message are passed over.
            let empty = octets.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
            octets.advance(empty);
            if octets.is_empty() {
                return Progress::More;
            }
            *begun = Some(mark);
        }
        let begun = begun.unwrap_or(mark);
        // A line that comes octet by octet is not read again with each of them.
        let look = !*line_known && (from < 64 || memchr(b'\n', octets).is_some());
        let joined: &[u8] = if from == 0 {
            octets
        } else {
            seen.extend_from_slice(octets);
            seen
        };
        let begins = match self.side {
            Side::Client => head::begins_request,
            Side::Server => head::begins_response,
        };
        match if look { begins(joined) } else { None } {
            Some(false) => {
                if from > 0 {
                    *octets = Bytes::from(std::mem::take(seen));
                }
                self.search(false);
                return Progress::NotHttp("they begin no HTTP message");
            }
            Some(true) => *line_known = true,
            None => {}
        }
        if let Some(end) = head::end(joined, from) {
            let last = octets.split_to(end.saturating_sub(from).min(octets.len()));
            let whole = if from == 0 {
                last
            } else {
                seen.truncate(end);
                Bytes::from(std::mem::take(seen))
            };
            self.state = BETWEEN;
            return Progress::Head { octets: whole, begun };
        }
        if from == 0 {
            seen.extend_from_slice(octets);
        }
        octets.clear();
        if seen.len() > most { Progress::TooLong } else { Progress::More }
    }

    /// Looks for the next message, or for the next chunk of a chunked body.
    fn look(&mut self, octets: &mut Bytes) -> Progress {
        let State::Search { octets: seen, fresh, chunked } = &mut self.state else { return Progress::More };
        seen.extend_from_slice(octets);
        octets.clear();
        let message = match self.side {
            Side::Client => head::find_request(seen, *fresh),
            Side::Server => head::find_response(seen),
        };
        let chunk = if *chunked { find_size_line(seen) } else { None };
        match (message, chunk) {
            (None, None) => {
                if seen.len() > bounds::SEARCHED {
                    seen.drain(..seen.len() - bounds::SEARCHED / 2);
                    *fresh = false;
                }
                Progress::More
            }
            (message, Some(chunk)) if message.is_none_or(|message| chunk < message) => {
                *octets = Bytes::from(seen.split_off(chunk));
                self.state = State::Chunked(Chunked::new());
                Progress::More
            }
            (message, _) => {
                *octets = Bytes::from(seen.split_off(message.unwrap_or_default()));
                self.state = BETWEEN;
                Progress::NextFound
            }
        }
    }

    /// Keeps a chunk until the other side has come so far, behind those that wait.
    pub(super) fn hold_last(&mut self, chunk: Chunk) {
        self.held_octets += size(&chunk);
        self.held.push_back(chunk);
    }

    /// Keeps a chunk before those that wait.
    pub(super) fn hold_first(&mut self, chunk: Chunk) {
        self.held_octets += size(&chunk);
        self.held.push_front(chunk);
    }

    /// The first chunk that waits.
    pub(super) fn unhold(&mut self) -> Option<Chunk> {
        let chunk = self.held.pop_front()?;
        self.held_octets = self.held_octets.saturating_sub(size(&chunk));
        Some(chunk)
    }
}

fn size(chunk: &Chunk) -> usize {
    match &chunk.content {
        Content::Data(octets) => octets.len(),
        // Chunks without octets count too: there may be many.
        _ => 64,
    }
}
