//! Whether a missing step is known to be missing (design, decision 4), and which legs are visible.

use std::cell::OnceCell;

use foldhash::HashMap;

use super::read::urls;
use super::record::{Bound, Closing, ExchangeId, Record};
use super::schema::{Field, Kind, Leg};
use crate::decode::exchange::{Exchange, Unknown};
use crate::evidence::{CaptureId, Refused, Timestamp};

/// The legs of which these records hold a readable exchange.
pub fn visible_legs<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Leg> {
    let mut legs: Vec<Leg> = Vec::new();
    for record in records {
        match record.kind {
            Kind::AuthorizationResponse => {
                let seen = [(Field::RedirectSeen, Leg::BrowserAs), (Field::CallbackSeen, Leg::BrowserClient)];
                legs.extend(seen.into_iter().filter(|(field, _)| record.is_true(*field)).map(|(_, leg)| leg));
            }
            Kind::Preflight => {}
            kind => legs.extend(kind.legs()),
        }
    }
    legs.sort();
    legs.dedup();
    legs
}

/// What is recorded of one client, at whatever server.
pub(crate) struct Steps {
    /// Its exchanges with their kinds, in time order.
    all: Vec<(ExchangeId, Kind)>,
    /// Those of them that go over connections of the client itself, its callback listener's included. A browser keeps
    /// its connections open for reasons of its own.
    own: Vec<ExchangeId>,
    /// Its visible legs.
    pub legs: Vec<Leg>,
}

impl Steps {
    /// Those that the records of a client show.
    pub(crate) fn of(records: &[Record]) -> Steps {
        let seen = records.iter().filter(|record| !record.is_upstream);
        Steps {
            all: seen.map(|record| (record.exchange, record.kind)).collect(),
            own: records.iter().filter(|record| is_own(record)).map(|record| record.exchange).collect(),
            legs: visible_legs(records),
        }
    }
}

/// What closes windows of one client.
pub(crate) struct Windows<'a> {
    /// What is recorded of it.
    pub of_client: &'a Steps,
    /// Of each kind the last exchange that may be of this client or of another one.
    pub shared: &'a HashMap<Kind, ExchangeId>,
    /// All exchanges.
    pub exchanges: &'a [Exchange],
    /// End marks of the recordings.
    pub end_marks: Vec<(CaptureId, Timestamp)>,
    /// Connections that were refused, in time order.
    pub refused: &'a [Refused],
    /// When the last connection was closed, once it was asked for.
    pub last_closed: OnceCell<Option<Timestamp>>,
}

impl Windows<'_> {
    /// A step of kind `missing` was not found after `trigger`: none, or not known.
    pub(crate) fn missing_after(&self, trigger: ExchangeId, missing: Kind) -> Bound {
        self.missing_after_except(trigger, missing, |_| false)
    }

    /// The same, where some later exchanges show nothing: with them the client may end one thing before it begins another.
    pub(crate) fn missing_after_except(
        &self,
        trigger: ExchangeId,
        missing: Kind,
        shows_nothing: impl Fn(ExchangeId) -> bool,
    ) -> Bound {
        if !self.would_show(missing) {
            return Bound::Unknown(Unknown::LegNotRecorded);
        }
        if self.shared.get(&missing).is_some_and(|last| *last > trigger) {
            return Bound::Unknown(Unknown::Ambiguous);
        }
        let steps = &self.of_client.all;
        let after = steps.partition_point(|(id, _)| *id <= trigger);
        let mut later = steps.iter().skip(after);
        let answered = self.exchange(trigger).and_then(|exchange| exchange.answered_at);
        // What was sent before the answer to the trigger came does not follow from it.
        let is_beside = |id: ExchangeId| {
            let sent = self.exchange(id).and_then(|exchange| exchange.sent_at);
            answered.zip(sent).is_some_and(|(answered, sent)| sent < answered)
        };
        let later = later.find(|(id, kind)| shows_absence(*kind, missing) && !shows_nothing(*id) && !is_beside(*id));
        if let Some((id, _)) = later {
            return Bound::None(Closing::LaterExchange(*id));
        }
        if self.connections_closed_after(trigger) {
            return Bound::None(Closing::ConnectionsClosed);
        }
        if self.ended_after(trigger) {
            return Bound::None(Closing::EndMark);
        }
        Bound::Unknown(Unknown::WindowOpen)
    }

    /// Whether the legs on which steps of this kind go are visible.
    pub(crate) fn would_show(&self, kind: Kind) -> bool {
        kind.legs().iter().any(|leg| self.of_client.legs.contains(leg))
    }

    /// No connection of the client is left open, and the last was closed by FIN or RST after the trigger.
    fn connections_closed_after(&self, trigger: ExchangeId) -> bool {
        let Some(sent) = self.exchange(trigger).and_then(|exchange| exchange.sent_at) else { return false };
        self.last_closed().is_some_and(|last| last > sent)
    }

    /// When the last connection of the client was closed; `None` where one is left open.
    fn last_closed(&self) -> Option<Timestamp> {
        *self.last_closed.get_or_init(|| {
            let closed = |id: ExchangeId| Some(self.exchange(id)?.connection.closed?.at);
            let all: Option<Vec<Timestamp>> = self.of_client.own.iter().map(|id| closed(*id)).collect();
            all?.into_iter().max()
        })
    }

    /// The recorder says that it missed nothing until its end.
    fn ended_after(&self, trigger: ExchangeId) -> bool {
        let Some(exchange) = self.exchange(trigger) else { return false };
        let marks = self.end_marks.iter().filter(|(capture, _)| *capture == exchange.capture);
        marks.into_iter().any(|(_, mark)| exchange.sent_at.is_none_or(|sent| sent <= *mark))
    }

    /// The first refusal of a connection to the loopback address that `uri` names, after `redirect`. A browser may have
    /// tried the address of the other family first: whether the answer came through all the same, the caller knows.
    pub(crate) fn callback_refused(&self, redirect: ExchangeId, uri: &str) -> Option<Refused> {
        let sent = self.exchange(redirect)?.sent_at?;
        let port = urls::loopback_port(uri)?;
        let fits = |refused: &&Refused| {
            refused.at > sent && refused.server.port() == port && refused.server.ip().is_loopback()
        };
        self.refused.iter().find(fits).copied()
    }

    fn exchange(&self, id: ExchangeId) -> Option<&Exchange> {
        self.exchanges.get(id.0 as usize)
    }
}

/// Whether an exchange goes over a connection of the client itself: not what the browser says to the authorization
/// server.
fn is_own(record: &Record) -> bool {
    match record.kind {
        Kind::AuthorizationRequest => false,
        Kind::AuthorizationResponse => record.is_true(Field::CallbackSeen),
        _ => !record.is_upstream,
    }
}

/// Whether a later exchange of kind `later` shows that `missing` did not come before it. Metadata may be fetched again at
/// any time, so it shows nothing.
fn shows_absence(later: Kind, missing: Kind) -> bool {
    match later {
        Kind::ResourceMetadataRequest | Kind::AsMetadataRequest => {
            matches!(missing, Kind::McpExchange) && later == Kind::ResourceMetadataRequest
        }
        Kind::Preflight | Kind::ClientMetadataFetch => false,
        Kind::McpExchange => missing != Kind::AuthorizationRequest,
        Kind::AuthorizationResponse => missing == Kind::AuthorizationRequest,
        _ => true,
    }
}
