//! The tool that each call names, as the server described it (MCP 2026-07-28, custom headers from tool parameters).

use std::sync::Arc;

use foldhash::HashMap;

use super::messages::message_of;
use super::{Binder, Found};
use crate::decode::exchange::Unknown;
use crate::trail::derive::Change;
use crate::trail::read::param_header::{self, Annotation};
use crate::trail::record::{Bound, Closing, ExchangeId, Record, RecordId, State, Value};
use crate::trail::schema::{Binding, Field, Kind};
use crate::trail::steps::pair;

/// The tool lists of a trail.
pub(super) struct Tools {
    /// The lists in which a tool of this name stands, in time order, with its annotations.
    lists: HashMap<String, Vec<(ExchangeId, RecordId, Vec<Annotation>)>>,
    /// Requests of the client for a list so far.
    asked: i64,
    /// Why not every request of the client is known.
    blind: Option<Unknown>,
}

impl Tools {
    /// Reads the lists. `blind` says why not every request of the client is known.
    pub(super) fn new(binder: &Binder<'_>, blind: Option<Unknown>) -> Self {
        let mut lists: HashMap<String, Vec<(ExchangeId, RecordId, Vec<Annotation>)>> = HashMap::default();
        for (id, record) in binder.of_kind(Kind::ServerMessage) {
            if !record.list(Field::ResultMembers).iter().any(|member| &**member == "tools") {
                continue;
            }
            let position = record.number(Field::Position).and_then(|position| usize::try_from(position).ok());
            let content = binder.view(record).and_then(|view| view.content(binder.limits).ok().flatten());
            let message = content.zip(position).and_then(|(content, at)| content.messages().nth(at.checked_sub(1)?));
            let tools = message.and_then(|message| message.result()?.get("tools")?.as_array());
            for tool in tools.into_iter().flatten() {
                let Some(name) = tool.get("name").and_then(serde_json::Value::as_str) else { continue };
                let usable = tool.get("inputSchema").map(|schema| param_header::annotations(schema).usable);
                let list = (record.exchange, id, usable.unwrap_or_default());
                lists.entry(name.to_owned()).or_default().push(list);
            }
        }
        Tools { lists, asked: 0, blind }
    }

    /// Binds a message of the client to the list that describes the tool which it calls, and tells what its headers have
    /// to say. Messages come in time order.
    pub(super) fn bind_call(
        &mut self,
        binder: &Binder<'_>,
        id: RecordId,
        message: &Record,
        found: &mut Vec<Found>,
        changes: &mut Vec<Change>,
    ) {
        const PART: &str = "request.body.params.arguments";
        let call = self.of_call(binder, message);
        found.push((id, Binding::Tool, call.list));
        let mut change = |field, state, part| changes.push((id.0 as usize, field, state, message.exchange, part));
        change(Field::ExpectedParamHeaders, call.expected, PART);
        change(Field::HeadersWithoutValue, call.without_value, PART);
        let asked = self.blind.map_or(State::Present(Value::Number(self.asked)), State::Unknown);
        change(Field::EarlierToolLists, asked, "request.body.method");
        let asks = message.text(Field::Sort) == Some("request") && message.text(Field::Method) == Some("tools/list");
        self.asked += i64::from(asks);
    }

    fn of_call(&self, binder: &Binder<'_>, message: &Record) -> Call {
        if message.text(Field::Method) != Some("tools/call") {
            let none = Bound::None(Closing::NotNeeded);
            return Call { list: none, expected: State::Absent, without_value: State::Absent };
        }
        let lists = message.text(Field::ParamsName).and_then(|name| self.lists.get(name));
        let list = lists.and_then(|lists| {
            let after = lists.partition_point(|(exchange, _, _)| *exchange < message.exchange);
            lists.get(after.checked_sub(1)?)
        });
        let Some((_, id, annotations)) = list else {
            let unknown = State::Unknown(Unknown::LegNotRecorded);
            let list = Bound::Unknown(Unknown::LegNotRecorded);
            return Call { list, expected: unknown.clone(), without_value: unknown };
        };
        let arguments = message_of(binder, message).and_then(|message| message.params()?.get("arguments"));
        let expected = annotations.iter().filter_map(|annotation| {
            let value = param_header::mirrored(arguments?, annotation)?;
            Some(Arc::from(pair(&annotation.name, &value)))
        });
        let valueless = annotations.iter().filter(|annotation| !param_header::has_value(arguments, annotation));
        let without_value = valueless.map(|annotation| param_header::header_name(&annotation.name).into());
        Call { list: Bound::Found(*id), expected: list_of(expected), without_value: list_of(without_value) }
    }
}

/// What the list of tools says of one call.
struct Call {
    list: Bound,
    /// What the headers have to say.
    expected: State,
    /// The headers that have nothing to say.
    without_value: State,
}

fn list_of(items: impl Iterator<Item = Arc<str>>) -> State {
    let items: Vec<Arc<str>> = items.collect();
    if items.is_empty() { State::Absent } else { State::Present(Value::List(items)) }
}
