//! Bindings of messages and events, and what messages tell of the exchanges that carry them.

use foldhash::{HashMap, HashSet};

use super::pairing::{Pairing, STATELESS, Scope};
use super::tools::Tools;
use super::{Binder, Found};
use crate::decode::exchange::Unknown;
use crate::trail::derive::Change;
use crate::trail::read::jsonrpc::Message;
use crate::trail::record::{Bound, Closing, ExchangeId, Record, RecordId, State, Value};
use crate::trail::schema::{Binding, Field, Kind};

const NONE: Bound = Bound::None(Closing::NotNeeded);

/// Binds every message and event of a trail.
pub(super) fn bind(binder: &Binder<'_>, found: &mut Vec<Found>, changes: &mut Vec<Change>) {
    let stream_of = bind_streams(binder, found, changes);
    let pairing = Pairing::new(binder, &stream_of);
    negotiated_versions(binder, &pairing, changes);
    super::modern::bind(binder, &pairing, changes);
    super::expiry::bind(binder, changes);
    let messages = Messages::new(binder, &pairing);
    messages.bind_client(found, changes);
    messages.bind_server(found);
    messages.bind_events(found);
}

/// The exchange of the stream that announced where each POST goes, and the exchange that each one resumes.
fn bind_streams(
    binder: &Binder<'_>,
    found: &mut Vec<Found>,
    changes: &mut Vec<Change>,
) -> HashMap<ExchangeId, ExchangeId> {
    let mut stream_of: HashMap<ExchangeId, ExchangeId> = HashMap::default();
    let mut by_uri: HashMap<&str, RecordId> = HashMap::default();
    let mut last: Option<RecordId> = None;
    let mut blind: Option<Unknown> = None;
    let mut sent: HashMap<&str, RecordId> = HashMap::default();
    let mut resumed_by: HashMap<RecordId, RecordId> = HashMap::default();
    // Streams that the client opened after it had sent a POST, which is how it tries the newer transport.
    let (mut has_posted, mut tried): (bool, HashSet<RecordId>) = (false, HashSet::default());
    let mut events = binder.of_kind(Kind::ServerEvent).peekable();
    for (id, exchange) in binder.of_kind(Kind::McpExchange) {
        let resumed = exchange.text(Field::LastEventId).map(|event| sent.get(event).copied());
        let bound = match (resumed, blind) {
            (None, _) => NONE,
            (Some(Some(resumed)), _) => Bound::Found(resumed),
            (Some(None), Some(reason)) => Bound::Unknown(reason),
            (Some(None), None) => NONE,
        };
        found.push((id, Binding::ResumedStream, bound));
        let resumed = resumed.flatten();
        if let Some(resumed) = resumed {
            resumed_by.entry(resumed).or_insert(id);
        }
        let resumed = resumed.and_then(|id| binder.record(id));
        let delay = delay(resumed, exchange);
        let left = retry_left(resumed, &delay);
        for (field, state) in [(Field::ReconnectDelay, delay), (Field::RetryLeft, left)] {
            changes.push((id.0 as usize, field, state, exchange.exchange, "request.time"));
        }
        while let Some((_, event)) = events.next_if(|(_, event)| event.exchange <= exchange.exchange) {
            if let Some(name) = event.text(Field::EventId) {
                sent.insert(name, id);
            }
        }
        match exchange.state(Field::AnnouncedUri) {
            State::Present(Value::Text(uri)) => {
                by_uri.insert(uri, id);
                last = Some(id);
                tried.extend(has_posted.then_some(id));
            }
            State::Unknown(reason) if exchange.text(Field::Method) == Some("GET") => {
                blind = Some(*reason);
                if exchange.text(Field::Era) == Some("http+sse") {
                    last = Some(id);
                }
            }
            _ => {}
        }
        let is_post = exchange.text(Field::Method) == Some("POST");
        has_posted |= is_post;
        let stream = exchange.text(Field::Url).and_then(|url| by_uri.get(url)).copied().or(last).filter(|_| is_post);
        let mut was_tried = State::Absent;
        if let Some((id, stream)) = stream.and_then(|id| Some((id, binder.record(id)?)))
            && exchange.text(Field::Era) == Some("http+sse")
        {
            stream_of.insert(exchange.exchange, stream.exchange);
            was_tried = State::Present(Value::Flag(tried.contains(&id)));
        }
        changes.push((id.0 as usize, Field::PostedBeforeStream, was_tried, exchange.exchange, "request.time"));
        found.push((id, Binding::Stream, stream.map_or(NONE, Bound::Found)));
    }
    bind_resumptions(binder, &resumed_by, found);
    stream_of
}

/// The exchange that resumes each stream. Where the recording withholds a `Last-Event-ID`, it may be any.
fn bind_resumptions(binder: &Binder<'_>, resumed_by: &HashMap<RecordId, RecordId>, found: &mut Vec<Found>) {
    let withheld =
        binder.of_kind(Kind::McpExchange).find_map(|(_, exchange)| match exchange.state(Field::LastEventId) {
            State::Unread(reason) | State::Unknown(reason) => Some(*reason),
            _ => None,
        });
    for (id, exchange) in binder.of_kind(Kind::McpExchange) {
        let bound = match (resumed_by.get(&id), withheld) {
            (Some(resumption), _) => Bound::Found(*resumption),
            (None, _) if exchange.state(Field::LastSentEventId) == &State::Absent => NONE,
            (None, Some(reason)) => Bound::Unknown(reason),
            (None, None) => binder.windows.missing_after(exchange.exchange, Kind::McpExchange),
        };
        found.push((id, Binding::ResumedBy, bound));
    }
}

/// Milliseconds of the `retry` of a stream that the one who resumed it did not wait for.
fn retry_left(resumed: Option<&Record>, delay: &State) -> State {
    let Some(resumed) = resumed else { return State::Absent };
    match (resumed.state(Field::StreamRetry), delay) {
        (State::Present(Value::Number(retry)), State::Present(Value::Number(delay))) => {
            State::Present(Value::Number(retry.saturating_sub(*delay).max(0)))
        }
        (State::Present(_), other) | (other, _) => other.clone(),
    }
}

/// Milliseconds from the end of a stream to the request that resumes it.
fn delay(resumed: Option<&Record>, exchange: &Record) -> State {
    let Some(resumed) = resumed else { return State::Absent };
    match (resumed.number(Field::AnsweredAt), exchange.number(Field::SentAt)) {
        (Some(ended), Some(sent)) => State::Present(Value::Number(sent.saturating_sub(ended) / 1000)),
        _ => State::Unknown(Unknown::ResponseNotRecorded),
    }
}

/// The version that was agreed on before each exchange was sent.
fn negotiated_versions(binder: &Binder<'_>, pairing: &Pairing, changes: &mut Vec<Change>) {
    for (id, exchange) in binder.of_kind(Kind::McpExchange) {
        let initialize = pairing.initialize(exchange).and_then(|id| binder.record(id));
        let result = pairing.initialize(exchange).and_then(|id| pairing.answer_of.get(&id));
        let result = result.and_then(|id| binder.record(*id));
        let is_later =
            |initialize: &Record| match (initialize.number(Field::AnsweredAt), exchange.number(Field::SentAt)) {
                (Some(answered), Some(sent)) => initialize.exchange < exchange.exchange && answered <= sent,
                _ => initialize.exchange < exchange.exchange,
            };
        let (state, from) = match (initialize, result) {
            _ if exchange.text(Field::Era) == Some("modern") => (State::Absent, exchange.exchange),
            (None, _) => (State::Unknown(Unknown::LegNotRecorded), exchange.exchange),
            // A stream of the old transport is open before the request, but says nothing itself.
            (Some(initialize), _) if !is_later(initialize) => (State::Absent, exchange.exchange),
            (Some(_), Some(result)) => (result.state(Field::ResultProtocolVersion).clone(), result.exchange),
            (Some(initialize), None) if matches!(initialize.number(Field::Status), Some(300..=599)) => {
                (State::Absent, initialize.exchange)
            }
            (Some(initialize), None) => {
                (State::Unknown(pairing.blind_to_server.unwrap_or(Unknown::WindowOpen)), initialize.exchange)
            }
        };
        changes.push((id.0 as usize, Field::NegotiatedVersion, state, from, "response.body.result.protocolVersion"));
    }
}

/// What the messages of a trail are bound by.
struct Messages<'b, 'a> {
    binder: &'b Binder<'a>,
    pairing: &'b Pairing,
    /// The client's requests, in time order.
    requests: Vec<RecordId>,
    /// The exchanges with an initialize request, in time order.
    initializes: Vec<ExchangeId>,
    /// `notifications/initialized` of each scope.
    initialized: HashMap<Scope, RecordId>,
    /// The client's requests by scope and id.
    by_id: HashMap<(Scope, &'a str), RecordId>,
    /// The only request of each exchange; `None` where there are several.
    only: HashMap<ExchangeId, Option<RecordId>>,
}

impl<'b, 'a> Messages<'b, 'a> {
    fn new(binder: &'b Binder<'a>, pairing: &'b Pairing) -> Self {
        let mut messages = Messages {
            binder,
            pairing,
            requests: Vec::new(),
            initializes: Vec::new(),
            initialized: HashMap::default(),
            by_id: HashMap::default(),
            only: HashMap::default(),
        };
        for (id, message) in binder.of_kind(Kind::ClientMessage) {
            let scope = pairing.scope(message);
            if message.text(Field::Method) == Some("notifications/initialized") {
                messages.initialized.entry(scope).or_insert(id);
            }
            if message.text(Field::Sort) != Some("request") {
                continue;
            }
            messages.requests.push(id);
            if message.text(Field::Method) == Some("initialize") {
                messages.initializes.push(message.exchange);
            }
            if let Some(name) = message.text(Field::MessageId) {
                messages.by_id.insert((scope, name), id);
            }
            messages.only.entry(message.exchange).and_modify(|only| *only = None).or_insert(Some(id));
        }
        messages
    }

    /// What every message has: its exchange, session, initialize request.
    fn bind_common(&self, id: RecordId, message: &Record, found: &mut Vec<Found>) {
        let exchange = self.binder.at_exchange(Kind::McpExchange, message.exchange);
        let missing = Bound::Unknown(Unknown::LegNotRecorded);
        found.push((id, Binding::Exchange, exchange.map_or(missing, Bound::Found)));
        let session = exchange
            .and_then(|id| self.binder.record(id))
            .map_or(missing, |exchange| super::mcp::session_of(self.binder, exchange));
        found.push((id, Binding::Session, session));
        if message.kind == Kind::ServerEvent {
            return;
        }
        let initialize = self.initialize(id, message);
        found.push((id, Binding::Initialize, initialize));
        let (result, initialized) = match initialize {
            Bound::Found(initialize) => {
                let next = self.pairing.scope(message);
                let initialized = self.initialized.get(&next).copied().map(Bound::Found);
                let later = || self.missing_after(message, self.pairing.blind_to_client, Kind::ClientMessage);
                (self.answer(initialize), initialized.unwrap_or_else(later))
            }
            other => (other, other),
        };
        found.push((id, Binding::InitializeResult, result));
        found.push((id, Binding::Initialized, initialized));
    }

    /// The initialize request in force. None for a client that asks something else first and initializes later.
    fn initialize(&self, id: RecordId, message: &Record) -> Bound {
        if let Some(initialize) = self.pairing.initialize(message) {
            return Bound::Found(initialize);
        }
        if self.pairing.scope(message) == STATELESS {
            return NONE;
        }
        let exchange = self.binder.at_exchange(Kind::McpExchange, message.exchange);
        let exchange = exchange.and_then(|id| self.binder.record(id));
        let is_fresh = exchange.is_some_and(|exchange| {
            exchange.state(Field::SessionId) == &State::Absent && exchange.state(Field::LastEventId) == &State::Absent
        });
        let after = self.initializes.partition_point(|exchange| *exchange <= message.exchange);
        let later = self.initializes.get(after);
        match later.filter(|_| is_fresh && self.binder.record(id).is_some()) {
            Some(later) => Bound::None(Closing::LaterExchange(*later)),
            None => Bound::Unknown(Unknown::LegNotRecorded),
        }
    }

    fn missing_after(&self, message: &Record, blind: Option<Unknown>, kind: Kind) -> Bound {
        blind.map_or_else(|| self.binder.windows.missing_after(message.exchange, kind), Bound::Unknown)
    }

    /// The answer to a request of the client, or what is known of its absence.
    fn answer(&self, request: RecordId) -> Bound {
        if let Some(answer) = self.pairing.answer_of.get(&request) {
            return Bound::Found(*answer);
        }
        let Some(message) = self.binder.record(request) else { return NONE };
        let exchange = self.binder.at_exchange(Kind::McpExchange, message.exchange);
        let Some(exchange) = exchange.and_then(|id| self.binder.record(id)) else { return NONE };
        match (exchange.state(Field::Status), exchange.state(Field::AnswerKinds)) {
            (State::Present(Value::Number(300..=599)), _) | (State::Absent, _) => NONE,
            (State::Unknown(reason), _) | (_, State::Unknown(reason)) => Bound::Unknown(*reason),
            _ if exchange.number(Field::AnsweredAt).is_none() => Bound::Unknown(Unknown::WindowOpen),
            // The answer may come on a stream, or on a later one that resumes it.
            _ if exchange.text(Field::ResponseContentType) == Some("text/event-stream")
                || exchange.number(Field::Status) == Some(202) =>
            {
                self.missing_after(message, self.pairing.blind_to_server, Kind::ServerMessage)
            }
            _ => NONE,
        }
    }

    fn bind_client(&self, found: &mut Vec<Found>, changes: &mut Vec<Change>) {
        let mut previous: Option<RecordId> = None;
        let retries = self.retries();
        let mut tools = Tools::new(self.binder, self.pairing.blind_to_client);
        let inputs = super::inputs::retries(self.binder, self.pairing);
        let (earlier, outstanding) = (self.earlier_requests(), self.outstanding());
        let mut cancellations: HashMap<RecordId, RecordId> = HashMap::default();
        for (id, message) in self.binder.of_kind(Kind::ClientMessage) {
            self.bind_common(id, message, found);
            let sort = message.text(Field::Sort);
            found.push((id, Binding::Previous, previous.map_or(NONE, Bound::Found)));
            previous = Some(id);
            let response = if sort == Some("request") { self.answer(id) } else { NONE };
            found.push((id, Binding::Response, response));
            found.push((id, Binding::Request, self.request(id, message, self.pairing.blind_to_server)));
            found.push((id, Binding::Next, self.next_request(message)));
            let again = retries.get(&id).copied().map(Bound::Found);
            let retry =
                again.unwrap_or_else(|| self.missing_after(message, self.pairing.blind_to_client, Kind::ClientMessage));
            found.push((id, Binding::Retry, if sort == Some("request") { retry } else { NONE }));
            found.push((id, Binding::InputRetry, inputs.get(&id).copied().unwrap_or(NONE)));
            let cancelled = self.cancelled(message);
            if let Bound::Found(request) = cancelled {
                cancellations.entry(request).or_insert(id);
            }
            found.push((id, Binding::Cancelled, cancelled));
            found.push((id, Binding::EarlierSameId, earlier.get(&id).copied().map_or(NONE, Bound::Found)));
            found.push((id, Binding::OutstandingSameId, outstanding.get(&id).copied().unwrap_or(NONE)));
            tools.bind_call(self.binder, id, message, found, changes);
        }
        for (id, message) in self.binder.of_kind(Kind::ClientMessage) {
            let bound = match cancellations.get(&id) {
                Some(cancellation) => Bound::Found(*cancellation),
                None if message.text(Field::Sort) != Some("request") => NONE,
                None => self.pairing.blind_to_client.map_or(NONE, Bound::Unknown),
            };
            found.push((id, Binding::Cancellation, bound));
        }
    }

    fn bind_server(&self, found: &mut Vec<Found>) {
        let earlier = self.earlier_answers();
        for (id, message) in self.binder.of_kind(Kind::ServerMessage) {
            self.bind_common(id, message, found);
            found.push((id, Binding::Request, self.request(id, message, self.pairing.blind_to_client)));
            let response = match (message.text(Field::Sort), self.pairing.answer_of.get(&id)) {
                (Some("request"), Some(answer)) => Bound::Found(*answer),
                (Some("request"), None) => {
                    self.missing_after(message, self.pairing.blind_to_client, Kind::ClientMessage)
                }
                _ => NONE,
            };
            found.push((id, Binding::Response, response));
            let opened_by = match self.only.get(&message.exchange) {
                Some(Some(request)) => Bound::Found(*request),
                Some(None) => Bound::Unknown(Unknown::Ambiguous),
                None => NONE,
            };
            found.push((id, Binding::OpenedBy, opened_by));
            found.push((id, Binding::Next, self.next_request(message)));
            found.push((id, Binding::Cancelled, self.cancelled(message)));
            let earlier = earlier.get(&id).copied();
            found.push((id, Binding::EarlierSameId, earlier.map_or(NONE, Bound::Found)));
            let waits = |earlier: &RecordId| !self.pairing.answer_of.contains_key(earlier);
            let is_request = message.text(Field::Sort) == Some("request");
            let outstanding = earlier.filter(|earlier| is_request && waits(earlier));
            found.push((id, Binding::OutstandingSameId, outstanding.map_or(NONE, Bound::Found)));
        }
    }

    /// The request of the other side that a message answers.
    fn request(&self, id: RecordId, message: &Record, blind: Option<Unknown>) -> Bound {
        if !matches!(message.text(Field::Sort), Some("result" | "error")) {
            return NONE;
        }
        if let Some(request) = self.pairing.request_of.get(&id) {
            return Bound::Found(*request);
        }
        // The request may be older than the recording where its session is.
        let is_whole = self.pairing.initialize(message).is_some()
            || (message.kind == Kind::ServerMessage && self.only.contains_key(&message.exchange));
        match blind {
            Some(reason) => Bound::Unknown(reason),
            // The request of a server may have come on a stream that is not in the recording.
            None if message.kind == Kind::ClientMessage && !self.waits_for_client(message) => {
                Bound::Unknown(Unknown::LegNotRecorded)
            }
            None if is_whole => NONE,
            None => Bound::Unknown(Unknown::LegNotRecorded),
        }
    }

    /// Whether a request of the server, sent before a message of the client, is never answered.
    fn waits_for_client(&self, message: &Record) -> bool {
        let scope = self.pairing.scope(message);
        self.binder.of_kind(Kind::ServerMessage).any(|(id, other)| {
            other.text(Field::Sort) == Some("request")
                && other.exchange < message.exchange
                && self.pairing.scope(other) == scope
                && !self.pairing.answer_of.contains_key(&id)
        })
    }

    /// The next request of the client after the exchange of a message.
    fn next_request(&self, message: &Record) -> Bound {
        let is_before =
            |id: &RecordId| self.binder.record(*id).is_some_and(|request| request.exchange <= message.exchange);
        let next = self.requests.get(self.requests.partition_point(is_before));
        next.map_or_else(
            || self.missing_after(message, self.pairing.blind_to_client, Kind::ClientMessage),
            |id| Bound::Found(*id),
        )
    }

    /// The request of the client that a cancellation names.
    fn cancelled(&self, message: &Record) -> Bound {
        if message.text(Field::Method) != Some("notifications/cancelled") {
            return NONE;
        }
        let scope = self.pairing.scope(message);
        let named = message.text(Field::ParamsRequestId).and_then(|name| self.by_id.get(&(scope, name)));
        match (named, self.pairing.blind_to_client) {
            (Some(request), _) => Bound::Found(*request),
            (None, Some(reason)) => Bound::Unknown(reason),
            (None, None) if scope == 0 => Bound::Unknown(Unknown::LegNotRecorded),
            (None, None) => NONE,
        }
    }

    /// The next request with the same method and the same parameters, whatever its `_meta` and its answers to questions.
    fn retries(&self) -> HashMap<RecordId, RecordId> {
        let mut next: HashMap<[u8; 32], RecordId> = HashMap::default();
        let mut retries = HashMap::default();
        for id in self.requests.iter().rev() {
            let Some(digest) = self.binder.record(*id).and_then(|record| digest(message_of(self.binder, record)?))
            else {
                continue;
            };
            if let Some(later) = next.insert(digest, *id) {
                retries.insert(*id, later);
            }
        }
        retries
    }

    /// The earlier request with the same id in the same session. The same request sent again after a refusal, a redirect
    /// or a failed connection is none.
    fn earlier_requests(&self) -> HashMap<RecordId, RecordId> {
        let mut last: HashMap<(Scope, &str), RecordId> = HashMap::default();
        let mut earlier = HashMap::default();
        for id in &self.requests {
            let Some(record) = self.binder.record(*id) else { continue };
            let Some(name) = record.text(Field::MessageId) else { continue };
            let Some(known) = last.insert((self.pairing.scope(record), name), *id) else { continue };
            let Some(other) = self.binder.record(known) else { continue };
            let refused = !matches!(other.number(Field::Status), Some(200..=299));
            let digest_of = |record: &Record| message_of(self.binder, record).and_then(digest);
            if !(refused && digest_of(other) == digest_of(record)) {
                earlier.insert(*id, known);
            }
        }
        earlier
    }

    /// The earlier request with the same id whose exchange had not ended when this one was sent.
    fn outstanding(&self) -> HashMap<RecordId, Bound> {
        let mut last: HashMap<(Scope, &str), RecordId> = HashMap::default();
        let mut outstanding = HashMap::default();
        for id in &self.requests {
            let Some(record) = self.binder.record(*id) else { continue };
            let Some(name) = record.text(Field::MessageId) else { continue };
            let Some(known) = last.insert((self.pairing.scope(record), name), *id) else { continue };
            let Some(other) = self.binder.record(known) else { continue };
            let bound = match (other.number(Field::AnsweredAt), record.number(Field::SentAt)) {
                _ if other.state(Field::Status) == &State::Absent => NONE,
                (Some(answered), Some(sent)) if answered <= sent => NONE,
                (Some(_), Some(_)) => Bound::Found(known),
                _ => Bound::Unknown(Unknown::ResponseNotRecorded),
            };
            outstanding.insert(*id, bound);
        }
        outstanding
    }

    /// Earlier requests of the server with the same id in the same session, and earlier answers to the same request. What
    /// comes on a resumed stream may be delivered again.
    fn earlier_answers(&self) -> HashMap<RecordId, RecordId> {
        let resumed = self.resumed();
        let mut asked: HashMap<(Scope, &str), RecordId> = HashMap::default();
        let mut answered: HashMap<RecordId, RecordId> = HashMap::default();
        let mut earlier = HashMap::default();
        for (id, message) in self.binder.of_kind(Kind::ServerMessage) {
            let is_request = message.text(Field::Sort) == Some("request");
            let known = match (self.pairing.request_of.get(&id), message.text(Field::MessageId)) {
                (Some(request), _) => answered.insert(*request, id),
                (None, Some(name)) if is_request => asked.insert((self.pairing.scope(message), name), id),
                _ => None,
            };
            if let Some(known) = known.filter(|_| !resumed.contains(&message.exchange)) {
                earlier.insert(id, known);
            }
        }
        earlier
    }

    /// Exchanges that resume a stream.
    fn resumed(&self) -> HashSet<ExchangeId> {
        let resumes =
            |record: &Record| matches!(record.state(Field::LastEventId), State::Present(_) | State::Unread(_));
        let exchanges = self.binder.of_kind(Kind::McpExchange).filter(|(_, record)| resumes(record));
        exchanges.map(|(_, record)| record.exchange).collect()
    }

    fn bind_events(&self, found: &mut Vec<Found>) {
        let resumed = self.resumed();
        let mut seen: HashMap<(Scope, &str), RecordId> = HashMap::default();
        for (id, event) in self.binder.of_kind(Kind::ServerEvent) {
            self.bind_common(id, event, found);
            let name = event.text(Field::EventId).filter(|name| !name.is_empty());
            let known = name.and_then(|name| seen.insert((self.pairing.scope(event), name), id));
            let known = known.filter(|_| !resumed.contains(&event.exchange));
            found.push((id, Binding::EarlierSameEventId, known.map_or(NONE, Bound::Found)));
        }
    }
}

/// The message of a record of the client.
pub(super) fn message_of<'b>(binder: &'b Binder<'_>, record: &Record) -> Option<&'b Message> {
    let position = usize::try_from(record.number(Field::Position)?).ok()?;
    binder.view(record)?.client_messages().get(position.checked_sub(1)?)
}

/// What two requests share that ask for the same.
pub(super) fn digest(message: &Message) -> Option<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(message.method()?.as_bytes());
    if let Some(params) = message.params().and_then(serde_json::Value::as_object) {
        for (name, value) in params {
            if !matches!(name.as_str(), "_meta" | "inputResponses" | "requestState") {
                hasher.update(name.as_bytes());
                hasher.update(value.to_string().as_bytes());
            }
        }
    }
    Some(*hasher.finalize().as_bytes())
}
