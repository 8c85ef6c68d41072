//! A record: what one step says, field by field, and which other steps it belongs to.

use std::fmt;
use std::sync::Arc;

use foldhash::HashMap;

use super::schema::{Binding, Field, Kind};
use crate::decode::exchange::Unknown;
use crate::evidence::{Part, Refused};

/// One exchange of the incident: index into [`Incident::exchanges`](super::Incident), in time order over all recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId(pub u32);

/// One record of a trail: index into [`Trail::records`](super::Trail), in time order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub u32);

/// A value as compared by relations.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// A string. Compared by octets.
    Text(Arc<str>),
    /// A number: a status, a length of time in seconds, a time stamp in microseconds or seconds as the field says.
    Number(i64),
    /// True or false.
    Flag(bool),
    /// A list of strings, in order.
    List(Vec<Arc<str>>),
}

impl fmt::Debug for Value {
    /// Never prints a text: it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => write!(f, "Text({} octets)", text.len()),
            Value::Number(number) => write!(f, "Number({number})"),
            Value::Flag(flag) => write!(f, "Flag({flag})"),
            Value::List(list) => write!(f, "List({} items)", list.len()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}

/// What the recording says about one field (`rules.md`, section 2).
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// There, with this value.
    Present(Value),
    /// There, but the value cannot be read.
    Unread(Unknown),
    /// Not there, in a message that is there.
    Absent,
    /// The recording does not show whether it was there.
    Unknown(Unknown),
}

impl State {
    /// Present with this text, or absent.
    pub fn text(value: Option<&str>) -> State {
        value.map_or(State::Absent, |text| State::Present(text.into()))
    }

    /// The text, where it is present and is a text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            State::Present(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The number, where it is present and is a number.
    pub fn as_number(&self) -> Option<i64> {
        match self {
            State::Present(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The items, where it is present and is a list.
    pub fn as_list(&self) -> Option<&[Arc<str>]> {
        match self {
            State::Present(Value::List(list)) => Some(list),
            _ => None,
        }
    }
}

/// A field of a record and where it stands.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Which field.
    pub field: Field,
    /// What is known.
    pub state: State,
    /// The exchange in which it stands, or would stand.
    pub exchange: ExchangeId,
    /// The part of that exchange; where the field is absent, the part in which it was looked for.
    pub part: Part,
}

/// Which other record is meant (`rules.md`, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// That one.
    Found(RecordId),
    /// None, and it is known that there is none: the window is closed.
    None(Closing),
    /// Not known.
    Unknown(Unknown),
}

/// What closes a window (design, decision 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// A later exchange of the same client on a leg that would show the missing step.
    LaterExchange(ExchangeId),
    /// No connection of the client is left open and the last was closed by FIN or RST.
    ConnectionsClosed,
    /// The recorder's own end mark.
    EndMark,
    /// The connection to the redirect URI was refused, so the answer never reached the client.
    CallbackRefused(Refused),
    /// Nothing has to be waited for: the step would stand before this record.
    NotNeeded,
}

/// One step: an exchange, or a group such as a session, with its fields and bindings.
#[derive(Debug, Clone)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// The exchange that it is; for a group, the first one.
    pub exchange: ExchangeId,
    /// Its fields. A field of the schema that is not here is unknown.
    pub slots: Vec<Slot>,
    /// Its bindings. A binding of the schema that is not here is unknown.
    pub bounds: Vec<(Binding, Bound)>,
    /// Whether this is a further sighting of another record's request, nearer to the server. It is never a `given`, and
    /// reached by `seen_upstream` only.
    pub is_upstream: bool,
}

impl Record {
    /// A record without fields yet.
    pub fn new(kind: Kind, exchange: ExchangeId) -> Self {
        // Almost every field and binding is set: growing step by step would cost more than the records themselves.
        let slots = Vec::with_capacity(kind.fields().count());
        let bounds = Vec::with_capacity(kind.bindings().count());
        Record { kind, exchange, slots, bounds, is_upstream: false }
    }

    /// The slot of a field; `None` where the record never set it, which counts as unknown.
    pub fn slot(&self, field: Field) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.field == field)
    }

    /// What is known about a field.
    pub fn state(&self, field: Field) -> &State {
        static NOT_SET: State = State::Unknown(Unknown::Opaque);
        self.slot(field).map_or(&NOT_SET, |slot| &slot.state)
    }

    /// The readable text of a field.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.state(field).as_text()
    }

    /// The readable number of a field.
    pub fn number(&self, field: Field) -> Option<i64> {
        self.state(field).as_number()
    }

    /// The readable list of a field; empty where there is none.
    pub fn list(&self, field: Field) -> &[Arc<str>] {
        self.state(field).as_list().unwrap_or(&[])
    }

    /// Whether a field is known to be true.
    pub fn is_true(&self, field: Field) -> bool {
        matches!(self.state(field), State::Present(Value::Flag(true)))
    }

    /// The id of the session that this MCP exchange ended, as the client wished: an accepted DELETE (MCP, transports,
    /// session management).
    fn ended_session(&self) -> Option<&str> {
        let accepted = matches!(self.number(Field::Status), Some(200..=299));
        let ends = self.kind == Kind::McpExchange && self.text(Field::Method) == Some("DELETE") && accepted;
        self.text(Field::SessionId).filter(|_| ends)
    }

    /// Which record a binding leads to.
    pub fn bound(&self, binding: Binding) -> Bound {
        self.bounds
            .iter()
            .find(|(name, _)| *name == binding)
            .map_or(Bound::Unknown(Unknown::LegNotRecorded), |(_, bound)| *bound)
    }

    /// The record that a binding leads to, where it is found.
    pub fn found(&self, binding: Binding) -> Option<RecordId> {
        match self.bound(binding) {
            Bound::Found(record) => Some(record),
            _ => None,
        }
    }

    /// Sets a field, replacing what it had. `part` is a path such as `request.body.code`.
    pub fn set_at(&mut self, field: Field, state: State, exchange: ExchangeId, part: impl Into<Part>) {
        debug_assert!(self.kind.fields().any(|known| known == field), "{} has no field {field}", self.kind);
        let slot = Slot { field, state, exchange, part: part.into() };
        match self.slots.iter_mut().find(|slot| slot.field == field) {
            Some(old) => *old = slot,
            None => self.slots.push(slot),
        }
    }

    /// Sets a field that stands in the record's own exchange.
    pub fn set(&mut self, field: Field, state: State, part: impl Into<Part>) {
        self.set_at(field, state, self.exchange, part);
    }

    /// Sets a binding, replacing what it had.
    pub fn bind(&mut self, binding: Binding, bound: Bound) {
        debug_assert!(
            self.kind.bindings().any(|(known, _)| known == binding),
            "{} has no binding {binding}",
            self.kind
        );
        match self.bounds.iter_mut().find(|(name, _)| *name == binding) {
            Some(old) => old.1 = bound,
            None => self.bounds.push((binding, bound)),
        }
    }
}

/// Where the client ended each session that it ended, by session id.
pub(crate) struct EndedSessions<'a>(HashMap<&'a str, ExchangeId>);

impl<'a> EndedSessions<'a> {
    /// Those that records in time order show.
    pub(crate) fn of(records: impl Iterator<Item = &'a Record>) -> Self {
        let mut ended = HashMap::default();
        for record in records {
            if let Some(session) = record.ended_session() {
                ended.entry(session).or_insert(record.exchange);
            }
        }
        EndedSessions(ended)
    }

    /// Whether a request comes with the id of a session that the client has ended before.
    pub(crate) fn before(&self, record: &Record) -> bool {
        let ended = record.text(Field::SessionId).and_then(|session| self.0.get(session));
        ended.is_some_and(|ended| *ended < record.exchange)
    }
}
