//! `curl -v`: `*` before what curl says, `>` before heads of requests, `<` before heads of responses, and the bodies of
//! responses between them where they were printed to the same place. Bodies of requests are not printed.

use super::curl::Links;
use super::{Held, Turn, lines};
use crate::decode::format::Problems;

/// What curl says at the beginning of a line that a body without a line end was printed before.
const OPENINGS: [&str; 13] = [
    "* TLSv1.",
    "* SSL",
    "  % Total    % Received",
    "*   Trying ",
    "* Trying ",
    "* Found bundle ",
    "* Connection #",
    "* Closing connection",
    "* Re-using existing",
    "* Reusing existing",
    "* Host ",
    "* Issue another request",
    "* Hostname ",
];

/// The requests of a text.
pub(super) fn turns(content: &[u8], problems: &mut Problems) -> Vec<Turn> {
    let mut reading = Reading::default();
    for (number, line) in lines(content) {
        reading.take(number, line, problems);
    }
    reading.end_of_text(problems);
    reading.turns
}

#[derive(Default)]
struct Reading {
    turns: Vec<Turn>,
    links: Links,
    /// Text since the last line of curl's own, with the line on which it begins.
    text: String,
    text_line: u32,
    /// How many turns there were when the last text was given away.
    settled: usize,
}

impl Reading {
    fn take(&mut self, number: u32, line: &str, problems: &mut Problems) {
        // A list in a body begins with an asterisk too.
        let is_text = !self.text.is_empty() && line.starts_with('*') && !OPENINGS.iter().any(|it| line.starts_with(it));
        let Some((mark, rest)) = marked(line).filter(|_| !is_text) else {
            return self.take_text(number, line, problems);
        };
        if mark == '>' && crate::decode::message::request_line(rest).is_some() {
            self.end_of_text(problems);
            self.turns.push(Turn { line: number, link: self.links.current(), ..Turn::default() });
        } else if mark == '*' {
            self.end_of_text(problems);
            self.links.take(rest);
        }
        let Some(turn) = self.turns.last_mut() else { return };
        match mark {
            '>' => push_line(&mut turn.request, rest),
            '<' => push_line(&mut turn.response, rest),
            '*' if turn.response.is_empty() => {
                turn.error = turn.error.take().or_else(|| Links::error(rest).map(str::to_owned));
            }
            _ => {}
        }
    }

    fn take_text(&mut self, number: u32, line: &str, problems: &mut Problems) {
        // `} [149 bytes data]` and the progress meter stand where the output goes to a file.
        if line.starts_with(['{', '}']) && line.ends_with(" bytes data]") || line.trim_start().starts_with("Dload ") {
            return;
        }
        if let Some(error) = Links::error(line) {
            if let Some(turn) = self.turns.last_mut().filter(|turn| turn.response.is_empty()) {
                turn.error = turn.error.take().or_else(|| Some(error.to_owned()));
            }
            return;
        }
        let opening = OPENINGS.iter().filter_map(|opening| line.find(opening)).min();
        let (before, after) = line.split_at_checked(opening.unwrap_or(line.len())).unwrap_or((line, ""));
        if self.text.is_empty() {
            self.text_line = number;
        }
        if !is_meter(before) {
            self.text.push_str(before);
            self.text.push_str(if opening.is_none() { "\n" } else { "" });
        }
        if after.starts_with('*') {
            self.take(number, after, problems);
        }
    }

    /// Gives the text to the answer that it belongs to.
    fn end_of_text(&mut self, problems: &mut Problems) {
        let text = std::mem::take(&mut self.text);
        let text = without_prompt(&text);
        if text.trim().is_empty() {
            return;
        }
        let since = self.turns.get_mut(self.settled..).unwrap_or_default();
        let waiting = since.iter().filter(|turn| announces_content(&turn.response)).count();
        if waiting > 1 {
            let message = format!("text after {waiting} answers; which it belongs to cannot be told, left out");
            problems.say(Some(format!("line {}", self.text_line)), message);
        } else if let Some(turn) = since.last_mut().filter(|turn| !turn.response.is_empty()) {
            turn.response_body = Held::Octets(text.as_bytes().to_vec());
        }
        self.settled = self.turns.len();
    }
}

/// Whether a body is to be expected after this head, so that text further on may be of it.
fn announces_content(head: &[u8]) -> bool {
    String::from_utf8_lossy(head).lines().any(|line| line.to_ascii_lowercase().starts_with("content-type:"))
}

/// A line of the progress meter: numbers, sizes and times.
fn is_meter(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let of_meter = |word: &str| word.bytes().all(|octet| octet.is_ascii_digit() || b"kKMGTP.:-".contains(&octet));
    words.clone().count() >= 11 && words.all(of_meter)
}

/// The mark of a line and what follows it.
fn marked(line: &str) -> Option<(char, &str)> {
    let mark = line.chars().next().filter(|char| matches!(char, '*' | '>' | '<'))?;
    let rest = line.get(1..)?;
    match rest.strip_prefix(' ') {
        Some(rest) => Some((mark, rest)),
        // The blank of an empty line is lost when it is pasted. HTML begins with `<` and no blank.
        None if rest.is_empty() && mark != '*' => Some((mark, "")),
        None => None,
    }
}

fn push_line(head: &mut Vec<u8>, line: &str) {
    head.extend_from_slice(line.as_bytes());
    head.extend_from_slice(b"\r\n");
}

/// Takes away the command that was typed for the next request.
fn without_prompt(text: &str) -> &str {
    let last = text.trim_end().rsplit_once('\n');
    let (before, line) = last.unwrap_or(("", text.trim_end()));
    let is_content = line.trim_start().starts_with(['{', '[', '<', '"']) || line.starts_with("data:");
    if line.contains("curl ") && !is_content { before } else { text }
}
