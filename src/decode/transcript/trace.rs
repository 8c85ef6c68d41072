//! `curl --trace` and `--trace-ascii`: a dump of each part of a message, with its direction and length.

use super::curl::{Link, Links};
use super::{Held, Turn, lines};
use crate::decode::format::Problems;

/// Which part of a message a dump is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    RequestHead,
    RequestBody,
    ResponseHead,
    ResponseBody,
    /// TLS records and other things that are no HTTP.
    Other,
}

/// Whether this line begins the dump of a head.
pub(super) fn opens_message(line: &str) -> bool {
    matches!(opening(without_time(line)), Some((Part::RequestHead | Part::ResponseHead, _)))
}

/// `=> Send header, 168 bytes (0xa8)`.
fn opening(line: &str) -> Option<(Part, usize)> {
    let (what, rest) = line.split_once(", ")?;
    let part = match what {
        "=> Send header" => Part::RequestHead,
        "=> Send data" => Part::RequestBody,
        "<= Recv header" => Part::ResponseHead,
        "<= Recv data" => Part::ResponseBody,
        "=> Send SSL data" | "<= Recv SSL data" => Part::Other,
        _ => return None,
    };
    let (length, _) = rest.split_once(" bytes (0x")?;
    Some((part, length.parse().ok()?))
}

/// Takes away what `--trace-time` and `--trace-ids` put before a line.
fn without_time(line: &str) -> &str {
    let is_clock =
        |word: &str| word.len() == 15 && word.bytes().all(|octet| octet.is_ascii_digit() || b":.".contains(&octet));
    let line = line.split_once(' ').filter(|(word, _)| is_clock(word)).map_or(line, |(_, rest)| rest);
    let is_id = |word: &str| word.starts_with('[') && word.ends_with(']') && word.contains('-');
    line.split_once(' ').filter(|(word, _)| is_id(word)).map_or(line, |(_, rest)| rest)
}

/// The requests of a text.
pub(super) fn turns(content: &[u8], problems: &mut Problems) -> Vec<Turn> {
    let mut reading = Reading::default();
    for (number, line) in lines(content) {
        if let Some(row) = row(line).filter(|_| reading.dump.is_some()) {
            reading.dump.as_mut().into_iter().for_each(|dump| dump.rows.push(row));
            continue;
        }
        let line = without_time(line);
        if let Some((part, length)) = opening(line) {
            reading.end_of_dump(problems);
            reading.dump = Some(Dump { line: number, part, length, rows: Vec::new() });
        } else if let Some(said) = line.strip_prefix("== Info: ") {
            reading.end_of_dump(problems);
            reading.links.take(said);
            if let Some(turn) = reading.turns.last_mut().filter(|turn| turn.response.is_empty()) {
                turn.error = turn.error.take().or_else(|| Links::error(said).map(str::to_owned));
            }
        }
    }
    reading.end_of_dump(problems);
    reading.turns
}

#[derive(Default)]
struct Reading<'a> {
    turns: Vec<Turn>,
    links: Links,
    dump: Option<Dump<'a>>,
}

/// A dump that is being read.
struct Dump<'a> {
    line: u32,
    part: Part,
    length: usize,
    rows: Vec<(usize, &'a str)>,
}

impl Reading<'_> {
    fn end_of_dump(&mut self, problems: &mut Problems) {
        let Some(dump) = self.dump.take().filter(|dump| dump.part != Part::Other) else { return };
        let (octets, exact) = dump.octets();
        if octets.len() < dump.length {
            let (there, length) = (octets.len(), dump.length);
            problems.say(Some(format!("line {}", dump.line)), format!("{there} of {length} octets are there"));
        }
        if dump.part == Part::RequestHead {
            self.begin(dump.line, self.links.current());
        }
        let Some(turn) = self.turns.last_mut() else { return };
        match dump.part {
            Part::RequestHead => turn.request.extend(octets),
            Part::ResponseHead => turn.response.extend(octets),
            Part::RequestBody => hold(&mut turn.request_body, octets, exact),
            Part::ResponseBody => hold(&mut turn.response_body, octets, exact),
            Part::Other => {}
        }
    }

    /// A head goes on with the turn that has nothing but part of one.
    fn begin(&mut self, line: u32, link: Link) {
        let open = self.turns.last().is_some_and(|turn| {
            turn.request_body == Held::Nothing && turn.response.is_empty() && !turn.request.ends_with(b"\r\n\r\n")
        });
        if !open {
            self.turns.push(Turn { line, link, ..Turn::default() });
        }
    }
}

fn hold(held: &mut Held, octets: Vec<u8>, exact: bool) {
    let mut all = match std::mem::take(held) {
        Held::Nothing => Vec::new(),
        Held::Octets(before) | Held::Dotted(before) => before,
    };
    all.extend(octets);
    *held = if exact { Held::Octets(all) } else { Held::Dotted(all) };
}

/// `0010: ...`: offset and what follows it.
fn row(line: &str) -> Option<(usize, &str)> {
    let (offset, rest) = line.split_once(':')?;
    let hex = (4..=8).contains(&offset.len()) && offset.bytes().all(|octet| octet.is_ascii_hexdigit());
    let offset = usize::from_str_radix(offset, 16).ok().filter(|_| hex)?;
    // The blank at the end of a line is lost when it is pasted.
    Some((offset, rest.strip_prefix(' ').unwrap_or(rest)))
}

impl Dump<'_> {
    /// The octets, and whether they are exact: `--trace` writes each in hex, `--trace-ascii` writes dots for many.
    fn octets(&self) -> (Vec<u8>, bool) {
        let hex: Option<Vec<Vec<u8>>> = self.rows.iter().map(|(_, row)| hex_row(row)).collect();
        if let Some(octets) = hex.map(|rows| rows.concat()).filter(|octets| octets.len() == self.length) {
            return (octets, true);
        }
        let mut octets = Vec::new();
        for (index, (offset, row)) in self.rows.iter().enumerate() {
            let next = self.rows.get(index + 1).map_or(self.length, |(next, _)| *next).min(self.length);
            // A row is at most 64 characters and ends early where a line does.
            let row = row.as_bytes().get(..row.len().min(64)).unwrap_or_default();
            let missing = next.saturating_sub(offset.saturating_add(row.len()));
            octets.extend_from_slice(row);
            match missing {
                2 => octets.extend_from_slice(b"\r\n"),
                // Blanks at the end of a line are lost when it is pasted.
                1..=66 => octets.extend(std::iter::repeat_n(b' ', missing)),
                _ => {}
            }
        }
        let heads = matches!(self.part, Part::RequestHead | Part::ResponseHead);
        (octets, heads)
    }
}

/// Up to sixteen octets, then the same as text.
fn hex_row(row: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(16);
    for place in 0..16 {
        let Some(pair) = row.get(place * 3..place * 3 + 2) else { break };
        if pair == "  " {
            break;
        }
        let separated = row.as_bytes().get(place * 3 + 2).is_none_or(|octet| *octet == b' ');
        octets.push(u8::from_str_radix(pair, 16).ok().filter(|_| separated && !pair.starts_with('+'))?);
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_hex() {
        assert_eq!(hex_row("0d 0a                                           ..").as_deref(), Some(&b"\r\n"[..]));
        assert_eq!(hex_row("30 0d 0a").as_deref(), Some(&b"0\r\n"[..]));
        assert_eq!(hex_row("POST / HTTP/1.1"), None);
        assert_eq!(hex_row("+1 30"), None);
    }

    #[test]
    fn openings_with_time_and_ids() {
        for line in [
            "=> Send header, 168 bytes (0xa8)",
            "21:55:03.148565 => Send header, 168 bytes (0xa8)",
            "21:55:03.148565 [0-0] => Send header, 168 bytes (0xa8)",
        ] {
            assert_eq!(opening(without_time(line)), Some((Part::RequestHead, 168)), "{line}");
        }
        assert!(!opens_message("== Info: Trying"));
        assert!(!opens_message("=> Send header, many bytes (0xa8)"));
    }

    #[test]
    fn lines_of_an_ascii_dump_have_their_ends_again() {
        let dump = |length, rows| Dump { line: 1, part: Part::ResponseBody, length, rows };
        let rows = vec![(0, "19"), (4, "{\"error\":\"invalid_token\"}"), (0x1f, "0"), (0x22, "")];
        let (octets, exact) = dump(36, rows).octets();
        assert_eq!(octets, b"19\r\n{\"error\":\"invalid_token\"}\r\n0\r\n\r\n");
        assert!(!exact);
        assert_eq!(dump(10, vec![(0, "ab"), (3, "cd")]).octets().0, b"ab cd     ");
    }
}
