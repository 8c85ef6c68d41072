//! Custody: which values carry authorization state, and in which steps they are minted, handed over and consumed.

use std::collections::HashMap;

use super::rows::ValueRow;
use crate::secret::{Fingerprint, FingerprintKey};
use crate::trail::record::{Record, Slot, State, Value};
use crate::trail::schema::{Binding, Field as F, Kind as K};
use crate::trail::{Incident, Trail};

/// What a step does to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hand {
    /// Gives it out for the first time.
    Mints,
    /// Carries it on.
    Hands,
    /// Uses it.
    Consumes,
}

use Hand::{Consumes, Hands, Mints};

/// Which field of which record holds which value, and what the step does to it.
const HANDS: &[(K, F, &str, Hand)] = &[
    (K::ResourceMetadataRequest, F::DocumentResource, "resource", Mints),
    (K::AuthorizationRequest, F::Resource, "resource", Hands),
    (K::TokenRequest, F::Resource, "resource", Consumes),
    (K::AsMetadataRequest, F::DocumentIssuer, "iss", Mints),
    (K::AuthorizationResponse, F::Iss, "iss", Consumes),
    (K::RegistrationRequest, F::ResponseClientId, "client_id", Mints),
    (K::AuthorizationRequest, F::ClientId, "client_id", Hands),
    (K::DeviceAuthorizationRequest, F::ClientId, "client_id", Hands),
    (K::TokenRequest, F::ClientId, "client_id", Consumes),
    (K::RegistrationRequest, F::ResponseClientSecret, "client_secret", Mints),
    (K::RegistrationRequest, F::RedirectUris, "redirect_uri", Mints),
    (K::AuthorizationRequest, F::RedirectUri, "redirect_uri", Hands),
    (K::TokenRequest, F::RedirectUri, "redirect_uri", Consumes),
    (K::McpExchange, F::ChallengeScope, "scope", Mints),
    (K::AuthorizationRequest, F::Scope, "scope", Hands),
    (K::TokenResponse, F::GrantedScope, "scope", Consumes),
    (K::AuthorizationRequest, F::State, "state", Mints),
    (K::AuthorizationResponse, F::State, "state", Consumes),
    (K::AuthorizationRequest, F::Nonce, "nonce", Mints),
    (K::AuthorizationRequest, F::CodeChallenge, "code_challenge", Mints),
    (K::AuthorizationResponse, F::Code, "code", Mints),
    (K::TokenRequest, F::Code, "code", Consumes),
    (K::TokenRequest, F::CodeVerifier, "code_verifier", Consumes),
    (K::DeviceAuthorizationRequest, F::DeviceCode, "device_code", Mints),
    (K::TokenRequest, F::DeviceCode, "device_code", Consumes),
    (K::TokenResponse, F::AccessToken, "access_token", Mints),
    (K::McpExchange, F::Bearer, "access_token", Consumes),
    (K::McpExchange, F::TokenInQuery, "access_token", Consumes),
    (K::IntrospectionRequest, F::Token, "access_token", Hands),
    (K::RevocationRequest, F::Token, "access_token", Hands),
    (K::TokenResponse, F::RefreshToken, "refresh_token", Mints),
    (K::TokenRequest, F::RefreshToken, "refresh_token", Consumes),
    (K::TokenResponse, F::IdToken, "id_token", Mints),
    (K::McpExchange, F::ResponseSessionId, "session_id", Mints),
    (K::McpExchange, F::SessionId, "session_id", Consumes),
    (K::McpExchange, F::NegotiatedVersion, "protocol_version", Mints),
    (K::McpExchange, F::VersionHeader, "protocol_version", Consumes),
    (K::McpExchange, F::ResponseDpopNonce, "dpop_nonce", Mints),
    (K::TokenResponse, F::ResponseDpopNonce, "dpop_nonce", Mints),
    (K::McpExchange, F::DpopNonce, "dpop_nonce", Consumes),
    (K::TokenRequest, F::DpopNonce, "dpop_nonce", Consumes),
];

/// The values of a trail, in order of first appearance. `incident_id` begins every id, `trail_id` is that of the trail.
pub(super) fn values(
    incident_id: &str,
    trail_id: &str,
    incident: &Incident,
    trail: &Trail,
    key: &FingerprintKey,
) -> Vec<ValueRow> {
    let mut custody = Custody { incident_id, trail_id, incident, key, rows: Vec::new(), places: HashMap::new() };
    for record in trail.records.iter().filter(|record| !record.is_upstream) {
        custody.step(trail, record);
    }
    custody.rows
}

struct Custody<'a> {
    incident_id: &'a str,
    trail_id: &'a str,
    incident: &'a Incident,
    key: &'a FingerprintKey,
    rows: Vec<ValueRow>,
    /// Where in `rows` a value stands, by kind and fingerprint.
    places: HashMap<(&'static str, Fingerprint), usize>,
}

/// Where a step stands.
struct Place {
    recording: String,
    exchange: i64,
    at: String,
    field: String,
}

impl Custody<'_> {
    fn step(&mut self, trail: &Trail, record: &Record) {
        for (_, field, kind, hand) in HANDS.iter().filter(|(of, ..)| *of == record.kind) {
            let Some(slot) = record.slot(*field) else { continue };
            let State::Present(value) = &slot.state else { continue };
            let kind = Self::issued_as(record, *field).unwrap_or(kind);
            match value {
                Value::Text(text) => self.seen(record, slot, kind, *hand, text),
                Value::List(items) => items.iter().for_each(|item| self.seen(record, slot, kind, *hand, item)),
                Value::Number(_) | Value::Flag(_) => {}
            }
        }
        self.verifier(trail, record);
    }

    /// A verifier is made with the challenge that fits it (RFC 7636, 4.2), and consumes it (4.6).
    fn verifier(&mut self, trail: &Trail, record: &Record) {
        let Some(slot) = record.slot(F::CodeVerifier) else { return };
        let Some(owner) = record.found(Binding::VerifierOwner).and_then(|owner| trail.record(owner)) else { return };
        let (Some(verifier), Some(challenge)) = (slot.state.as_text(), owner.slot(F::CodeChallenge)) else { return };
        self.seen(owner, challenge, "code_verifier", Mints, verifier);
        if let Some(text) = challenge.state.as_text() {
            self.seen(record, slot, "code_challenge", Consumes, text);
        }
    }

    /// A token that is attached is what it was issued as, whatever it is used for.
    fn issued_as(record: &Record, field: F) -> Option<&'static str> {
        if field != F::Bearer {
            return None;
        }
        match record.text(F::BearerKind)? {
            "refresh" => Some("refresh_token"),
            "id" => Some("id_token"),
            "code" => Some("code"),
            _ => None,
        }
    }

    fn seen(&mut self, record: &Record, slot: &Slot, kind: &'static str, hand: Hand, text: &str) {
        let fingerprint = self.key.fingerprint(text);
        let at = *self.places.entry((kind, fingerprint)).or_insert_with(|| {
            let number = self.rows.len() + 1;
            self.rows.push(ValueRow {
                incident: self.incident_id.to_owned(),
                trail: self.trail_id.to_owned(),
                value: format!("{}-v{number}", self.trail_id),
                kind: kind.to_owned(),
                fingerprint: fingerprint.to_string(),
                length: fingerprint.length() as i64,
                minted_recording: None,
                minted_exchange: None,
                minted_at: None,
                minted_field: None,
                handings: 0,
                handed_recording: None,
                handed_exchange: None,
                handed_at: None,
                handed_field: None,
                uses: 0,
                refusals: 0,
                consumed_recording: None,
                consumed_exchange: None,
                consumed_at: None,
                consumed_field: None,
                last_exchange: None,
            });
            self.rows.len() - 1
        });
        let is_new = |row: &ValueRow| match hand {
            Mints => row.minted_recording.is_none(),
            Hands => row.handed_recording.is_none(),
            Consumes => row.consumed_recording.is_none(),
        };
        let place = self.rows.get(at).filter(|row| is_new(row)).map(|_| self.place(slot));
        let ordinal = self.ordinal(slot);
        let refused = record.number(F::Status).is_some_and(|status| status >= 400);
        let Some(row) = self.rows.get_mut(at) else { return };
        match hand {
            Mints => {}
            Hands => row.handings += 1,
            Consumes => {
                row.uses += 1;
                row.refusals += i64::from(refused);
                row.last_exchange = Some(ordinal);
            }
        }
        let Some(Place { recording, exchange, at, field }) = place else { return };
        let (recording, exchange, at, field) = (Some(recording), Some(exchange), Some(at), Some(field));
        match hand {
            Mints => {
                (row.minted_recording, row.minted_exchange, row.minted_at, row.minted_field) =
                    (recording, exchange, at, field);
            }
            Hands => {
                (row.handed_recording, row.handed_exchange, row.handed_at, row.handed_field) =
                    (recording, exchange, at, field);
            }
            Consumes => {
                (row.consumed_recording, row.consumed_exchange, row.consumed_at, row.consumed_field) =
                    (recording, exchange, at, field);
            }
        }
    }

    fn ordinal(&self, slot: &Slot) -> i64 {
        self.incident.ordinals.get(slot.exchange.0 as usize).map_or(0, |ordinal| *ordinal as i64)
    }

    fn place(&self, slot: &Slot) -> Place {
        let exchange = self.incident.exchanges.get(slot.exchange.0 as usize);
        Place {
            recording: exchange
                .map(|exchange| format!("{}-{}", self.incident_id, exchange.capture))
                .unwrap_or_default(),
            exchange: self.ordinal(slot),
            at: exchange.map(|exchange| exchange.at.of(slot.part.half())).unwrap_or_default(),
            field: slot.part.as_str().to_owned(),
        }
    }
}
