//! The records of metadata documents and registrations (RFC 9728, RFC 8414, RFC 7591, CIMD draft 00).

use super::{Context, Document};
use crate::capture::limits::Limits;
use crate::trail::read::urls;
use crate::trail::record::{Record, State, Value};
use crate::trail::schema::Field;
use crate::trail::view::View;

pub(super) fn fill_resource(view: &View<'_>, record: &mut Record, limits: &Limits) {
    let document = Document::of_success(view, limits);
    let form = urls::well_known(&view.url).map_or("other", |found| found.form);
    record.set(Field::Form, State::text(Some(form)), "request.url");
    record.set(Field::DocumentResource, document.text("resource"), "response.body.resource");
    for (field, name) in [
        (Field::DocumentAuthorizationServers, "authorization_servers"),
        (Field::DocumentScopesSupported, "scopes_supported"),
        (Field::DocumentBearerMethodsSupported, "bearer_methods_supported"),
    ] {
        record.set(field, document.list(name), format!("response.body.{name}"));
    }
    record.set(Field::DocumentEmptyMembers, empty_members(&document), "response.body");
    // A list of none names none (RFC 9728, 3.2: such members are left out).
    if record.state(Field::DocumentAuthorizationServers) == &State::Present(Value::List(Vec::new())) {
        record.set(Field::DocumentAuthorizationServers, State::Absent, "response.body.authorization_servers");
    }
}

/// The members of a document that are empty lists.
fn empty_members(document: &Document) -> State {
    let members = match &document.0 {
        Ok(document) => document.as_ref().and_then(serde_json::Value::as_object),
        Err(reason) => return State::Unknown(*reason),
    };
    let empty = members.into_iter().flatten().filter(|(_, value)| value.as_array().is_some_and(Vec::is_empty));
    let names: Vec<_> = empty.map(|(name, _)| name.as_str().into()).collect();
    if names.is_empty() { State::Absent } else { State::Present(Value::List(names)) }
}

pub(super) fn fill_authorization_server(view: &View<'_>, record: &mut Record, limits: &Limits) {
    let document = Document::of_success(view, limits);
    let well_known = urls::well_known(&view.url);
    let is_oidc = well_known.as_ref().is_some_and(|found| found.name == "openid-configuration");
    record.set(Field::Sort, State::text(Some(if is_oidc { "oidc" } else { "oauth" })), "request.url");
    let form = well_known.map_or("other", |found| found.form);
    record.set(Field::Form, State::text(Some(form)), "request.url");
    let version = view.request_header("mcp-protocol-version");
    record.set(Field::VersionHeader, version, "request.header.mcp-protocol-version");
    for (field, name) in [
        (Field::DocumentIssuer, "issuer"),
        (Field::DocumentAuthorizationEndpoint, "authorization_endpoint"),
        (Field::DocumentTokenEndpoint, "token_endpoint"),
        (Field::DocumentRegistrationEndpoint, "registration_endpoint"),
    ] {
        record.set(field, document.text(name), format!("response.body.{name}"));
    }
    for (field, name) in [
        (Field::DocumentCodeChallengeMethodsSupported, "code_challenge_methods_supported"),
        (Field::DocumentScopesSupported, "scopes_supported"),
        (Field::DocumentResponseTypesSupported, "response_types_supported"),
        (Field::DocumentGrantTypesSupported, "grant_types_supported"),
        (Field::DocumentTokenEndpointAuthMethodsSupported, "token_endpoint_auth_methods_supported"),
        (Field::DocumentDpopAlgorithms, "dpop_signing_alg_values_supported"),
    ] {
        record.set(field, document.list(name), format!("response.body.{name}"));
    }
    record.set(Field::DocumentPlainEndpoints, plain_endpoints(&document), "response.body");
    for (field, name) in [
        (Field::DocumentIssParameterSupported, "authorization_response_iss_parameter_supported"),
        (Field::DocumentClientIdMetadataDocumentSupported, "client_id_metadata_document_supported"),
    ] {
        record.set(field, document.flag(name), format!("response.body.{name}"));
    }
}

/// The endpoint members with an http URL on a host of the network.
fn plain_endpoints(document: &Document) -> State {
    const MEMBERS: [&str; 7] = [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
    ];
    let document = match &document.0 {
        Ok(document) => document.as_ref(),
        Err(reason) => return State::Unknown(*reason),
    };
    let url = |member: &str| document.and_then(|document| document.get(member)?.as_str());
    let plain = MEMBERS.into_iter().filter(|member| url(member).is_some_and(urls::is_plain_http));
    let plain: Vec<_> = plain.map(Into::into).collect();
    if plain.is_empty() { State::Absent } else { State::Present(Value::List(plain)) }
}

pub(super) fn fill_client(view: &View<'_>, record: &mut Record, limits: &Limits) {
    let document = Document::of_success(view, limits);
    record.set(Field::DocumentClientId, document.text("client_id"), "response.body.client_id");
    record.set(Field::DocumentClientName, document.text("client_name"), "response.body.client_name");
    record.set(Field::DocumentRedirectUris, document.list("redirect_uris"), "response.body.redirect_uris");
}

pub(super) fn fill_registration(view: &View<'_>, record: &mut Record, context: &Context<'_>) {
    let issuer = context.directory.issuer(view.endpoint());
    record.set(Field::Issuer, State::text(Some(&issuer)), "request.url");
    record.set(Field::MediaType, super::request_media_type(view), "request.header.content-type");
    let request = Document(match (view.json(), &view.form) {
        (Some(json), _) => Ok(Some(json.clone())),
        (None, Err(reason)) => Err(*reason),
        (None, Ok(_)) => Ok(None),
    });
    record.set(Field::RedirectUris, request.list("redirect_uris"), "request.body.redirect_uris");
    record.set(Field::GrantTypes, request.list("grant_types"), "request.body.grant_types");
    record.set(Field::Scope, super::space_list(request.text("scope")), "request.body.scope");
    record.set(Field::ApplicationType, request.text("application_type"), "request.body.application_type");
    let auth_method = request.text("token_endpoint_auth_method");
    let bound = request.flag("dpop_bound_access_tokens");
    record.set(Field::DpopBoundAccessTokens, bound, "request.body.dpop_bound_access_tokens");
    record.set(Field::AuthMethod, auth_method, "request.body.token_endpoint_auth_method");
    fill_registration_response(view, record, context.limits);
}

fn fill_registration_response(view: &View<'_>, record: &mut Record, limits: &Limits) {
    let response = Document::of_answer(view, limits);
    let number = response.number("client_secret_expires_at");
    record.set(Field::ResponseClientSecretExpiresAt, number, "response.body.client_secret_expires_at");
    record.set(Field::ResponseRedirectUris, response.list("redirect_uris"), "response.body.redirect_uris");
    for (field, name) in [
        (Field::ResponseClientId, "client_id"),
        (Field::ResponseClientSecret, "client_secret"),
        (Field::ResponseAuthMethod, "token_endpoint_auth_method"),
        (Field::ResponseError, "error"),
    ] {
        record.set(field, response.text(name), format!("response.body.{name}"));
    }
}
