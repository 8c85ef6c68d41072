//! HTTP Archive 1.1 and 1.2, as browsers, proxies and libraries write it.
//!
//! Finds the list of entries ([`layout`]) and reads each of them once ([`list`]), side by side; a broken one costs itself, and
//! the bodies stay where they are until somebody asks for them. Does not validate what nobody reads.

mod entry;
mod headers;
mod layout;
mod list;
mod mend;
mod model;
mod own;
mod payload;
mod preflight;
mod recorder;
pub(crate) mod scan;
mod time;
mod withheld;

use bytes::Bytes;

use super::format::Reading;
use super::{ReadOptions, Sanitized};
use crate::evidence::CaptureId;
use entry::Context;
use layout::{Damage, Layout};
use list::Entries;
use model::Program;
use recorder::Recorder;

/// Whether this is a HAR.
pub(super) fn recognise(content: &[u8]) -> bool {
    layout::recognise(content)
}

/// Reads a HAR.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let context = |recorder| Context { capture, recorder, limits: &options.limits };
    let program = |place: &Option<std::ops::Range<usize>>| -> Program<'_> {
        place.clone().and_then(|place| serde_json::from_slice(content.get(place)?).ok()).unwrap_or_default()
    };
    let read = |mut recorder: Option<Recorder>| {
        let mut entries = Entries::default();
        let layout = layout::lay_out(content, &mut |before, place| {
            let recorder = *recorder.get_or_insert_with(|| Recorder::of(&program(&before.creator)));
            let (found, end) = list::read(content, place, context(recorder));
            match entries.count {
                0 => entries = found,
                // Some edited files have a second list.
                _ => entries.append(found, context(recorder)),
            }
            end
        });
        (layout, entries, recorder)
    };
    let (mut layout, mut entries, taken_for) = read(None);
    let creator = program(&layout.creator);
    let recorder = Recorder::of(&creator);
    if taken_for.is_some_and(|taken_for| taken_for != recorder) {
        // It stands after its entries, which mean something else with it.
        (layout, entries, _) = read(Some(recorder));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::exchange::Withheld;
    use crate::evidence::At;

    fn check(log: &str, withheld: Withheld, entries: &[u32]) {
        let content = Bytes::from(format!(r#"{{"log":{{{log}}}}}"#));
        let read = read(&content, CaptureId(0), &ReadOptions::default());
        assert_eq!(read.problems, []);
        let places: Vec<_> = read.exchanges.iter().map(|exchange| exchange.at.clone()).collect();
        assert_eq!(places, entries.iter().map(|at| At::Entry(*at)).collect::<Vec<_>>(), "{log}");
        assert!(read.exchanges.iter().all(|exchange| exchange.request.headers.withheld == withheld), "{log}");
    }

    #[test]
    fn members_of_the_log_in_any_order_and_twice() {
        let entry =
            r#"{"request":{"method":"GET","url":"http://h/","headers":[]},"response":{"status":200,"headers":[]}}"#;
        let (list, creator) = (format!(r#""entries":[{entry}]"#), r#""creator":{"name":"mitmproxy"}"#);
        // mitmproxy lists what was sent: an empty list is one.
        check(&format!("{creator},{list}"), Withheld::Nothing, &[0]);
        check(&format!("{list},{creator}"), Withheld::Nothing, &[0]);
        check(&format!("{list},{creator},{list}"), Withheld::Nothing, &[0, 1]);
        check(&list, Withheld::Everything, &[0]);
    }
}
