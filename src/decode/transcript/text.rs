//! Requests and responses as they are, one after the other: what HTTPie prints with `-v`, and what people paste.

use super::{Held, Turn, lines};
use crate::decode::format::Problems;
use crate::decode::message::{request_line, status_line};

/// Where the lines go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    RequestHead,
    RequestBody,
    ResponseHead,
    ResponseBody,
}

/// The requests of a text.
pub(super) fn turns(content: &[u8], problems: &mut Problems) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut place = Place::Nowhere;
    for (number, line) in lines(content) {
        if request_line(line).is_some() {
            turns.push(Turn { line: number, ..Turn::default() });
            place = Place::RequestHead;
        } else if let Some(status) = status_line(line) {
            let open = turns.last_mut().filter(|turn| turn.response.is_empty() || is_interim(&turn.response));
            place = match open {
                Some(_) if status >= 100 => Place::ResponseHead,
                _ => {
                    problems.say(Some(format!("line {number}")), "a response without its request; left out");
                    Place::Nowhere
                }
            };
        } else if line.starts_with("```") || line.starts_with("~~~") {
            // A fence of Markdown ends what stands in it.
            place = Place::Nowhere;
        }
        if let Some(turn) = turns.last_mut() {
            place = push(turn, place, line);
        }
    }
    turns.iter_mut().for_each(drop_notes);
    turns
}

fn push(turn: &mut Turn, place: Place, line: &str) -> Place {
    let line_end = |line: &str| [line.as_bytes(), b"\n"].concat();
    match place {
        Place::Nowhere => {}
        Place::RequestHead => turn.request.extend(line_end(line)),
        Place::ResponseHead => turn.response.extend(line_end(line)),
        Place::RequestBody => turn.request_body.push(&line_end(line)),
        Place::ResponseBody => turn.response_body.push(&line_end(line)),
    }
    match place {
        Place::RequestHead if line.is_empty() => Place::RequestBody,
        Place::ResponseHead if line.is_empty() => Place::ResponseBody,
        _ => place,
    }
}

fn is_interim(response: &[u8]) -> bool {
    let first = String::from_utf8_lossy(response.split(|octet| *octet == b'\n').next().unwrap_or_default());
    status_line(&first).is_some_and(|status| (100..200).contains(&status) && status != 101)
}

/// Where there is nothing but line ends there may have been nothing, or what was there was not copied. HTTPie writes a
/// note in the place of what is no text.
fn drop_notes(turn: &mut Turn) {
    for held in [&mut turn.request_body, &mut turn.response_body] {
        let text = String::from_utf8_lossy(held.octets());
        if text.trim().is_empty() || text.contains("| NOTE: binary data not shown in terminal |") {
            *held = Held::Nothing;
        }
    }
}
