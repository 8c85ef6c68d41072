//! What our own recorder says of an entry: the names that the proxy changed, the times of events, what was cut.
//!
//! The recording holds what the client sent and got. In the reverse mode some names in it are the proxy's; here they
//! become the server's again, so that everything after this judges what the server and the client meant.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::model::{Entry, Number, Passed, Rewriting};
use crate::capture::limits::Limits;
use crate::decode::body::Body;
use crate::decode::exchange::{Exchange, Headers, Unknown};
use crate::evidence::Timestamp;

/// Changes of one entry that are undone; a recorder makes a handful.
const REWRITINGS: usize = 256;

/// The changes of an entry.
pub(super) fn rewritings<'a>(entry: &Entry<'a>) -> Vec<Rewriting<'a>> {
    let list: Option<Vec<Rewriting<'a>>> = entry.own.rewritten.0.and_then(|json| serde_json::from_str(json).ok());
    let mut list = list.unwrap_or_default();
    list.truncate(REWRITINGS);
    list
}

/// The text of one place with its own names.
pub(super) fn undone<'t>(text: &'t str, place: &str, rewritings: &[Rewriting<'_>]) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(text);
    for (here, there) in at(place, rewritings) {
        if let Some(undone) = replace(&text, here, there) {
            text = Cow::Owned(undone);
        }
    }
    text
}

fn at<'r>(place: &str, rewritings: &'r [Rewriting<'_>]) -> impl Iterator<Item = (&'r str, &'r str)> {
    let here = rewritings.iter().filter(move |change| change.place.given() == Some(place));
    // What was left out for the client (the domain of a cookie) has no name here.
    here.filter_map(|change| Some((change.here.given()?, change.there.given()?)))
}

/// Every `here` in `text` that ends where a name ends; `None` where there is none.
fn replace(text: &str, here: &str, there: &str) -> Option<String> {
    let mut out = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices(here) {
        let rest = text.get(at + here.len()..).unwrap_or_default();
        let goes_on = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | ':' | '-' | '@');
        if at < done || rest.starts_with(goes_on) {
            continue;
        }
        out.push_str(text.get(done..at)?);
        out.push_str(there);
        done = at + here.len();
    }
    if done == 0 {
        return None;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

/// Gives the rest of the exchange its own names; the URL has them already.
pub(super) fn undo(exchange: &mut Exchange, here: &str, rewritings: &[Rewriting<'_>], limits: &Limits) {
    if rewritings.is_empty() {
        return;
    }
    let authority = exchange.request.authority.clone();
    exchange.request.headers.list.rewrite(|header| {
        // The client asked for the proxy by its address.
        let is_proxy = header.name.eq_ignore_ascii_case("host") && header.value == Some(here);
        is_proxy.then(|| authority.to_string())
    });
    undo_message("request", &mut exchange.request.headers, &mut exchange.request.body, rewritings, limits);
    if let crate::decode::exchange::Answer::Received(response) = &mut exchange.answer {
        undo_message("response", &mut response.headers, &mut response.body, rewritings, limits);
    }
}

fn undo_message(half: &str, headers: &mut Headers, body: &mut Body, rewritings: &[Rewriting<'_>], limits: &Limits) {
    headers.list.rewrite(|header| {
        let place = format!("{half}.header.{}", header.name.to_ascii_lowercase());
        match undone(header.value?, &place, rewritings) {
            Cow::Owned(undone) => Some(undone),
            Cow::Borrowed(_) => None,
        }
    });
    let place = format!("{half}.body");
    if at(&place, rewritings).next().is_none() {
        return;
    }
    let Ok(Some(text)) = body.text(limits) else { return };
    if let Cow::Owned(undone) = undone(&text, &place, rewritings) {
        let times = body.event_times();
        *body = Body::plain(undone).with_event_times(times);
    }
}

/// The times of the events in the response.
pub(super) fn event_times(entry: &Entry<'_>, sent_at: Option<Timestamp>, limits: &Limits) -> Arc<Vec<Timestamp>> {
    let list: Option<Vec<Number>> = entry.own.event_times.0.and_then(|json| serde_json::from_str(json).ok());
    let (Some(list), Some(sent_at)) = (list, sent_at) else { return Arc::default() };
    let times = list.into_iter().take(limits.body).map_while(|time| super::time::plus(sent_at, time.known()?));
    Arc::new(times.collect())
}

/// A body of which not everything is in the recording, or whose end did not come; as it is where that makes no difference.
pub(super) fn as_far_as_it_came(body: Body, passed: &Passed<'_>, headers: &Headers, limits: &Limits) -> Body {
    let (Some(kept), Some(all)) = (passed.kept.count(), passed.passed.count()) else { return body };
    let is_stream = headers.get("content-type").is_some_and(|value| value.starts_with("text/event-stream"));
    // Every event that came is whole without the next one.
    if is_stream {
        return body;
    }
    let is_whole = || match body.octets(limits) {
        Ok(Some(octets)) => serde_json::from_slice::<IgnoredAny>(&octets).is_ok(),
        _ => false,
    };
    if kept < all || !is_whole() {
        let length = (passed.ended.given() == Some("true")).then_some(all);
        return Body::without_octets(Unknown::BodyUnreadable, length);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_where_it_ends() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(replace(text, "http://localhost:80", "https://h").as_deref(), expected, "{text}");
        };
        check(
            "http://localhost:80/a http://localhost:8080/ http://localhost:80",
            Some("https://h/a http://localhost:8080/ https://h"),
        );
        check("http://localhost:80.evil.net/", None);
        check("http://localhost:80%2Fmcp", Some("https://h%2Fmcp"));
        check("", None);
    }
}
