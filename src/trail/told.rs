//! What the client had been told before a step: endpoints of the server metadata, issuers of the resource metadata,
//! earlier answers to its registrations.

use std::sync::Arc;

use super::derive::Change;
use super::read::params::Params;
use super::read::urls;
use super::record::{Record, RecordId, State, Value};
use super::schema::{Binding, Field, Kind};
use crate::decode::exchange::Unknown;

/// The fields to set.
pub(super) fn changes(records: &[Record]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for (at, record) in records.iter().enumerate().filter(|(_, record)| !record.is_upstream) {
        let mut set = |field: Field, state: State| changes.push((at, field, state, record.exchange, "request.url"));
        match record.kind {
            Kind::AuthorizationRequest => {
                let (endpoint, dropped) = announced(record, records);
                set(Field::AnnouncedEndpoint, endpoint);
                set(Field::DroppedParameters, dropped);
                set(Field::DefaultEndpoint, default_endpoint(records));
                set(Field::MetadataProbes, metadata_probes(record, records));
                set(Field::IssuerNamed, issuer_named(record, records));
                set(Field::RedirectUriKind, redirect_uri_kind(record));
            }
            Kind::RegistrationRequest => {
                set(Field::MetadataProbes, metadata_probes(record, records));
                set(Field::RedirectUriKinds, redirect_uri_kinds(record));
                set(Field::RedirectUriCount, redirect_uri_count(record));
                set(Field::EarlierRefusals, earlier_refusals(record, records));
                set(Field::UrlClientIdWorked, url_client_id_worked(record, records));
            }
            _ => {}
        }
    }
    changes
}

fn before<'r>(record: &'r Record, records: &'r [Record], kind: Kind) -> impl Iterator<Item = &'r Record> {
    let earlier = |other: &&Record| other.exchange < record.exchange && !other.is_upstream;
    records.iter().filter(move |other| other.kind == kind).filter(earlier)
}

fn number(count: usize) -> State {
    State::Present(Value::Number(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn names(names: Vec<Arc<str>>) -> State {
    if names.is_empty() { State::Absent } else { State::Present(Value::List(names)) }
}

/// The authorization endpoint that the client was told, and what of its query the request lacks.
fn announced(record: &Record, records: &[Record]) -> (State, State) {
    let told = match announcement(record, records) {
        Ok(Some(told)) => told,
        Ok(None) => return (State::Absent, State::Absent),
        Err(reason) => return (State::Unknown(reason), State::Unknown(reason)),
    };
    let (wanted, sent) = (Params::of_query(told), Params::of_query(record.text(Field::Url).unwrap_or_default()));
    let dropped = wanted.names().into_iter().filter(|name| sent.get(name) != wanted.get(name));
    (State::text(Some(&urls::endpoint(told))), names(dropped.map(Arc::from).collect()))
}

fn announcement<'r>(record: &Record, records: &'r [Record]) -> Result<Option<&'r str>, Unknown> {
    const FIELD: Field = Field::DocumentAuthorizationEndpoint;
    let earlier = |other: &&Record| {
        other.kind == Kind::AsMetadataRequest && other.exchange < record.exchange && !other.is_upstream
    };
    let asked: Vec<&Record> = records.iter().filter(earlier).collect();
    let read: Vec<&Record> = asked.iter().copied().filter(|other| other.text(FIELD).is_some()).collect();
    let endpoint = record.text(Field::Endpoint);
    let names_it = |other: &&&Record| other.text(FIELD).map(urls::endpoint).as_deref() == endpoint;
    if let Some(document) = read.iter().rev().find(names_it) {
        return Ok(document.text(FIELD));
    }
    if asked.is_empty() {
        return Err(Unknown::LegNotRecorded);
    }
    if asked.iter().any(|other| matches!(other.state(FIELD), State::Unknown(_) | State::Unread(_))) {
        return Err(Unknown::BodyNotRecorded);
    }
    let mut issuers: Vec<&str> =
        records.iter().flat_map(|other| other.list(Field::DocumentAuthorizationServers)).map(|name| &**name).collect();
    issuers.sort_unstable();
    issuers.dedup();
    let one_issuer = read.windows(2).all(|pair| match pair {
        [a, b] => a.text(Field::DocumentIssuer) == b.text(Field::DocumentIssuer),
        _ => true,
    });
    // Of several servers, another's document may have been read before the recording began.
    if issuers.len() > 1 || !one_issuer {
        return Err(Unknown::Ambiguous);
    }
    Ok(read.last().and_then(|document| document.text(FIELD)))
}

fn default_endpoint(records: &[Record]) -> State {
    let mcp = records.iter().find(|record| record.kind == Kind::McpExchange && !record.is_upstream);
    match mcp.and_then(|record| record.text(Field::Url)).and_then(urls::origin) {
        Some(origin) => State::text(Some(&format!("{origin}/authorize"))),
        None => State::Unknown(Unknown::LegNotRecorded),
    }
}

/// Where no step between client and authorization server is seen, it is not known whether there was a probe.
fn metadata_probes(record: &Record, records: &[Record]) -> State {
    let sees = |record: &Record| {
        matches!(record.kind, Kind::AsMetadataRequest | Kind::RegistrationRequest | Kind::TokenRequest)
    };
    if !records.iter().any(sees) {
        return State::Unknown(Unknown::LegNotRecorded);
    }
    number(before(record, records, Kind::AsMetadataRequest).count())
}

fn issuer_named(record: &Record, records: &[Record]) -> State {
    let get = |binding: Binding| record.found(binding).and_then(|RecordId(id)| records.get(id as usize));
    let Some(metadata) = get(Binding::ResourceMetadata) else { return State::Unknown(Unknown::LegNotRecorded) };
    let named: Vec<String> = match metadata.state(Field::DocumentAuthorizationServers) {
        State::Present(Value::List(named)) => named.iter().filter_map(|issuer| urls::origin(issuer)).collect(),
        other => return other.clone(),
    };
    let document = get(Binding::AsMetadata);
    let mut known = vec![record.text(Field::Endpoint)];
    known.extend(document.map(|document| document.text(Field::Url)));
    known.extend(document.map(|document| document.text(Field::DocumentIssuer)));
    if known.into_iter().flatten().filter_map(urls::origin).any(|origin| named.contains(&origin)) {
        return State::Present(Value::Flag(true));
    }
    // A redirect leads from the name in the list to another.
    let redirects = |other: &Record| matches!(other.number(Field::Status), Some(300..=399));
    match document {
        None => State::Unknown(Unknown::LegNotRecorded),
        Some(_) if before(record, records, Kind::AsMetadataRequest).any(redirects) => {
            State::Unknown(Unknown::Ambiguous)
        }
        Some(_) => State::Present(Value::Flag(false)),
    }
}

fn redirect_uri_kind(record: &Record) -> State {
    match record.state(Field::RedirectUri) {
        State::Present(_) => State::text(record.text(Field::RedirectUri).map(urls::redirect_kind)),
        other => other.clone(),
    }
}

fn redirect_uri_kinds(record: &Record) -> State {
    match record.state(Field::RedirectUris) {
        State::Present(_) => {
            let mut kinds: Vec<Arc<str>> =
                record.list(Field::RedirectUris).iter().map(|uri| urls::redirect_kind(uri).into()).collect();
            kinds.sort();
            kinds.dedup();
            names(kinds)
        }
        other => other.clone(),
    }
}

/// RFC 7591, 3.2.1: the answer says what was registered.
fn redirect_uri_count(record: &Record) -> State {
    let state = match record.state(Field::ResponseRedirectUris) {
        answered @ State::Present(_) => answered,
        _ => record.state(Field::RedirectUris),
    };
    match state {
        State::Present(Value::List(uris)) => number(uris.len()),
        State::Present(_) => State::Unknown(Unknown::Opaque),
        other => other.clone(),
    }
}

fn earlier_refusals(record: &Record, records: &[Record]) -> State {
    const ASKED: [Field; 5] =
        [Field::RedirectUris, Field::GrantTypes, Field::Scope, Field::ApplicationType, Field::AuthMethod];
    if ASKED.iter().any(|field| matches!(record.state(*field), State::Unknown(_) | State::Unread(_))) {
        return State::Unknown(Unknown::BodyNotRecorded);
    }
    let alike = |other: &&Record| {
        matches!(other.number(Field::Status), Some(400..=499))
            && other.text(Field::Url) == record.text(Field::Url)
            && ASKED.iter().all(|field| other.state(*field) == record.state(*field))
    };
    number(before(record, records, Kind::RegistrationRequest).filter(alike).count())
}

fn url_client_id_worked(record: &Record, records: &[Record]) -> State {
    let worked = |request: &Record| {
        let response = request.found(Binding::AuthorizationResponse).and_then(|RecordId(id)| records.get(id as usize));
        request.text(Field::ClientId).is_some_and(|id| id.starts_with("https://"))
            && response.is_some_and(|response| matches!(response.state(Field::Code), State::Present(_)))
    };
    State::Present(Value::Flag(before(record, records, Kind::AuthorizationRequest).any(worked)))
}
