//! Which exchanges were the last of their session (MCP 2025-11-25, transports, session management).

use foldhash::HashMap;

use super::Binder;
use crate::trail::derive::Change;
use crate::trail::record::{State, Value};
use crate::trail::schema::{Field, Kind};

/// Says of each exchange whether the next one of the same session is answered with 404.
pub(super) fn bind(binder: &Binder<'_>, changes: &mut Vec<Change>) {
    let exchanges: Vec<_> = binder.of_kind(Kind::McpExchange).collect();
    let mut next_is_gone: HashMap<&str, bool> = HashMap::default();
    for (id, exchange) in exchanges.into_iter().rev() {
        let session = exchange.text(Field::SessionId);
        let is_gone = session.and_then(|session| next_is_gone.get(session)).copied().unwrap_or(false);
        let state = State::Present(Value::Flag(is_gone));
        changes.push((id.0 as usize, Field::SessionGoneNext, state, exchange.exchange, "response.status"));
        if let Some(session) = session {
            next_is_gone.insert(session, exchange.number(Field::Status) == Some(404));
        }
    }
}
