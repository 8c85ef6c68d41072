//! The same request seen at two points of the path: before a proxy and behind it.
//!
//! A server whose every request is nested in a like request to another server stands behind it. One nested request may be
//! chance; that all of them are is not, nor is one that names this server and went to another port.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use foldhash::HashMap;
use url::Url;

use super::record::ExchangeId;
use super::renamed;
use super::schema::Kind;
use super::view::View;
use crate::capture::limits::Limits;
use crate::decode::exchange::Exchange;

/// A request and its sighting one hop nearer to the server.
pub(crate) type Hop = (ExchangeId, ExchangeId);

/// Longest body that is compared octet for octet.
pub(super) const LONGEST_BODY: u64 = 1 << 20;
/// Like requests before one that are looked at: a proxy forwards at once.
const LOOK_BACK: usize = 64;

/// Every pair of sightings, in time order of the nearer one. Only what is a step of OAuth or MCP is compared.
pub(crate) fn hops(views: &[View<'_>], roles: &[Option<Kind>], limits: &Limits) -> Vec<Hop> {
    let mut by_likeness: HashMap<u64, Vec<usize>> = HashMap::default();
    let mut by_server: BTreeMap<SocketAddr, Vec<usize>> = BTreeMap::new();
    let steps =
        views.iter().zip(roles).enumerate().filter(|(_, (_, role))| role.is_some_and(|role| role != Kind::Preflight));
    for (at, (view, _)) in steps {
        if let (Some(server), Some(key)) = (server_of(view.exchange), likeness(view, limits)) {
            by_likeness.entry(key).or_default().push(at);
            by_server.entry(server).or_default().push(at);
        }
    }
    let outer_of = |far: usize| {
        let view = views.get(far)?;
        let alike = by_likeness.get(&likeness(view, limits)?)?;
        nearest_outer(views, alike, far)
    };
    let mut found: Vec<Hop> = Vec::new();
    for far in by_server.values() {
        let nested: Vec<Hop> = far.iter().filter_map(|at| outer_of(*at)).collect();
        if nested.len() < far.len() {
            found.extend(nested.into_iter().filter(|pair| is_through_proxy(views, pair)));
            continue;
        }
        let near = |pair: &Hop| views.get(pair.0.0 as usize).and_then(|view| server_of(view.exchange));
        let is_one_server = nested.iter().all(|pair| near(pair) == nested.first().and_then(near));
        if is_one_server && (nested.len() > 1 || nested.iter().any(|pair| looks_forwarded(views, pair))) {
            found.extend(nested);
        }
    }
    let renamed = renamed::hops(views, roles, &found, limits);
    found.extend(renamed);
    found.sort();
    found
}

/// Whether a request names the server of the nested one and went to another port: a proxy stands there for certain, also
/// where others ask the server without it.
fn is_through_proxy(views: &[View<'_>], (outer, inner): &Hop) -> bool {
    let get = |id: &ExchangeId| views.get(id.0 as usize);
    let (Some(outer), Some(inner)) = (get(outer), get(inner)) else { return false };
    let named = |view: &View<'_>| Url::parse(&view.url).ok().and_then(|url| url.port_or_known_default());
    let asked = |view: &View<'_>| view.exchange.connection.server.map(|address| address.port());
    outer.url == inner.url && named(outer) != asked(outer) && named(inner) == asked(inner)
}

/// Requests with the same likeness may be the same request: method and body, and for requests without body the target.
/// `None` where a body is too long to be compared, or cannot be read.
fn likeness(view: &View<'_>, limits: &Limits) -> Option<u64> {
    let request = &view.exchange.request;
    let mut hasher = DefaultHasher::new();
    request.method.hash(&mut hasher);
    match request.body.len() {
        None | Some(0) => request.target.hash(&mut hasher),
        Some(length) if length <= LONGEST_BODY => {
            request.body.octets(limits).ok()?.unwrap_or_default().hash(&mut hasher)
        }
        Some(_) => return None,
    }
    Some(hasher.finish())
}

/// Address that was asked; only recordings that tell addresses can show two points of a path.
pub(super) fn server_of(exchange: &Exchange) -> Option<SocketAddr> {
    exchange.connection.server.filter(|address| address.port() != 0)
}

/// The tightest like request to another server in which this one is nested.
pub(super) fn nearest_outer(views: &[View<'_>], alike: &[usize], far: usize) -> Option<Hop> {
    let inner = views.get(far)?;
    let server = server_of(inner.exchange);
    let fits = |at: &&usize| {
        views
            .get(**at)
            .is_some_and(|outer| server_of(outer.exchange) != server && is_nested(outer.exchange, inner.exchange))
    };
    // Exchanges are in time order, so the last that fits began last.
    let earlier = alike.partition_point(|at| *at < far);
    let near = alike.get(earlier.saturating_sub(LOOK_BACK)..earlier)?;
    let outer = near.iter().rfind(fits)?;
    Some((ExchangeId(*outer as u32), ExchangeId(far as u32)))
}

/// Sent later and answered earlier.
fn is_nested(outer: &Exchange, inner: &Exchange) -> bool {
    let (Some(outer_sent), Some(inner_sent)) = (outer.sent_at, inner.sent_at) else { return false };
    let ends = match (outer.answered_at, inner.answered_at) {
        (Some(outer), Some(inner)) => inner <= outer,
        // A stream may still be open on both sides.
        (None, _) => true,
        (Some(_), None) => false,
    };
    outer_sent <= inner_sent && ends && (outer.capture, &outer.connection.id) != (inner.capture, &inner.connection.id)
}

/// Marks that a proxy leaves on what it forwards.
fn looks_forwarded(views: &[View<'_>], (outer, inner): &Hop) -> bool {
    const MARKS: [&str; 5] = ["via", "forwarded", "x-forwarded-for", "x-real-ip", "x-forwarded-proto"];
    let get = |id: &ExchangeId| views.get(id.0 as usize).map(|view| view.exchange);
    let (Some(outer), Some(inner)) = (get(outer), get(inner)) else { return false };
    let marked =
        MARKS.iter().any(|mark| inner.request.headers.get(mark).is_some() && outer.request.headers.get(mark).is_none());
    let older =
        inner.request.version.as_deref() == Some("http/1.0") && outer.request.version.as_deref() != Some("http/1.0");
    marked || older
}
