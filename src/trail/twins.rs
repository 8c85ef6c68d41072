//! The same exchange in two recordings, seen at the same point of the path: a browser's export and the packets of the
//! same host. And one that stands twice in one recording.

use std::hash::{DefaultHasher, Hash, Hasher};

use foldhash::{HashMap, HashSet};

use super::record::{ExchangeId, Record, State};
use super::view::View;
use crate::capture::limits::Limits;
use crate::decode::body::Body;
use crate::decode::exchange::Answer;
use crate::evidence::{At, CaptureId};

/// Requests with the same key may be the same request.
pub(crate) type Key = u64;

/// Recorders stamp the same request this far apart at most, in seconds, once their clocks are set.
const APART: f64 = 1.5;
/// Longest body that goes into a key, in octets.
const LONGEST_BODY: u64 = 1 << 20;

/// What makes a request the same in two recordings: method, URL, body and status. `None` where a recording does not hold
/// enough of it.
pub(crate) fn key_of(view: &View<'_>, limits: &Limits) -> Option<Key> {
    let request = &view.exchange.request;
    let mut hasher = DefaultHasher::new();
    (request.method.as_str(), view.url.as_str(), view.status()).hash(&mut hasher);
    match request.body.len() {
        Some(0) | None if request.method == "GET" => {}
        Some(length) if length <= LONGEST_BODY => {
            request.body.octets(limits).ok()?.unwrap_or_default().hash(&mut hasher)
        }
        _ => return None,
    }
    Some(hasher.finish())
}

/// Exchanges that stand twice in one recording, as where two exports were put together: equal in everything, also in their
/// times.
fn copies(views: &[View<'_>], limits: &Limits) -> Vec<(ExchangeId, ExchangeId)> {
    /// Exchanges sent at the same time that are looked through.
    const MOST: usize = 32;
    let is_copy = |a: &View<'_>, b: &View<'_>| {
        let (a, b) = (a.exchange, b.exchange);
        let same_body = |a: &Body, b: &Body| a.len() == b.len() && a.octets(limits) == b.octets(limits);
        let same_answer = match (&a.answer, &b.answer) {
            (Answer::Received(a), Answer::Received(b)) => {
                a.status == b.status && a.headers.list.iter().eq(b.headers.list.iter()) && same_body(&a.body, &b.body)
            }
            (Answer::Received(_), _) | (_, Answer::Received(_)) => false,
            _ => true,
        };
        (a.capture, &a.connection, a.answered_at) == (b.capture, &b.connection, b.answered_at)
            && (&a.request.method, &a.request.authority, &a.request.target)
                == (&b.request.method, &b.request.authority, &b.request.target)
            && a.request.headers.list.iter().eq(b.request.headers.list.iter())
            && same_answer
            && same_body(&a.request.body, &b.request.body)
    };
    let mut found: Vec<(ExchangeId, ExchangeId)> = Vec::new();
    let mut copied: HashSet<usize> = HashSet::default();
    for (at, view) in views.iter().enumerate() {
        let Some(sent) = view.exchange.sent_at else { continue };
        let before = views.get(at.saturating_sub(MOST)..at).unwrap_or_default().iter().enumerate().rev();
        let before = before.map(|(nth, other)| (at.saturating_sub(MOST) + nth, other));
        let mut before = before.take_while(|(_, other)| other.exchange.sent_at == Some(sent));
        let first = before.find(|(first, other)| !copied.contains(first) && is_copy(other, view));
        if let Some((first, _)) = first {
            copied.insert(at);
            found.push((ExchangeId(first as u32), ExchangeId(at as u32)));
        }
    }
    found
}

/// Every pair of twins; of each pair first the one in the recording that was given first. What three recordings hold is
/// two pairs with one first.
pub(crate) fn twins(views: &[View<'_>], limits: &Limits) -> Vec<(ExchangeId, ExchangeId)> {
    let mut found = copies(views, limits);
    let captures: HashSet<CaptureId> = views.iter().map(|view| view.exchange.capture).collect();
    if captures.len() < 2 {
        return found;
    }
    let copied: HashSet<ExchangeId> = found.iter().map(|(_, copy)| *copy).collect();
    let mut by_key: HashMap<Key, Vec<usize>> = HashMap::default();
    for (at, view) in views.iter().enumerate().filter(|(at, _)| !copied.contains(&ExchangeId(*at as u32))) {
        if let Some(key) = key_of(view, limits) {
            by_key.entry(key).or_default().push(at);
        }
    }
    for group in by_key.values().filter(|group| group.len() > 1) {
        let mut used: HashSet<usize> = HashSet::default();
        for (nth, at) in group.iter().enumerate() {
            let Some(view) = views.get(*at).filter(|_| !used.contains(at)) else { continue };
            let mut same: Vec<(CaptureId, usize)> = vec![(view.exchange.capture, *at)];
            // In time order, so the first of a recording that fits is the nearest of the later ones.
            let later = group.iter().skip(nth + 1).filter_map(|other| Some((*other, views.get(*other)?)));
            for (other, other_view) in later.take_while(|(_, other)| is_at_the_same_time(view, other)) {
                let capture = other_view.exchange.capture;
                let is_new =
                    !used.contains(&other) && is_at_the_same_point(view, other_view) && says_the_same(view, other_view);
                if is_new && same.iter().all(|(known, _)| *known != capture) {
                    same.push((capture, other));
                }
                if same.len() == captures.len() {
                    break;
                }
            }
            used.extend(same.iter().map(|(_, at)| *at));
            same.sort_unstable();
            let id = |(_, at): &(CaptureId, usize)| ExchangeId(*at as u32);
            if let Some((first, others)) = same.split_first() {
                found.extend(others.iter().map(|other| (id(first), id(other))));
            }
        }
    }
    found.sort();
    found
}

fn is_at_the_same_time(a: &View<'_>, b: &View<'_>) -> bool {
    match (a.exchange.sent_at, b.exchange.sent_at) {
        (Some(a), Some(b)) => a.seconds_since(b).abs() <= APART,
        _ => false,
    }
}

/// Whether both have the same credentials and the same date of the answer, where both recordings show them: a client that
/// tries again sends much that is the same.
fn says_the_same(a: &View<'_>, b: &View<'_>) -> bool {
    let same = |a: Option<&str>, b: Option<&str>| a.zip(b).is_none_or(|(a, b)| a == b);
    let sent = |name: &str| same(a.exchange.request.headers.get(name), b.exchange.request.headers.get(name));
    let answers = [a, b].map(|view| view.exchange.answer.response());
    let same_answer = |name: &str| {
        let [a, b] = answers.map(|answer| answer.and_then(|response| response.headers.get(name)));
        same(a, b)
    };
    sent("authorization") && sent("mcp-session-id") && same_answer("mcp-session-id") && same_answer("date")
}

/// Two packet captures tell before and behind a proxy apart by the address that was asked; other recorders write down
/// what they were configured with.
fn is_at_the_same_point(a: &View<'_>, b: &View<'_>) -> bool {
    let asked = |view: &View<'_>| match view.exchange.at {
        At::Frames { .. } => view.exchange.connection.server,
        _ => None,
    };
    asked(a).zip(asked(b)).is_none_or(|(a, b)| a == b)
}

/// The same hops between the exchanges that stand for their twins.
pub(crate) fn between_first(
    hops: Vec<(ExchangeId, ExchangeId)>,
    twins: &[(ExchangeId, ExchangeId)],
) -> Vec<(ExchangeId, ExchangeId)> {
    let first_of: HashMap<ExchangeId, ExchangeId> = twins.iter().map(|(first, other)| (*other, *first)).collect();
    let first = |id: ExchangeId| first_of.get(&id).copied().unwrap_or(id);
    let mut hops: Vec<_> = hops.into_iter().map(|(near, far)| (first(near), first(far))).collect();
    hops.retain(|(near, far)| near != far);
    hops.sort();
    hops.dedup();
    hops
}

/// What one recording hides and the other shows: fills the unknown fields of a record from its twin.
pub(crate) fn fill_from(record: &mut Record, twin: &Record) {
    for slot in &mut record.slots {
        let hides = matches!(slot.state, State::Unknown(_) | State::Unread(_));
        if let Some(shown) = twin.slot(slot.field).filter(|shown| hides && !matches!(shown.state, State::Unknown(_))) {
            *slot = shown.clone();
        }
    }
}
