//! Reads `log.entries`: each entry once, in stretches side by side, also where the list is cut off or broken inside.

use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr_iter, memmem};
use rayon::prelude::*;

use super::entry::{self, Context, Draft};
use super::scan::{self, Skipped, white_space};
use super::split::Damage;
use crate::evidence::At;

/// What the list held.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// What was read, in order.
    pub(super) drafts: Vec<Draft>,
    /// How many entries there are, those that were left out included.
    pub(super) count: usize,
    /// What is to be said of an entry.
    pub(super) problems: Vec<(usize, String)>,
    /// How many more there are to be said than the limit.
    pub(super) more_problems: usize,
    /// The entry in which the content ends or cannot be read any further; those before it are whole.
    pub(super) cut_in: Option<usize>,
}

/// Reads the list whose bracket stands at `at`, and says where it ends.
pub(super) fn read(content: &Bytes, at: usize, context: Context<'_>) -> (Entries, Result<usize, Damage>) {
    // Long enough to be worth a thread, short enough that no thread waits long for the last one.
    let length = (content.len() / (8 * rayon::current_num_threads())).max(1 << 20);
    read_in(length, content, at, context)
}

/// Reads it in stretches of about this length.
fn read_in(length: usize, content: &Bytes, at: usize, context: Context<'_>) -> (Entries, Result<usize, Damage>) {
    let starts = starts(content, at + 1, length);
    let until = starts.iter().skip(1).copied().chain([usize::MAX]);
    let stretches: Vec<(usize, usize)> = starts.iter().copied().zip(until).collect();
    let read: Vec<(Entries, Stop)> =
        stretches.par_iter().map(|(start, until)| Stretch::read(content, *start, *until, context)).collect();
    let mut entries = Entries::default();
    let mut next = at + 1;
    for ((start, until), (found, stop)) in stretches.into_iter().zip(read) {
        // What was taken for the beginning of an entry is one where the entries before it end there.
        let (found, stop) = if start == next { (found, stop) } else { Stretch::read(content, next, until, context) };
        entries.append(found, context);
        if entries.count > context.limits.exchanges {
            entries.count = context.limits.exchanges;
            return (entries, Err(Damage::TooMany));
        }
        match stop {
            Stop::Next(at) => next = at,
            Stop::End(end) => return (entries, end),
        }
    }
    (entries, Err(Damage::CutOff))
}

impl Entries {
    /// Adds what comes after it.
    pub(super) fn append(&mut self, more: Entries, context: Context<'_>) {
        let before = self.count;
        let limit = context.limits.exchanges.saturating_sub(before);
        self.drafts.reserve(more.drafts.len());
        for mut draft in more.drafts {
            let At::Entry(index) = &mut draft.exchange.at else { continue };
            if (*index as usize) < limit {
                *index = index.saturating_add(u32::try_from(before).unwrap_or(u32::MAX));
                self.drafts.push(draft);
            }
        }
        for (index, message) in more.problems {
            self.say(before + index, message, context);
        }
        self.more_problems += more.more_problems;
        self.cut_in = more.cut_in.map(|index| before + index);
        self.count += more.count;
    }

    fn say(&mut self, index: usize, message: String, context: Context<'_>) {
        if self.problems.len() < context.limits.problems {
            self.problems.push((index, message));
        } else {
            self.more_problems += 1;
        }
    }
}

/// Where stretches of about this length begin: the first at `at`, the others where an entry seems to.
fn starts(content: &[u8], at: usize, length: usize) -> Vec<usize> {
    let mut starts = vec![at];
    let key = scan::first_key(content, white_space(content, at)).and_then(|key| content.get(key));
    while let Some(key) = key
        && let Some(from) = starts.last().map(|last| last.saturating_add(length)).filter(|from| *from < content.len())
        && let Some(found) = beginnings(content, from, key).next()
    {
        starts.push(found);
    }
    starts
}

/// Places from `from` on that begin like the other entries, in a list. `key` is their first key with its quotes; inside a
/// string it would stand with backslashes, so that the text of a body does not look like an entry.
fn beginnings<'a>(content: &'a [u8], from: usize, key: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let found = memmem::find_iter(content.get(from..).unwrap_or_default(), key);
    found.filter_map(move |found| {
        let brace =
            before(content, from + found).filter(|brace| *brace >= from && content.get(*brace) == Some(&b'{'))?;
        let comma = before(content, brace)?;
        matches!(content.get(comma), Some(b',' | b'[' | b'}')).then_some(brace)
    })
}

/// The place of the last octet before `at` that is no white space.
fn before(content: &[u8], at: usize) -> Option<usize> {
    content.get(..at)?.iter().rposition(|octet| !matches!(octet, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Where the reading of a stretch stopped.
enum Stop {
    /// At this entry, which is not part of the stretch.
    Next(usize),
    /// At the end of the list, behind its bracket, or where nothing can be read any further.
    End(Result<usize, Damage>),
}

/// A part of the list, while it is read.
struct Stretch<'a> {
    content: &'a Bytes,
    context: Context<'a>,
    entries: Entries,
    /// The first key of an entry, its quotes included.
    key: Option<Range<usize>>,
    /// Octets that may still be looked at to go on after broken entries.
    effort: usize,
}

/// How often the length of the content may be looked at in a stretch to go on after broken entries. Without a limit each
/// broken entry could cost the length of what follows it.
const EFFORT: usize = 4;

impl<'a> Stretch<'a> {
    /// Reads the entries from `at` on that begin before `until`.
    fn read(content: &'a Bytes, at: usize, until: usize, context: Context<'a>) -> (Entries, Stop) {
        let effort = content.len().saturating_mul(EFFORT);
        let mut stretch = Stretch { content, context, entries: Entries::default(), key: None, effort };
        let mut at = at;
        let stop = loop {
            at = white_space(content, at);
            match content.get(at) {
                None => break Stop::End(Err(Damage::CutOff)),
                Some(b']') => break Stop::End(Ok(at + 1)),
                Some(b',') => {
                    at += 1;
                    continue;
                }
                Some(_) if at >= until => break Stop::Next(at),
                Some(_) if stretch.entries.count >= context.limits.exchanges => {
                    break Stop::End(Err(Damage::TooMany));
                }
                Some(_) => {}
            }
            match stretch.element(at) {
                Ok(end) => at = end,
                Err(damage) => {
                    stretch.entries.cut_in = Some(stretch.entries.count);
                    break Stop::End(Err(damage));
                }
            }
        };
        (stretch.entries, stop)
    }

    /// Reads the element at `at`, and says where it ends.
    fn element(&mut self, at: usize) -> Result<usize, Damage> {
        let rest = self.content.get(at..).unwrap_or_default();
        if rest.first() != Some(&b'{') {
            return match scan::value(self.content, at) {
                Skipped::Whole { end } => {
                    self.leave_out("no object; left out".to_owned());
                    Ok(end)
                }
                _ => self.broken(at),
            };
        }
        self.key = self.key.take().or_else(|| scan::first_key(self.content, at));
        let mut stream = serde_json::Deserializer::from_slice(rest).into_iter();
        match stream.next() {
            Some(Ok(entry)) => {
                let mut problems = Vec::new();
                let draft = entry::draft(&entry, self.content, self.index(), self.context, &mut problems);
                self.take(draft, problems);
                Ok(at + stream.byte_offset())
            }
            Some(Err(error)) => {
                self.effort = self.effort.saturating_sub(place(rest, &error));
                self.broken(at)
            }
            None => Err(Damage::CutOff),
        }
    }

    /// Reads or leaves out an element that is no JSON as it stands.
    fn broken(&mut self, at: usize) -> Result<usize, Damage> {
        let next = self.next_entry(at + 1);
        let rest = self.content.get(..next.unwrap_or(self.content.len())).unwrap_or_default();
        self.effort = self.effort.saturating_sub(rest.len() - at);
        match (scan::value(rest, at), next) {
            (Skipped::Whole { end }, _) => {
                let (draft, problems) = entry::read_whole(&self.content.slice(at..end), self.index(), self.context);
                self.take(draft, problems);
                Ok(end)
            }
            (_, Some(next)) => {
                self.leave_out("brackets or quotes do not pair; left out".to_owned());
                Ok(next)
            }
            (Skipped::Broken(place), None) => Err(Damage::NoJson(place)),
            (Skipped::Cut, None) => Err(Damage::CutOff),
        }
    }

    /// The next place that begins like the other entries, ends, and has a request.
    fn next_entry(&mut self, from: usize) -> Option<usize> {
        let content = self.content;
        let key = content.get(self.key.clone()?)?;
        let mut seen = from;
        for found in beginnings(content, from, key) {
            let (end, whole) = match scan::value(content, found) {
                Skipped::Whole { end } => (end, true),
                _ => (content.len(), false),
            };
            self.effort = self.effort.checked_sub(found - seen + end - found)?;
            seen = found;
            if whole && scan::has_member(content, found, b"request") {
                return Some(found);
            }
        }
        None
    }

    fn index(&self) -> u32 {
        u32::try_from(self.entries.count).unwrap_or(u32::MAX)
    }

    fn take(&mut self, draft: Option<Draft>, problems: Vec<String>) {
        self.entries.drafts.extend(draft);
        for message in problems {
            self.entries.say(self.entries.count, message, self.context);
        }
        self.entries.count += 1;
    }

    fn leave_out(&mut self, why: String) {
        self.take(None, vec![why]);
    }
}

/// How many octets stand before the place of the error.
fn place(content: &[u8], error: &serde_json::Error) -> usize {
    let lines_before = error.line().saturating_sub(1);
    let line = lines_before.checked_sub(1).and_then(|before| memchr_iter(b'\n', content).nth(before));
    line.unwrap_or(0) + error.column()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recorder::Recorder;
    use super::*;
    use crate::capture::limits::Limits;
    use crate::evidence::CaptureId;

    /// The kept entries, what is said of the others, where it ended in an entry, and how.
    type Shown = (Vec<(At, String)>, Vec<(usize, String)>, Option<usize>, Result<usize, Damage>);

    fn read_list(list: &str, length: usize, limits: Limits) -> Shown {
        let context = Context { capture: CaptureId(0), recorder: Recorder::Other, limits: &limits };
        let (entries, end) = read_in(length, &Bytes::copy_from_slice(list.as_bytes()), 0, context);
        let kept =
            entries.drafts.iter().map(|draft| (draft.exchange.at.clone(), draft.exchange.request.url())).collect();
        (kept, entries.problems, entries.cut_in, end)
    }

    fn entry(number: usize) -> String {
        let inside = r#"[{"t":0,"name":"x"},{"t":"{\"t\":0,"}]"#;
        format!(
            r#"{{"t":{number},"x":{inside},"request":{{"method":"GET","url":"http://h/{number}"}},"response":{{"status":200}}}}"#
        )
    }

    fn check(list: &str, kept: &[usize], said: &[(usize, &str)], cut_in: Option<usize>, end: Result<usize, Damage>) {
        let kept: Vec<_> = kept.iter().map(|at| (At::Entry(*at as u32), format!("http://h/{at}"))).collect();
        let said: Vec<_> = said.iter().map(|(at, what)| (*at, (*what).to_owned())).collect();
        for length in [1, 150, 1 << 20] {
            assert_eq!(
                read_list(list, length, Limits::default()),
                (kept.clone(), said.clone(), cut_in, end),
                "{length}: {list}"
            );
        }
    }

    const UNPAIRED: &str = "brackets or quotes do not pair; left out";

    #[test]
    fn a_broken_entry_costs_that_entry() {
        let [first, second, third] = [0, 1, 2].map(entry);
        let whole = format!("[{first}, {second}\n,{third}]");
        check(&whole, &[0, 1, 2], &[], None, Ok(whole.len()));
        for broken in [&second[..second.len() - 1], r#"{"t":[ "#, r#"{"t":"a"#, r#"{"t":{]}"#] {
            let list = format!("[{first},{broken},{third}]");
            check(&list, &[0, 2], &[(1, UNPAIRED)], None, Ok(list.len()));
        }
        let list = format!(r#"[{first},{{"t":tru}},null,{}]"#, entry(3));
        let said = [(1, "no JSON (line 1, column 9 of the entry); left out"), (2, "no object; left out")];
        check(&list, &[0, 3], &said, None, Ok(list.len()));
    }

    #[test]
    fn what_is_cut_off_is_said() {
        let [first, second] = [0, 1].map(entry);
        check(&format!("[{first},{}", &second[..30]), &[0], &[], Some(1), Err(Damage::CutOff));
        check(&format!("[{first},{second}"), &[0, 1], &[], None, Err(Damage::CutOff));
        let list = format!("[{first},]]");
        check(&list, &[0], &[], None, Ok(list.len() - 1));
    }

    #[test]
    fn a_list_over_the_limit_is_cut() {
        let list = format!("[{}]", [0, 1, 2].map(entry).join(","));
        for length in [1, 1 << 20] {
            let (kept, _, cut_in, end) = read_list(&list, length, Limits { exchanges: 2, ..Limits::default() });
            assert_eq!((kept.len(), cut_in, end), (2, None, Err(Damage::TooMany)));
        }
    }

    #[test]
    fn broken_entries_do_not_cost_what_follows_them_each() {
        let broken = format!(r#"{{"t":[,{}"#, entry(0));
        let list = format!("[{}", vec![broken; 30_000].join(","));
        let (kept, said, _, end) = read_list(&list, usize::MAX, Limits::default());
        assert!(kept.len() > 1000 && said.len() == 100 && end.is_err());
        let list = format!("[{}", vec![r#"{"t":[{"t":"#; 100_000].join("1},"));
        assert!(read_list(&list, usize::MAX, Limits::default()).3.is_err());
    }

    proptest! {
        #[test]
        fn stretches_of_any_length_give_the_same(
            kinds in prop::collection::vec(0..6usize, 0..12), length in 1..800usize, cut in 0.0..1.2f64, pretty: bool,
        ) {
            let parts = kinds.iter().enumerate().map(|(at, kind)| match kind {
                0 => r#"{"t":[ "#.to_owned(),
                1 => r#""t""#.to_owned(),
                2 => r#"{"t":1,"request":{"url":"\ud800"}}"#.to_owned(),
                _ => entry(at),
            });
            let list = format!("[{}]", parts.collect::<Vec<_>>().join(if pretty { " ,\n " } else { "," }));
            let cut = ((list.len() as f64 * cut) as usize).min(list.len());
            let list = &list[..cut];
            prop_assert_eq!(
                read_list(list, length, Limits::default()),
                read_list(list, usize::MAX, Limits::default())
            );
        }
    }
}
