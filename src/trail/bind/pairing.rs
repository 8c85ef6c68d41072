//! Which message answers which, and which messages are of one session.
//!
//! Ids are unique within a session only, and not even there in recordings of what goes wrong: the exchange decides first,
//! then the stream, then the session.

use std::collections::VecDeque;

use foldhash::HashMap;

use super::Binder;
use crate::decode::exchange::Unknown;
use crate::trail::record::{ExchangeId, Record, RecordId};
use crate::trail::schema::{Field, Kind};

/// A stretch of messages under one initialize request. 0 stands before the first one.
pub(super) type Scope = usize;

/// Requests of the stateless revisions know no session.
pub(super) const STATELESS: Scope = usize::MAX;

/// The messages of one trail, put in relation.
#[derive(Default)]
pub(super) struct Pairing {
    /// The answer to each request, of either side.
    pub answer_of: HashMap<RecordId, RecordId>,
    /// The request of each answer, of either side.
    pub request_of: HashMap<RecordId, RecordId>,
    /// The scope of each exchange.
    scope_of: HashMap<ExchangeId, Scope>,
    /// The initialize request that opened each scope.
    initialize_of: Vec<Option<RecordId>>,
    /// Why some message of the client may be missing.
    pub blind_to_client: Option<Unknown>,
    /// Why some message of the server may be missing.
    pub blind_to_server: Option<Unknown>,
}

impl Pairing {
    pub(super) fn new(binder: &Binder<'_>, stream_of: &HashMap<ExchangeId, ExchangeId>) -> Self {
        let mut pairing = Pairing::default();
        pairing.find_scopes(binder, stream_of);
        pairing.find_blind_spots(binder);
        pairing.pair(binder, Kind::ClientMessage, Kind::ServerMessage, stream_of);
        pairing.pair(binder, Kind::ServerMessage, Kind::ClientMessage, stream_of);
        pairing
    }

    /// The scope of what an exchange carries.
    pub(super) fn scope(&self, record: &Record) -> Scope {
        self.scope_of.get(&record.exchange).copied().unwrap_or(0)
    }

    /// The initialize request in force for an exchange; `None` where none was seen, and for stateless requests.
    pub(super) fn initialize(&self, record: &Record) -> Option<RecordId> {
        self.initialize_of.get(self.scope(record)).copied().flatten()
    }

    fn find_scopes(&mut self, binder: &Binder<'_>, stream_of: &HashMap<ExchangeId, ExchangeId>) {
        let opens = |record: &Record| {
            record.text(Field::Sort) == Some("request") && record.text(Field::Method) == Some("initialize")
        };
        let opening: HashMap<ExchangeId, RecordId> = binder
            .of_kind(Kind::ClientMessage)
            .filter(|(_, message)| opens(message))
            .map(|(id, message)| (message.exchange, id))
            .collect();
        self.initialize_of.push(None);
        let mut current: Scope = 0;
        let mut by_session: HashMap<&str, Scope> = HashMap::default();
        let mut by_stream: HashMap<ExchangeId, Scope> = HashMap::default();
        for (_, exchange) in binder.of_kind(Kind::McpExchange) {
            let stream = stream_of.get(&exchange.exchange);
            let scope = if let Some(initialize) = opening.get(&exchange.exchange) {
                self.initialize_of.push(Some(*initialize));
                current = self.initialize_of.len() - 1;
                if let Some(session) = exchange.text(Field::ResponseSessionId) {
                    by_session.insert(session, current);
                }
                // The stream stands before the request that opened the session on it.
                if let Some(stream) = stream {
                    by_stream.insert(*stream, current);
                    self.scope_of.insert(*stream, current);
                }
                current
            } else if exchange.text(Field::Era) == Some("modern") {
                STATELESS
            } else {
                let by_session = exchange.text(Field::SessionId).and_then(|session| by_session.get(session));
                *by_session.or_else(|| by_stream.get(stream?)).unwrap_or(&current)
            };
            self.scope_of.insert(exchange.exchange, scope);
        }
    }

    fn find_blind_spots(&mut self, binder: &Binder<'_>) {
        let reason = |record: &Record, field: Field| match record.state(field) {
            crate::trail::record::State::Unknown(reason) => Some(*reason),
            _ => None,
        };
        for (_, exchange) in binder.of_kind(Kind::McpExchange) {
            if exchange.text(Field::Method) == Some("POST") {
                self.blind_to_client = self.blind_to_client.or_else(|| reason(exchange, Field::MessageKinds));
            }
            if !matches!(exchange.number(Field::Status), Some(300..=599)) {
                self.blind_to_server = self.blind_to_server.or_else(|| reason(exchange, Field::AnswerKinds));
            }
        }
    }

    /// Finds the answers to the requests of one side.
    fn pair(&mut self, binder: &Binder<'_>, asks: Kind, answers: Kind, stream_of: &HashMap<ExchangeId, ExchangeId>) {
        let mut here: HashMap<(ExchangeId, &str), RecordId> = HashMap::default();
        let mut only: HashMap<ExchangeId, Option<RecordId>> = HashMap::default();
        let mut waiting: HashMap<&str, VecDeque<RecordId>> = HashMap::default();
        for (id, request) in binder.of_kind(asks).filter(|(_, record)| record.text(Field::Sort) == Some("request")) {
            let Some(name) = request.text(Field::MessageId) else { continue };
            here.entry((request.exchange, name)).or_insert(id);
            only.entry(request.exchange).and_modify(|only| *only = None).or_insert(Some(id));
            waiting.entry(name).or_default().push_back(id);
        }
        let is_answer = |record: &Record| matches!(record.text(Field::Sort), Some("result" | "error"));
        let responses: Vec<(RecordId, &Record)> =
            binder.of_kind(answers).filter(|(_, record)| is_answer(record)).collect();
        let mut left: Vec<(RecordId, &Record)> = Vec::new();
        for (id, response) in responses {
            let name = response.text(Field::MessageId);
            // An error whose request could not be read has no id (JSON-RPC 2.0, 5); it stands in the answer to it.
            let request = match name.filter(|name| *name != "null") {
                Some(name) => here.get(&(response.exchange, name)).copied(),
                None if answers == Kind::ServerMessage => only.get(&response.exchange).copied().flatten(),
                None => None,
            };
            match request {
                Some(request) => self.note(request, id),
                None => left.push((id, response)),
            }
        }
        for (id, response) in left {
            let Some(name) = response.text(Field::MessageId) else { continue };
            let Some(candidates) = waiting.get_mut(name) else { continue };
            while candidates.front().is_some_and(|request| self.answer_of.contains_key(request)) {
                candidates.pop_front();
            }
            let free = |request: &&RecordId| !self.answer_of.contains_key(request);
            let exchange_of = |request: &RecordId| binder.record(*request).map(|request| request.exchange);
            let on_stream = |request: &&RecordId| {
                exchange_of(request).and_then(|exchange| stream_of.get(&exchange)) == Some(&response.exchange)
            };
            let scope = self.scope(response);
            let in_scope =
                |request: &&RecordId| binder.record(**request).is_some_and(|request| self.scope(request) == scope);
            let request = candidates
                .iter()
                .filter(free)
                .find(on_stream)
                .or_else(|| candidates.iter().filter(free).find(in_scope))
                .copied();
            if let Some(request) = request {
                self.note(request, id);
            }
        }
    }

    fn note(&mut self, request: RecordId, answer: RecordId) {
        self.answer_of.entry(request).or_insert(answer);
        self.request_of.insert(answer, request);
    }
}
