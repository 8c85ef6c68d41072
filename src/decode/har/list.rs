//! Reads `log.entries`: each entry once, in stretches side by side, also where the list is cut off or broken inside.

use std::iter;

use bytes::Bytes;
use memchr::memchr_iter;
use rayon::prelude::*;

use super::entry::{self, Context, Measured};
use super::layout::Damage;
use super::model::Entry;
use super::scan::{self, Skipped, white_space};
use crate::decode::exchange::Exchange;
use crate::evidence::At;

/// What the list held.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// What was read, in order. Headers that the exporter may have removed count as not sent so far.
    pub(super) exchanges: Vec<Exchange>,
    /// What their sizes say of their headers.
    pub(super) measures: Vec<Measured>,
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
    let first = at + 1;
    let seem_to_begin: Vec<Option<usize>> = (1..content.len().saturating_sub(first).div_ceil(length))
        .into_par_iter()
        .map(|stretch| first_beginning(content, first + stretch * length, length))
        .collect();
    let starts: Vec<usize> = iter::once(first).chain(seem_to_begin.into_iter().flatten()).collect();
    let until = starts.iter().skip(1).copied().chain([usize::MAX]);
    let stretches: Vec<(usize, usize)> = starts.iter().copied().zip(until).collect();
    let read: Vec<(Entries, Stop)> =
        stretches.par_iter().map(|(start, until)| Stretch::read(content, *start, *until, context)).collect();
    let mut entries = Entries::with_room_for(read.iter().map(|(found, _)| found.exchanges.len()).sum());
    let mut next = first;
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
    /// None, with room for so many.
    fn with_room_for(count: usize) -> Entries {
        let (exchanges, measures) = (Vec::with_capacity(count), Vec::with_capacity(count));
        Entries { exchanges, measures, ..Entries::default() }
    }

    /// Adds what comes after it.
    pub(super) fn append(&mut self, more: Entries, context: Context<'_>) {
        let before = self.count;
        let limit = context.limits.exchanges.saturating_sub(before);
        for (mut exchange, measured) in more.exchanges.into_iter().zip(more.measures) {
            let At::Entry(index) = &mut exchange.at else { continue };
            if (*index as usize) < limit {
                *index = index.saturating_add(u32::try_from(before).unwrap_or(u32::MAX));
                self.exchanges.push(exchange);
                self.measures.push(measured);
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

/// The first place within `length` octets from `from` on where an entry seems to begin; `None` also where there is too much
/// to look at.
fn first_beginning(content: &[u8], from: usize, length: usize) -> Option<usize> {
    let until = content.len().min(from.saturating_add(length));
    let mut effort = length;
    for found in beginnings(content.get(..until)?, from) {
        if found.is_entry {
            return Some(found.brace);
        }
        effort = effort.checked_sub(found.effort)?;
    }
    None
}

/// A brace that may be the beginning of an entry.
struct Beginning {
    /// Where it stands.
    brace: usize,
    /// Whether its object has a request.
    is_entry: bool,
    /// How many octets were looked at to see that.
    effort: usize,
}

/// The braces from `from` on that stand where an element of a list may. Inside a string the quotes of a request would stand
/// with backslashes, so that the text of a body does not look like an entry.
fn beginnings(content: &[u8], from: usize) -> impl Iterator<Item = Beginning> + '_ {
    let braces = memchr_iter(b'{', content.get(from..).unwrap_or_default());
    braces.filter_map(move |found| {
        let brace = from + found;
        let before = before(content, brace).and_then(|at| content.get(at));
        let member = || scan::member(content, brace, b"request");
        matches!(before, Some(b',' | b'[' | b'}')).then(member).map(|request| {
            let (Ok(looked) | Err(looked)) = request;
            Beginning { brace, is_entry: request.is_ok(), effort: looked - brace }
        })
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
    /// A part of the content that is known to be text, and where it begins.
    text: (usize, &'a str),
    context: Context<'a>,
    entries: Entries,
    /// Octets that may still be looked at to go on after broken entries.
    effort: usize,
}

/// How often the length of the content may be looked at in a stretch to go on after broken entries. Without a limit each
/// broken entry could cost the length of what follows it.
const EFFORT: usize = 4;

/// How much of the content is looked at whether it is text, at once, in octets.
const TEXT: usize = 64 << 10;

impl<'a> Stretch<'a> {
    /// Reads the entries from `at` on that begin before `until`.
    fn read(content: &'a Bytes, at: usize, until: usize, context: Context<'a>) -> (Entries, Stop) {
        let effort = content.len().saturating_mul(EFFORT);
        let mut stretch = Stretch { content, text: (at, ""), context, entries: Entries::default(), effort };
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
        let text = self.text(at);
        // The text may end inside the entry.
        match one(serde_json::Deserializer::from_str(text)).or_else(|_| one(serde_json::Deserializer::from_slice(rest)))
        {
            Ok((entry, length)) => {
                let mut problems = Vec::new();
                let read = entry::read(&entry, self.content, self.index(), self.context, &mut problems);
                self.take(read, problems);
                Ok(at + length)
            }
            Err(error) => {
                self.spend(error.map_or(0, |error| place(rest, &error)));
                self.broken(at)
            }
        }
    }

    /// The text from `at` on, so far that most entries are whole in it: what is known to be text is read faster.
    fn text(&mut self, at: usize) -> &'a str {
        let known = self.text.1.get(at - self.text.0..).unwrap_or_default();
        if known.len() >= TEXT / 4 {
            return known;
        }
        let octets = self.content.get(at..self.content.len().min(at + TEXT)).unwrap_or_default();
        let text = match std::str::from_utf8(octets) {
            Ok(text) => text,
            Err(error) => {
                octets.get(..error.valid_up_to()).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
            }
        };
        self.text = (at, text);
        text
    }

    /// Reads or leaves out an element that is no JSON as it stands.
    fn broken(&mut self, at: usize) -> Result<usize, Damage> {
        let next = self.next_entry(at + 1);
        let rest = self.content.get(..next.unwrap_or(self.content.len())).unwrap_or_default();
        self.spend(next.map_or(0, |next| next - at));
        match (scan::value(rest, at), next) {
            (Skipped::Whole { end }, _) => {
                let (read, problems) = entry::read_whole(&self.content.slice(at..end), self.index(), self.context);
                self.take(read, problems);
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

    /// The next place that begins like an entry and ends; `None` also where finding it takes more effort than is left.
    fn next_entry(&mut self, from: usize) -> Option<usize> {
        let content = self.content;
        let reach = content.len().min(from.saturating_add(self.effort));
        let mut seen = from;
        for found in beginnings(content.get(..reach)?, from) {
            self.spend(found.brace - seen + found.effort)?;
            seen = found.brace;
            if !found.is_entry {
                continue;
            }
            match scan::value(content, found.brace) {
                Skipped::Whole { .. } => return Some(found.brace),
                Skipped::Broken(place) => self.spend(place - found.brace)?,
                Skipped::Cut => self.spend(content.len() - found.brace)?,
            }
        }
        self.spend(reach - seen)?;
        None
    }

    /// Takes so much of the effort; `None` where nothing is left.
    fn spend(&mut self, octets: usize) -> Option<()> {
        self.effort = self.effort.saturating_sub(octets);
        (self.effort > 0).then_some(())
    }

    fn index(&self) -> u32 {
        u32::try_from(self.entries.count).unwrap_or(u32::MAX)
    }

    fn take(&mut self, read: Option<(Exchange, Measured)>, problems: Vec<String>) {
        if let Some((exchange, measured)) = read {
            self.entries.exchanges.push(exchange);
            self.entries.measures.push(measured);
        }
        for message in problems {
            self.entries.say(self.entries.count, message, self.context);
        }
        self.entries.count += 1;
    }

    fn leave_out(&mut self, why: String) {
        self.take(None, vec![why]);
    }
}

/// The entry at the beginning, and its length; no error where there is nothing.
fn one<'a, R: serde_json::de::Read<'a>>(
    json: serde_json::Deserializer<R>,
) -> Result<(Entry<'a>, usize), Option<serde_json::Error>> {
    let mut values = json.into_iter();
    let entry = values.next().ok_or(None)??;
    Ok((entry, values.byte_offset()))
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
        let kept = entries.exchanges.iter().map(|exchange| (exchange.at.clone(), exchange.request.url())).collect();
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
        // Nothing in what follows begins like an entry.
        let list = format!("[{}]", vec![r#"{"t":7 9}"#; 100_000].join(" "));
        assert!(read_list(&list, usize::MAX, Limits::default()).3.is_ok());
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
