//! Where values came from, over several steps: facts that one binding does not reach.

use foldhash::HashMap;

use super::derive::Change;
use super::read::urls;
use super::record::{Bound, ExchangeId, Record, RecordId, State, Value};
use super::schema::{Binding, Field, Kind};
use crate::decode::exchange::Unknown;

/// The fields to set.
pub(super) fn changes(records: &[Record]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let responses = records.iter().filter(|record| record.kind == Kind::AuthorizationResponse);
    // The last one with each code.
    let bringing: HashMap<&str, &Record> =
        responses.filter_map(|response| Some((response.text(Field::Code)?, response))).collect();
    for (at, record) in records.iter().enumerate() {
        match record.kind {
            Kind::TokenRequest => {
                let (code, exchange) = code_received(record, records, &bringing);
                changes.push((at, Field::CodeReceived, code, exchange, "request.query.code"));
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

/// The code that came back for the login whose challenge the verifier fits. Not known where another answer to that login
/// may have brought the one that is redeemed: a client may ask twice with the same challenge, and not all be recorded.
fn code_received(request: &Record, records: &[Record], bringing: &HashMap<&str, &Record>) -> (State, ExchangeId) {
    let owner = match follow(records, request, &[Binding::VerifierOwner]) {
        Ok(owner) => owner,
        Err(state) => return (state, request.exchange),
    };
    let Some(code) = request.text(Field::Code) else { return (State::Absent, request.exchange) };
    let for_owner = match follow(records, owner, &[Binding::AuthorizationResponse]) {
        Ok(response) => response,
        Err(state) => return (state, owner.exchange),
    };
    let state = match (bringing.get(code), for_owner.text(Field::Code)) {
        (Some(response), received) => match follow(records, response, &[Binding::AuthorizationRequest]) {
            Ok(login) if login.exchange == owner.exchange => State::text(Some(code)),
            Ok(login)
                if login.text(Field::State).is_some() && login.state(Field::State) == owner.state(Field::State) =>
            {
                State::text(Some(code))
            }
            Ok(_) => State::text(received),
            Err(_) => State::Unknown(Unknown::Ambiguous),
        },
        (None, Some(received)) if is_changed_form(received, code) => State::text(Some(received)),
        (None, Some(_)) => State::Unknown(Unknown::StepNotRecorded),
        (None, None) => for_owner.state(Field::Code).clone(),
    };
    (state, for_owner.exchange)
}

/// Whether one code was made of the other on its way: cut, continued, encoded or decoded once more, in other letters.
fn is_changed_form(received: &str, redeemed: &str) -> bool {
    /// Shorter pieces stand in other codes by chance.
    const SHORTEST: usize = 8;
    let plain = |code: &str| {
        let mut code = code.to_owned();
        for _ in 0..3 {
            code = percent_encoding::percent_decode_str(&code.replace('+', " ")).decode_utf8_lossy().into_owned();
        }
        code.chars().filter(|char| !char.is_whitespace() && !matches!(char, '"' | '\'')).collect::<String>()
    };
    let (received, redeemed) = (plain(received).to_ascii_lowercase(), plain(redeemed).to_ascii_lowercase());
    let (short, long) = if received.len() < redeemed.len() { (received, redeemed) } else { (redeemed, received) };
    short.len() >= SHORTEST && long.contains(&short)
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
    fn a_changed_code_is_made_of_the_one_received() {
        const RECEIVED: &str = "4/0AX4XfWh+b5s/Zk9";
        for redeemed in ["4/0AX4XfWh", "4%2F0AX4XfWh%2Bb5s%2FZk9", "4/0AX4XfWh b5s/Zk9", "4/0AX4XfWh+b5s/Zk9#_=_"] {
            assert!(is_changed_form(RECEIVED, redeemed), "{redeemed}");
        }
        for redeemed in ["4/0AX", "SplxlOBeZQQYbYS6WxSbIA", "4/0AX4XfWh+b5s/Zk8"] {
            assert!(!is_changed_form(RECEIVED, redeemed), "{redeemed}");
        }
    }

    #[test]
    fn a_code_of_another_answer_to_the_same_login_is_no_other_code() {
        let mut login = record(Kind::AuthorizationRequest, 0);
        login.bind(Binding::AuthorizationResponse, Bound::Found(RecordId(1)));
        let mut answer = record(Kind::AuthorizationResponse, 1);
        answer.set(Field::Code, State::text(Some("first-code-of-two")), "x");
        let mut request = record(Kind::TokenRequest, 2);
        request.bind(Binding::VerifierOwner, Bound::Found(RecordId(0)));
        for (redeemed, expected) in [
            ("first-code-of-two", None),
            ("first-code", Some(State::text(Some("first-code-of-two")))),
            ("second-code-of-two", Some(State::Unknown(Unknown::StepNotRecorded))),
        ] {
            request.set(Field::Code, State::text(Some(redeemed)), "x");
            answer.bind(Binding::AuthorizationRequest, Bound::Found(RecordId(0)));
            let records = [login.clone(), answer.clone(), request.clone()];
            let expected = expected.unwrap_or_else(|| State::text(Some(redeemed)));
            assert_eq!(change(&records, 2, Field::CodeReceived), Some(expected), "{redeemed}");
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
