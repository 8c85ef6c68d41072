//! Requests that a proxy passes on in other names: it answers to one host and asks another, and rewrites what URLs say in
//! queries and bodies.
//!
//! That such a proxy stands between two servers is told by what only a forwarding repeats: the code challenge, the code or
//! the refresh token of a login, the id of a session, in a request that is nested in the one with the same. Where it stands,
//! like requests of the same sender that are nested between the same two servers are forwardings too.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use foldhash::{HashMap, HashSet};

use super::read::urls;
use super::record::{ExchangeId, Record, State, Value};
use super::schema::{Field, Kind};
use super::sightings::{Hop, LONGEST_BODY, nearest_outer, server_of};
use super::view::View;
use crate::capture::limits::Limits;
use crate::decode::exchange::Unknown;

/// Pairs of a request and its forwarding in other names. `known` are the hops that are certain without this: they say where
/// a proxy stands, and are not found again.
pub(crate) fn hops(views: &[View<'_>], roles: &[Option<Kind>], known: &[Hop], limits: &Limits) -> Vec<Hop> {
    let mut by_likeness: HashMap<u64, Vec<usize>> = HashMap::default();
    let mut keys: Vec<(usize, u64)> = Vec::new();
    for (at, (view, role)) in views.iter().zip(roles).enumerate() {
        let Some(role) = role.filter(|role| *role != Kind::Preflight) else { continue };
        if server_of(view.exchange).is_none() {
            continue;
        }
        if let Some(key) = likeness(view, role, limits) {
            by_likeness.entry(key).or_default().push(at);
            keys.push((at, key));
        }
    }
    let is_known: HashSet<usize> = known.iter().map(|(_, far)| far.0 as usize).collect();
    let pairs = keys.iter().filter(|(at, _)| !is_known.contains(at));
    let pairs = pairs.filter_map(|(at, key)| nearest_outer(views, by_likeness.get(key)?, *at));
    let pairs: Vec<Hop> = pairs.filter(|pair| is_from_receiver(views, pair)).collect();
    let routes: HashSet<_> = pairs.iter().filter(|pair| repeats_secret(views, roles, pair)).chain(known).collect();
    let routes: HashSet<_> = routes.into_iter().filter_map(|pair| route(views, pair)).collect();
    pairs.into_iter().filter(|pair| route(views, pair).is_some_and(|route| routes.contains(&route))).collect()
}

/// The servers that a request and its sighting were sent to, and the address from which the sighting came: others than the
/// proxy may ask the server behind it at the same time.
fn route(views: &[View<'_>], (near, far): &Hop) -> Option<(SocketAddr, SocketAddr, IpAddr)> {
    let get = |at: u32| views.get(at as usize).map(|view| view.exchange);
    let (near, far) = (get(near.0)?, get(far.0)?);
    Some((server_of(near)?, server_of(far)?, far.connection.client?.ip()))
}

/// Requests with the same likeness may be the same request in other names. What asks for a metadata document is alike by
/// the name of the document, what begins a login by its parameters: a proxy may put a path before either.
fn likeness(view: &View<'_>, role: Kind, limits: &Limits) -> Option<u64> {
    let request = &view.exchange.request;
    let mut hasher = DefaultHasher::new();
    request.method.hash(&mut hasher);
    let length = request.body.len().unwrap_or_default();
    if length > LONGEST_BODY {
        return None;
    }
    if let Some(secret) = secret(view, role) {
        // Whatever else a proxy puts in or takes out.
        secret.hash(&mut hasher);
    } else if length > 0 {
        without_names(&request.body.octets(limits).ok()?.unwrap_or_default()).hash(&mut hasher);
    } else if let Some(document) = urls::well_known(&view.url) {
        document.name.hash(&mut hasher);
    } else if role == Kind::McpExchange {
        request.headers.get("mcp-session-id").hash(&mut hasher);
    } else {
        let target = without_names(request.target.as_bytes());
        let query = target.iter().position(|octet| *octet == b'?').and_then(|at| target.get(at..));
        query.filter(|_| role == Kind::AuthorizationRequest).unwrap_or(&target).hash(&mut hasher);
    }
    Some(hasher.finish())
}

/// The text with the host and the scheme taken out of every URL in it, whether it stands plain, percent-encoded or with the
/// escaped slashes of JSON.
fn without_names(text: &[u8]) -> Vec<u8> {
    const OPENINGS: [&[u8]; 3] = [b"://", b"%3a%2f%2f", b":\\/\\/"];
    let mut kept: Vec<u8> = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let starts =
            |opening: &&&[u8]| rest.get(..opening.len()).is_some_and(|head| head.eq_ignore_ascii_case(opening));
        let Some(opening) = OPENINGS.iter().find(starts) else {
            kept.extend(rest.first());
            at += 1;
            continue;
        };
        let scheme: &[&[u8]] = &[b"https", b"http"];
        let Some(scheme) = scheme.iter().find(|scheme| ends_with(&kept, scheme)) else {
            kept.extend(rest.first());
            at += 1;
            continue;
        };
        kept.truncate(kept.len() - scheme.len());
        // One form for all three, so that a name that is written in another way is the same.
        kept.extend(b"//");
        at += opening.len() + authority(rest.get(opening.len()..).unwrap_or_default());
    }
    kept
}

fn ends_with(text: &[u8], end: &[u8]) -> bool {
    text.len().checked_sub(end.len()).and_then(|at| text.get(at..)).is_some_and(|last| last.eq_ignore_ascii_case(end))
}

/// Length of the host and port at the beginning of a text.
fn authority(text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(rest) = text.get(length..) {
        length += match rest {
            [octet, ..] if octet.is_ascii_alphanumeric() || b".-_:[]".contains(octet) => 1,
            [b'%', b'3', b'a' | b'A', ..] | [b'%', b'5', b'b' | b'B' | b'd' | b'D', ..] => 3,
            _ => break,
        };
    }
    length
}

/// Whether the nested request comes from the receiver of the other one, which may have several addresses; in any case not
/// from its sender.
fn is_from_receiver(views: &[View<'_>], (near, far): &Hop) -> bool {
    let get = |at: u32| views.get(at as usize).map(|view| &view.exchange.connection);
    let (Some(near), Some(far)) = (get(near.0), get(far.0)) else { return false };
    let sender = far.client.map(|address| address.ip());
    let receiver = near.server.map(|address| address.ip());
    sender.is_some() && (sender == receiver || sender != near.client.map(|address| address.ip()))
}

/// What a step of a login carries that is given out once: nobody but who passes the request on has a reason to send it to
/// another server while the first answers.
fn secret<'a>(view: &'a View<'_>, role: Kind) -> Option<(Kind, &'static str, &'a str)> {
    let names: &[&'static str] = match role {
        Kind::AuthorizationRequest => &["code_challenge", "state"],
        Kind::TokenRequest => &["code", "refresh_token"],
        _ => return None,
    };
    let form = view.form.as_ref().ok().and_then(Option::as_ref);
    let value = |name: &str| form.and_then(|form| form.get(name)).or_else(|| view.query.get(name));
    let mut found = names.iter().filter_map(|name| Some((role, *name, value(name)?)));
    found.find(|(_, _, value)| !value.is_empty())
}

/// Whether the likeness of the two lies in such a value, or both are of the same session.
fn repeats_secret(views: &[View<'_>], roles: &[Option<Kind>], (near, far): &Hop) -> bool {
    let get = |at: u32| views.get(at as usize).zip(roles.get(at as usize).copied().flatten());
    let (Some((near, near_role)), Some((far, far_role))) = (get(near.0), get(far.0)) else { return false };
    let session = |view: &View<'_>| view.exchange.request.headers.get("mcp-session-id").map(str::to_owned);
    secret(near, near_role).is_some_and(|value| secret(far, far_role) == Some(value))
        || session(near).is_some_and(|id| session(far) == Some(id))
}

/// What tokens say in the names behind a proxy cannot be compared with what the client was told in the names before it: a
/// proxy cannot rewrite what is signed. Whether the server that reads the token has that name, it knows itself.
pub(crate) fn leave_open_signed_names(records: &mut [Record], views: &[View<'_>], hops: &[Hop]) {
    const SIGNED: [Field; 4] =
        [Field::BearerJwtAud, Field::BearerJwtIss, Field::AccessTokenJwtAud, Field::AccessTokenJwtIss];
    let origin = |id: &ExchangeId| views.get(id.0 as usize).map(View::origin);
    let renamed = hops.iter().filter(|(near, far)| origin(near) != origin(far));
    let behind: HashSet<&str> = renamed.filter_map(|(_, far)| origin(far)).collect();
    let is_behind = |value: &str| urls::origin(value).is_some_and(|origin| behind.contains(origin.as_str()));
    for slot in records.iter_mut().flat_map(|record| &mut record.slots).filter(|slot| SIGNED.contains(&slot.field)) {
        let names_one = match &slot.state {
            State::Present(Value::Text(name)) => is_behind(name),
            State::Present(Value::List(names)) => names.iter().any(|name| is_behind(name)),
            _ => false,
        };
        if names_one {
            slot.state = State::Unknown(Unknown::Ambiguous);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_out_and_nothing_else() {
        let same = [
            ("resource=http%3A%2F%2F127.0.0.1%3A8081%2Fmcp&code=a", "resource=https%3a%2f%2Fmcp.example%2Fmcp&code=a"),
            (r#"{"uri":"http:\/\/a.test:1\/mcp"}"#, r#"{"uri":"https:\/\/b.test\/mcp"}"#),
            ("/authorize?resource=http://[::1]:8/mcp", "/authorize?resource=https://b.test/mcp"),
        ];
        for (a, b) in same {
            assert_eq!(without_names(a.as_bytes()), without_names(b.as_bytes()), "{a} {b}");
        }
        let other = [
            ("resource=http%3A%2F%2Fa.test%2Fmcp", "resource=http%3A%2F%2Fa.test%2Fother"),
            ("redirect_uri=app%3A%2F%2Fone", "redirect_uri=app%3A%2F%2Ftwo"),
            ("code=a", "code=b"),
            ("http:/a", "http:/b"),
        ];
        for (a, b) in other {
            assert_ne!(without_names(a.as_bytes()), without_names(b.as_bytes()), "{a} {b}");
        }
    }
}
