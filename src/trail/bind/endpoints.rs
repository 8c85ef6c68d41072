//! Bindings of the smaller endpoints, and of what was asked or said there about a token.

use super::{Binder, Found};
use crate::trail::record::{Bound, Closing, Record, RecordId, State};
use crate::trail::schema::{Binding, Field, Kind};

pub(super) fn bind(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let token = record.text(Field::Token);
    let uses = token.and_then(|token| binder.selected.by_token.get(token)).map_or(&[][..], Vec::as_slice);
    match record.kind {
        Kind::DeviceAuthorizationRequest => {
            let code = record.text(Field::DeviceCode);
            let redeems = |other: &Record| code.is_some() && other.text(Field::DeviceCode) == code;
            found.push((id, Binding::TokenRequest, binder.later(record, Kind::TokenRequest, redeems)));
        }
        Kind::IntrospectionRequest => {
            found.push((id, Binding::FirstUse, binder.earlier(uses.first().copied(), Kind::McpExchange)));
        }
        Kind::RevocationRequest => found.push((id, Binding::NextUse, binder.later_of(uses, record, Kind::McpExchange))),
        _ => {}
    }
}

/// What the server heard last of the token of a request: an introspection that was answered before the request was.
pub(super) fn introspection(binder: &Binder<'_>, exchange: &Record) -> Bound {
    if exchange.state(Field::Bearer) == &State::Absent {
        return Bound::None(Closing::NotNeeded);
    }
    let asked = exchange.text(Field::Bearer).and_then(|token| binder.selected.introspections.get(token));
    let answered = exchange.number(Field::AnsweredAt);
    let is_heard = |id: &&RecordId| {
        let heard = binder.record(**id).and_then(|asked| asked.number(Field::AnsweredAt));
        matches!((heard, answered), (Some(heard), Some(answered)) if heard <= answered)
    };
    let asked = asked.map_or(&[][..], Vec::as_slice);
    let until =
        asked.partition_point(|id| binder.record(*id).and_then(|asked| asked.number(Field::SentAt)) <= answered);
    let last = asked.get(..until).unwrap_or_default().iter().rev().find(is_heard);
    binder.earlier(last.copied(), Kind::IntrospectionRequest)
}

/// The last request before that revoked one of these tokens.
pub(super) fn revocation(binder: &Binder<'_>, record: &Record, tokens: &[Option<&str>]) -> Bound {
    if tokens.iter().all(Option::is_none) {
        return Bound::None(Closing::NotNeeded);
    }
    let revoked = tokens.iter().flatten().filter_map(|token| binder.selected.revocations.get(token));
    let last = revoked.filter_map(|list| binder.last_of(list, record)).max();
    binder.earlier(last, Kind::RevocationRequest)
}
