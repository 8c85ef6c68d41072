//! The records of the events of a stream (HTML, 9.2.6).

use super::message::record_in;
use crate::trail::read::content::Content;
use crate::trail::record::{Record, State, Value};
use crate::trail::schema::{Field, Kind};
use crate::trail::view::View;

pub(super) fn events(exchange: &Record, view: &View<'_>, content: &Content, found: &mut Vec<Record>) {
    let via = if view.method() == "GET" { "get-stream" } else { "post-stream" };
    for (at, event) in content.events.iter().enumerate() {
        let mut record = record_in(exchange, Kind::ServerEvent);
        record.set(Field::EventId, State::text(event.id.as_deref()), "response.body.event.id");
        record.set(Field::Retry, milliseconds(event.retry), "response.body.event.retry");
        let name = if event.name.is_empty() { "message" } else { &event.name };
        record.set(Field::EventName, State::text(Some(name)), "response.body.event.event");
        record.set(Field::DataEmpty, State::Present(Value::Flag(event.data_empty)), "response.body.event.data");
        let position = i64::try_from(at + 1).unwrap_or(i64::MAX);
        record.set(Field::Position, State::Present(Value::Number(position)), "response.body.event");
        record.set(Field::Via, State::text(Some(via)), "response.body");
        found.push(record);
    }
}

/// A length of time as a field.
pub(super) fn milliseconds(time: Option<u64>) -> State {
    let time = time.map(|time| Value::Number(i64::try_from(time).unwrap_or(i64::MAX)));
    time.map_or(State::Absent, State::Present)
}
