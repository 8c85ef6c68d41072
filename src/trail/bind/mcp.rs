//! Bindings of MCP exchanges and resource metadata.

use super::{Binder, Found, is_accepted, is_usable};
use crate::decode::exchange::Unknown;
use crate::trail::read::urls;
use crate::trail::record::{Bound, Closing, Record, RecordId, State};
use crate::trail::schema::{Binding, Field, Kind};

pub(super) fn bind_exchange(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let previous = binder.last_before(record, Kind::McpExchange, |_| true);
    found.push((id, Binding::Previous, binder.earlier(previous, Kind::McpExchange)));
    found.push((id, Binding::Next, binder.later(record, Kind::McpExchange, |_| true)));
    found.push((id, Binding::Retry, retry(binder, record)));
    bind_redirects(binder, id, record, found);
    let carried = |other: &Record| is_accepted(other) && carries_token(other);
    let accepted = binder.last_before(record, Kind::McpExchange, carried);
    found.push((id, Binding::EarlierAccepted, binder.earlier(accepted, Kind::McpExchange)));
    found.push((id, Binding::RefusedAlike, refused_alike(binder, record)));
    found.push((id, Binding::NewestTokenResponse, newest_token_response(binder, record)));
    found.push((id, Binding::IssuingTokenResponse, issuing_token_response(binder, record)));
    found.push((id, Binding::ResourceMetadata, metadata_in_force(binder, record)));
    found.push((id, Binding::Session, session_of(binder, record)));
    found.push((id, Binding::NextAuthorizationRequest, binder.later(record, Kind::AuthorizationRequest, |_| true)));
    let is_refresh = |other: &Record| other.text(Field::GrantType) == Some("refresh_token");
    found.push((id, Binding::NextRefreshRequest, binder.later(record, Kind::TokenRequest, is_refresh)));
    let refusal =
        binder.last_before(record, Kind::McpExchange, |other| matches!(other.number(Field::Status), Some(401 | 403)));
    found.push((id, Binding::TriggeringRefusal, binder.earlier(refusal, Kind::McpExchange)));
    found.push((id, Binding::Preflight, binder.preflight(record)));
    found.push((id, Binding::SeenUpstream, binder.seen_upstream(record)));
    let discovers = binder.later(record, Kind::ResourceMetadataRequest, |_| true);
    found.push((id, Binding::NextResourceMetadataRequest, discovers));
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
    let refused = binder.refused_without_token.iter().find(alike);
    refused.map_or(Bound::None(Closing::NotNeeded), |id| Bound::Found(*id))
}

/// Whether a token went along, readable or not.
fn carries_token(record: &Record) -> bool {
    matches!(record.state(Field::Bearer), State::Present(_) | State::Unread(_))
}

/// The next exchange with the same method and the same message.
fn retry(binder: &Binder<'_>, record: &Record) -> Bound {
    let message = |record: &Record| {
        let view = binder.view(record)?;
        let first = view.messages.first();
        Some((
            view.method().to_owned(),
            first.and_then(|m| m.method().map(str::to_owned)),
            first.and_then(|m| m.params().cloned()),
        ))
    };
    let wanted = message(record);
    binder.later(record, Kind::McpExchange, |other| message(other) == wanted)
}

fn bind_redirects(binder: &Binder<'_>, id: RecordId, record: &Record, found: &mut Vec<Found>) {
    let location = binder.view(record).and_then(|view| view.location.clone());
    let target = match &location {
        Some(location) => {
            let leads_here = |other: &Record| other.text(Field::Url).is_some_and(|url| urls::same(url, location));
            binder.later(record, Kind::McpExchange, leads_here)
        }
        None => Bound::None(Closing::NotNeeded),
    };
    found.push((id, Binding::RedirectTarget, target));
    let url = record.text(Field::Url).unwrap_or_default();
    let source = binder.last_before(record, Kind::McpExchange, |other| {
        binder.view(other).and_then(|view| view.location.as_deref()).is_some_and(|location| urls::same(location, url))
    });
    found.push((id, Binding::RedirectSource, source.map_or(Bound::None(Closing::NotNeeded), Bound::Found)));
}

/// The newest usable token response that was answered before this was sent.
fn newest_token_response(binder: &Binder<'_>, record: &Record) -> Bound {
    let sent = record.number(Field::SentAt);
    let newest = binder.last_before(record, Kind::TokenResponse, |response| {
        let in_time = match (response.number(Field::AnsweredAt), sent) {
            (Some(answered), Some(sent)) => answered <= sent,
            _ => true,
        };
        is_usable(response) && in_time
    });
    binder.earlier(newest, Kind::TokenResponse)
}

fn issuing_token_response(binder: &Binder<'_>, record: &Record) -> Bound {
    match record.state(Field::Bearer) {
        State::Present(_) => {
            let token = record.text(Field::Bearer);
            let issuing = binder.of_kind(Kind::TokenResponse).find(|(_, response)| {
                response.text(Field::AccessToken) == token || response.text(Field::IdToken) == token
            });
            // The token may be older than the recording.
            issuing.map_or(Bound::Unknown(Unknown::LegNotRecorded), |(id, _)| Bound::Found(id))
        }
        State::Absent => Bound::None(Closing::NotNeeded),
        State::Unread(reason) | State::Unknown(reason) => Bound::Unknown(*reason),
    }
}

/// The resource metadata that was read last before; else the first that was read after.
fn metadata_in_force(binder: &Binder<'_>, record: &Record) -> Bound {
    let readable = |other: &Record| matches!(other.state(Field::DocumentResource), State::Present(_));
    let before = binder.last_before(record, Kind::ResourceMetadataRequest, readable);
    let metadata = before.or_else(|| binder.first_after(record, Kind::ResourceMetadataRequest, readable));
    metadata.map_or(Bound::Unknown(Unknown::LegNotRecorded), Bound::Found)
}

/// The session that the request names; where it names none, the only one that is open.
fn session_of(binder: &Binder<'_>, record: &Record) -> Bound {
    let named = record.text(Field::SessionId).or_else(|| record.text(Field::ResponseSessionId));
    if let Some(session) = named {
        let known = binder.of_kind(Kind::Session).find(|(_, other)| other.text(Field::SessionId) == Some(session));
        return known.map_or(Bound::Unknown(Unknown::LegNotRecorded), |(id, _)| Bound::Found(id));
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
    let pointed = |other: &Record| matches!(other.number(Field::Status), Some(401 | 403));
    let challenge = binder.last_before(record, Kind::McpExchange, pointed);
    found.push((id, Binding::Challenge, binder.earlier(challenge, Kind::McpExchange)));
    let exchange = binder
        .last_before(record, Kind::McpExchange, |_| true)
        .or_else(|| binder.first_after(record, Kind::McpExchange, |_| true));
    found.push((id, Binding::McpExchange, exchange.map_or(Bound::Unknown(Unknown::LegNotRecorded), Bound::Found)));
    found.push((id, Binding::NextAuthorizationRequest, binder.later(record, Kind::AuthorizationRequest, |_| true)));
    found.push((id, Binding::Preflight, binder.preflight(record)));
}
