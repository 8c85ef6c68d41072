//! Which requests a CORS preflight proves to have carried `Authorization`.

use std::collections::{HashMap, HashSet};

use crate::decode::exchange::Exchange;

/// Positions of the requests that a preflight with `authorization` in `Access-Control-Request-Headers` was for.
///
/// A browser sends such a preflight only because the page set that header (Fetch standard, CORS-preflight fetch). The
/// exporters list it after its request, so it is found by URL, method, origin and the nearest time.
pub(super) fn authorized(exchanges: &[Exchange]) -> Vec<usize> {
    let preflights: Vec<usize> = (0..exchanges.len()).filter(|index| named(exchanges, *index).is_some()).collect();
    let urls = preflights.iter().filter_map(|index| exchanges.get(*index)).map(|exchange| exchange.request.url());
    let mut requests: HashMap<(String, &str), Vec<usize>> = HashMap::new();
    let urls: HashSet<String> = urls.collect();
    for (index, exchange) in exchanges.iter().enumerate() {
        let request = &exchange.request;
        if urls.is_empty() || request.method.eq_ignore_ascii_case("OPTIONS") {
            continue;
        }
        let url = request.url();
        if urls.contains(&url) {
            requests.entry((url, &request.method)).or_default().push(index);
        }
    }
    let mut found = Vec::new();
    for preflight in preflights {
        let Some((exchange, method)) = exchanges.get(preflight).zip(named(exchanges, preflight)) else {
            continue;
        };
        let Some(candidates) = requests.get_mut(&(exchange.request.url(), method)) else { continue };
        // Entries stand in order of time, so the nearest ones are near in the list as well.
        let place = candidates.partition_point(|index| *index < preflight);
        let near = candidates.iter().enumerate().skip(place.saturating_sub(NEAR)).take(2 * NEAR);
        let near = near.filter(|(_, index)| exchanges.get(**index).is_some_and(|request| fits(exchange, request)));
        let best = near.min_by_key(|(_, index)| (distance(exchanges, preflight, **index), index.abs_diff(preflight)));
        if let Some(best) = best.map(|(place, _)| place) {
            found.push(candidates.remove(best));
        }
    }
    found
}

/// How many requests before and after a preflight are looked at.
const NEAR: usize = 8;

/// The longest time between a request and its preflight, in microseconds; a browser sends it at once.
const LONGEST: u64 = 10_000_000;

/// The method that the preflight at `index` asks for, if it is one that names `authorization`.
fn named(exchanges: &[Exchange], index: usize) -> Option<&str> {
    let request = &exchanges.get(index)?.request;
    let names = request.headers.get("access-control-request-headers")?;
    let names_it = names.split(',').any(|name| name.trim().eq_ignore_ascii_case("authorization"));
    let method = request.headers.get("access-control-request-method")?.trim();
    (request.method.eq_ignore_ascii_case("OPTIONS") && names_it).then_some(method)
}

fn fits(preflight: &Exchange, request: &Exchange) -> bool {
    let asked = preflight.request.headers.get("origin");
    // A request that never went out is listed without the headers that the browser would have added.
    let origin = request.request.headers.get("origin");
    let near = match (preflight.sent_at, request.sent_at) {
        (Some(preflight), Some(request)) => preflight.0.abs_diff(request.0) <= LONGEST,
        _ => true,
    };
    near && (origin.is_none() || origin == asked)
}

fn distance(exchanges: &[Exchange], one: usize, other: usize) -> Option<u64> {
    let sent_at = |index: usize| exchanges.get(index).and_then(|exchange: &Exchange| exchange.sent_at);
    Some(sent_at(one)?.0.abs_diff(sent_at(other)?.0))
}
