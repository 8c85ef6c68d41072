//! The same request seen at two points of the path: before a proxy and behind it.
//!
//! A server whose every request is nested in a like request to another server stands behind it. One nested request may be
//! chance; that all of them are is not.

use std::collections::HashMap;

use super::record::ExchangeId;
use super::view::View;
use crate::capture::limits::Limits;
use crate::decode::exchange::Exchange;

/// A request and its sighting one hop nearer to the server.
pub(crate) type Hop = (ExchangeId, ExchangeId);

/// Longest body that is compared octet for octet.
const LONGEST_BODY: u64 = 1 << 20;

/// Every pair of sightings, in time order of the nearer one.
pub(crate) fn hops(views: &[View<'_>], limits: &Limits) -> Vec<Hop> {
    let mut by_server: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, view) in views.iter().enumerate() {
        if let Some(server) = server_of(view.exchange) {
            by_server.entry(server).or_default().push(at);
        }
    }
    let mut found: Vec<Hop> = Vec::new();
    let mut servers: Vec<(&String, &Vec<usize>)> = by_server.iter().collect();
    servers.sort();
    for (far_server, far) in &servers {
        for (near_server, near) in &servers {
            if far_server == near_server {
                continue;
            }
            let all: Option<Vec<Hop>> = far.iter().map(|at| nearest_outer(views, near, *at, limits)).collect();
            if let Some(pairs) =
                all.filter(|pairs| pairs.len() > 1 || pairs.iter().any(|pair| looks_forwarded(views, pair)))
            {
                found.extend(pairs);
                break;
            }
        }
    }
    found.sort();
    found
}

/// Address that was asked; only recordings that tell addresses can show two points of a path.
fn server_of(exchange: &Exchange) -> Option<String> {
    exchange.connection.server.filter(|address| address.port() != 0).map(|address| address.to_string())
}

/// The tightest request to the other server in which this one is nested.
fn nearest_outer(views: &[View<'_>], near: &[usize], far: usize, limits: &Limits) -> Option<Hop> {
    let inner = views.get(far)?;
    let fits = |at: &&usize| {
        views.get(**at).is_some_and(|outer| is_nested(outer.exchange, inner.exchange) && is_like(outer, inner, limits))
    };
    // Exchanges are in time order, so the last that fits began last.
    let earlier = near.get(..near.partition_point(|at| *at < far)).unwrap_or_default();
    let outer = earlier.iter().rfind(fits)?;
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

/// The same method, the same body, and for requests without body the same target.
fn is_like(outer: &View<'_>, inner: &View<'_>, limits: &Limits) -> bool {
    let (a, b) = (&outer.exchange.request, &inner.exchange.request);
    if a.method != b.method || a.body.len() != b.body.len() {
        return false;
    }
    if a.body.len().is_none_or(|length| length == 0) {
        return a.target == b.target;
    }
    if a.body.len().is_some_and(|length| length > LONGEST_BODY) {
        return a.target == b.target;
    }
    matches!((a.body.octets(limits), b.body.octets(limits)), (Ok(a), Ok(b)) if a == b)
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
