//! Custody: which other step each record belongs to. Resolved once, here; no page and no relation searches.

use foldhash::HashMap;

mod authorization;
mod endpoints;
mod expiry;
mod groups;
mod inputs;
mod mcp;
mod messages;
mod modern;
mod pairing;
mod selected;
mod tools;

use selected::Selected;

use super::derive::{self, Change};
use super::record::{Bound, Closing, ExchangeId, Record, RecordId};
use super::schema::{Binding, Field, Kind};
use super::view::View;
use super::window::Windows;
use crate::capture::limits::Limits;

/// The records of one trail, while their bindings are found.
pub(crate) struct Binder<'a> {
    /// The records, in time order.
    pub records: &'a [Record],
    /// The ids of the records of each kind, in time order.
    by_kind: HashMap<Kind, Vec<RecordId>>,
    /// Windows of the client.
    pub windows: &'a Windows<'a>,
    /// All exchanges, read.
    pub views: &'a [View<'a>],
    /// How exchanges belong to each other before anything is known of them.
    pub pairs: &'a Pairs,
    /// Limits of the readers.
    pub limits: &'a Limits,
    /// Selections that are looked through again and again.
    pub selected: Selected<'a>,
}

/// How exchanges belong to each other before anything is known of them.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    /// Each preflight and the request it was for.
    pub preflights: Vec<(ExchangeId, ExchangeId)>,
    /// Each request and its sighting one hop nearer to the server.
    pub hops: Vec<(ExchangeId, ExchangeId)>,
    /// Each exchange and the same one in another recording.
    pub twins: Vec<(ExchangeId, ExchangeId)>,
}

/// One binding that was found.
pub(crate) type Found = (RecordId, Binding, Bound);

/// Binds the records of one trail.
pub(crate) fn bind(records: &mut [Record], windows: &Windows<'_>, views: &[View<'_>], pairs: &Pairs, limits: &Limits) {
    let mut by_kind: HashMap<Kind, Vec<RecordId>> = HashMap::default();
    for (at, record) in records.iter().enumerate().filter(|(_, record)| !record.is_upstream) {
        by_kind.entry(record.kind).or_default().push(RecordId(at as u32));
    }
    let selected = Selected::default();
    let mut binder = Binder { records, by_kind, windows, views, pairs, limits, selected };
    binder.selected = Selected::new(&binder);
    binder.selected.login_of = authorization::logins(&binder);
    binder.selected.uses = authorization::uses(&binder);
    let mut found: Vec<Found> = Vec::new();
    for (at, record) in binder.records.iter().enumerate() {
        let id = RecordId(at as u32);
        match record.kind {
            _ if record.is_upstream => {}
            Kind::McpExchange => mcp::bind_exchange(&binder, id, record, &mut found),
            Kind::Session => groups::bind_session(&binder, id, record, &mut found),
            Kind::TokenUse => groups::bind_token_use(&binder, id, record, &mut found),
            Kind::Discovery => groups::bind_discovery(&binder, id, record, &mut found),
            Kind::StepUp => groups::bind_step_up(&binder, id, record, &mut found),
            Kind::ResourceMetadataRequest => mcp::bind_resource_metadata(&binder, id, record, &mut found),
            Kind::AsMetadataRequest => authorization::bind_as_metadata(&binder, id, record, &mut found),
            Kind::RegistrationRequest => authorization::bind_registration(&binder, id, record, &mut found),
            Kind::ClientMetadataFetch => authorization::bind_client_metadata(&binder, id, record, &mut found),
            Kind::AuthorizationRequest => authorization::bind_request(&binder, id, record, &mut found),
            Kind::AuthorizationResponse => authorization::bind_response(&binder, id, record, &mut found),
            Kind::TokenRequest => authorization::bind_token_request(&binder, id, record, &mut found),
            Kind::DeviceAuthorizationRequest | Kind::IntrospectionRequest | Kind::RevocationRequest => {
                endpoints::bind(&binder, id, record, &mut found);
            }
            Kind::TokenResponse => authorization::bind_token_response(&binder, id, record, &mut found),
            _ => {}
        }
    }
    let mut changes: Vec<Change> = Vec::new();
    messages::bind(&binder, &mut found, &mut changes);
    derive::apply(records, changes);
    for (id, binding, bound) in found {
        if let Some(record) = records.get_mut(id.0 as usize) {
            record.bind(binding, bound);
        }
    }
}

impl<'a> Binder<'a> {
    /// The records of a kind with their ids, in time order.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl DoubleEndedIterator<Item = (RecordId, &'a Record)> {
        let ids = self.by_kind.get(&kind).map_or(&[][..], Vec::as_slice);
        let records = self.records;
        ids.iter().filter_map(move |id| Some((*id, records.get(id.0 as usize)?)))
    }

    /// The record with this id.
    pub(crate) fn record(&self, id: RecordId) -> Option<&'a Record> {
        self.records.get(id.0 as usize)
    }

    /// The record of a kind at an exchange.
    pub(crate) fn at_exchange(&self, kind: Kind, exchange: ExchangeId) -> Option<RecordId> {
        let ids = self.ids(kind);
        let at = ids.partition_point(|id| self.record(*id).is_some_and(|other| other.exchange < exchange));
        ids.get(at).copied().filter(|id| self.record(*id).is_some_and(|other| other.exchange == exchange))
    }

    fn ids(&self, kind: Kind) -> &[RecordId] {
        self.by_kind.get(&kind).map_or(&[][..], Vec::as_slice)
    }

    /// The ids of a kind before and after the exchange of a record.
    fn around(&self, record: &Record, kind: Kind) -> (&[RecordId], &[RecordId]) {
        let ids = self.ids(kind);
        let exchange = |id: &RecordId| self.record(*id).map(|other| other.exchange);
        let before = ids.partition_point(|id| exchange(id).is_some_and(|other| other < record.exchange));
        let after = ids.partition_point(|id| exchange(id).is_some_and(|other| other <= record.exchange));
        (ids.get(..before).unwrap_or_default(), ids.get(after..).unwrap_or_default())
    }

    /// The last record of a kind before `record` for which `fits` holds.
    pub(crate) fn last_before(&self, record: &Record, kind: Kind, fits: impl Fn(&Record) -> bool) -> Option<RecordId> {
        self.around(record, kind).0.iter().rev().find(|id| self.record(**id).is_some_and(&fits)).copied()
    }

    /// The first record of a kind after `record` for which `fits` holds.
    pub(crate) fn first_after(&self, record: &Record, kind: Kind, fits: impl Fn(&Record) -> bool) -> Option<RecordId> {
        self.around(record, kind).1.iter().find(|id| self.record(**id).is_some_and(&fits)).copied()
    }

    /// A later step, or what is known of its absence.
    pub(crate) fn later(&self, record: &Record, kind: Kind, fits: impl Fn(&Record) -> bool) -> Bound {
        self.first_after(record, kind, fits).map_or_else(|| self.missing_after(record, kind), Bound::Found)
    }

    /// What is known of a later step that is not there: where a value is used that only such a step can have brought, it
    /// happened and was not recorded.
    pub(crate) fn missing_after(&self, record: &Record, kind: Kind) -> Bound {
        self.missing_after_except(record, kind, |_| false)
    }

    /// The same, where some later exchanges show nothing.
    pub(crate) fn missing_after_except(
        &self,
        record: &Record,
        kind: Kind,
        shows_nothing: impl Fn(ExchangeId) -> bool,
    ) -> Bound {
        let unminted = match kind {
            Kind::TokenRequest | Kind::TokenResponse => &self.selected.unminted_tokens,
            Kind::AuthorizationResponse => &self.selected.unminted_codes,
            Kind::AuthorizationRequest => &self.selected.unminted_states,
            _ => return self.windows.missing_after_except(record.exchange, kind, shows_nothing),
        };
        let happened = selected::first_of(self, unminted, record);
        match happened {
            Some(_) => Bound::Unknown(crate::decode::exchange::Unknown::StepNotRecorded),
            None => self.windows.missing_after_except(record.exchange, kind, shows_nothing),
        }
    }

    /// An earlier step. Where there is none, nothing has to be waited for; but its leg must be visible to know that.
    pub(crate) fn earlier(&self, found: Option<RecordId>, kind: Kind) -> Bound {
        match found {
            Some(id) => Bound::Found(id),
            None if !self.windows.would_show(kind) => Bound::Unknown(crate::decode::exchange::Unknown::LegNotRecorded),
            None => Bound::None(Closing::NotNeeded),
        }
    }

    /// The last of a selection before a record.
    pub(crate) fn last_of(&self, list: &[RecordId], record: &Record) -> Option<RecordId> {
        selected::last_of(self, list, record)
    }

    /// The first of a selection after a record, or what is known of its absence.
    pub(crate) fn later_of(&self, list: &[RecordId], record: &Record, kind: Kind) -> Bound {
        let found = selected::first_of(self, list, record);
        found.map_or_else(|| self.missing_after(record, kind), Bound::Found)
    }

    /// The preflight of a request.
    pub(crate) fn preflight(&self, record: &Record) -> Bound {
        let preflight = self.selected.preflight_of.get(&record.exchange);
        let found = preflight.and_then(|preflight| self.at_exchange(Kind::Preflight, *preflight));
        found.map_or(Bound::None(Closing::NotNeeded), Bound::Found)
    }

    /// The sighting of the same request one hop nearer to the server.
    pub(crate) fn seen_upstream(&self, record: &Record) -> Bound {
        let found = self.selected.upstream_of.get(&record.exchange);
        // Where no point behind a proxy was recorded, it is not known whether there is one.
        found.map_or(Bound::Unknown(crate::decode::exchange::Unknown::LegNotRecorded), |id| Bound::Found(*id))
    }

    /// The exchange of a record, read.
    pub(crate) fn view(&self, record: &Record) -> Option<&View<'a>> {
        self.views.get(record.exchange.0 as usize)
    }
}

/// Whether a token response gives a token that can be used. What an exchange marks as `N_A` is no access token (RFC 8693,
/// 2.2.1).
pub(crate) fn is_usable(response: &Record) -> bool {
    matches!(response.number(Field::Status), Some(200..=299))
        && response.text(Field::TokenType) != Some("n_a")
        && matches!(
            response.state(Field::AccessToken),
            super::record::State::Present(_) | super::record::State::Unread(_)
        )
}

/// Whether the server took an MCP exchange as authorized: a success, or a refusal that has nothing to do with credentials.
pub(crate) fn is_accepted(exchange: &Record) -> bool {
    matches!(exchange.number(Field::Status), Some(200..=299))
}
