//! Bindings of MCP exchanges and resource metadata.

use super::endpoints::{introspection, revocation};
use super::selected::{first_of, methods_of};
use super::{Binder, Found};
use crate::decode::exchange::Unknown;
use crate::evidence::At;
use crate::trail::derive::expires_at;
use crate::trail::read::urls;
use crate::trail::record::{Bound, Closing, Record, RecordId, State, Value};
use crate::trail::schema::{Binding, Field, Kind};

pub(super) fn bind_exchange(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let previous = binder.last_before(record, Kind::McpExchange, |_| true);
    found.push((id, Binding::Previous, binder.earlier(previous, Kind::McpExchange)));
    found.push((id, Binding::Next, binder.later(record, Kind::McpExchange, |_| true)));
    found.push((id, Binding::Retry, retry(binder, id, record)));
    bind_redirects(binder, id, record, found);
    let over = grant_is_over(binder, record);
    let accepted = binder.last_of(&binder.selected.accepted, record).filter(|_| !over);
    found.push((id, Binding::EarlierAccepted, binder.earlier(accepted, Kind::McpExchange)));
    found.push((id, Binding::RefusedAlike, refused_alike(binder, record)));
    let newest = if over { Bound::None(Closing::NotNeeded) } else { newest_token_response(binder, record) };
    found.push((id, Binding::NewestTokenResponse, newest));
    let issuing = issuing_token_response(binder, record);
    found.push((id, Binding::IssuingTokenResponse, issuing));
    found.push((id, Binding::Introspection, introspection(binder, record)));
    let refresh_token = match issuing {
        Bound::Found(issuing) => binder.record(issuing).and_then(|issuing| issuing.text(Field::RefreshToken)),
        _ => None,
    };
    let tokens = [record.text(Field::Bearer), refresh_token];
    found.push((id, Binding::Revocation, revocation(binder, record, &tokens)));
    found.push((id, Binding::ResourceMetadata, metadata_in_force(binder, record)));
    found.push((id, Binding::Session, session_of(binder, record)));
    found.push((id, Binding::NextAuthorizationRequest, binder.later(record, Kind::AuthorizationRequest, |_| true)));
    let refresh = binder.later_of(&binder.selected.refreshes, record, Kind::TokenRequest);
    found.push((id, Binding::NextRefreshRequest, refresh));
    let refusal = binder.last_of(&binder.selected.refused, record);
    found.push((id, Binding::TriggeringRefusal, binder.earlier(refusal, Kind::McpExchange)));
    found.push((id, Binding::Preflight, binder.preflight(record)));
    found.push((id, Binding::SeenUpstream, binder.seen_upstream(record)));
    found.push((id, Binding::NextResourceMetadataRequest, next_resource_metadata_request(binder, record)));
}

/// The next reading of resource metadata. A client that held nothing yet and goes to a server that only such metadata can
/// have named has read it, whether or not the recording shows where.
fn next_resource_metadata_request(binder: &Binder<'_>, record: &Record) -> Bound {
    let holds_nothing = record.state(Field::Bearer) == &State::Absent;
    match binder.later(record, Kind::ResourceMetadataRequest, |_| true) {
        Bound::None(_) if holds_nothing && first_of(binder, &binder.selected.unnamed_issuers, record).is_some() => {
            Bound::Unknown(Unknown::StepNotRecorded)
        }
        bound => bound,
    }
}

/// A request with the same methods that was refused because it carried no token.
fn refused_alike(binder: &Binder<'_>, record: &Record) -> Bound {
    let methods = |record: &Record| (record.state(Field::Method).clone(), record.state(Field::JsonrpcMethod).clone());
    // Only asked of requests without token.
    if record.state(Field::Bearer) != &State::Absent {
        return Bound::None(Closing::NotNeeded);
    }
    let is_other = |other: &Record| other.exchange != record.exchange && methods(other) == methods(record);
    let alike = |id: &&RecordId| binder.record(**id).is_some_and(is_other);
    let refused = binder.selected.refused_without_token.get(&methods_of(record));
    let refused = refused.and_then(|refused| refused.iter().find(alike));
    refused.map_or(Bound::None(Closing::NotNeeded), |id| Bound::Found(*id))
}

/// The next exchange with the same method and the same message.
fn retry(binder: &Binder<'_>, id: RecordId, record: &Record) -> Bound {
    let found = binder.selected.retry_of.get(&id);
    found.map_or_else(|| binder.windows.missing_after(record.exchange, Kind::McpExchange), |retry| Bound::Found(*retry))
}

fn bind_redirects(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let (by_url, by_location) = (&binder.selected.by_url, &binder.selected.by_location);
    let location = binder.view(record).and_then(|view| view.location.as_deref());
    let target = match location {
        Some(location) => {
            let there = by_url.get(&*urls::normal(location)).map_or(&[][..], Vec::as_slice);
            match binder.later_of(there, record, Kind::McpExchange) {
                Bound::None(_) if !would_show_target(binder, record, location) => {
                    Bound::Unknown(Unknown::LegNotRecorded)
                }
                bound => bound,
            }
        }
        None => Bound::None(Closing::NotNeeded),
    };
    found.push((id, Binding::RedirectTarget, target));
    let url = record.text(Field::Url).filter(|_| !by_location.is_empty()).map(urls::normal);
    let source = url.and_then(|url| binder.last_of(by_location.get(&*url)?, record));
    found.push((id, Binding::RedirectSource, source.map_or(Bound::None(Closing::NotNeeded), Bound::Found)));
}

/// Whether a request to the target of a redirect would be in the recording, and be one of MCP. A packet capture may be
/// filtered by port, or lack the keys of what goes by TLS; and a POST may be followed with GET to a page for people (RFC
/// 9110, 15.4).
fn would_show_target(binder: &Binder<'_>, record: &Record, location: &str) -> bool {
    let is_packets = binder.view(record).is_some_and(|view| matches!(view.exchange.at, At::Frames { .. }));
    if binder.selected.gotten.contains(&*urls::normal(location)) {
        return false;
    }
    !is_packets || urls::tls_and_port(location).is_some_and(|target| binder.selected.spoken.contains(&target))
}

/// Whether a request comes without a token because the client has none left: a renewal was refused since the last token, or
/// the token itself was when it was used last, or its time is over and no refresh token was ever given. Then it may ask
/// like a stranger, and be challenged.
fn grant_is_over(binder: &Binder<'_>, record: &Record) -> bool {
    if record.state(Field::Bearer) != &State::Absent {
        return false;
    }
    let Some(newest) = newest_usable(binder, record).and_then(|id| binder.record(id)) else { return false };
    let refused = |refresh: &Record| {
        let answer = binder.at_exchange(Kind::TokenResponse, refresh.exchange).and_then(|id| binder.record(id));
        answer.is_some_and(|answer| answer.text(Field::Error) == Some("invalid_grant"))
    };
    let last_refresh = binder.last_of(&binder.selected.refreshes, record).and_then(|id| binder.record(id));
    if last_refresh.is_some_and(|refresh| refresh.exchange > newest.exchange && refused(refresh)) {
        return true;
    }
    let uses = newest.text(Field::AccessToken).and_then(|token| binder.selected.by_token.get(token));
    let last_use = uses.and_then(|uses| binder.last_of(uses, record)).and_then(|id| binder.record(id));
    if last_use.is_some_and(|used| used.number(Field::Status) == Some(401)) {
        return true;
    }
    let sent = record.number(Field::SentAt).map(|sent| sent / 1_000_000);
    let ends = expires_at(newest);
    let is_past = matches!((ends, sent), (State::Present(Value::Number(ends)), Some(sent)) if ends <= sent);
    is_past && !binder.selected.gives_refresh_tokens
}

fn newest_usable(binder: &Binder<'_>, record: &Record) -> Option<RecordId> {
    let sent = record.number(Field::SentAt);
    let usable = &binder.selected.usable;
    let before = usable.partition_point(|id| binder.record(*id).is_some_and(|other| other.exchange < record.exchange));
    let in_time = |id: &&RecordId| {
        let answered = binder.record(**id).and_then(|response| response.number(Field::AnsweredAt));
        answered.zip(sent).is_none_or(|(answered, sent)| answered <= sent)
    };
    usable.get(..before).unwrap_or_default().iter().rev().find(in_time).copied()
}

/// The newest usable token response that was answered before this was sent.
fn newest_token_response(binder: &Binder<'_>, record: &Record) -> Bound {
    let newest = newest_usable(binder, record);
    if newest.is_some() && begins_as_another(binder, record) {
        return Bound::Unknown(Unknown::Ambiguous);
    }
    binder.earlier(newest, Kind::TokenResponse)
}

/// Whether a client that looks like the one before begins without its token and registers for itself: a second
/// installation does the same as one that forgot everything.
fn begins_as_another(binder: &Binder<'_>, record: &Record) -> bool {
    if record.state(Field::Bearer) != &State::Absent || record.text(Field::JsonrpcMethod) != Some("initialize") {
        return false;
    }
    let accepted = binder.last_of(&binder.selected.accepted, record).and_then(|id| binder.record(id));
    let used = accepted.is_some_and(|accepted| matches!(accepted.state(Field::Bearer), State::Present(_)));
    let at = |id: Option<RecordId>| id.and_then(|id| binder.record(id)).map(|record| record.exchange);
    let registers = at(binder.first_after(record, Kind::RegistrationRequest, |_| true));
    let asks = at(binder.first_after(record, Kind::AuthorizationRequest, |_| true));
    used && registers.is_some_and(|registers| asks.is_none_or(|asks| registers < asks))
}

fn issuing_token_response(binder: &Binder<'_>, record: &Record) -> Bound {
    match record.state(Field::Bearer) {
        State::Present(_) => {
            let issuing = record.text(Field::Bearer).and_then(|token| binder.selected.issuing.get(token));
            // The token may be older than the recording.
            issuing.map_or(Bound::Unknown(Unknown::LegNotRecorded), |id| Bound::Found(*id))
        }
        State::Absent => Bound::None(Closing::NotNeeded),
        State::Unread(reason) | State::Unknown(reason) => Bound::Unknown(*reason),
    }
}

/// The resource metadata that was read last before; else the first that was read after.
fn metadata_in_force(binder: &Binder<'_>, record: &Record) -> Bound {
    let readable = &binder.selected.metadata;
    let metadata = binder.last_of(readable, record).or_else(|| readable.first().copied());
    metadata.map_or(Bound::Unknown(Unknown::LegNotRecorded), Bound::Found)
}

/// The session that the request names; where it names none, the only one that is open.
pub(super) fn session_of(binder: &Binder<'_>, record: &Record) -> Bound {
    let named = record.text(Field::SessionId).or_else(|| record.text(Field::ResponseSessionId));
    if let Some(session) = named {
        let known = binder.selected.sessions.get(session);
        return known.map_or(Bound::Unknown(Unknown::LegNotRecorded), |id| Bound::Found(*id));
    }
    if record.text(Field::JsonrpcMethod) == Some("initialize") {
        return Bound::None(Closing::NotNeeded);
    }
    let mut open = binder.of_kind(Kind::Session).filter(|(_, session)| session.exchange < record.exchange);
    match (open.next(), open.next()) {
        (None, _) => Bound::None(Closing::NotNeeded),
        (Some((id, _)), None) => Bound::Found(id),
        (Some(_), Some(_)) => Bound::Unknown(Unknown::Ambiguous),
    }
}

pub(super) fn bind_resource_metadata(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let challenge = binder.last_of(&binder.selected.refused, record);
    found.push((id, Binding::Challenge, binder.earlier(challenge, Kind::McpExchange)));
    let exchange = binder
        .last_before(record, Kind::McpExchange, |_| true)
        .or_else(|| binder.first_after(record, Kind::McpExchange, |_| true));
    found.push((id, Binding::McpExchange, exchange.map_or(Bound::Unknown(Unknown::LegNotRecorded), Bound::Found)));
    found.push((id, Binding::NextAuthorizationRequest, binder.later(record, Kind::AuthorizationRequest, |_| true)));
    found.push((id, Binding::Preflight, binder.preflight(record)));
}
