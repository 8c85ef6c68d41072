//! Assertions in token requests (RFC 7521, 4; RFC 7523, 2 and 3).

use super::mcp::claim;
use super::parameter;
use crate::decode::exchange::Unknown;
use crate::trail::read::jwt::Claims;
use crate::trail::read::params::Params;
use crate::trail::record::{Record, State, Value};
use crate::trail::schema::Field;

/// Sets the claims of `assertion`, the grant, and of `client_assertion`, the authentication.
pub(super) fn fill(record: &mut Record, params: Result<&Params, Unknown>) {
    let grant = Assertion::read(params, "assertion");
    grant.text(record, Field::AssertionIss, "iss");
    grant.text(record, Field::AssertionSub, "sub");
    grant.text(record, Field::AssertionJti, "jti");
    grant.list(record, Field::AssertionAud, "aud");
    grant.list(record, Field::AssertionResource, "resource");
    grant.number(record, Field::AssertionExp, "exp");
    let kind = grant.member(|claims| claims.header("typ").map(|kind| Value::from(kind.to_ascii_lowercase().as_str())));
    record.set(Field::AssertionTyp, kind, "request.body.assertion.typ");
    let client = Assertion::read(params, "client_assertion");
    client.text(record, Field::ClientAssertionIss, "iss");
    client.text(record, Field::ClientAssertionSub, "sub");
    client.list(record, Field::ClientAssertionAud, "aud");
    client.number(record, Field::ClientAssertionExp, "exp");
}

struct Assertion {
    parameter: &'static str,
    state: State,
    claims: Option<Option<Claims>>,
}

impl Assertion {
    fn read(params: Result<&Params, Unknown>, name: &'static str) -> Self {
        let state = parameter(params, name);
        let claims = state.as_text().map(Claims::read);
        Assertion { parameter: name, state, claims }
    }

    fn member(&self, read: impl Fn(&Claims) -> Option<Value>) -> State {
        claim(&self.state, &self.claims, read)
    }

    fn set(&self, record: &mut Record, field: Field, name: &str, read: impl Fn(&Claims) -> Option<Value>) {
        record.set(field, self.member(read), format!("request.body.{}.{name}", self.parameter));
    }

    fn text(&self, record: &mut Record, field: Field, name: &str) {
        self.set(record, field, name, |claims| claims.text(name).map(Value::from));
    }

    fn list(&self, record: &mut Record, field: Field, name: &str) {
        self.set(record, field, name, |claims| claims.list(name).map(Value::List));
    }

    fn number(&self, record: &mut Record, field: Field, name: &str) {
        self.set(record, field, name, |claims| claims.number(name).map(Value::Number));
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::trail::record::ExchangeId;
    use crate::trail::schema::Kind;

    #[test]
    fn claims_of_both_assertions_are_read() {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let grant =
            format!("{}.{}.c2ln", part(r#"{"alg":"none","typ":"oauth-ID-JAG+jwt"}"#), part(r#"{"aud":"a","jti":"j"}"#));
        let params = Params::parse(&format!("assertion={grant}&client_assertion=opaque"));
        let mut record = Record::new(Kind::TokenRequest, ExchangeId(0));
        fill(&mut record, Ok(&params));
        assert_eq!(record.text(Field::AssertionTyp), Some("oauth-id-jag+jwt"));
        assert_eq!(record.text(Field::AssertionJti), Some("j"));
        assert_eq!(record.list(Field::AssertionAud).len(), 1);
        assert_eq!(record.state(Field::AssertionIss), &State::Absent);
        assert_eq!(record.state(Field::ClientAssertionIss), &State::Unknown(Unknown::Opaque));
    }
}
