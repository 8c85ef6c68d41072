//! Clocks of several recordings of one incident: by how much each differs from the first.
//!
//! Told by requests that stand in two recordings, else by hand-overs: what mints a value comes before what uses it.

use foldhash::HashMap;

use super::record::Record;
use super::schema::{Field, Kind};
use super::twins::{Key, key_of};
use super::view::View;
use crate::capture::limits::Limits;
use crate::evidence::CaptureId;

/// Clocks that differ by less are taken for equal, in microseconds.
const NEGLIGIBLE: i64 = 250_000;

/// Microseconds to add to the times of each recording to get those of the first.
pub(crate) fn offsets(views: &[View<'_>], records: &[Record], captures: usize, limits: &Limits) -> Vec<i64> {
    let mut offsets: Vec<Option<i64>> = vec![None; captures.max(1)];
    if let Some(first) = offsets.first_mut() {
        *first = Some(0);
    }
    let shared = shared_requests(views, captures, limits);
    let hand_overs = hand_overs(views, records);
    // A recording may be joined to the first one only through another.
    for _ in 0..captures {
        for at in 0..captures {
            if offsets.get(at).copied().flatten().is_some() {
                continue;
            }
            let known = (0..captures).filter_map(|other| Some((other, offsets.get(other).copied().flatten()?)));
            let estimate = known.into_iter().find_map(|(other, base)| {
                let by_request = difference(&shared, other, at);
                let by_request = by_request.filter(|apart| !goes_back(&hand_overs, other, at, *apart));
                by_request
                    .or_else(|| difference_by_order(&hand_overs, other, at))
                    .map(|apart| base.saturating_add(apart))
            });
            if let (Some(slot), Some(_)) = (offsets.get_mut(at), estimate) {
                *slot = estimate;
            }
        }
    }
    offsets.into_iter().map(|offset| offset.filter(|offset| offset.abs() >= NEGLIGIBLE).unwrap_or(0)).collect()
}

/// A request, and when its server says that it answered it.
type Shared<'a> = (Key, Option<&'a str>);

/// When each request was sent that stands exactly once in a recording. A client that begins anew sends the same again: the
/// date of the answer (RFC 9110, 6.6.1) tells the two apart, or a value in the request that nobody sends twice.
fn shared_requests<'a>(
    views: &'a [View<'a>],
    captures: usize,
    limits: &Limits,
) -> HashMap<Shared<'a>, Vec<Option<i64>>> {
    let mut seen: HashMap<Shared<'a>, Vec<Vec<i64>>> = HashMap::default();
    for view in views {
        let (Some(sent), Some(key)) = (view.exchange.sent_at, key_of(view, limits)) else { continue };
        let answer = view.exchange.answer.response();
        // What comes out of a cache bears the date of when it went in.
        if answer.is_some_and(|answer| answer.from_cache || answer.status == 304) {
            continue;
        }
        let date = answer.and_then(|answer| answer.headers.get("date"));
        let is_telling = ["state", "code", "code_challenge"].iter().any(|name| view.query.has(name))
            || matches!(&view.form, Ok(Some(form)) if form.has("code") || form.has("refresh_token"));
        if date.is_none() && !is_telling {
            continue;
        }
        let times = seen.entry((key, date)).or_insert_with(|| vec![Vec::new(); captures]);
        if let Some(times) = times.get_mut(capture_of(view)) {
            times.push(sent.0);
        }
    }
    let only = |times: &Vec<i64>| if let [one] = times.as_slice() { Some(*one) } else { None };
    seen.into_iter().map(|(key, times)| (key, times.iter().map(only).collect())).collect()
}

fn capture_of(view: &View<'_>) -> usize {
    let CaptureId(id) = view.exchange.capture;
    id as usize
}

/// The median of the differences between requests that stand once in both.
fn difference(shared: &HashMap<Shared<'_>, Vec<Option<i64>>>, base: usize, other: usize) -> Option<i64> {
    let apart = shared.values().filter_map(|times| {
        let (base, other) = (times.get(base).copied().flatten()?, times.get(other).copied().flatten()?);
        Some(base.saturating_sub(other))
    });
    let mut apart: Vec<i64> = apart.collect();
    apart.sort_unstable();
    apart.get(apart.len() / 2).copied()
}

/// One value, minted at a time in one recording and used at a time in another.
struct HandOver {
    minted: (usize, i64),
    used: (usize, i64),
}

/// A client id before the authorization request, a code before its redemption.
fn hand_overs(views: &[View<'_>], records: &[Record]) -> Vec<HandOver> {
    let place = |record: &Record, field: Field| {
        let view = views.get(record.exchange.0 as usize)?;
        Some((capture_of(view), record.number(field)?))
    };
    let steps = [
        (
            Kind::RegistrationRequest,
            Field::ResponseClientId,
            Field::AnsweredAt,
            Kind::AuthorizationRequest,
            Field::ClientId,
        ),
        (Kind::AuthorizationResponse, Field::Code, Field::SentAt, Kind::TokenRequest, Field::Code),
        (Kind::TokenResponse, Field::AccessToken, Field::AnsweredAt, Kind::McpExchange, Field::Bearer),
    ];
    let mut found = Vec::new();
    for (mints, minted, at, uses, used) in steps {
        let mut first_use: HashMap<&str, (usize, i64)> = HashMap::default();
        for record in records.iter().filter(|record| record.kind == uses) {
            if let (Some(value), Some(place)) = (record.text(used), place(record, Field::SentAt)) {
                first_use.entry(value).or_insert(place);
            }
        }
        for record in records.iter().filter(|record| record.kind == mints) {
            let used = record.text(minted).and_then(|value| first_use.get(value));
            if let (Some(used), Some(minted)) = (used, place(record, at)) {
                found.push(HandOver { minted, used: *used });
            }
        }
    }
    found
}

/// Whether a hand-over between two recordings that goes forward as it is recorded would go back in time under a shift: then
/// the requests that it was told by are not the same ones.
fn goes_back(hand_overs: &[HandOver], base: usize, other: usize, shift: i64) -> bool {
    /// Recorders stamp the same moment this far apart, in microseconds.
    const APART: i64 = 1_000_000;
    hand_overs.iter().any(|HandOver { minted, used }| {
        let ahead = used.1.saturating_sub(minted.1);
        let shifted = match (minted.0, used.0) {
            pair if pair == (base, other) => ahead.saturating_add(shift),
            pair if pair == (other, base) => ahead.saturating_sub(shift),
            _ => return false,
        };
        ahead >= 0 && shifted < -APART
    })
}

/// The smallest shift under which every hand-over between two recordings goes forward in time; `None` where none ties
/// them together.
fn difference_by_order(hand_overs: &[HandOver], base: usize, other: usize) -> Option<i64> {
    let (mut least, mut most): (Option<i64>, Option<i64>) = (None, None);
    for HandOver { minted, used } in hand_overs {
        if minted.0 == base && used.0 == other {
            least = least.max(Some(minted.1.saturating_sub(used.1)));
        } else if minted.0 == other && used.0 == base {
            let bound = used.1.saturating_sub(minted.1);
            most = Some(most.map_or(bound, |known| known.min(bound)));
        }
    }
    match (least, most) {
        (None, None) => None,
        (least, _) if least.is_some_and(|least| least > 0) => least,
        (_, most) if most.is_some_and(|most| most < 0) => most,
        _ => Some(0),
    }
}
