//! The records of the smaller endpoints: device authorization, introspection, revocation, key sets.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{Context, Document, parameter, parameter_list, space_list};
use crate::decode::exchange::Unknown;
use crate::trail::read::params::Params;
use crate::trail::record::{Record, State, Value};
use crate::trail::schema::Field;
use crate::trail::view::View;

fn form<'a>(view: &'a View<'_>) -> Result<&'a Params, Unknown> {
    match &view.form {
        Ok(Some(form)) => Ok(form),
        Ok(None) => Err(Unknown::BodyNotRecorded),
        Err(reason) => Err(*reason),
    }
}

fn set_issuer(view: &View<'_>, record: &mut Record, context: &Context<'_>) {
    record.set(Field::Issuer, State::text(Some(&context.directory.issuer(view.endpoint()))), "request.url");
}

pub(super) fn fill_device_authorization(view: &View<'_>, record: &mut Record, context: &Context<'_>) {
    set_issuer(view, record, context);
    let form = form(view);
    record.set(Field::ClientId, parameter(form, "client_id"), "request.body.client_id");
    record.set(Field::Scope, space_list(parameter(form, "scope")), "request.body.scope");
    record.set(Field::Resource, parameter_list(form, "resource"), "request.body.resource");
    let answer = Document::of_answer(view, context.limits);
    record.set(Field::DeviceCode, answer.text("device_code"), "response.body.device_code");
    record.set(Field::UserCode, answer.text("user_code"), "response.body.user_code");
    record.set(Field::Error, answer.text("error"), "response.body.error");
}

pub(super) fn fill_introspection(view: &View<'_>, record: &mut Record, context: &Context<'_>) {
    // A server may ask under a name of its own network: whose endpoint that is, only metadata or a path tells.
    let issuer = context.directory.known_issuer(view.endpoint());
    let issuer = issuer.map_or(State::Unknown(Unknown::Ambiguous), |issuer| State::text(Some(&issuer)));
    record.set(Field::Issuer, issuer, "request.url");
    record.set(Field::Token, parameter(form(view), "token"), "request.body.token");
    let answer = Document::of_answer(view, context.limits);
    record.set(Field::Active, answer.flag("active"), "response.body.active");
    let audience = match answer.text("aud") {
        State::Present(Value::Text(one)) => State::Present(Value::List(vec![one])),
        _ => answer.list("aud"),
    };
    record.set(Field::ResponseAud, audience, "response.body.aud");
    record.set(Field::ResponseScope, space_list(answer.text("scope")), "response.body.scope");
}

pub(super) fn fill_revocation(view: &View<'_>, record: &mut Record, context: &Context<'_>) {
    set_issuer(view, record, context);
    record.set(Field::Token, parameter(form(view), "token"), "request.body.token");
}

pub(super) fn fill_key_set(view: &View<'_>, record: &mut Record, context: &Context<'_>) {
    let ids = view.response_json(context.limits).map(|document| {
        let keys = document.as_ref().and_then(|document| document.get("keys")?.as_array().cloned());
        keys.map(|keys| keys.iter().filter_map(|key| key.get("kid").and_then(Json::as_str)).map(Arc::from).collect())
    });
    let state = match ids {
        Err(reason) => State::Unknown(reason),
        Ok(None) => State::Absent,
        Ok(Some(ids)) => State::Present(Value::List(ids)),
    };
    record.set(Field::KeyIds, state, "response.body.keys.kid");
}
