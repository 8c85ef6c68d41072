//! Which request brings the input that an answer asked for (MCP 2026-07-28, multi round-trip requests).
//!
//! A request with `inputResponses` or `requestState` repeats an earlier one with the same method and parameters. Where
//! several equal ones wait, the state that it returns tells which is meant; where that does not tell, none is taken.

use foldhash::HashMap;

use super::Binder;
use super::messages::{digest, message_of};
use super::pairing::Pairing;
use crate::decode::exchange::Unknown;
use crate::trail::record::{Bound, Record, RecordId, State};
use crate::trail::schema::{Field, Kind};

/// For each request whose answer asked for input, the request that brings it. Requests that are not named here have
/// none in the recording.
pub(super) fn retries(binder: &Binder<'_>, pairing: &Pairing) -> HashMap<RecordId, Bound> {
    let mut waiting: HashMap<[u8; 32], Vec<RecordId>> = HashMap::default();
    let mut found: HashMap<RecordId, Bound> = HashMap::default();
    for (id, message) in binder.of_kind(Kind::ClientMessage) {
        let answer = pairing.answer_of.get(&id).and_then(|answer| binder.record(*answer));
        let asked = answer.is_some_and(|answer| answer.text(Field::ResultType) == Some("input_required"));
        let brings = brings_input(message);
        if !asked && !brings {
            continue;
        }
        let Some(digest) = message_of(binder, message).and_then(digest) else { continue };
        let open = waiting.entry(digest).or_default();
        if brings {
            match meant(binder, pairing, open, message) {
                Some(at) => {
                    found.insert(open.remove(at), Bound::Found(id));
                }
                None => found.extend(open.drain(..).map(|open| (open, Bound::Unknown(Unknown::Ambiguous)))),
            }
        }
        if asked {
            open.push(id);
        }
    }
    let missing = |id: RecordId| {
        let request = binder.record(id).map(|request| request.exchange);
        request.map_or(Bound::Unknown(Unknown::LegNotRecorded), |exchange| {
            pairing
                .blind_to_client
                .map_or_else(|| binder.windows.missing_after(exchange, Kind::ClientMessage), Bound::Unknown)
        })
    };
    for id in waiting.into_values().flatten() {
        found.insert(id, missing(id));
    }
    found
}

fn brings_input(message: &Record) -> bool {
    let is_there = |field: Field| matches!(message.state(field), State::Present(_) | State::Unread(_));
    is_there(Field::ParamsInputResponses) || is_there(Field::ParamsRequestState)
}

/// Which of the waiting requests is meant: the one whose answer gave this state, else the only one.
fn meant(binder: &Binder<'_>, pairing: &Pairing, open: &[RecordId], retry: &Record) -> Option<usize> {
    let state = retry.text(Field::ParamsRequestState);
    let given = |id: &RecordId| {
        let answer = pairing.answer_of.get(id).and_then(|answer| binder.record(*answer));
        answer.and_then(|answer| answer.text(Field::ResultRequestState))
    };
    let same = open.iter().position(|id| state.is_some() && given(id) == state);
    same.or_else(|| (open.len() == 1).then_some(0))
}
