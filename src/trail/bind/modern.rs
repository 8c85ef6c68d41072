//! What the answers at an endpoint tell of its era (MCP 2026-07-28, versioning).

use foldhash::HashSet;

use super::Binder;
use super::pairing::Pairing;
use crate::decode::exchange::Unknown;
use crate::trail::derive::Change;
use crate::trail::record::{ExchangeId, Record, State, Value};
use crate::trail::schema::{Field, Kind, Revision};

/// Whether an answer of the trail shows that the server speaks 2026-07-28.
pub(super) fn bind(binder: &Binder<'_>, pairing: &Pairing, changes: &mut Vec<Change>) {
    let shows = |message: &Record| {
        let is_there = |field: Field| matches!(message.state(field), State::Present(_) | State::Unread(_));
        let members = message.list(Field::ResultMembers);
        is_there(Field::ResultType)
            || members.iter().any(|member| &**member == "supportedVersions")
            || is_modern_error(message)
    };
    let shown = binder.of_kind(Kind::ServerMessage).find(|(_, message)| shows(message));
    let state = match (shown, pairing.blind_to_server) {
        (None, Some(reason)) => State::Unknown(reason),
        (shown, _) => State::Present(Value::Flag(shown.is_some())),
    };
    for (id, exchange) in binder.of_kind(Kind::McpExchange) {
        let at = shown.map_or(exchange.exchange, |(_, message)| message.exchange);
        changes.push((id.0 as usize, Field::ModernServer, state.clone(), at, "response.body"));
    }
    modern_versions(binder, pairing.blind_to_server, changes);
    modern_errors(binder, changes);
}

fn is_modern_error(message: &Record) -> bool {
    matches!(message.number(Field::ErrorCode), Some(-32022..=-32020))
}

/// Which exchanges are answered with an error that only stateless servers give.
fn modern_errors(binder: &Binder<'_>, changes: &mut Vec<Change>) {
    let answers = binder.of_kind(Kind::ServerMessage).filter(|(_, message)| is_modern_error(message));
    let refused: HashSet<ExchangeId> = answers.map(|(_, message)| message.exchange).collect();
    for (id, exchange) in binder.of_kind(Kind::McpExchange) {
        let state = match exchange.state(Field::AnswerKinds) {
            State::Unknown(reason) => State::Unknown(*reason),
            _ => State::Present(Value::Flag(refused.contains(&exchange.exchange))),
        };
        changes.push((id.0 as usize, Field::ModernError, state, exchange.exchange, "response.body"));
    }
}

/// The versions that the server names, where all of them are of the stateless era: it serves no older clients.
fn modern_versions(binder: &Binder<'_>, blind: Option<Unknown>, changes: &mut Vec<Change>) {
    let mut last: Option<(ExchangeId, &[std::sync::Arc<str>])> = None;
    let mut serves_older = false;
    for (_, message) in binder.of_kind(Kind::ServerMessage) {
        for field in [Field::ResultSupportedVersions, Field::ErrorSupported] {
            let named = message.list(field);
            // Names of revisions are dates: they sort as text.
            serves_older |= named.iter().any(|version| &**version < Revision::R20260728.name());
            last = Some((message.exchange, named)).filter(|_| !named.is_empty()).or(last);
        }
    }
    for (id, exchange) in binder.of_kind(Kind::McpExchange) {
        let (state, at) = match (last, blind) {
            (Some((at, named)), _) if !serves_older => (State::Present(Value::List(named.to_vec())), at),
            (None, Some(reason)) => (State::Unknown(reason), exchange.exchange),
            _ => (State::Absent, exchange.exchange),
        };
        changes.push((id.0 as usize, Field::ModernVersions, state, at, "response.body"));
    }
}
