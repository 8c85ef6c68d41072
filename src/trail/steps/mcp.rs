//! The record of one MCP exchange: token, session, version, challenge.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{lower_case_list, space_list, stands_for_nothing};
use crate::capture::limits::Limits;
use crate::decode::exchange::Unknown;
use crate::trail::read::challenge::{self, Challenge};
use crate::trail::read::content::Content;
use crate::trail::read::jwt::Claims;
use crate::trail::record::{Record, State, Value};
use crate::trail::schema::Field;
use crate::trail::view::View;

pub(super) fn fill(view: &View<'_>, record: &mut Record, limits: &Limits) {
    record.set(Field::Method, State::text(Some(view.method())), "request.method");
    let method = view.messages().iter().find_map(|message| message.method());
    let jsonrpc_method = match (method, &view.form) {
        (None, Err(reason)) => State::Unknown(*reason),
        (method, _) => State::text(method),
    };
    record.set(Field::JsonrpcMethod, jsonrpc_method, "request.body.method");
    for (field, name) in [
        (Field::ContentType, "content-type"),
        (Field::SessionId, "mcp-session-id"),
        (Field::VersionHeader, "mcp-protocol-version"),
        (Field::McpMethodHeader, "mcp-method"),
        (Field::McpNameHeader, "mcp-name"),
        (Field::LastEventId, "last-event-id"),
    ] {
        record.set(field, view.request_header(name), format!("request.header.{name}"));
    }
    record.set(Field::Accept, media_ranges(view.request_header("accept")), "request.header.accept");
    let session_id = view.response_header("mcp-session-id");
    record.set(Field::ResponseSessionId, session_id, "response.header.mcp-session-id");
    let location = match &view.location {
        Some(location) => State::text(Some(location)),
        None => view.response_header("location"),
    };
    record.set(Field::Location, location, "response.header.location");
    record.set(Field::TokenInQuery, State::text(view.query.get("access_token")), "request.query.access_token");
    record.set(Field::ServerDate, server_date(view.response_header("date")), "response.header.date");
    fill_credentials(view, record);
    super::dpop::fill_proof(view, record);
    record.set(Field::ResponseDpopNonce, view.response_header("dpop-nonce"), "response.header.dpop-nonce");
    fill_challenge(view, record, limits);
    record.set(Field::DeclaredExtensions, declared_extensions(view), "request.body.params.capabilities.extensions");
}

/// The names under `extensions` in the capabilities that the client declares: at initialize, or with every request.
fn declared_extensions(view: &View<'_>) -> State {
    const META: &str = "io.modelcontextprotocol/clientCapabilities";
    let params = || view.client_messages().iter().filter_map(|message| message.params());
    let at_initialize = params().find_map(|params| params.get("capabilities"));
    let capabilities = at_initialize.or_else(|| params().find_map(|params| params.get("_meta")?.get(META)));
    let Some(extensions) = capabilities.and_then(|found| found.get("extensions")).and_then(Json::as_object) else {
        return State::Absent;
    };
    State::Present(Value::List(extensions.keys().map(|name| name.as_str().into()).collect()))
}

/// `Date` in seconds since the epoch (RFC 9110, 5.6.7; the form of RFC 5322 only, which is the one that is sent).
fn server_date(state: State) -> State {
    match state {
        State::Present(Value::Text(text)) => match jiff::fmt::rfc2822::parse(&text) {
            Ok(date) => State::Present(Value::Number(date.timestamp().as_second())),
            Err(_) => State::Unread(Unknown::Opaque),
        },
        other => other,
    }
}

/// Media ranges of `Accept`, lower case, without parameters.
fn media_ranges(state: State) -> State {
    match lower_case_list(state) {
        State::Present(Value::List(items)) => {
            let ranges = items.iter().map(|item| item.split(';').next().unwrap_or_default().trim().into());
            State::Present(Value::List(ranges.collect()))
        }
        other => other,
    }
}

/// `Authorization`: scheme, token, and the claims of the token where it is a JWT (RFC 6750, 2.1; RFC 9449, 7.1).
fn fill_credentials(view: &View<'_>, record: &mut Record) {
    const PART: &str = "request.header.authorization";
    let header = view.request_header("authorization");
    let (scheme, token) = match &header {
        State::Present(Value::Text(value)) => {
            let (scheme, token) = value.trim().split_once([' ', '\t']).unwrap_or((value.trim(), ""));
            let scheme = scheme.to_ascii_lowercase();
            let carries_token = matches!(scheme.as_str(), "bearer" | "dpop");
            let token = Some(token.trim()).filter(|token| carries_token && !stands_for_nothing(token));
            (State::text(Some(&scheme)), State::text(token))
        }
        other => (other.clone(), other.clone()),
    };
    fill_claims(&token, record);
    record.set(Field::AuthScheme, scheme, PART);
    record.set(Field::Bearer, token, PART);
}

fn fill_claims(token: &State, record: &mut Record) {
    const PART: &str = "request.header.authorization.jwt";
    let claims = token.as_text().map(Claims::read);
    let text = |name: &str| claim(token, &claims, |claims| claims.text(name).map(Value::from));
    let number = |name: &str| claim(token, &claims, |claims| claims.number(name).map(Value::Number));
    let audience = claim(token, &claims, |claims| claims.list("aud").map(Value::List));
    record.set(Field::BearerJwtIss, text("iss"), format!("{PART}.iss"));
    record.set(Field::BearerJwtAud, audience, format!("{PART}.aud"));
    record.set(Field::BearerJwtExp, number("exp"), format!("{PART}.exp"));
    record.set(Field::BearerJwtNbf, number("nbf"), format!("{PART}.nbf"));
    record.set(Field::BearerJwtIat, number("iat"), format!("{PART}.iat"));
    let key = claim(token, &claims, |claims| claims.key_thumbprint().map(Value::from));
    record.set(Field::BearerJwtCnf, key, format!("{PART}.cnf.jkt"));
    record.set(Field::BearerJwtScope, space_list(text("scope")), format!("{PART}.scope"));
    let form = match (token, &claims) {
        (State::Present(_), Some(read)) => State::text(Some(if read.is_some() { "jwt" } else { "opaque" })),
        (other, _) => other.clone(),
    };
    record.set(Field::BearerForm, form, "request.header.authorization");
    let key_id = claim(token, &claims, |claims| claims.header("kid").map(Value::from));
    record.set(Field::BearerJwtKid, key_id, format!("{PART}.kid"));
    let fits = match claim(token, &claims, |claims| claims.signature_fits().map(Value::Flag)) {
        // Nothing is known of the signatures of this algorithm.
        State::Absent if token != &State::Absent => State::Unknown(Unknown::Opaque),
        fits => fits,
    };
    record.set(Field::BearerJwtSignatureFits, fits, PART);
}

/// A claim of a token: absent where there is no token or no such claim, unknown where the token cannot be read.
pub(super) fn claim(token: &State, claims: &Option<Option<Claims>>, read: impl Fn(&Claims) -> Option<Value>) -> State {
    match (token, claims) {
        (State::Absent, _) => State::Absent,
        (State::Unread(reason) | State::Unknown(reason), _) => State::Unknown(*reason),
        (_, Some(Some(claims))) => read(claims).map_or(State::Absent, State::Present),
        _ => State::Unknown(Unknown::Opaque),
    }
}

/// `WWW-Authenticate` and what the refusal says is wrong.
fn fill_challenge(view: &View<'_>, record: &mut Record, limits: &Limits) {
    const PART: &str = "response.header.www-authenticate";
    let header = view.response_header("www-authenticate");
    let mut challenges: Vec<Challenge> = Vec::new();
    if let Some(response) = view.exchange.answer.response() {
        challenges.extend(response.headers.all("www-authenticate").flat_map(challenge::parse));
    }
    let usable = challenges.iter().find(|challenge| matches!(challenge.scheme.as_str(), "bearer" | "dpop"));
    let get = |name: &str| match (&header, usable) {
        (State::Present(_), Some(challenge)) => State::text(challenge.get(name)),
        (State::Present(_), None) => State::Absent,
        (other, _) => other.clone(),
    };
    let schemes = match &header {
        State::Present(_) => {
            State::Present(Value::List(challenges.iter().map(|challenge| challenge.scheme.as_str().into()).collect()))
        }
        other => other.clone(),
    };
    record.set(Field::ChallengeSchemes, schemes, PART);
    record.set(Field::ChallengeError, get("error"), format!("{PART}.error"));
    record.set(Field::ChallengeScope, space_list(get("scope")), format!("{PART}.scope"));
    record.set(Field::ChallengeResourceMetadata, get("resource_metadata"), format!("{PART}.resource_metadata"));
    record.set(Field::ChallengeRenamedTo, renamed(view), "response.header");
    fill_challenge_form(view, &header, &challenges, record);
    let reads_as = refusal_reads_as(view, usable, limits);
    record.set(Field::HopMarks, hop_marks(view, record.state(Field::EdgeMarks)), "response.header");
    record.set(Field::RefusalReadsAs, reads_as, if usable.is_some() { PART } else { "response.body" });
    record.set(Field::Challenge, header, PART);
}

/// What is in the field besides well-formed challenges.
fn fill_challenge_form(view: &View<'_>, header: &State, challenges: &[Challenge], record: &mut Record) {
    const PART: &str = "response.header.www-authenticate";
    let values =
        || view.exchange.answer.response().into_iter().flat_map(|answer| answer.headers.all("www-authenticate"));
    let (repeated, stray) = match header {
        State::Present(_) => {
            let names: Vec<Arc<str>> = challenges.iter().flat_map(Challenge::repeated).map(Arc::from).collect();
            let repeated = if names.is_empty() { State::Absent } else { State::Present(Value::List(names)) };
            (repeated, State::text(values().find_map(challenge::stray)))
        }
        other => (other.clone(), other.clone()),
    };
    record.set(Field::ChallengeRepeated, repeated, PART);
    record.set(Field::ChallengeStray, stray, PART);
}

/// A header that gateways put in the place of the challenge.
fn renamed(view: &View<'_>) -> State {
    const NAMES: [&str; 2] = ["x-amzn-remapped-www-authenticate", "x-original-www-authenticate"];
    let Some(response) = view.exchange.answer.response() else {
        return State::Unknown(Unknown::ResponseNotRecorded);
    };
    State::text(NAMES.into_iter().find(|name| response.headers.get(name).is_some()))
}

/// The edge marks, and `server` where it names software that stands before other servers.
fn hop_marks(view: &View<'_>, edge_marks: &State) -> State {
    let names_proxy = matches!(view.response_header("server"), State::Present(Value::Text(name)) if is_proxy(&name));
    match edge_marks {
        State::Present(Value::List(marks)) if names_proxy => {
            State::Present(Value::List(marks.iter().cloned().chain(["server".into()]).collect()))
        }
        State::Absent if names_proxy => State::Present(Value::List(vec!["server".into()])),
        other => other.clone(),
    }
}

/// Whether the first product of a `Server` header (RFC 9110, 10.2.4) is one that passes requests on: no MCP server is
/// written in it.
fn is_proxy(server: &str) -> bool {
    const PRODUCTS: [&str; 17] = [
        "nginx",
        "openresty",
        "tengine",
        "apache",
        "litespeed",
        "caddy",
        "envoy",
        "istio-envoy",
        "varnish",
        "squid",
        "ats",
        "akamaighost",
        "awselb",
        "cloudflare",
        "cloudfront",
        "apisix",
        "kong",
    ];
    let product = server.split(['/', ' ', '(']).next().unwrap_or_default();
    PRODUCTS.iter().any(|name| product.eq_ignore_ascii_case(name))
}

/// What a refusal says is wrong; absent where there is no refusal.
fn refusal_reads_as(view: &View<'_>, challenge: Option<&Challenge>, limits: &Limits) -> State {
    let Some(status) = view.status() else { return State::Unknown(Unknown::ResponseNotRecorded) };
    if !matches!(status, 400 | 401 | 403 | 404) {
        return State::Absent;
    }
    let mut words = challenge.and_then(|challenge| challenge.get("error_description")).unwrap_or_default().to_owned();
    if let Ok(Some(content)) = view.content(limits) {
        words.push(' ');
        words.push_str(&message_of(content));
    }
    let error = challenge.and_then(|challenge| challenge.get("error"));
    State::text(Some(read_refusal(status, challenge.is_some(), error, &words.to_ascii_lowercase())))
}

/// The words of an error body, whichever of the usual members holds them.
fn message_of(content: &Content) -> String {
    let Some(json) = content.object() else { return content.excerpt.clone() };
    let error = json.get("error");
    [
        json.get("error_description"),
        json.get("message"),
        error.and_then(|error| error.get("message")),
        error,
        json.get("detail"),
    ]
    .into_iter()
    .flatten()
    .filter_map(Json::as_str)
    .collect::<Vec<_>>()
    .join(" ")
}

/// What speaks of the origin without doubt, also where the status does not (MCP 2025-11-25, transports, security warning).
const ORIGIN: &[&str] = &[
    "invalid origin",
    "origin is invalid",
    "origin not allowed",
    "origin is not allowed",
    "origin header",
    "forbidden origin",
    "disallowed origin",
];

/// What speaks of the protocol version without doubt, also where the status does not.
const VERSION: &[&str] = &[
    "unsupported protocol version",
    "unsupported mcp-protocol-version",
    "invalid protocol version",
    "unknown protocol version",
    "protocol version is not supported",
    "protocol version not supported",
];

fn read_refusal(status: u16, challenged: bool, error: Option<&str>, words: &str) -> &'static str {
    let has = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
    let speaks_of_credentials = has(&["authorization", "token", "credential", "bearer", "authentication"]);
    // What is missing may also be the key that the token was signed with.
    let speaks_of_keys =
        has(&["json web key", "jwk", "applicable key", "matching key", "signing key", "public key", "kid"]);
    let says_missing = speaks_of_credentials
        && !speaks_of_keys
        && has(&["missing", "no ", "required", "not provided", "absent", "not found"]);
    let says_invalid =
        has(&["invalid", "expired", "revoked", "malformed", "audience", "issuer", "signature", "unexpected"])
            && !words.trim_start().starts_with("invalid_token missing");
    match (status, error) {
        (_, Some("insufficient_scope")) => "insufficient",
        // RFC 9449, 9: the token may well be good.
        (401, Some("use_dpop_nonce")) => "nonce",
        (401, _) if says_missing && !(says_invalid && words.contains(" or ")) && !has(&["session"]) => "missing",
        (401, Some("invalid_token")) => "invalid",
        // RFC 6750, 3.1: a challenge without error code answers a request without authentication information.
        (401, None) if challenged && !says_invalid => "missing",
        (401, None) if says_invalid && speaks_of_credentials => "invalid",
        (400 | 401 | 404, _) if has(&["session", "not initialized"]) => "session",
        (400, _) if has(&["protocol version", "protocol-version", "unsupported version"]) => "version",
        (401 | 403 | 404, _) if has(VERSION) => "version",
        (403, _) if has(&["origin", "host header"]) => "origin",
        (400 | 401 | 404, _) if has(ORIGIN) => "origin",
        _ => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::read_refusal;

    #[test]
    fn refusals_read_as_they_say() {
        let cases = [
            (401, true, Some("invalid_token"), "missing authorization header", "missing"),
            (401, true, Some("invalid_token"), "unexpected \"aud\" claim value", "invalid"),
            (401, true, Some("invalid_token"), "missing or invalid access token", "invalid"),
            (401, true, Some("invalid_token"), "no applicable key found in the json web key set", "invalid"),
            (401, true, Some("invalid_token"), "no signing key found for the token", "invalid"),
            (401, true, None, "", "missing"),
            (401, false, None, "", "none"),
            (401, false, None, "jwt expired: token invalid", "invalid"),
            (403, true, Some("insufficient_scope"), "", "insufficient"),
            (401, true, Some("use_dpop_nonce"), "resource server requires nonce in dpop proof", "nonce"),
            (403, false, None, "invalid origin", "origin"),
            (400, false, None, "invalid origin: https://notes.example", "origin"),
            (401, false, None, "origin header is not allowed here", "origin"),
            (400, false, None, "the original request is malformed", "none"),
            (404, false, None, "session not found", "session"),
            (400, false, None, "bad request: mcp-session-id header is required", "session"),
            (400, false, None, "unsupported protocol version", "version"),
            (404, false, None, "unsupported protocol version: 2025-13-01", "version"),
        ];
        for (status, challenged, error, words, expected) in cases {
            assert_eq!(read_refusal(status, challenged, error, words), expected, "{status} {words}");
        }
    }
}
