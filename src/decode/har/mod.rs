//! HTTP Archive 1.1 and 1.2, as browsers, proxies and libraries write it.
//!
//! Cuts the file into entries first ([`split`]), so that each is read alone and in parallel, a broken one costs itself,
//! and the bodies stay where they are until somebody asks for them. Does not validate what nobody reads.

mod entry;
mod headers;
mod mend;
mod model;
mod own;
mod payload;
mod preflight;
mod recorder;
pub(crate) mod scan;
pub mod split;
mod time;
mod withheld;

use bytes::Bytes;
use rayon::prelude::*;

use super::format::Reading;
use super::{ReadOptions, Sanitized};
use crate::evidence::CaptureId;
use entry::{Context, Draft};
use model::Program;
use recorder::Recorder;
use split::{Damage, Element, Fault, Layout};

/// Whether this is a HAR.
pub(super) fn recognise(content: &[u8]) -> bool {
    split::recognise(content)
}

/// Reads a HAR.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let layout = split::lay_out(content, &options.limits);
    let program = |place: &Option<std::ops::Range<usize>>| -> Program<'_> {
        place.clone().and_then(|place| serde_json::from_slice(content.get(place)?).ok()).unwrap_or_default()
    };
    let creator = program(&layout.creator);
    let context = Context { capture, recorder: Recorder::of(&creator), limits: &options.limits };
    let mut drafts = Vec::new();
    let mut problems = whole_file(&layout);
    let mut more_problems = 0;
    // In stretches, so that what is said of entries that are left out does not add up in memory.
    for (stretch, elements) in layout.entries.chunks(STRETCH).enumerate() {
        let read = elements.par_iter().enumerate().with_min_len(16);
        let read: Vec<(Option<Draft>, Vec<String>)> =
            read.map(|(index, element)| read_element(content, element, stretch * STRETCH + index, context)).collect();
        for (index, (draft, said)) in read.into_iter().enumerate() {
            drafts.extend(draft);
            for message in said {
                if problems.len() < options.limits.problems {
                    problems.push((Some(format!("entry {}", stretch * STRETCH + index)), message));
                } else {
                    more_problems += 1;
                }
            }
        }
    }
    let end = layout.end.clone().and_then(|place| model::End::read(content.get(place)?));
    let ended = context.recorder != Recorder::Authtrail || end.is_some();
    if !ended && layout.damage.is_none() {
        problems.push((None, "the recorder was stopped before it could end the file; kept what it holds".to_owned()));
    }
    let sanitized =
        if drafts.is_empty() { Sanitized::Possible } else { withheld::decide(&mut drafts, context.recorder) };
    Reading {
        exchanges: drafts.into_iter().map(|draft| draft.exchange).collect(),
        creator: recorder::describe(&creator).or_else(|| recorder::describe(&program(&layout.browser))),
        sanitized,
        complete: layout.damage.is_none() && layout.has_entries && ended,
        end_mark: end.and_then(|end| time::read(end.at.given()?)),
        dropped: None,
        refused: Vec::new(),
        problems,
        more_problems,
    }
}

/// Entries that are read in parallel before their results are taken over.
const STRETCH: usize = 8192;

fn read_element(
    content: &Bytes,
    element: &Element,
    index: usize,
    context: Context<'_>,
) -> (Option<Draft>, Vec<String>) {
    match element.fault {
        Some(Fault::Broken) => (None, vec!["brackets or quotes do not pair; left out".to_owned()]),
        Some(Fault::Deep) => (None, vec![format!("nested deeper than {} levels; left out", context.limits.depth)]),
        None => {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            entry::read(&content.slice(element.range.clone()), index, context)
        }
    }
}

/// What is to be said of the file as a whole.
fn whole_file(layout: &Layout) -> Vec<(Option<String>, String)> {
    let mut problems = Vec::new();
    let kept = match layout.entries.len() {
        0 => "no entry".to_owned(),
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    };
    if let (Some(index), Some(_)) = (layout.cut_in, layout.damage) {
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
