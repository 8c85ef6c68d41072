//! Where values came from, over several steps: facts that one binding does not reach.

use super::derive::Change;
use super::read::urls;
use super::record::{Bound, Record, RecordId, State, Value};
use super::schema::{Binding, Field, Kind};
use crate::decode::exchange::Unknown;

/// The fields to set.
pub(super) fn changes(records: &[Record]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        match record.kind {
            Kind::AuthorizationRequest => {
                let (code, exchange) = match follow(records, record, &[Binding::AuthorizationResponse]) {
                    Ok(response) => (response.state(Field::Code).clone(), response.exchange),
                    Err(state) => (state, record.exchange),
                };
                changes.push((at, Field::CodeReceived, code, exchange, "request.query.code"));
            }
            Kind::TokenRequest => {
                let (scope, exchange) = match follow(records, record, &[Binding::GrantRoot, Binding::TokenResponse]) {
                    Ok(response) => (response.state(Field::GrantedScope).clone(), response.exchange),
                    Err(state) => (state, record.exchange),
                };
                changes.push((at, Field::OriginalScope, scope, exchange, "response.body.scope"));
            }
            Kind::McpExchange => {
                const PATH: &[Binding] = &[Binding::IssuingTokenResponse, Binding::TokenRequest, Binding::AsMetadata];
                let (issuer, exchange) = match follow(records, record, PATH) {
                    Ok(metadata) => (issuer_asked(metadata, record, records), metadata.exchange),
                    Err(state) => (state, record.exchange),
                };
                changes.push((at, Field::TokenIssuer, issuer, exchange, "request.url"));
                let same = audience_same_origin(record, records);
                changes.push((
                    at,
                    Field::AudienceSameOrigin,
                    same,
                    record.exchange,
                    "request.header.authorization.jwt.aud",
                ));
            }
            _ => {}
        }
    }
    changes
}

/// The record at the end of a chain of bindings; else what is known of a value that would stand there.
fn follow<'r>(records: &'r [Record], from: &'r Record, path: &[Binding]) -> Result<&'r Record, State> {
    let mut current = from;
    for binding in path {
        current = match current.bound(*binding) {
            Bound::Found(RecordId(id)) => records.get(id as usize).ok_or(State::Unknown(Unknown::StepNotRecorded))?,
            Bound::None(_) => return Err(State::Absent),
            Bound::Unknown(reason) => return Err(State::Unknown(reason)),
        };
    }
    Ok(current)
}

/// The issuer that a client asked for by a metadata request. Where the request could be for several issuers, the document
/// tells, unless the resource metadata names one at the same origin: that may be the one meant.
fn issuer_asked(metadata: &Record, exchange: &Record, records: &[Record]) -> State {
    let asked = metadata.state(Field::ExpectedIssuer);
    let (State::Unknown(_), Ok(resource)) = (asked, follow(records, exchange, &[Binding::ResourceMetadata])) else {
        return asked.clone();
    };
    let origin = metadata.text(Field::Url).and_then(urls::origin);
    let named = resource.list(Field::DocumentAuthorizationServers);
    if named.iter().any(|issuer| urls::origin(issuer) == origin) {
        asked.clone()
    } else {
        metadata.state(Field::DocumentIssuer).clone()
    }
}

/// Whether an audience is at the origin of the resource that the metadata announces.
fn audience_same_origin(record: &Record, records: &[Record]) -> State {
    let audiences = match record.state(Field::BearerJwtAud) {
        State::Present(Value::List(audiences)) => audiences,
        other => return other.clone(),
    };
    let origins: Vec<String> = audiences
        .iter()
        .filter_map(|audience| urls::origin(audience))
        .filter(|origin| origin.starts_with("http"))
        .collect();
    if origins.is_empty() {
        return State::Absent;
    }
    let announced = match follow(records, record, &[Binding::ResourceMetadata]) {
        Ok(metadata) => metadata.text(Field::DocumentResource).and_then(urls::origin),
        Err(state) => return state,
    };
    match announced {
        Some(announced) => State::Present(Value::Flag(origins.contains(&announced))),
        None => State::Unknown(Unknown::Opaque),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::ExchangeId;
    use super::*;

    fn record(kind: Kind, exchange: u32) -> Record {
        Record::new(kind, ExchangeId(exchange))
    }

    fn list(items: &[&str]) -> State {
        State::Present(Value::List(items.iter().map(|item| (*item).into()).collect()))
    }

    fn change(records: &[Record], at: usize, field: Field) -> Option<State> {
        changes(records).into_iter().find(|change| change.0 == at && change.1 == field).map(|change| change.2)
    }

    #[test]
    fn audiences_that_are_urls_are_compared_by_origin() {
        let mut metadata = record(Kind::ResourceMetadataRequest, 0);
        metadata.set(Field::DocumentResource, State::text(Some("https://mcp.example.com/mcp")), "x");
        for (audience, expected) in [
            (&["https://mcp.example.com/"][..], State::Present(Value::Flag(true))),
            (&["https://other.example.com/mcp", "account"], State::Present(Value::Flag(false))),
            (&["api://4711"], State::Absent),
        ] {
            let mut exchange = record(Kind::McpExchange, 1);
            exchange.set(Field::BearerJwtAud, list(audience), "x");
            exchange.bind(Binding::ResourceMetadata, Bound::Found(RecordId(0)));
            let records = [metadata.clone(), exchange];
            assert_eq!(change(&records, 1, Field::AudienceSameOrigin), Some(expected), "{audience:?}");
        }
    }

    #[test]
    fn a_chain_of_bindings_ends_where_one_is_not_known() {
        let mut request = record(Kind::TokenRequest, 0);
        request.bind(Binding::GrantRoot, Bound::Found(RecordId(0)));
        request.bind(Binding::TokenResponse, Bound::Found(RecordId(1)));
        let mut response = record(Kind::TokenResponse, 0);
        response.set(Field::GrantedScope, list(&["a"]), "x");
        response.bind(Binding::TokenRequest, Bound::Found(RecordId(0)));
        let mut exchange = record(Kind::McpExchange, 1);
        exchange.bind(Binding::IssuingTokenResponse, Bound::Found(RecordId(1)));
        let records = [request, response, exchange];
        assert_eq!(change(&records, 0, Field::OriginalScope), Some(list(&["a"])));
        assert!(matches!(change(&records, 2, Field::TokenIssuer), Some(State::Unknown(_))));
    }
}
