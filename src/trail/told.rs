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
    // Counted along: there may be very many MCP exchanges.
    let mut probes = 0;
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
            Kind::ResourceMetadataRequest | Kind::AsMetadataRequest => probes += 1,
            Kind::McpExchange => set(Field::MetadataProbes, number(probes)),
            _ => {}
        }
    }
    changes
}

fn before<'r>(
    record: &Record,
    records: &'r [Record],
    kind: Kind,
) -> impl DoubleEndedIterator<Item = &'r Record> + Clone + use<'r> {
    let until = records.partition_point(|other| other.exchange < record.exchange);
    let before = records.get(..until).unwrap_or_default().iter();
    before.filter(move |other| other.kind == kind && !other.is_upstream)
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
    let asked = before(record, records, Kind::AsMetadataRequest);
    let read = asked.clone().filter(|other| other.text(FIELD).is_some());
    let endpoint = record.text(Field::Endpoint);
    let names_it = |other: &&Record| other.text(FIELD).map(urls::endpoint).as_deref() == endpoint;
    if let Some(document) = read.clone().rev().find(names_it) {
        return Ok(document.text(FIELD));
    }
    let (asked, read): (Vec<&Record>, Vec<&Record>) = (asked.collect(), read.collect());
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

/// Whether a token request proves the client as it was registered. A secret that has expired proves nothing (RFC 7591,
/// 3.2.1); without `token_endpoint_auth_method` in the answer, whoever got no secret needs none.
pub(super) fn authenticates_as_registered(request: &Record, registration: Option<&Record>) -> State {
    let Some(registration) = registration else { return State::Unknown(Unknown::LegNotRecorded) };
    let (sent, issued) = (request.state(Field::ClientSecret), registration.state(Field::ResponseClientSecret));
    let method = request.state(Field::ClientAuth);
    for state in [sent, issued, method, registration.state(Field::ResponseAuthMethod)] {
        if let State::Unknown(reason) | State::Unread(reason) = state {
            return State::Unknown(*reason);
        }
    }
    let (method, agreed) = (method.as_text(), registration.text(Field::ResponseAuthMethod));
    if !matches!(method, Some("none" | "client_secret_basic" | "client_secret_post")) {
        return State::Unknown(Unknown::Opaque);
    }
    let expiry = registration.number(Field::ResponseClientSecretExpiresAt).filter(|expiry| *expiry > 0);
    let expired =
        expiry.is_some_and(|expiry| request.number(Field::SentAt).is_none_or(|sent| sent / 1_000_000 >= expiry));
    let fits = match (method, agreed) {
        (Some("none"), Some(agreed)) => agreed == "none",
        (Some("none"), None) => issued == &State::Absent,
        (method, agreed) => (agreed.is_none() || agreed == method) && sent == issued && !expired,
    };
    State::Present(Value::Flag(fits))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trail::record::{Bound, ExchangeId};

    fn list(items: &[&str]) -> State {
        State::Present(Value::List(items.iter().map(|item| Arc::from(*item)).collect()))
    }

    fn document(at: u32, issuer: &str, endpoint: State) -> Record {
        let mut record = Record::new(Kind::AsMetadataRequest, ExchangeId(at));
        record.set(Field::Status, State::Present(Value::Number(200)), "response.status");
        record.set(Field::DocumentIssuer, State::text(Some(issuer)), "response.body.issuer");
        record.set(Field::DocumentAuthorizationEndpoint, endpoint, "response.body.authorization_endpoint");
        record
    }

    fn request(at: u32, url: &str) -> Record {
        let mut record = Record::new(Kind::AuthorizationRequest, ExchangeId(at));
        record.set(Field::Url, State::text(Some(url)), "request.url");
        record.set(Field::Endpoint, State::text(Some(&urls::endpoint(url))), "request.url");
        record
    }

    fn field(records: &[Record], at: usize, field: Field) -> State {
        let found = changes(records).into_iter().find(|change| change.0 == at && change.1 == field);
        found.map_or(State::Unknown(Unknown::Opaque), |change| change.2)
    }

    #[test]
    fn the_endpoint_that_was_told_and_the_query_that_belongs_to_it() {
        let told = || State::text(Some("https://as.test/authorize?tenant=a&p=1"));
        let asked = request(5, "https://as.test/authorize?client_id=x&p=1&tenant=b");
        let records = [document(1, "https://as.test", told()), asked.clone()];
        assert_eq!(field(&records, 1, Field::AnnouncedEndpoint), State::text(Some("https://as.test/authorize")));
        assert_eq!(field(&records, 1, Field::DroppedParameters), list(&["tenant"]));
        let elsewhere = [document(1, "https://as.test", told()), request(5, "https://as.test/other?client_id=x")];
        assert_eq!(field(&elsewhere, 1, Field::AnnouncedEndpoint), State::text(Some("https://as.test/authorize")));
        let after = [asked.clone(), document(6, "https://as.test", told())];
        assert_eq!(field(&after, 0, Field::AnnouncedEndpoint), State::Unknown(Unknown::LegNotRecorded));
        let failed = [document(1, "https://as.test", State::Absent), asked];
        assert_eq!(field(&failed, 1, Field::AnnouncedEndpoint), State::Absent);
    }

    #[test]
    fn of_several_issuers_none_is_taken_for_the_one_that_was_meant() {
        let told = |host: &str| State::text(Some(&format!("https://{host}/authorize")));
        let records = [
            document(1, "https://a.test", told("a.test")),
            document(2, "https://b.test", told("b.test")),
            request(5, "https://c.test/authorize?client_id=x"),
        ];
        assert_eq!(field(&records, 2, Field::AnnouncedEndpoint), State::Unknown(Unknown::Ambiguous));
        let unread = [
            document(1, "https://a.test", State::Unknown(Unknown::BodyNotRecorded)),
            request(5, "https://c.test/authorize?client_id=x"),
        ];
        assert_eq!(field(&unread, 1, Field::AnnouncedEndpoint), State::Unknown(Unknown::BodyNotRecorded));
    }

    #[test]
    fn issuers_are_named_by_origin_and_a_redirect_leaves_it_open() {
        let case = |named: &[&str], status: i64| {
            let mut metadata = Record::new(Kind::ResourceMetadataRequest, ExchangeId(0));
            metadata.set(Field::DocumentAuthorizationServers, list(named), "response.body.authorization_servers");
            let mut probe = document(1, "https://as.test", State::Absent);
            probe.set(Field::Status, State::Present(Value::Number(status)), "response.status");
            let mut read = document(2, "https://as.test/t1", State::text(Some("https://as.test/authorize")));
            read.set(Field::Url, State::text(Some("https://as.test/.well-known/x/t1")), "request.url");
            let mut asked = request(5, "https://as.test/authorize?client_id=x");
            asked.bind(Binding::ResourceMetadata, Bound::Found(RecordId(0)));
            asked.bind(Binding::AsMetadata, Bound::Found(RecordId(2)));
            field(&[metadata, probe, read, asked], 3, Field::IssuerNamed)
        };
        assert_eq!(case(&["https://as.test/t2"], 404), State::Present(Value::Flag(true)));
        assert_eq!(case(&["https://login.test"], 404), State::Present(Value::Flag(false)));
        assert_eq!(case(&["https://login.test"], 302), State::Unknown(Unknown::Ambiguous));
    }

    #[test]
    fn a_client_proves_itself_as_it_was_registered_or_not() {
        let case = |agreed: Option<&str>, issued: Option<&str>, method: &str, sent: Option<&str>, expires: i64| {
            let mut registration = Record::new(Kind::RegistrationRequest, ExchangeId(0));
            registration.set(Field::ResponseAuthMethod, State::text(agreed), "x");
            registration.set(Field::ResponseClientSecret, State::text(issued), "x");
            registration.set(Field::ResponseClientSecretExpiresAt, State::Present(Value::Number(expires)), "x");
            let mut request = Record::new(Kind::TokenRequest, ExchangeId(1));
            request.set(Field::SentAt, State::Present(Value::Number(1_000_000_000)), "x");
            request.set(Field::ClientAuth, State::text(Some(method)), "x");
            request.set(Field::ClientSecret, State::text(sent), "x");
            authenticates_as_registered(&request, Some(&registration))
        };
        let flag = |flag: bool| State::Present(Value::Flag(flag));
        let (post, basic) = (Some("client_secret_post"), "client_secret_basic");
        assert_eq!(case(Some("none"), None, "none", None, 0), flag(true));
        assert_eq!(case(post, Some("s"), "none", None, 0), flag(false));
        assert_eq!(case(post, Some("s"), "client_secret_post", Some("s"), 0), flag(true));
        assert_eq!(case(post, Some("s"), "client_secret_post", Some("other"), 0), flag(false));
        assert_eq!(case(post, Some("s"), basic, Some("s"), 0), flag(false));
        assert_eq!(case(None, Some("s"), basic, Some("s"), 2000), flag(true));
        assert_eq!(case(None, Some("s"), basic, Some("s"), 900), flag(false));
        assert_eq!(case(None, None, "private_key_jwt", None, 0), State::Unknown(Unknown::Opaque));
    }

    #[test]
    fn registrations_that_were_refused_alike() {
        let registration = |at: u32, status: i64, kind: &str| {
            let mut record = Record::new(Kind::RegistrationRequest, ExchangeId(at));
            record.set(Field::Url, State::text(Some("https://as.test/register")), "request.url");
            record.set(Field::Status, State::Present(Value::Number(status)), "response.status");
            record.set(Field::RedirectUris, list(&["http://127.0.0.1:1/cb", "app:/cb"]), "request.body.redirect_uris");
            for field in [Field::GrantTypes, Field::Scope, Field::AuthMethod] {
                record.set(field, State::Absent, "request.body");
            }
            record.set(Field::ApplicationType, State::text(Some(kind)), "request.body.application_type");
            record
        };
        let records = [
            registration(1, 400, "web"),
            registration(2, 400, "native"),
            registration(3, 400, "web"),
            registration(4, 201, "web"),
        ];
        assert_eq!(field(&records, 3, Field::EarlierRefusals), State::Present(Value::Number(2)));
        assert_eq!(field(&records, 1, Field::EarlierRefusals), State::Present(Value::Number(0)));
        assert_eq!(field(&records, 0, Field::RedirectUriKinds), list(&["loopback", "private-use"]));
        assert_eq!(field(&records, 0, Field::RedirectUriCount), State::Present(Value::Number(2)));
        assert_eq!(field(&records, 0, Field::MetadataProbes), State::Present(Value::Number(0)));
    }
}
