//! The records of token requests and responses (RFC 6749, 4.1.3, 4.1.4, 5, 6; RFC 7636, 4.5; RFC 8707, 2.2).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::assertions;
use super::mcp::claim;
use super::{Document, lower_case_list, parameter, parameter_list, space_list};
use crate::capture::limits::Limits;
use crate::decode::exchange::Unknown;
use crate::trail::classify::Directory;
use crate::trail::read::jwt::Claims;
use crate::trail::read::params::Params;
use crate::trail::record::{Record, State, Value};
use crate::trail::schema::Field;
use crate::trail::view::View;

pub(super) fn fill_request(view: &View<'_>, record: &mut Record, directory: &Directory) {
    let from_json = view.json().map(params_of_json);
    let params: Result<&Params, Unknown> = match (&view.form, &from_json) {
        (Ok(Some(form)), _) => Ok(form),
        (_, Some(params)) => Ok(params),
        (Err(reason), _) => Err(*reason),
        (Ok(None), None) => Err(Unknown::BodyNotRecorded),
    };
    record.set(Field::Issuer, State::text(Some(&directory.issuer(view.endpoint()))), "request.url");
    record.set(Field::Endpoint, State::text(Some(view.endpoint())), "request.url");
    for (field, name) in [
        (Field::GrantType, "grant_type"),
        (Field::Code, "code"),
        (Field::CodeVerifier, "code_verifier"),
        (Field::RedirectUri, "redirect_uri"),
        (Field::RefreshToken, "refresh_token"),
        (Field::DeviceCode, "device_code"),
    ] {
        record.set(field, placeholder_is_absent(parameter(params, name)), format!("request.body.{name}"));
    }
    record.set(Field::Resource, parameter_list(params, "resource"), "request.body.resource");
    record.set(Field::Scope, space_list(parameter(params, "scope")), "request.body.scope");
    let basic = basic_credentials(view);
    let (client_id, part) = match (parameter(params, "client_id"), &basic) {
        (State::Absent, Some((user, _))) => (State::text(Some(user)), "request.header.authorization"),
        (client_id, _) => (client_id, "request.body.client_id"),
    };
    record.set(Field::ClientId, client_id, part);
    record.set(Field::ClientAuth, client_auth(view, params), "request.header.authorization");
    let (secret, part) = match (parameter(params, "client_secret"), basic) {
        (State::Absent, Some((_, secret))) => (State::text(Some(&secret)), "request.header.authorization"),
        (secret, _) => (secret, "request.body.client_secret"),
    };
    record.set(Field::ClientSecret, secret, part);
    record.set(Field::Audience, parameter_list(params, "audience"), "request.body.audience");
    let requested = parameter(params, "requested_token_type");
    record.set(Field::RequestedTokenType, requested, "request.body.requested_token_type");
    fill_transport(view, record, params);
    assertions::fill(record, params);
    super::dpop::fill_proof(view, record);
}

/// What a client without a value writes in its place is no value.
fn placeholder_is_absent(state: State) -> State {
    match state.as_text() {
        Some(text) if super::stands_for_nothing(text) => State::Absent,
        _ => state,
    }
}

/// How the parameters travel (RFC 6749, 3.2 and 2.3.1).
fn fill_transport(view: &View<'_>, record: &mut Record, params: Result<&Params, Unknown>) {
    const CREDENTIALS: [&str; 7] =
        ["code", "code_verifier", "client_secret", "refresh_token", "assertion", "client_assertion", "subject_token"];
    let list = |names: Vec<&str>| match names.as_slice() {
        [] => State::Absent,
        names => State::Present(Value::List(names.iter().map(|name| Arc::from(*name)).collect())),
    };
    record.set(Field::Method, State::text(Some(view.method())), "request.method");
    record.set(Field::MediaType, super::request_media_type(view), "request.header.content-type");
    let repeated = match params {
        Ok(params) => list(params.repeated()),
        Err(reason) => State::Unknown(reason),
    };
    record.set(Field::DuplicateParameters, repeated, "request.body");
    let exposed = CREDENTIALS.into_iter().filter(|name| view.query.has(name)).collect();
    record.set(Field::CredentialsInQuery, list(exposed), "request.query");
}

/// Some clients send JSON although the endpoint takes forms; the meaning is plain.
fn params_of_json(json: &serde_json::Value) -> Params {
    let mut query = String::new();
    for (name, value) in json.as_object().into_iter().flatten() {
        if let Some(text) = value.as_str() {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            query.push_str(&format!("{}={}&", encode(name), encode(text)));
        }
    }
    Params::parse(&query)
}

/// User and password of `Authorization: Basic`: `client_id` and `client_secret`, form-encoded (RFC 6749, 2.3.1).
fn basic_credentials(view: &View<'_>) -> Option<(String, String)> {
    let header = view.request_header("authorization");
    let (scheme, credentials) = header.as_text()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let octets = STANDARD.decode(credentials.trim()).ok()?;
    let text = String::from_utf8(octets).ok()?;
    let (user, password) = text.split_once(':')?;
    let plain = |encoded: &str| percent_decode_str(&encoded.replace('+', " ")).decode_utf8_lossy().into_owned();
    Some((plain(user), plain(password)))
}

/// How the client authenticates (RFC 6749, 2.3; RFC 7523, 2.2).
fn client_auth(view: &View<'_>, params: Result<&Params, Unknown>) -> State {
    let header = view.request_header("authorization");
    let basic = match &header {
        State::Present(Value::Text(value)) => {
            value.trim_start().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
        }
        State::Absent => false,
        _ => return State::Unknown(Unknown::RemovedByExporter),
    };
    let params = match params {
        Ok(params) => params,
        Err(reason) => return State::Unknown(reason),
    };
    let secret = params.get("client_secret").is_some_and(|secret| !secret.is_empty());
    let assertion = params.has("client_assertion");
    let method = match (basic, secret, assertion) {
        (false, false, false) => "none",
        (true, false, false) => "client_secret_basic",
        (false, true, false) => "client_secret_post",
        // The algorithm of the assertion tells the two methods apart.
        (false, false, true) => assertion_method(params.get("client_assertion").unwrap_or_default()),
        _ => "several",
    };
    State::text(Some(method))
}

fn assertion_method(assertion: &str) -> &'static str {
    let header = assertion.split('.').next().unwrap_or_default();
    let octets = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let header: serde_json::Value = serde_json::from_slice(&octets).unwrap_or_default();
    match header.get("alg").and_then(serde_json::Value::as_str) {
        Some(alg) if alg.starts_with("HS") => "client_secret_jwt",
        _ => "private_key_jwt",
    }
}

pub(super) fn fill_response(view: &View<'_>, record: &mut Record, directory: &Directory, limits: &Limits) {
    record.set(Field::Issuer, State::text(Some(&directory.issuer(view.endpoint()))), "request.url");
    let document = Document::of_answer(view, limits);
    for (field, name) in [
        (Field::AccessToken, "access_token"),
        (Field::RefreshToken, "refresh_token"),
        (Field::IdToken, "id_token"),
        (Field::Error, "error"),
    ] {
        record.set(field, document.text(name), format!("response.body.{name}"));
    }
    let token_type = match document.text("token_type") {
        State::Present(Value::Text(text)) => State::text(Some(&text.to_ascii_lowercase())),
        other => other,
    };
    record.set(Field::TokenType, token_type, "response.body.token_type");
    record.set(Field::ExpiresIn, document.number("expires_in"), "response.body.expires_in");
    record.set(Field::Scope, space_list(document.text("scope")), "response.body.scope");
    let cache_control = lower_case_list(view.response_header("cache-control"));
    record.set(Field::CacheControl, cache_control, "response.header.cache-control");
    record.set(Field::ResponseDpopNonce, view.response_header("dpop-nonce"), "response.header.dpop-nonce");
    let token = record.state(Field::AccessToken).clone();
    let claims = token.as_text().map(Claims::read);
    const PART: &str = "response.body.access_token.jwt";
    let issuer = claim(&token, &claims, |claims| claims.text("iss").map(Value::from));
    record.set(Field::AccessTokenJwtIss, issuer, format!("{PART}.iss"));
    let audience = claim(&token, &claims, |claims| claims.list("aud").map(Value::List));
    record.set(Field::AccessTokenJwtAud, audience, format!("{PART}.aud"));
    let scope = space_list(claim(&token, &claims, |claims| claims.text("scope").map(Value::from)));
    record.set(Field::AccessTokenJwtScope, scope, format!("{PART}.scope"));
    let expiry = claim(&token, &claims, |claims| claims.number("exp").map(Value::Number));
    record.set(Field::AccessTokenJwtExp, expiry, format!("{PART}.exp"));
}
