//! Bindings of groups: sessions, uses of a token, discoveries, step-ups.

use super::{Binder, Found};
use crate::decode::exchange::Unknown;
use crate::trail::record::{Bound, Closing, Record, RecordId};
use crate::trail::schema::{Binding, Field, Kind};

pub(super) fn bind_session(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let initialize = at_same_exchange(binder, record);
    found.push((id, Binding::Initialize, initialize.map_or(Bound::Unknown(Unknown::LegNotRecorded), Bound::Found)));
    let refusals = record.text(Field::SessionId).and_then(|session| binder.selected.session_refusals.get(session));
    let refused = refusals.and_then(|refusals| super::selected::first_of(binder, refusals, record));
    found.push((id, Binding::FirstRefusal, refused.map_or(Bound::None(Closing::NotNeeded), Bound::Found)));
    // What has to come, comes after the refusal: until then there is nothing to open anew.
    let refusal = refused.and_then(|id| binder.record(id));
    found.push((id, Binding::NextInitialize, opened_anew(binder, refusal.unwrap_or(record))));
}

/// The next `initialize`. A client that ends its session with DELETE has not yet gone on without another one.
fn opened_anew(binder: &Binder<'_>, from: &Record) -> Bound {
    let again = super::selected::first_of(binder, &binder.selected.initializes, from);
    let ends = |at| {
        let exchange = binder.at_exchange(Kind::McpExchange, at).and_then(|id| binder.record(id));
        exchange.is_some_and(|exchange| exchange.text(Field::Method) == Some("DELETE"))
    };
    let missing = || binder.windows.missing_after_except(from.exchange, Kind::McpExchange, ends);
    again.map_or_else(missing, Bound::Found)
}

/// The MCP exchange at which a group begins.
fn at_same_exchange(binder: &Binder<'_>, record: &Record) -> Option<RecordId> {
    binder.at_exchange(Kind::McpExchange, record.exchange)
}

pub(super) fn bind_token_use(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let issuing = record.text(Field::Bearer).and_then(|token| binder.selected.issuing.get(token));
    let bound = issuing.map_or(Bound::Unknown(Unknown::LegNotRecorded), |id| Bound::Found(*id));
    found.push((id, Binding::IssuingTokenResponse, bound));
}

pub(super) fn bind_discovery(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let challenge = binder.last_of(&binder.selected.refused, record);
    found.push((id, Binding::Challenge, binder.earlier(challenge, Kind::McpExchange)));
    found.push((id, Binding::NextMcpExchange, binder.later(record, Kind::McpExchange, |_| true)));
    let next = binder.later(record, Kind::AuthorizationRequest, |_| true);
    found.push((id, Binding::NextAuthorizationRequest, next));
}

pub(super) fn bind_step_up(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let refusal = at_same_exchange(binder, record);
    found.push((id, Binding::Refusal, refusal.map_or(Bound::Unknown(Unknown::LegNotRecorded), Bound::Found)));
    let operation = refusal.and_then(|id| binder.record(id)).and_then(|refusal| refusal.text(Field::JsonrpcMethod));
    let again = |other: &Record| other.text(Field::JsonrpcMethod) == operation;
    found.push((id, Binding::Retry, binder.later(record, Kind::McpExchange, again)));
    found.push((id, Binding::NextAuthorizationRequest, binder.later(record, Kind::AuthorizationRequest, |_| true)));
    let refresh = binder.later_of(&binder.selected.refreshes, record, Kind::TokenRequest);
    found.push((id, Binding::NextRefreshRequest, refresh));
}
