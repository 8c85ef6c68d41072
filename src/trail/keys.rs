//! The values by which exchanges of one client are recognised (design, "Identity").

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldhash::HashMap;
use sha2::{Digest, Sha256};

use super::classify::Directory;
use super::record::Record;
use super::schema::{Field, Kind};

/// The kinds of strong key, in the order in which they join: what a client holds alone first, what may be shared last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum KeyKind {
    DynamicClient,
    State,
    Code,
    Challenge,
    RefreshToken,
    AccessToken,
    SessionId,
}

impl KeyKind {
    /// The name in `recognised_by`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            KeyKind::DynamicClient => "client_id",
            KeyKind::State => "state",
            KeyKind::Code => "code",
            KeyKind::Challenge => "code_challenge",
            KeyKind::RefreshToken => "refresh_token",
            KeyKind::AccessToken => "access_token",
            KeyKind::SessionId => "session_id",
        }
    }

    /// Whether two clients may hold the same value: a stolen or shared token is a fact, not an identity.
    pub(crate) fn may_be_shared(self) -> bool {
        matches!(self, KeyKind::AccessToken | KeyKind::SessionId)
    }
}

/// A strong key: its kind, whose value it is, and the value.
pub(crate) type Key = (KeyKind, String, String);

/// BASE64URL(SHA256(verifier)) (RFC 7636, 4.6).
pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// Issuer of each state, and the client ids that were issued in the recordings, with their issuer.
pub(crate) struct Minted<'a> {
    issuer_of_state: HashMap<&'a str, &'a str>,
    dynamic_clients: Vec<(&'a str, &'a str)>,
}

impl<'a> Minted<'a> {
    pub(crate) fn new(records: &'a [Record]) -> Self {
        let mut minted = Minted { issuer_of_state: HashMap::default(), dynamic_clients: Vec::new() };
        for record in records {
            match record.kind {
                Kind::AuthorizationRequest => {
                    if let (Some(state), Some(issuer)) = (record.text(Field::State), record.text(Field::Issuer)) {
                        minted.issuer_of_state.insert(state, issuer);
                    }
                }
                Kind::RegistrationRequest => {
                    let issued = (record.text(Field::Issuer), record.text(Field::ResponseClientId));
                    if let (Some(issuer), Some(client_id)) = issued {
                        minted.dynamic_clients.push((issuer, client_id));
                    }
                }
                _ => {}
            }
        }
        minted
    }

    /// The issuer that issued this client id in the recordings: the one asked, else the only other one. A client that
    /// takes its id to another server is still that client.
    fn issuer_of_client(&self, issuer: &str, client_id: &str) -> Option<&'a str> {
        let mut issuers = self.dynamic_clients.iter().filter(|(_, id)| *id == client_id).map(|(issuer, _)| *issuer);
        let first = issuers.next()?;
        let others: Vec<&str> = issuers.filter(|other| *other != first).collect();
        match others.as_slice() {
            [] => Some(first),
            _ => others.into_iter().chain([first]).find(|known| *known == issuer),
        }
    }

    /// The issuer whose answer this is: by the state it carries, its `iss`, or the address that redirected.
    fn issuer_of_response(&self, record: &Record) -> Option<String> {
        let by_state = record.text(Field::State).and_then(|state| self.issuer_of_state.get(state));
        by_state.map(|issuer| (*issuer).to_owned()).or_else(|| record.text(Field::Iss).map(str::to_owned))
    }
}

/// The strong keys of one record.
pub(crate) fn strong_keys(record: &Record, minted: &Minted<'_>, directory: &Directory) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut add = |kind: KeyKind, whose: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            keys.push((kind, whose.to_owned(), value.to_owned()));
        }
    };
    let issuer = record.text(Field::Issuer).unwrap_or_default().to_owned();
    match record.kind {
        Kind::RegistrationRequest => add(KeyKind::DynamicClient, &issuer, record.text(Field::ResponseClientId)),
        Kind::AuthorizationRequest => {
            let client_id = record.text(Field::ClientId);
            let issued_by = client_id.and_then(|id| minted.issuer_of_client(&issuer, id));
            add(KeyKind::DynamicClient, issued_by.unwrap_or_default(), client_id.filter(|_| issued_by.is_some()));
            add(KeyKind::State, "", record.text(Field::State));
            add(KeyKind::Challenge, "", record.text(Field::CodeChallenge));
        }
        Kind::AuthorizationResponse => {
            add(KeyKind::State, "", record.text(Field::State));
            let whose = minted.issuer_of_response(record).unwrap_or_default();
            add(KeyKind::Code, &whose, record.text(Field::Code));
        }
        Kind::TokenRequest => {
            let client_id = record.text(Field::ClientId);
            let issued_by = client_id.and_then(|id| minted.issuer_of_client(&issuer, id));
            add(KeyKind::DynamicClient, issued_by.unwrap_or_default(), client_id.filter(|_| issued_by.is_some()));
            add(KeyKind::Code, &issuer, record.text(Field::Code));
            add(KeyKind::RefreshToken, &issuer, record.text(Field::RefreshToken));
            if let Some(verifier) = record.text(Field::CodeVerifier) {
                add(KeyKind::Challenge, "", Some(&s256(verifier)));
                add(KeyKind::Challenge, "", Some(verifier));
            }
        }
        Kind::TokenResponse => {
            let endpoint = record.text(Field::Url).map(super::read::urls::endpoint).unwrap_or_default();
            add(KeyKind::RefreshToken, &directory.issuer(&endpoint), record.text(Field::RefreshToken));
            add(KeyKind::AccessToken, "", record.text(Field::AccessToken));
            add(KeyKind::AccessToken, "", record.text(Field::IdToken));
        }
        Kind::IntrospectionRequest => add(KeyKind::AccessToken, "", record.text(Field::Token)),
        Kind::RevocationRequest => {
            add(KeyKind::AccessToken, "", record.text(Field::Token));
            add(KeyKind::RefreshToken, &issuer, record.text(Field::Token));
        }
        Kind::McpExchange => {
            add(KeyKind::AccessToken, "", record.text(Field::Bearer));
            let whose = record.text(Field::Url).and_then(super::read::urls::origin).unwrap_or_default();
            add(KeyKind::SessionId, &whose, record.text(Field::SessionId));
            add(KeyKind::SessionId, &whose, record.text(Field::ResponseSessionId));
            // The session id of the old transport stands in the query of the address for POSTs.
            let is_post = record.text(Field::Method) == Some("POST") && record.text(Field::Era) == Some("http+sse");
            let posted = record.text(Field::Url).filter(|_| is_post);
            let address = record.text(Field::AnnouncedUri).or(posted).filter(|address| address.contains('?'));
            add(KeyKind::SessionId, &whose, address);
        }
        _ => {}
    }
    keys
}

#[cfg(test)]
mod tests {
    #[test]
    fn s256_of_rfc_7636_appendix_b() {
        assert_eq!(
            super::s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
