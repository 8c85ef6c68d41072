//! The records of authorization requests and responses (RFC 6749, 4.1.1 and 4.1.2; RFC 9126; RFC 9207).

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::{exchange_fields, parameter, parameter_list, space_list};
use crate::capture::limits::Limits;
use crate::decode::exchange::{Answer, Unknown};
use crate::trail::classify::{Directory, callback_params, is_callback, response_params};
use crate::trail::read::params::Params;
use crate::trail::read::urls;
use crate::trail::record::{ExchangeId, Record, State, Value};
use crate::trail::schema::{Field, Kind};
use crate::trail::view::View;

pub(super) fn fill_request(view: &View<'_>, record: &mut Record, directory: &Directory, limits: &Limits) {
    let pushed = view.method() == "POST";
    let params = match (&view.form, pushed) {
        (Ok(Some(form)), true) => Ok(form),
        (Err(reason), true) => Err(*reason),
        _ => Ok(&view.query),
    };
    let base = if pushed { "request.body" } else { "request.query" };
    record.set(Field::Issuer, State::text(Some(&directory.issuer(view.endpoint()))), "request.url");
    record.set(Field::Endpoint, State::text(Some(view.endpoint())), "request.url");
    for (field, name) in [
        (Field::ClientId, "client_id"),
        (Field::RedirectUri, "redirect_uri"),
        (Field::ResponseType, "response_type"),
        (Field::State, "state"),
        (Field::CodeChallenge, "code_challenge"),
        (Field::Nonce, "nonce"),
    ] {
        record.set(field, hidden_by_reference(params, parameter(params, name)), format!("{base}.{name}"));
    }
    let scope = space_list(parameter(params, "scope"));
    record.set(Field::Scope, hidden_by_reference(params, scope), format!("{base}.scope"));
    let resource = parameter_list(params, "resource");
    record.set(Field::Resource, hidden_by_reference(params, resource), format!("{base}.resource"));
    let method = match (parameter(params, "code_challenge_method"), record.state(Field::CodeChallenge)) {
        // RFC 7636, 4.3: "plain" where the method is left out.
        (State::Absent, State::Present(_)) => State::text(Some("plain")),
        (method, _) => hidden_by_reference(params, method),
    };
    record.set(Field::CodeChallengeMethod, method, format!("{base}.code_challenge_method"));
    let repeated = params.map(Params::repeated).unwrap_or_default();
    let repeated = match repeated.as_slice() {
        [] => State::Absent,
        names => State::Present(Value::List(names.iter().map(|name| Arc::from(*name)).collect())),
    };
    record.set(Field::DuplicateParameters, repeated, base);
    record.set(Field::Error, error_of_page(view, limits), "response.body");
}

/// The error code that a refusal of the authorization endpoint names in its body, JSON or page; absent where it does not
/// refuse. Codes of RFC 6749, 4.1.2.1 and 5.2, RFC 7591, 3.2.2, and RFC 8707, 2; and those of Entra ID.
fn error_of_page(view: &View<'_>, limits: &Limits) -> State {
    const CODES: [&str; 11] = [
        "invalid_redirect_uri",
        "redirect_uri_mismatch",
        "invalid_target",
        "invalid_client",
        "unauthorized_client",
        "invalid_scope",
        "unsupported_response_type",
        "access_denied",
        "temporarily_unavailable",
        "server_error",
        "invalid_request",
    ];
    match view.status() {
        None => return State::Unknown(Unknown::ResponseNotRecorded),
        Some(400..=599) => {}
        Some(_) => return State::Absent,
    }
    let body = match view.exchange.answer.response().map(|response| response.body.text(limits)) {
        Some(Ok(body)) => body.unwrap_or_default(),
        Some(Err(reason)) => return State::Unknown(reason),
        None => return State::Unknown(Unknown::ResponseNotRecorded),
    };
    if let Some(at) = body.find("AADSTS") {
        let digits = body.get(at + 6..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
        return State::text(body.get(at..at + 6 + digits.min(9)));
    }
    State::text(CODES.into_iter().find(|code| body.contains(code)))
}

/// A parameter that is not in the URL may be in the request object or the pushed request that the URL names
/// (RFC 9101, 5; RFC 9126, 4).
fn hidden_by_reference(params: Result<&Params, Unknown>, state: State) -> State {
    let by_reference = params.is_ok_and(|params| params.has("request_uri") || params.has("request"));
    if by_reference && state == State::Absent { State::Unknown(Unknown::Opaque) } else { state }
}

/// One sighting of an authorization response.
struct Sighting<'a> {
    exchange: ExchangeId,
    view: &'a View<'a>,
    params: Params,
    /// The URL that carries it.
    url: String,
    is_callback: bool,
}

impl Sighting<'_> {
    /// Two sightings with the same key are the same response: code, or error and state.
    fn key(&self) -> (Option<&str>, Option<&str>, Option<&str>) {
        match self.params.get("code") {
            Some(code) => (Some(code), None, None),
            None => (None, self.params.get("error"), self.params.get("state")),
        }
    }
}

/// The authorization responses of the incident. A redirect and the callback request that follows are one record; a
/// second callback request with the same answer is another; what a proxy passed on (`further`) is none.
pub(crate) fn authorization_responses(
    views: &[View<'_>],
    directory: &Directory,
    further: &HashSet<ExchangeId>,
    limits: &Limits,
) -> Vec<Record> {
    let views = views.iter().enumerate().map(|(at, view)| (ExchangeId(at as u32), view));
    let first = views.filter(|(id, _)| !further.contains(id));
    let sightings: Vec<Sighting<'_>> = first.flat_map(|(id, view)| sightings_in(view, id, directory)).collect();
    let callback_of = callbacks(&sightings);
    let taken: HashSet<usize> = callback_of.values().copied().collect();
    let mut records = Vec::new();
    for (at, first) in sightings.iter().enumerate().filter(|(at, _)| !taken.contains(at)) {
        let callback = callback_of.get(&at).and_then(|later| sightings.get(*later));
        let (redirect, callback) = if first.is_callback { (None, Some(first)) } else { (Some(first), callback) };
        records.push(response(redirect, callback, limits));
    }
    records
}

/// The callback request that each redirect led to. The one with the same state first: a server may give the same code to
/// several logins, and a client may ask before the browser does, with the same request, and follow neither redirect.
fn callbacks(sightings: &[Sighting<'_>]) -> HashMap<usize, usize> {
    let mut found = HashMap::default();
    let mut taken: HashSet<usize> = HashSet::default();
    for with_state in [true, false] {
        let key = |sighting: &Sighting<'_>| {
            let (code, error, state) = sighting.key();
            let state = if with_state { sighting.params.get("state") } else { state };
            (code.map(str::to_owned), error.map(str::to_owned), state.map(str::to_owned))
        };
        // Redirects that wait for their callback, by what they carry.
        let mut waiting: HashMap<_, Vec<usize>> = HashMap::default();
        for (at, sighting) in sightings.iter().enumerate() {
            if !sighting.is_callback && !found.contains_key(&at) {
                waiting.entry(key(sighting)).or_default().push(at);
            } else if sighting.is_callback
                && !taken.contains(&at)
                && let Some(redirect) = waiting.get_mut(&key(sighting)).and_then(Vec::pop)
            {
                found.insert(redirect, at);
                taken.insert(at);
            }
        }
    }
    found
}

fn sightings_in<'a>(view: &'a View<'a>, exchange: ExchangeId, directory: &Directory) -> Vec<Sighting<'a>> {
    let mut found = Vec::new();
    if is_callback(&view.url, callback_params(view), directory) {
        let params = callback_params(view).clone();
        found.push(Sighting { exchange, view, params, url: view.url.clone(), is_callback: true });
    } else if let Some(location) = &view.location {
        let params = response_params(location);
        if is_callback(location, &params, directory) {
            found.push(Sighting { exchange, view, params, url: location.clone(), is_callback: false });
        }
    }
    found
}

fn response(redirect: Option<&Sighting<'_>>, callback: Option<&Sighting<'_>>, limits: &Limits) -> Record {
    // One of the two is there.
    let Some(shown) = callback.or(redirect) else { return Record::new(Kind::AuthorizationResponse, ExchangeId(0)) };
    let mut record = Record::new(Kind::AuthorizationResponse, shown.exchange);
    exchange_fields(shown.view, &mut record, limits);
    let base = match callback {
        Some(callback) if callback.view.method() == "POST" => "request.body",
        Some(_) => "request.query",
        None => "response.header.location",
    };
    for (field, name) in [(Field::Code, "code"), (Field::State, "state"), (Field::Iss, "iss"), (Field::Error, "error")]
    {
        record.set(field, parameter(Ok(&shown.params), name), format!("{base}.{name}"));
    }
    let flag = |flag: bool| State::Present(Value::Flag(flag));
    let redirect_at = redirect.map_or(shown.exchange, |redirect| redirect.exchange);
    record.set_at(Field::RedirectSeen, flag(redirect.is_some()), redirect_at, "response.header.location");
    let (redirect_status, redirect_method) = match redirect.map(|redirect| redirect.view) {
        Some(view) => {
            let status = view.status().map(|status| Value::Number(i64::from(status)));
            let status = status.map_or(State::Unknown(Unknown::ResponseNotRecorded), State::Present);
            (status, State::text(Some(view.method())))
        }
        None => (State::Unknown(Unknown::LegNotRecorded), State::Unknown(Unknown::LegNotRecorded)),
    };
    record.set_at(Field::RedirectStatus, redirect_status, redirect_at, "response.status");
    record.set_at(Field::RedirectMethod, redirect_method, redirect_at, "request.method");
    record.set(Field::CallbackSeen, flag(callback.is_some()), "request.url");
    let status = match callback.map(|callback| &callback.view.exchange.answer) {
        Some(Answer::Received(response)) => State::Present(Value::Number(i64::from(response.status))),
        Some(Answer::None(_)) => State::Absent,
        Some(Answer::NotRecorded) => State::Unknown(Unknown::ResponseNotRecorded),
        None => State::Unknown(Unknown::LegNotRecorded),
    };
    record.set(Field::CallbackStatus, status, "response.status");
    record.set(Field::ForwardsByParameter, forwards_by_parameter(callback), "response.header.location");
    record.set(Field::CallbackOrigin, State::text(urls::origin(&shown.url).as_deref()), "request.url");
    record
}

/// Whether the callback redirects to another origin that one of its own parameters names (RFC 9700, 4.11.1).
fn forwards_by_parameter(callback: Option<&Sighting<'_>>) -> State {
    let Some(callback) = callback else { return State::Unknown(Unknown::LegNotRecorded) };
    let view = callback.view;
    if matches!(view.exchange.answer, Answer::NotRecorded) {
        return State::Unknown(Unknown::ResponseNotRecorded);
    }
    let Some(location) = &view.location else { return State::Absent };
    let target = urls::endpoint(location);
    let named = view.query.values().any(|value| urls::origin(value).is_some() && urls::endpoint(value) == target);
    State::Present(Value::Flag(named && urls::origin(location).is_some_and(|origin| origin != view.origin())))
}
