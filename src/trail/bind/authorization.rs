//! Bindings of discovery, registration, authorization and token steps.

use foldhash::HashMap;

use super::endpoints::revocation;
use super::selected::{Redeemed, Uses, hides, since, until};
use super::{Binder, Found, is_usable};
use crate::decode::exchange::Unknown;
use crate::trail::keys::s256;
use crate::trail::read::urls;
use crate::trail::record::{Bound, Closing, ExchangeId, Record, RecordId, State};
use crate::trail::schema::{Binding, Field, Kind};
use crate::trail::view::View;

const NOT_KNOWN: Bound = Bound::Unknown(Unknown::LegNotRecorded);

fn found_or(id: Option<RecordId>, otherwise: Bound) -> Bound {
    id.map_or(otherwise, Bound::Found)
}

pub(super) fn bind_as_metadata(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let metadata = resource_metadata_before(binder, record);
    found.push((id, Binding::ResourceMetadata, binder.earlier(metadata, Kind::ResourceMetadataRequest)));
    found.push((id, Binding::NextAuthorizationRequest, binder.later(record, Kind::AuthorizationRequest, |_| true)));
    found.push((id, Binding::Preflight, binder.preflight(record)));
}

/// The last readable resource metadata before a step.
fn resource_metadata_before(binder: &Binder<'_>, record: &Record) -> Option<RecordId> {
    let readable = |other: &Record| matches!(other.state(Field::DocumentResource), State::Present(_));
    binder.last_before(record, Kind::ResourceMetadataRequest, readable)
}

/// Metadata may come later in the recording and still be what the client went by: it reads it again after the callback,
/// and exporters drop the body of the first reading.
fn resource_metadata_for(binder: &Binder<'_>, record: &Record) -> Bound {
    let readable = |other: &Record| matches!(other.state(Field::DocumentResource), State::Present(_));
    let before = resource_metadata_before(binder, record);
    if before.is_none() {
        let unread = |other: &Record| matches!(other.state(Field::DocumentResource), State::Unknown(_));
        let fetched = binder.last_before(record, Kind::ResourceMetadataRequest, unread);
        let Some(fetched) = fetched.and_then(|id| binder.record(id)) else { return NOT_KNOWN };
        let url = fetched.text(Field::Url);
        let again = binder.first_after(record, Kind::ResourceMetadataRequest, |other| {
            readable(other) && other.text(Field::Url) == url
        });
        return found_or(again, Bound::Unknown(Unknown::BodyNotRecorded));
    }
    found_or(before, NOT_KNOWN)
}

/// The metadata document that names this endpoint.
fn as_metadata_for(binder: &Binder<'_>, record: &Record, field: Field) -> Bound {
    let endpoint = record.text(Field::Endpoint).or_else(|| record.text(Field::Url)).map(urls::endpoint);
    let names = |other: &Record| other.text(field).map(urls::endpoint) == endpoint && endpoint.is_some();
    let document = binder
        .last_before(record, Kind::AsMetadataRequest, names)
        .or_else(|| binder.first_after(record, Kind::AsMetadataRequest, names));
    found_or(document, NOT_KNOWN)
}

/// The registration that issued this client id at this issuer. None where it was issued at another issuer only; not
/// known where it was never seen being issued: it may be registered by other means, or earlier.
fn registration_for(binder: &Binder<'_>, record: &Record) -> Bound {
    let Some(client_id) = record.text(Field::ClientId) else { return NOT_KNOWN };
    let issued = |other: &Record| other.text(Field::ResponseClientId) == Some(client_id);
    let here = |other: &Record| issued(other) && other.text(Field::Issuer) == record.text(Field::Issuer);
    if let Some(id) = binder.last_before(record, Kind::RegistrationRequest, here) {
        return Bound::Found(id);
    }
    match binder.last_before(record, Kind::RegistrationRequest, issued) {
        Some(_) => Bound::None(Closing::NotNeeded),
        None => NOT_KNOWN,
    }
}

pub(super) fn bind_registration(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let document = as_metadata_for(binder, record, Field::DocumentRegistrationEndpoint);
    found.push((id, Binding::AsMetadata, document));
    found.push((id, Binding::NextAuthorizationRequest, binder.later(record, Kind::AuthorizationRequest, |_| true)));
    found.push((id, Binding::Preflight, binder.preflight(record)));
}

pub(super) fn bind_client_metadata(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let url = record.text(Field::Url);
    let names_it = |other: &Record| other.text(Field::ClientId) == url;
    let request = binder.last_before(record, Kind::AuthorizationRequest, names_it);
    found.push((id, Binding::AuthorizationRequest, found_or(request, NOT_KNOWN)));
}

pub(super) fn bind_request(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let document = as_metadata_for(binder, record, Field::DocumentAuthorizationEndpoint);
    found.push((id, Binding::AsMetadata, document));
    found.push((id, Binding::ResourceMetadata, resource_metadata_for(binder, record)));
    found.push((id, Binding::Registration, registration_for(binder, record)));
    found.push((id, Binding::AuthorizationResponse, response_to(binder, record)));
    let previous = binder.last_before(record, Kind::AuthorizationRequest, |_| true);
    found.push((id, Binding::Previous, binder.earlier(previous, Kind::AuthorizationRequest)));
    let refusal = binder.last_of(&binder.selected.refused, record);
    found.push((id, Binding::TriggeringRefusal, binder.earlier(refusal, Kind::McpExchange)));
}

/// The response with the state of a request. Where one of the two states is hidden, its own redirect alone tells.
fn response_to(binder: &Binder<'_>, record: &Record) -> Bound {
    let selected = &binder.selected;
    let same_state = record.text(Field::State).and_then(|state| selected.responses_of_state.get(state));
    let own = record.state(Field::State);
    if let Some(id) = since(binder, same_state, record).first() {
        return Bound::Found(*id);
    }
    if own == &State::Absent {
        return response_by_redirects(binder, record);
    }
    if hides(own)
        && let found @ Bound::Found(_) = response_by_redirects(binder, record)
    {
        return found;
    }
    let may_be_it = if hides(own) { selected.hidden.response } else { selected.hidden.state };
    if may_be_it.is_some_and(|last| last >= record.exchange) {
        return Bound::Unknown(Unknown::Ambiguous);
    }
    binder.missing_after(record, Kind::AuthorizationResponse)
}

/// Without a state: the response in its own redirect, else the one that comes next, where no other authorization request
/// stands between.
fn response_by_redirects(binder: &Binder<'_>, record: &Record) -> Bound {
    /// Responses that are looked through: of many logins that go on at the same time none can be told from another.
    const MOST: usize = 256;
    let redirect = |other: &Record| other.slot(Field::RedirectSeen).map(|slot| slot.exchange);
    if let Some(own) = binder.selected.response_in.get(&record.exchange) {
        return Bound::Found(*own);
    }
    let next_request = binder.first_after(record, Kind::AuthorizationRequest, |_| true);
    let until = next_request.and_then(|id| binder.record(id)).map(|next| next.exchange);
    let in_time = |other: &Record| until.is_none_or(|until| redirect(other).unwrap_or(other.exchange) < until);
    let (_, after) = binder.around(record, Kind::AuthorizationResponse);
    let next = after.iter().take(MOST).find(|id| binder.record(**id).is_some_and(in_time));
    next.map_or_else(|| binder.missing_after(record, Kind::AuthorizationResponse), |id| Bound::Found(*id))
}

pub(super) fn bind_response(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let request = request_of_response(binder, record);
    found.push((id, Binding::AuthorizationRequest, found_or(request, NOT_KNOWN)));
    let code = record.text(Field::Code);
    found.push((id, Binding::TokenRequest, redemption(binder, record, request)));
    let same_code = code.and_then(|code| binder.selected.bringing.get(code));
    let is_earlier_delivery = |other: &Record| other.exchange < record.exchange && other.is_true(Field::CallbackSeen);
    let mut before = until(binder, same_code, record).iter().rev();
    let earlier = before.find(|id| binder.record(**id).is_some_and(is_earlier_delivery));
    found.push((id, Binding::EarlierDelivery, found_or(earlier.copied(), Bound::None(Closing::NotNeeded))));
    found.push((id, Binding::ParallelAttempt, parallel_attempt(binder, record, request)));
}

/// The token request that redeems the code of a response.
fn redemption(binder: &Binder<'_>, record: &Record, request: Option<RecordId>) -> Bound {
    let own = record.state(Field::Code);
    if own == &State::Absent {
        return Bound::None(Closing::NotNeeded);
    }
    let selected = &binder.selected;
    let same_code = record.text(Field::Code).and_then(|code| selected.redeeming.get(code));
    let redeems = |other: &Record| other.exchange > record.exchange && same_issuer(binder, request, other);
    let mut later = since(binder, same_code, record).iter();
    if let Some(id) = later.find(|id| binder.record(**id).is_some_and(redeems)) {
        return Bound::Found(*id);
    }
    // Another request may have redeemed it, of which the code is hidden or which cannot be read at all.
    let may_redeem = if hides(own) { selected.hidden.redemption } else { selected.hidden.code };
    if may_redeem.is_some_and(|last| last > record.exchange) || is_hidden_post(binder, record, request) {
        return Bound::Unknown(Unknown::Ambiguous);
    }
    let shows_nothing = |later: ExchangeId| is_same_login(binder, record, later);
    match binder.missing_after_except(record, Kind::TokenRequest, shows_nothing) {
        Bound::Unknown(Unknown::WindowOpen) => {
            callback_refused(binder, record, request).unwrap_or(Bound::Unknown(Unknown::WindowOpen))
        }
        bound => bound,
    }
}

/// Whether a request with a body that cannot be read went to the authorization server after a response.
fn is_hidden_post(binder: &Binder<'_>, record: &Record, request: Option<RecordId>) -> bool {
    let url = request.and_then(|id| binder.record(id)).and_then(|request| request.text(Field::Url));
    let Some(origin) = url.and_then(urls::origin) else { return false };
    binder.selected.hidden.post.get(&origin).is_some_and(|last| *last >= record.exchange)
}

/// Whether a later exchange is the same login once more: a client may ask before the browser does, with the same request.
fn is_same_login(binder: &Binder<'_>, response: &Record, later: ExchangeId) -> bool {
    let state = response.text(Field::State);
    let kinds = [Kind::AuthorizationRequest, Kind::AuthorizationResponse];
    let steps = kinds.into_iter().filter_map(|kind| binder.record(binder.at_exchange(kind, later)?));
    state.is_some() && steps.into_iter().any(|step| step.text(Field::State) == state)
}

/// Nothing is left to wait for where the browser found nobody at the redirect URI: the client never saw the answer.
fn callback_refused(binder: &Binder<'_>, record: &Record, request: Option<RecordId>) -> Option<Bound> {
    if record.is_true(Field::CallbackSeen) {
        return None;
    }
    let redirect = record.slot(Field::RedirectSeen)?.exchange;
    let uri = binder.record(request?)?.text(Field::RedirectUri)?;
    let refused = binder.windows.callback_refused(redirect, uri)?;
    Some(Bound::None(Closing::CallbackRefused(refused)))
}

fn same_issuer(binder: &Binder<'_>, request: Option<RecordId>, other: &Record) -> bool {
    let issuer = request.and_then(|id| binder.record(id)).and_then(|request| request.text(Field::Issuer));
    issuer.is_none_or(|issuer| other.text(Field::Issuer) == Some(issuer))
}

/// The request in whose own redirect it stands; else by state; else the one from which redirects and forms led to it; else,
/// where none came, the one request that is open. A state that nobody sent alone does not tell: the request that sent it
/// may not be recorded.
fn request_of_response(binder: &Binder<'_>, record: &Record) -> Option<RecordId> {
    let redirect = record.slot(Field::RedirectSeen).map(|slot| slot.exchange);
    let request = redirect.and_then(|exchange| binder.at_exchange(Kind::AuthorizationRequest, exchange));
    if request.is_some() {
        return request;
    }
    if let Some(state) = record.text(Field::State) {
        let by_state = until(binder, binder.selected.requests_of_state.get(state), record).last();
        let by_pages = || redirect.and_then(|exchange| request_by_pages(binder, exchange));
        return by_state.copied().or_else(by_pages);
    }
    let open = binder.selected.open.iter().filter_map(|id| Some((*id, binder.record(*id)?)));
    let mut open = open.take_while(|(_, request)| request.exchange <= record.exchange);
    let first = open.next().map(|(id, _)| id);
    if open.next().is_some() { None } else { first }
}

/// The authorization request from which the browser came to this exchange: back along redirects, and from a form to the
/// page that it was sent from.
fn request_by_pages(binder: &Binder<'_>, exchange: ExchangeId) -> Option<RecordId> {
    /// Steps of a login, and exchanges in which each is looked for: others may go on at the same time.
    const MOST: usize = 32;
    const LOOK_BACK: usize = 256;
    let mut at = exchange.0 as usize;
    for _ in 0..MOST {
        let view = binder.views.get(at)?;
        // A login in between is a proxy's own: what led to it is not what this one answers.
        if ["code", "error", "response_type"].iter().any(|name| view.query.has(name)) {
            return None;
        }
        let earlier = binder.views.get(at.saturating_sub(LOOK_BACK)..at)?.iter();
        let leads_here = |other: &View<'_>| {
            let is_its_page = view.method() == "POST" && other.method() == "GET" && other.url == view.url;
            is_its_page || other.location.as_deref() == Some(view.url.as_str())
        };
        let capture = view.exchange.capture;
        let before = earlier.rev().position(|other| other.exchange.capture == capture && leads_here(other))?;
        at = at.checked_sub(before + 1)?;
        let request = binder.at_exchange(Kind::AuthorizationRequest, ExchangeId(at as u32));
        if request.is_some() {
            return request;
        }
    }
    None
}

fn parallel_attempt(binder: &Binder<'_>, record: &Record, request: Option<RecordId>) -> Bound {
    let Some(request) = request.and_then(|id| binder.record(id)) else { return NOT_KNOWN };
    let is_parallel = |other: &&Record| {
        other.exchange < record.exchange
            && other.text(Field::State).is_some()
            && other.text(Field::State) != request.text(Field::State)
            && other.text(Field::Issuer) == request.text(Field::Issuer)
    };
    let open = until(binder, Some(&binder.selected.open), record);
    let mut open = open.iter().rev().filter_map(|id| Some((*id, binder.record(*id)?)));
    let parallel = open.find(|(_, other)| is_parallel(other)).map(|(id, _)| id);
    found_or(parallel, Bound::None(Closing::NotNeeded))
}

pub(super) fn bind_token_request(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let code = record.text(Field::Code);
    let bringing = code.and_then(|code| binder.selected.bringing.get(code));
    let carried = until(binder, bringing, record).last().copied();
    let request = carried.and_then(|id| binder.record(id)).and_then(|response| request_of_response(binder, response));
    // A server that grants one code again and again gives the same one to several attempts: it tells nothing then.
    let same_code = code.and_then(|code| binder.selected.redeeming.get(code));
    let granted_before = |other: &Record| {
        other.exchange < record.exchange
            && other.text(Field::Issuer) == record.text(Field::Issuer)
            && binder.response_of(other).is_some_and(is_usable)
    };
    let mut before = until(binder, same_code, record).iter().rev().filter_map(|id| binder.record(*id));
    let is_reissued = binder.response_of(record).is_some_and(is_usable)
        && before.find(|other| granted_before(other)).is_some_and(|earlier| {
            let brought = carried.and_then(|id| binder.record(id)).map(|response| response.exchange);
            brought.is_some_and(|brought| brought < earlier.exchange)
        });
    let bound = match (record.state(Field::Code), request) {
        (State::Absent, _) => Bound::None(Closing::NotNeeded),
        (_, Some(_)) if is_reissued => Bound::Unknown(Unknown::Ambiguous),
        (_, request) => found_or(request, NOT_KNOWN),
    };
    found.push((id, Binding::AuthorizationRequest, bound));
    found.push((id, Binding::VerifierOwner, verifier_owner(binder, record)));
    bind_other_uses(binder, id, record, found);
    found.push((id, Binding::Registration, registration_for(binder, record)));
    found.push((id, Binding::AsMetadata, as_metadata_for(binder, record, Field::DocumentTokenEndpoint)));
    found.push((id, Binding::ResourceMetadata, resource_metadata_for(binder, record)));
    found.push((id, Binding::GrantRoot, grant_root(binder, id, record)));
    bind_refresh_token(binder, id, record, found);
    let response = binder.at_exchange(Kind::TokenResponse, record.exchange);
    found.push((id, Binding::TokenResponse, found_or(response, NOT_KNOWN)));
    found.push((id, Binding::Preflight, binder.preflight(record)));
}

/// The login of each token request with a code.
pub(super) fn logins(binder: &Binder<'_>) -> HashMap<ExchangeId, RecordId> {
    let requests = binder.of_kind(Kind::TokenRequest);
    requests.filter_map(|(_, request)| Some((request.exchange, login_of_code(binder, request)?))).collect()
}

/// The authorization request whose answer brought the code of a token request.
fn login_of_code(binder: &Binder<'_>, record: &Record) -> Option<RecordId> {
    let bringing = binder.selected.bringing.get(record.text(Field::Code)?)?;
    request_of_response(binder, binder.record(binder.last_of(bringing, record)?)?)
}

/// Any authorization request whose challenge this verifier fits. Evidence, not a condition.
fn verifier_owner(binder: &Binder<'_>, record: &Record) -> Bound {
    let Some(verifier) = record.text(Field::CodeVerifier) else { return Bound::None(Closing::NotNeeded) };
    let hashed = s256(verifier);
    let fits = |request: &Record| {
        let challenge = request.text(Field::CodeChallenge);
        match request.text(Field::CodeChallengeMethod) {
            Some("plain") => challenge == Some(verifier),
            _ => challenge == Some(&hashed),
        }
    };
    // A client may ask before the browser does, with the same request: two codes then fit, and one is redeemed.
    let own = binder.selected.login_of.get(&record.exchange).copied();
    let own = own.filter(|id| binder.record(*id).is_some_and(fits));
    let any = || {
        let like = [hashed.as_str(), verifier].map(|challenge| binder.selected.by_challenge.get(challenge));
        let like = like.into_iter().flatten().flatten().copied();
        like.filter(|id| binder.record(*id).is_some_and(fits)).min()
    };
    binder.earlier(own.or_else(any), Kind::AuthorizationRequest)
}

/// What a token request redeems in a field; `None` where it does not say, or holds nothing of the kind.
fn redeemed<'r>(binder: &Binder<'_>, request: &'r Record, field: Field) -> Option<Redeemed<'r>> {
    let login = binder.selected.login_of.get(&request.exchange).filter(|_| field == Field::Code).copied();
    Some(Redeemed { field, value: request.text(field)?, issuer: request.text(Field::Issuer), login })
}

/// The token requests by what they redeem.
pub(super) fn uses<'a>(binder: &Binder<'a>) -> HashMap<Redeemed<'a>, Uses> {
    let mut uses: HashMap<Redeemed<'a>, Uses> = HashMap::default();
    for (id, request) in binder.of_kind(Kind::TokenRequest) {
        let is_granted = binder.response_of(request).is_some_and(is_usable);
        let fields = [Field::Code, Field::RefreshToken, Field::AssertionJti];
        for redeemed in fields.into_iter().filter_map(|field| redeemed(binder, request, field)) {
            let same = uses.entry(redeemed).or_default();
            same.all.push(id);
            same.granted.extend(is_granted.then_some(id));
        }
    }
    uses
}

/// Other requests with the same code, refresh token or assertion at the same issuer.
fn bind_other_uses(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let none = Bound::None(Closing::NotNeeded);
    let field = match record.text(Field::GrantType) {
        Some("authorization_code") => Some(Field::Code),
        Some("refresh_token") => Some(Field::RefreshToken),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => Some(Field::AssertionJti),
        _ => None,
    };
    let own = field.and_then(|field| redeemed(binder, record, field));
    let Some((own, Uses { all, granted })) = own.and_then(|own| Some((own, binder.selected.uses.get(&own)?))) else {
        for binding in [Binding::EarlierUse, Binding::GrantedUse, Binding::OverlappingUse, Binding::UseAfterRotation] {
            found.push((id, binding, none));
        }
        return;
    };
    let earlier = binder.last_of(all, record);
    found.push((id, Binding::EarlierUse, found_or(earlier, none)));
    let granted = granted.iter().copied().find(|other| *other != id);
    found.push((id, Binding::GrantedUse, found_or(granted, none)));
    let earlier_record = earlier.and_then(|id| binder.record(id));
    let overlaps =
        earlier_record.is_some_and(|earlier| match (earlier.number(Field::AnsweredAt), record.number(Field::SentAt)) {
            (Some(answered), Some(sent)) => sent < answered,
            _ => false,
        });
    found.push((id, Binding::OverlappingUse, if overlaps { found_or(earlier, none) } else { none }));
    let rotated = earlier_record.and_then(|earlier| binder.response_of(earlier)).is_some_and(|response| {
        is_usable(response) && response.text(Field::RefreshToken).is_some_and(|new| new != own.value)
    });
    found.push((id, Binding::UseAfterRotation, if rotated && !overlaps { found_or(earlier, none) } else { none }));
}

/// Whether on the way to this answer a code or refresh token was redeemed twice: the server may have ended the grant for it
/// (RFC 9700, 4.14.2; RFC 6749, 4.1.2).
fn redeemed_twice(binder: &Binder<'_>, answer: RecordId) -> bool {
    /// Renewals that are followed back.
    const MOST: usize = 16;
    let mut answer = Some(answer);
    for _ in 0..MOST {
        let exchange = answer.and_then(|id| binder.record(id)).map(|answer| answer.exchange);
        let request = exchange.and_then(|exchange| binder.at_exchange(Kind::TokenRequest, exchange));
        let Some(request) = request.and_then(|id| binder.record(id)) else { return false };
        let own = [Field::Code, Field::RefreshToken].into_iter().filter_map(|field| redeemed(binder, request, field));
        if own.filter_map(|own| binder.selected.uses.get(&own)).any(|uses| uses.all.len() > 1) {
            return true;
        }
        let brought = request.text(Field::RefreshToken).and_then(|token| binder.selected.by_refresh_token.get(token));
        answer = brought.and_then(|brought| binder.last_of(brought, request));
    }
    false
}

/// The answer that brought the refresh token of a request, and whether it was revoked since.
fn bind_refresh_token(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let refresh_token = record.text(Field::RefreshToken);
    let brought = refresh_token.and_then(|token| binder.selected.by_refresh_token.get(token));
    let issuing = brought.and_then(|brought| binder.last_of(brought, record));
    let bound = match issuing {
        Some(issuing) if redeemed_twice(binder, issuing) => Bound::Unknown(Unknown::Ambiguous),
        Some(issuing) => Bound::Found(issuing),
        None if refresh_token.is_some() => NOT_KNOWN,
        None => Bound::None(Closing::NotNeeded),
    };
    found.push((id, Binding::IssuingTokenResponse, bound));
    let access_token = issuing.and_then(|id| binder.record(id)).and_then(|issuing| issuing.text(Field::AccessToken));
    let tokens = [refresh_token, access_token];
    let revoked = refresh_token.map(|_| revocation(binder, record, &tokens));
    found.push((id, Binding::Revocation, revoked.unwrap_or(Bound::None(Closing::NotNeeded))));
}

/// The token request that began the grant: back along refresh tokens.
fn grant_root(binder: &Binder<'_>, id: RecordId, record: &Record) -> Bound {
    let (mut root, mut current) = (id, record);
    // Each step goes back in time, so the number of records bounds it.
    for _ in 0..binder.records.len() {
        let Some(refresh) = current.text(Field::RefreshToken) else { break };
        let issued = |other: &Record| other.text(Field::RefreshToken) == Some(refresh);
        let Some(response) = binder.last_before(current, Kind::TokenResponse, issued) else { return NOT_KNOWN };
        let exchange = binder.record(response).map(|response| response.exchange);
        let earlier = exchange.and_then(|exchange| binder.at_exchange(Kind::TokenRequest, exchange));
        let Some((earlier, request)) = earlier.and_then(|id| Some((id, binder.record(id)?))) else { return NOT_KNOWN };
        (root, current) = (earlier, request);
    }
    Bound::Found(root)
}

pub(super) fn bind_token_response(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let request = binder.at_exchange(Kind::TokenRequest, record.exchange);
    found.push((id, Binding::TokenRequest, found_or(request, NOT_KNOWN)));
    let uses = record.text(Field::AccessToken).and_then(|token| binder.selected.by_token.get(token));
    let uses = uses.map_or(&[][..], Vec::as_slice);
    found.push((id, Binding::FirstUse, binder.later_of(uses, record, Kind::McpExchange)));
    found.push((id, Binding::NextMcpExchange, binder.later(record, Kind::McpExchange, |_| true)));
    found.push((id, Binding::NextAuthorizationRequest, binder.later(record, Kind::AuthorizationRequest, |_| true)));
    let refresh = binder.later_of(&binder.selected.refreshes, record, Kind::TokenRequest);
    found.push((id, Binding::NextRefreshRequest, refresh));
}

impl Binder<'_> {
    /// The answer to a token request.
    fn response_of(&self, request: &Record) -> Option<&Record> {
        self.record(self.at_exchange(Kind::TokenResponse, request.exchange)?)
    }
}
