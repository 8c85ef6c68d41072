//! Derived fields: facts that only several messages together state. A derived field never says whether a fact is right.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::key_sets::KeySets;
use super::provenance;
use super::read::urls;
use super::record::{ExchangeId, Record, RecordId, State, Value};
use super::schema::{Binding, Field, Kind};
use super::steps::set_origin;
use super::told::{self, authenticates_as_registered};
use super::view::View;
use crate::decode::exchange::Unknown;

/// Places that are told apart in one discovery.
const MOST_PLACES: usize = 64;

/// Positions among probes, expected issuers, origins of pages and of blocked requests: before bindings are found.
pub(crate) fn before_binding(records: &mut [Record], views: &[View<'_>], preflights: &[(ExchangeId, ExchangeId)]) {
    let mut issuers: Vec<Arc<str>> = Vec::new();
    for issuer in records.iter().flat_map(|record| record.list(Field::DocumentAuthorizationServers)) {
        // A client that logs in again and again reads the same documents each time.
        if !issuers.contains(issuer) {
            issuers.push(issuer.clone());
        }
    }
    let named: Vec<&str> = issuers.iter().map(|issuer| &**issuer).collect();
    let mut asked: HashMap<Kind, Vec<String>> = HashMap::default();
    let preflight_of: HashMap<ExchangeId, ExchangeId> =
        preflights.iter().rev().map(|(preflight, actual)| (*actual, *preflight)).collect();
    let last_answer = records.iter().rfind(|record| record.kind == Kind::AuthorizationResponse);
    let last_answer = last_answer.map(|answer| (answer.exchange, answer.text(Field::State).map(str::to_owned)));
    for record in records.iter_mut() {
        if matches!(record.kind, Kind::ResourceMetadataRequest | Kind::AsMetadataRequest) {
            // The same place asked again is no further place.
            let places = asked.entry(record.kind).or_default();
            let url = record.text(Field::Url).map(urls::normal).unwrap_or_default();
            let place = places.iter().position(|known| *known == url).unwrap_or(places.len());
            if place == places.len() && places.len() < MOST_PLACES {
                places.push(url.into_owned());
            }
            let position = State::Present(Value::Number(i64::try_from(place + 1).unwrap_or(i64::MAX)));
            record.set(Field::Position, position, "request.url");
        }
        if record.kind == Kind::AuthorizationRequest {
            // Probes after an authorization request begin another discovery.
            asked.clear();
            let is_left = last_answer.as_ref().is_some_and(|(exchange, state)| {
                *exchange > record.exchange && state.as_deref() != record.text(Field::State)
            });
            let shown = if is_left { State::Present(Value::Flag(false)) } else { page_shown(record, views) };
            record.set(Field::PageShown, shown, "response.status");
        }
        if record.kind == Kind::AsMetadataRequest {
            set_expected_issuer(record, &named);
        }
        origin_from_preflight(record, views, &preflight_of);
    }
    page_origins(records);
}

/// Follows the browser from the authorization request on: along redirects, and from a page to the form that is sent from
/// it, as long as it stays with the authorization server.
fn page_shown(record: &Record, views: &[View<'_>]) -> State {
    /// Exchanges in which the next step is looked for: others may go on at the same time.
    const LOOK_AHEAD: usize = 256;
    let first = record.exchange.0 as usize;
    let Some(start) = views.get(first) else { return State::Absent };
    let ahead = views.get(first..).unwrap_or_default().iter().take(LOOK_AHEAD);
    let (mut next_url, mut shown) = (Some(start.url.as_str()), false);
    for view in ahead.filter(|view| view.exchange.capture == start.exchange.capture && view.origin() == start.origin())
    {
        let follows = match next_url {
            Some(url) => view.url == url,
            None => view.method() == "POST",
        };
        if !follows {
            continue;
        }
        let Some(status) = view.status() else { return State::Unknown(Unknown::ResponseNotRecorded) };
        next_url = view.location.as_deref();
        if next_url.is_none() {
            shown = status == 200 && view.response_media_type() == "text/html";
        }
    }
    State::Present(Value::Flag(shown))
}

fn set_expected_issuer(record: &mut Record, named: &[&str]) {
    let Some(url) = record.text(Field::Url).map(str::to_owned) else { return };
    let Some(found) = urls::well_known(&url) else {
        record.set(Field::ExpectedIssuer, State::Unknown(Unknown::Opaque), "request.url");
        return;
    };
    // `https://a` and `https://a/` have the same well-known location; the spelling that was named is the one expected.
    let bare = |issuer: &str| issuer.trim_end_matches('/').to_owned();
    let same = named.iter().find(|named| bare(named) == bare(&found.identifier));
    // At the root of a host that only one of the issuers named lies on, that one is meant, its path left out.
    let on_host = |named: &&&str| urls::origin(named).as_deref() == Some(found.identifier.as_str());
    let mut on_host = named.iter().filter(on_host);
    let alone = on_host.next().filter(|first| found.form == "root" && on_host.all(|other| other == *first));
    let expected = match same.or(alone) {
        Some(named) => State::Present(Value::from(*named)),
        // RFC 8414, 3.1: path insertion leaves no other reading.
        None if named.is_empty() && found.form != "root" => State::Present(Value::from(found.identifier.as_str())),
        None => State::Unknown(Unknown::Ambiguous),
    };
    record.set(Field::ExpectedIssuer, expected, "request.url");
}

/// A request that the browser did not let out has no headers of its own; its preflight names the origin of the page.
fn origin_from_preflight(record: &mut Record, views: &[View<'_>], preflight_of: &HashMap<ExchangeId, ExchangeId>) {
    if record.kind.is_group() || !matches!(record.state(Field::Origin), State::Unknown(_)) {
        return;
    }
    let Some(preflight) = preflight_of.get(&record.exchange) else { return };
    let (Some(sent), Some(asked)) = (views.get(preflight.0 as usize), views.get(record.exchange.0 as usize)) else {
        return;
    };
    set_origin(record, sent.request_header("origin"), asked.origin(), *preflight);
}

/// The origin of the page that runs the client: the one that its own requests name. A client that is no page has none.
fn page_origins(records: &mut [Record]) {
    let own = [Kind::McpExchange, Kind::ResourceMetadataRequest, Kind::AsMetadataRequest, Kind::RegistrationRequest];
    let mut seen: Option<(State, ExchangeId)> = None;
    let mut several = false;
    for record in records.iter().filter(|record| own.contains(&record.kind)) {
        let origin = record.state(Field::Origin);
        match (&seen, origin) {
            (_, State::Unknown(_) | State::Unread(_)) => {}
            (Some((State::Present(_), _)), State::Absent) => {}
            (Some((known @ State::Present(_), _)), State::Present(_)) => several |= known != origin,
            (_, origin) => seen = Some((origin.clone(), record.exchange)),
        }
    }
    for record in records.iter_mut().filter(|record| record.kind == Kind::AuthorizationRequest) {
        let (state, exchange) = match &seen {
            None => (State::Unknown(Unknown::LegNotRecorded), record.exchange),
            Some(_) if several => (State::Unknown(Unknown::Ambiguous), record.exchange),
            Some((state, exchange)) => (state.clone(), *exchange),
        };
        record.set_at(Field::PageOrigin, state, exchange, "request.header.origin");
    }
}

/// What bindings lead to: the iss that came back, the scope granted, what a token was issued as.
pub(crate) fn after_binding(records: &mut [Record], key_sets: &KeySets) {
    apply(records, told::changes(records));
    let mut changes: Vec<Change> = Vec::new();
    let issued = issued_values(records);
    let get = |id: Option<RecordId>| id.and_then(|id| records.get(id.0 as usize));
    // A code that was redeemed reached the client: where no callback shows how, the recording does not see callbacks.
    let went_unseen = |record: &Record| {
        record.kind == Kind::AuthorizationResponse
            && !record.is_true(Field::CallbackSeen)
            && record.found(Binding::TokenRequest).is_some()
    };
    let callbacks_are_unseen = records.iter().any(went_unseen);
    // When each token was refused last so far.
    let mut refusals: HashMap<&str, i64> = HashMap::default();
    let mut used_token = false;
    // In which words requests without a token were refused so far: the challenge, and how it reads.
    let mut words_for_none: HashSet<(&str, Option<&str>)> = HashSet::default();
    // Where each token was presented first, and where a login came so far that one may have been given.
    let mut since: HashMap<&str, ExchangeId> = HashMap::default();
    let brings_token = |record: &&Record| match record.kind {
        Kind::AuthorizationResponse => matches!(record.state(Field::Code), State::Present(_) | State::Unread(_)),
        kind => kind == Kind::TokenRequest,
    };
    let mut whole: Vec<&str> = issued.keys().copied().collect();
    whole.sort_unstable();
    let is_cut = |token: &str| {
        whole.get(whole.partition_point(|known| *known < token)).is_some_and(|known| known.starts_with(token))
    };
    let first_login = records.iter().find(brings_token).map(|record| record.exchange);
    for (at, record) in records.iter().enumerate() {
        match record.kind {
            Kind::AuthorizationRequest => {
                let (state, exchange) = match get(record.found(Binding::AuthorizationResponse)) {
                    Some(response) => (response.state(Field::Iss).clone(), response.exchange),
                    None => (State::Unknown(Unknown::LegNotRecorded), record.exchange),
                };
                changes.push((at, Field::IssReceived, state, exchange, "request.query.iss"));
                changes.push(client_id_issued(at, record));
                changes.push(redirect_uri_registered(at, record, records));
            }
            Kind::TokenResponse => {
                let request = get(record.found(Binding::TokenRequest));
                changes.push((
                    at,
                    Field::GrantedScope,
                    granted_scope(record, request, records),
                    record.exchange,
                    "response.body.scope",
                ));
                let rotated = rotated(record, request);
                changes.push((at, Field::Rotated, rotated, record.exchange, "response.body.refresh_token"));
                changes.push((at, Field::ExpiresAt, expires_at(record), record.exchange, "response.body.expires_in"));
            }
            Kind::AuthorizationResponse if callbacks_are_unseen && !record.is_true(Field::CallbackSeen) => {
                let unseen = State::Unknown(Unknown::LegNotRecorded);
                changes.push((at, Field::CallbackSeen, unseen, record.exchange, "request.url"));
            }
            Kind::TokenRequest => {
                changes.push(client_id_issued(at, record));
                let registration = get(record.found(Binding::Registration));
                let as_registered = authenticates_as_registered(record, registration);
                const PART: &str = "request.header.authorization";
                changes.push((at, Field::AuthenticatesAsRegistered, as_registered, record.exchange, PART));
            }
            Kind::McpExchange => {
                let first = first_asked(records, record);
                let stands_in = first.map_or(record.exchange, |first| first.exchange);
                let url = first.map_or(State::Absent, |first| first.state(Field::AskedUrl).clone());
                changes.push((at, Field::RedirectedFrom, url, stands_in, "request.url"));
                let words = record.text(Field::Challenge).filter(|_| record.number(Field::Status) == Some(401));
                let words = words.map(|challenge| (challenge, record.text(Field::RefusalReadsAs)));
                let carries_none = record.state(Field::Bearer) == &State::Absent;
                let alike = words.is_some_and(|words| !carries_none && words_for_none.contains(&words));
                words_for_none.extend(words.filter(|_| carries_none));
                let alike = State::Present(Value::Flag(alike));
                changes.push((
                    at,
                    Field::RefusedLikeNoToken,
                    alike,
                    record.exchange,
                    "response.header.www-authenticate",
                ));
                const PART: &str = "request.header.authorization";
                if let Some(token) = record.text(Field::Bearer) {
                    since.entry(token).or_insert(record.exchange);
                }
                let kind = bearer_kind(record, &issued, |token| {
                    since.get(token).zip(first_login).is_some_and(|(since, login)| *since > login) && !is_cut(token)
                });
                changes.push((at, Field::BearerKind, kind, record.exchange, PART));
                let expired = token_expired(record, get(record.found(Binding::IssuingTokenResponse)));
                changes.push((at, Field::TokenExpired, expired, record.exchange, PART));
                let forgotten = get(record.found(Binding::EarlierAccepted)).is_some_and(|accepted| {
                    let refused_at = accepted.text(Field::Bearer).and_then(|token| refusals.get(token));
                    let ends = get(accepted.found(Binding::IssuingTokenResponse)).map(expires_at);
                    match (refused_at, ends) {
                        (Some(refused), Some(State::Present(Value::Number(ends)))) => refused / 1_000_000 < ends,
                        _ => false,
                    }
                });
                let forgotten = State::Present(Value::Flag(forgotten));
                changes.push((at, Field::AcceptedTokenForgotten, forgotten, record.exchange, "response.status"));
                let held = used_token || record.found(Binding::NewestTokenResponse).is_some();
                if let (Some(token), Some(401), Some(sent)) =
                    (record.text(Field::Bearer), record.number(Field::Status), record.number(Field::SentAt))
                {
                    refusals.insert(token, sent);
                }
                changes.push((at, Field::HeldToken, State::Present(Value::Flag(held)), record.exchange, PART));
                used_token |= matches!(record.state(Field::Bearer), State::Present(_) | State::Unread(_));
                changes.push((at, Field::BearerJwtVerified, verified(record, key_sets), record.exchange, PART));
            }
            _ => {}
        }
    }
    apply(records, changes);
    // What a step-up led to is told by the scopes granted, which are set now.
    let changes = records.iter().enumerate().filter(|(_, record)| record.kind == Kind::StepUp);
    let mut changes: Vec<Change> = changes.flat_map(|(at, record)| step_up(at, record, records)).collect();
    changes.extend(provenance::changes(records));
    apply(records, changes);
}

/// The request that was made first, where redirects led from it to this one.
fn first_asked<'a>(records: &'a [Record], record: &Record) -> Option<&'a Record> {
    /// Browsers and libraries follow no more.
    const MOST: usize = 20;
    let source = |record: &Record| records.get(record.found(Binding::RedirectSource)?.0 as usize);
    std::iter::successors(source(record), |found| source(found)).take(MOST).last()
}

/// A field to set: of which record, with its place.
pub(crate) type Change = (usize, Field, State, ExchangeId, &'static str);

pub(crate) fn apply(records: &mut [Record], changes: Vec<Change>) {
    for (at, field, state, exchange, part) in changes {
        if let Some(record) = records.get_mut(at) {
            record.set_at(field, state, exchange, part);
        }
    }
}

/// Whether a refresh brought another refresh token; absent where it brought none or was no refresh.
fn rotated(response: &Record, request: Option<&Record>) -> State {
    let sent = request.map_or(&State::Absent, |request| request.state(Field::RefreshToken));
    match (response.state(Field::RefreshToken), sent) {
        (State::Present(new), State::Present(old)) => State::Present(Value::Flag(new != old)),
        (State::Absent, _) | (_, State::Absent) => State::Absent,
        (State::Unread(reason) | State::Unknown(reason), _) | (_, State::Unread(reason) | State::Unknown(reason)) => {
            State::Unknown(*reason)
        }
    }
}

/// RFC 6749, 5.1: the scope is the requested one where the answer omits it.
fn granted_scope(response: &Record, request: Option<&Record>, records: &[Record]) -> State {
    if response.state(Field::Scope) != &State::Absent {
        return response.state(Field::Scope).clone();
    }
    let Some(request) = request else { return State::Unknown(Unknown::LegNotRecorded) };
    if let scope @ State::Present(_) = request.state(Field::Scope) {
        return scope.clone();
    }
    let authorization = request.found(Binding::AuthorizationRequest).and_then(|id| records.get(id.0 as usize));
    authorization.map_or(State::Unknown(Unknown::LegNotRecorded), |request| request.state(Field::Scope).clone())
}

/// Whether a registration that issued the `client_id` is recorded, at this issuer or at another.
fn client_id_issued(at: usize, record: &Record) -> Change {
    let state = match record.state(Field::ClientId) {
        State::Present(_) => {
            let issued = !matches!(record.bound(Binding::Registration), super::record::Bound::Unknown(_));
            State::Present(Value::Flag(issued))
        }
        other => other.clone(),
    };
    (at, Field::ClientIdIssued, state, record.exchange, "request.query.client_id")
}

/// Whether the redirect URI is among those registered, by registration or by a client ID metadata document.
fn redirect_uri_registered(at: usize, record: &Record, records: &[Record]) -> Change {
    const PART: &str = "request.query.redirect_uri";
    let registration = record.found(Binding::Registration).and_then(|id| records.get(id.0 as usize));
    let client_id = record.text(Field::ClientId);
    let document = || {
        let is_it = |other: &&Record| other.kind == Kind::ClientMetadataFetch && other.text(Field::Url) == client_id;
        records.iter().rfind(is_it).map(|fetch| (fetch, fetch.list(Field::DocumentRedirectUris)))
    };
    // RFC 7591, 3.2.1: the answer says what was registered; where it does not, what was asked for holds.
    let registered = registration.map(|registration| match registration.list(Field::ResponseRedirectUris) {
        [] => (registration, registration.list(Field::RedirectUris)),
        answered => (registration, answered),
    });
    let (state, exchange) = match (registered.or_else(document), record.text(Field::RedirectUri)) {
        (Some((holder, uris)), Some(used)) if !uris.is_empty() => {
            (State::Present(Value::Flag(uris.iter().any(|uri| urls::fits_redirect(uri, used)))), holder.exchange)
        }
        _ => (State::Unknown(Unknown::LegNotRecorded), record.exchange),
    };
    (at, Field::RedirectUriRegistered, state, exchange, PART)
}

/// When a token ends: its claim, else the lifetime that came with it.
pub(crate) fn expires_at(response: &Record) -> State {
    if let claim @ State::Present(_) = response.state(Field::AccessTokenJwtExp) {
        return claim.clone();
    }
    match (response.number(Field::AnsweredAt), response.state(Field::ExpiresIn)) {
        (Some(answered), State::Present(_)) => {
            let lifetime = response.number(Field::ExpiresIn).unwrap_or_default();
            State::Present(Value::Number((answered / 1_000_000).saturating_add(lifetime)))
        }
        (None, State::Present(_)) => State::Unknown(Unknown::Opaque),
        (_, other) => other.clone(),
    }
}

/// What each value was issued as.
fn issued_values(records: &[Record]) -> HashMap<&str, &'static str> {
    let kinds = [
        (Kind::TokenResponse, Field::AccessToken, "access"),
        (Kind::TokenResponse, Field::IdToken, "id"),
        (Kind::TokenResponse, Field::RefreshToken, "refresh"),
        (Kind::AuthorizationResponse, Field::Code, "code"),
    ];
    let mut issued = HashMap::default();
    for (kind, field, name) in kinds {
        for value in records.iter().filter(|record| record.kind == kind).filter_map(|record| record.text(field)) {
            issued.entry(value).or_insert(name);
        }
    }
    issued
}

/// What a token was issued as. Of one that is presented first after a login and was not issued in the recording, it is not
/// known: a token response or a refresh may be missing. A token that was cut off on its way is not a new one.
fn bearer_kind(exchange: &Record, issued: &HashMap<&str, &'static str>, is_new: impl Fn(&str) -> bool) -> State {
    match exchange.state(Field::Bearer) {
        State::Present(_) => {
            let token = exchange.text(Field::Bearer).unwrap_or_default();
            match issued.get(token) {
                Some(known) => State::text(Some(known)),
                None if is_new(token) => State::Unknown(Unknown::StepNotRecorded),
                None => State::text(Some("unknown")),
            }
        }
        other => other.clone(),
    }
}

/// Kinds of step that are not recorded, although a value in use can only have come from one.
pub(crate) fn implied_kinds(records: &[Record]) -> Vec<Kind> {
    let has = |kind: Kind| records.iter().any(|record| record.kind == kind);
    let shows = |kind: Kind, field: Field| {
        records
            .iter()
            .any(|record| record.kind == kind && matches!(record.state(field), State::Present(_) | State::Unread(_)))
    };
    // A code in use was brought by an authorization response, and that answers an authorization request. A token may
    // have come by other ways (a grant without a browser, a configured token), so it proves a token request only where
    // an authorization response is there as well.
    let code_seen = shows(Kind::TokenRequest, Field::Code) || shows(Kind::AuthorizationResponse, Field::Code);
    let token_seen = shows(Kind::McpExchange, Field::Bearer) && code_seen;
    let unread = |field: Field| {
        move |record: &&Record| record.kind == Kind::McpExchange && matches!(record.state(field), State::Unknown(_))
    };
    let messages = records.iter().filter(unread(Field::MessageKinds));
    let unread_messages = messages.into_iter().any(|record| record.text(Field::Method) == Some("POST"));
    let answers: Vec<&Record> = records
        .iter()
        .filter(unread(Field::AnswerKinds))
        .filter(|record| matches!(record.number(Field::Status), Some(200..=299)))
        .collect();
    let is_stream = |record: &&Record| record.text(Field::ResponseContentType) == Some("text/event-stream");
    let implied = [
        (Kind::ClientMessage, unread_messages),
        (Kind::ServerMessage, !answers.is_empty()),
        (Kind::ServerEvent, answers.iter().any(is_stream)),
        (Kind::AuthorizationRequest, code_seen),
        (Kind::AuthorizationResponse, code_seen),
        (Kind::TokenRequest, token_seen),
        (Kind::TokenResponse, token_seen),
    ];
    implied.into_iter().filter(|(kind, seen)| *seen && !has(*kind)).map(|(kind, _)| kind).collect()
}

/// Whether the token's time was over when it was sent: by its claim, else by the lifetime that came with it.
fn token_expired(exchange: &Record, issuing: Option<&Record>) -> State {
    let Some(sent) = exchange.number(Field::SentAt) else { return State::Unknown(Unknown::Opaque) };
    let by_claim = exchange.number(Field::BearerJwtExp).map(|seconds| seconds.saturating_mul(1_000_000));
    let by_lifetime = issuing.and_then(|response| {
        let lifetime = response.number(Field::ExpiresIn)?.saturating_mul(1_000_000);
        Some(response.number(Field::AnsweredAt)?.saturating_add(lifetime))
    });
    match (by_claim.or(by_lifetime), exchange.state(Field::Bearer)) {
        (Some(end), _) => State::Present(Value::Flag(end < sent)),
        (None, State::Unknown(reason) | State::Unread(reason)) => State::Unknown(*reason),
        (None, _) => State::Absent,
    }
}

/// Whether the published keys of the issuer that a token names verify it.
fn verified(exchange: &Record, key_sets: &KeySets) -> State {
    match (exchange.text(Field::Bearer), exchange.text(Field::BearerJwtIss)) {
        (Some(token), Some(issuer)) => match key_sets.verify(issuer, token) {
            Some(verified) => State::Present(Value::Flag(verified)),
            None => State::Unknown(Unknown::Opaque),
        },
        _ => State::Unknown(Unknown::Opaque),
    }
}

/// What the client held, asked for and got in a step-up.
fn step_up(at: usize, record: &Record, records: &[Record]) -> Vec<Change> {
    let get = |id: Option<RecordId>| id.and_then(|id| records.get(id.0 as usize));
    let mut changes: Vec<Change> = Vec::new();
    let Some(refusal) = get(record.found(Binding::Refusal)) else { return changes };
    // A token that can be read and was not issued in the recording is not that of the newest answer.
    let newest = || refusal.text(Field::Bearer).is_none().then(|| get(refusal.found(Binding::NewestTokenResponse)));
    let issuing = get(refusal.found(Binding::IssuingTokenResponse)).or_else(|| newest().flatten());
    let held = match issuing.map(|response| (response.state(Field::GrantedScope), response.exchange)) {
        Some((scope @ State::Present(_), exchange)) => (scope.clone(), exchange, "response.body.scope"),
        _ => (refusal.state(Field::BearerJwtScope).clone(), refusal.exchange, "request.header.authorization.jwt.scope"),
    };
    changes.push((at, Field::HeldScope, held.0, held.1, held.2));
    let before = |other: &&Record| other.kind == Kind::AuthorizationRequest && other.exchange < refusal.exchange;
    let earlier = records.iter().rfind(before);
    let (scope, exchange) = earlier.map_or((State::Unknown(Unknown::LegNotRecorded), refusal.exchange), |request| {
        (request.state(Field::Scope).clone(), request.exchange)
    });
    changes.push((at, Field::EarlierScope, scope, exchange, "request.query.scope"));
    let steps = [
        ("authorize", get(record.found(Binding::NextAuthorizationRequest))),
        ("refresh", get(record.found(Binding::NextRefreshRequest))),
        ("repeat", get(record.found(Binding::Retry))),
    ];
    let first = steps.into_iter().filter_map(|(name, step)| Some((name, step?))).min_by_key(|(_, step)| step.exchange);
    let Some((name, step)) = first else {
        let unknown = |binding: Binding| matches!(record.bound(binding), super::record::Bound::Unknown(_));
        let open =
            [Binding::NextAuthorizationRequest, Binding::NextRefreshRequest, Binding::Retry].into_iter().any(unknown);
        let answer = if open { State::Unknown(Unknown::WindowOpen) } else { State::text(Some("none")) };
        changes.push((at, Field::StepUpAnswer, answer, refusal.exchange, "response.status"));
        return changes;
    };
    changes.push((at, Field::StepUpAnswer, State::text(Some(name)), step.exchange, "request.url"));
    let requested = if name == "repeat" { State::Absent } else { step.state(Field::Scope).clone() };
    let part = if name == "authorize" { "request.query.scope" } else { "request.body.scope" };
    changes.push((at, Field::RequestedScope, requested, step.exchange, part));
    let grants = |other: &&Record| {
        other.kind == Kind::TokenResponse && other.exchange >= step.exchange && super::bind::is_usable(other)
    };
    let granted = records.iter().find(grants).filter(|_| name != "repeat");
    let (scope, exchange) = granted.map_or((State::Absent, step.exchange), |response| {
        (response.state(Field::GrantedScope).clone(), response.exchange)
    });
    changes.push((at, Field::GrantedScope, scope, exchange, "response.body.scope"));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trail::record::Bound;

    fn text(text: &str) -> State {
        State::Present(Value::from(text))
    }

    fn list(items: &[&str]) -> State {
        State::Present(Value::List(items.iter().map(|item| (*item).into()).collect()))
    }

    #[test]
    fn the_end_of_a_token_is_its_claim_or_its_lifetime() {
        let mut response = Record::new(Kind::TokenResponse, ExchangeId(0));
        response.set(Field::AnsweredAt, State::Present(Value::Number(1_000_000_000)), "");
        assert_eq!(expires_at(&response), response.state(Field::ExpiresIn).clone());
        response.set(Field::ExpiresIn, State::Present(Value::Number(60)), "");
        assert_eq!(expires_at(&response), State::Present(Value::Number(1060)));
        response.set(Field::AccessTokenJwtExp, State::Present(Value::Number(1030)), "");
        assert_eq!(expires_at(&response), State::Present(Value::Number(1030)));
    }

    #[test]
    fn what_was_registered_is_told_by_the_registration() {
        let mut registration = Record::new(Kind::RegistrationRequest, ExchangeId(0));
        registration.set(Field::RedirectUris, list(&["http://127.0.0.1:1/cb"]), "");
        let mut request = Record::new(Kind::AuthorizationRequest, ExchangeId(1));
        request.set(Field::ClientId, text("c1"), "");
        let flag = |flag: bool| State::Present(Value::Flag(flag));
        assert_eq!(client_id_issued(1, &request).2, flag(false));
        let unbound = redirect_uri_registered(1, &request, &[registration.clone(), request.clone()]);
        assert!(matches!(unbound.2, State::Unknown(_)), "{:?}", unbound.2);
        request.bind(Binding::Registration, Bound::Found(RecordId(0)));
        assert_eq!(client_id_issued(1, &request).2, flag(true));
        for (used, expected) in [("http://127.0.0.1:2/cb", true), ("http://localhost:1/cb", false)] {
            request.set(Field::RedirectUri, text(used), "");
            let records = [registration.clone(), request.clone()];
            assert_eq!(redirect_uri_registered(1, &request, &records).2, flag(expected), "{used}");
        }
    }

    #[test]
    fn a_root_document_is_for_the_only_issuer_named_on_its_host() {
        let expected = |named: &[&str]| {
            let mut record = Record::new(Kind::AsMetadataRequest, ExchangeId(0));
            record.set(Field::Url, text("https://as.test/.well-known/oauth-authorization-server"), "");
            set_expected_issuer(&mut record, named);
            record.text(Field::ExpectedIssuer).map(str::to_owned)
        };
        assert_eq!(expected(&["https://as.test"]).as_deref(), Some("https://as.test"));
        assert_eq!(expected(&["https://as.test/t1"]).as_deref(), Some("https://as.test/t1"));
        assert_eq!(expected(&["https://as.test/t1", "https://as.test/t2"]), None);
        assert_eq!(expected(&["https://other.test/t1"]), None);
    }
}
