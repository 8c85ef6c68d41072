//! Bindings of groups: sessions, uses of a token, discoveries, step-ups.

use super::{Binder, Found};
use crate::decode::exchange::Unknown;
use crate::trail::record::{Bound, Closing, Record, RecordId};
use crate::trail::schema::{Binding, Field, Kind};

pub(super) fn bind_session(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let initialize = binder.of_kind(Kind::McpExchange).find(|(_, other)| other.exchange == record.exchange);
    found.push((
        id,
        Binding::Initialize,
        initialize.map_or(Bound::Unknown(Unknown::LegNotRecorded), |(id, _)| Bound::Found(id)),
    ));
    let session = record.text(Field::SessionId);
    let refused = binder.first_after(record, Kind::McpExchange, |other| {
        other.text(Field::SessionId) == session && matches!(other.number(Field::Status), Some(400 | 401 | 403 | 404))
    });
    found.push((id, Binding::FirstRefusal, refused.map_or(Bound::None(Closing::NotNeeded), Bound::Found)));
    let again = binder.later(record, Kind::McpExchange, |other| other.text(Field::JsonrpcMethod) == Some("initialize"));
    found.push((id, Binding::NextInitialize, again));
}

/// The MCP exchange at which a group begins.
fn at_same_exchange(binder: &Binder<'_>, record: &Record) -> Option<RecordId> {
    binder.of_kind(Kind::McpExchange).find(|(_, other)| other.exchange == record.exchange).map(|(id, _)| id)
}

pub(super) fn bind_token_use(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let token = record.text(Field::Bearer);
    let issuing = binder.of_kind(Kind::TokenResponse).find(|(_, other)| other.text(Field::AccessToken) == token);
    let bound = issuing.map_or(Bound::Unknown(Unknown::LegNotRecorded), |(id, _)| Bound::Found(id));
    found.push((id, Binding::IssuingTokenResponse, bound));
}

pub(super) fn bind_discovery(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let refused = |other: &Record| matches!(other.number(Field::Status), Some(401 | 403));
    let challenge = binder.last_before(record, Kind::McpExchange, refused);
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
    let refreshes = |other: &Record| other.text(Field::GrantType) == Some("refresh_token");
    found.push((id, Binding::NextRefreshRequest, binder.later(record, Kind::TokenRequest, refreshes)));
}
