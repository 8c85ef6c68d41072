//! Which era a client takes a server for: with sessions, or stateless (MCP 2026-07-28, versioning).

use super::bind::is_accepted;
use super::record::{Record, State, Value};
use super::schema::{Field, Kind};

/// Whether an MCP exchange is of the stateless revisions; `None` where nothing in it tells.
pub(crate) fn is_modern(exchange: &Record) -> Option<bool> {
    // A client that falls back opens a session, whatever else its request says.
    let opens_session = exchange.text(Field::JsonrpcMethod) == Some("initialize");
    let is_modern = exchange.text(Field::Era) == Some("modern") && !opens_session;
    let tells = is_modern
        || exchange.text(Field::Era) == Some("http+sse")
        || matches!(exchange.state(Field::MessageKinds), State::Present(_))
        || matches!(exchange.state(Field::SessionId), State::Present(_) | State::Unread(_));
    tells.then_some(is_modern)
}

/// The record of the trail's client and server; none where no exchange tells an era.
pub(crate) fn server_era(records: &[Record]) -> Option<Record> {
    let exchanges = records.iter().filter(|record| record.kind == Kind::McpExchange && !record.is_upstream);
    let telling: Vec<(&Record, bool)> =
        exchanges.filter_map(|record| is_modern(record).map(|modern| (record, modern))).collect();
    let (first, _) = telling.first()?;
    let (mut probes, mut changes) = (0, 0);
    let (mut known, mut works): (Option<bool>, bool) = (None, false);
    for (exchange, modern) in &telling {
        let asks = exchange.text(Field::JsonrpcMethod) == Some("server/discover");
        let refused = matches!(exchange.number(Field::Status), Some(400 | 404 | 405 | 500..=599));
        if works && (known != Some(*modern) || asks) {
            probes += 1;
        }
        if is_accepted(exchange) {
            changes += i64::from(known.is_some_and(|known| known != *modern));
            (known, works) = (Some(*modern), true);
        } else if refused && known == Some(*modern) {
            // What was found no longer holds: asking again is right.
            works = false;
        }
    }
    let mut record = Record::new(Kind::ServerEra, first.exchange);
    record.set(Field::ProbesWhileWorking, State::Present(Value::Number(probes)), "request.body");
    record.set(Field::EraChanges, State::Present(Value::Number(changes)), "request.body");
    Some(record)
}
