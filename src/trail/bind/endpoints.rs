//! Bindings of the smaller endpoints.

use super::{Binder, Found};
use crate::trail::record::{Record, RecordId};
use crate::trail::schema::{Binding, Field, Kind};

pub(super) fn bind(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let token = record.text(Field::Token);
    let uses = |other: &Record| token.is_some() && other.text(Field::Bearer) == token;
    match record.kind {
        Kind::DeviceAuthorizationRequest => {
            let code = record.text(Field::DeviceCode);
            let redeems = |other: &Record| code.is_some() && other.text(Field::DeviceCode) == code;
            found.push((id, Binding::TokenRequest, binder.later(record, Kind::TokenRequest, redeems)));
        }
        Kind::IntrospectionRequest => {
            let using = binder.of_kind(Kind::McpExchange).find(|(_, other)| uses(other)).map(|(id, _)| id);
            found.push((id, Binding::FirstUse, binder.earlier(using, Kind::McpExchange)));
        }
        Kind::RevocationRequest => found.push((id, Binding::NextUse, binder.later(record, Kind::McpExchange, uses))),
        _ => {}
    }
}
