//! HTTP Archive 1.1 and 1.2, as browsers, proxies and libraries write it.
//!
//! Finds the list of entries ([`split`]) and reads each of them once ([`list`]), side by side; a broken one costs itself, and
//! the bodies stay where they are until somebody asks for them. Does not validate what nobody reads.

mod entry;
mod headers;
mod list;
mod mend;
mod model;
mod own;
mod payload;
mod preflight;
mod recorder;
pub(crate) mod scan;
mod split;
mod time;
mod withheld;

use bytes::Bytes;

use super::format::Reading;
use super::{ReadOptions, Sanitized};
use crate::evidence::CaptureId;
use entry::Context;
use list::Entries;
use model::Program;
use recorder::Recorder;
use split::{Damage, Layout};

/// Whether this is a HAR.
pub(super) fn recognise(content: &[u8]) -> bool {
    split::recognise(content)
}

/// Reads a HAR.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let context = |recorder| Context { capture, recorder, limits: &options.limits };
    let program = |place: &Option<std::ops::Range<usize>>| -> Program<'_> {
        place.clone().and_then(|place| serde_json::from_slice(content.get(place)?).ok()).unwrap_or_default()
    };
    let read = |recorder: Option<Recorder>| {
        let (mut entries, mut taken_for) = (Entries::default(), Recorder::Other);
        let layout = split::lay_out(content, &mut |before, place| {
            taken_for = recorder.unwrap_or_else(|| Recorder::of(&program(&before.creator)));
            let (found, end) = list::read(content, place, context(taken_for));
            entries.append(found, context(taken_for));
            end
        });
        (layout, entries, taken_for)
    };
    let (mut layout, mut entries, mut recorder) = read(None);
    let creator = program(&layout.creator);
    if Recorder::of(&creator) != recorder {
        // It stands after its entries, which mean something else with it.
        (layout, entries, recorder) = read(Some(Recorder::of(&creator)));
    }
    let mut problems = whole_file(&layout, &entries);
    problems.extend(entries.problems.into_iter().map(|(index, message)| (Some(format!("entry {index}")), message)));
    let end = layout.end.clone().and_then(|place| model::End::read(content.get(place)?));
    let ended = recorder != Recorder::Authtrail || end.is_some();
    if !ended && layout.damage.is_none() {
        problems.push((None, "the recorder was stopped before it could end the file; kept what it holds".to_owned()));
    }
    let exchanges = &mut entries.exchanges;
    let sanitized = match exchanges.is_empty() {
        true => Sanitized::Possible,
        false => withheld::decide(exchanges, &entries.measures, recorder),
    };
    Reading {
        exchanges: entries.exchanges,
        creator: recorder::describe(&creator).or_else(|| recorder::describe(&program(&layout.browser))),
        sanitized,
        complete: layout.damage.is_none() && layout.has_entries && ended,
        end_mark: end.and_then(|end| time::read(end.at.given()?)),
        dropped: None,
        refused: Vec::new(),
        problems,
        more_problems: entries.more_problems,
    }
}

/// What is to be said of the file as a whole.
fn whole_file(layout: &Layout, entries: &Entries) -> Vec<(Option<String>, String)> {
    let mut problems = Vec::new();
    let kept = match entries.count {
        0 => "no entry".to_owned(),
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    };
    if let (Some(index), Some(_)) = (entries.cut_in, layout.damage) {
        problems.push((Some(format!("entry {index}")), "cut off or broken; left out".to_owned()));
    }
    let message = match layout.damage {
        Some(Damage::CutOff) => format!("the file ends before the HAR does; kept {kept}"),
        Some(Damage::NoJson(place)) => format!("no JSON from octet {place} on; kept {kept} before it"),
        Some(Damage::Trailing(octets)) => format!("{octets} octets after the end of the HAR; ignored"),
        Some(Damage::TooMany) => format!("more entries than the limit; kept {kept}"),
        None if !layout.has_log => "`log` is no object; nothing to read".to_owned(),
        None if !layout.has_entries => "`log` has no list of `entries`; nothing to read".to_owned(),
        None => return problems,
    };
    problems.push((None, message));
    problems
}
