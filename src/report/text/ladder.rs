//! The ladder: the twelve links of the chain, one below the other, the break marked.

use anstyle::Style;

use super::Context;
use crate::report::contract::ChainRow;
use crate::report::layout::{Canvas, Text, elided, wrap};
use crate::report::palette::{BROKEN, CAUTION, FAINT, HELD, PLAIN};
use crate::report::{escape, words};

/// Lines of a note in the ladder; the rest is cut.
const NOTE_LINES: usize = 3;
/// Below this a note gets a line of its own.
const NOTE_COLUMNS: usize = 18;

/// Where the columns begin.
pub(super) struct Columns {
    status: usize,
    note: usize,
    note_width: usize,
    place: usize,
    place_width: usize,
}

/// One row a link.
pub(super) fn ladder(canvas: &mut Canvas, context: &Context<'_>) {
    rows(canvas, context, |_| true);
}

/// The rows that are `wanted`, in the columns of the whole.
pub(super) fn rows(canvas: &mut Canvas, context: &Context<'_>, wanted: impl Fn(&ChainRow) -> bool) {
    let rows = &context.trail.chain;
    let places: Vec<String> = rows.iter().map(|row| context.first_place(&row.evidence)).collect();
    let columns = columns(canvas.width(), rows, &places);
    for (row, place) in rows.iter().zip(&places).filter(|(row, _)| wanted(row)) {
        link(canvas, row, place, &columns, row.status == "broken");
    }
}

/// Where the columns of these rows begin.
pub(super) fn columns(width: usize, rows: &[ChainRow], places: &[String]) -> Columns {
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
    let status = 2 + widest(&mut rows.iter().map(|row| row.link.len())) + 2;
    let note = status + widest(&mut rows.iter().map(|row| words::status(row.status).len())) + 2;
    let place_width = widest(&mut places.iter().map(|place| Text::from(place.as_str()).width())).min(16);
    let place = width.saturating_sub(place_width);
    Columns { status, note, note_width: place.saturating_sub(note + 2), place, place_width }
}

/// One row: link, status, note, place.
pub(super) fn link(canvas: &mut Canvas, row: &ChainRow, place: &str, columns: &Columns, marked: bool) {
    let broken = row.status == "broken";
    let style = style(row.status);
    let mark = if marked { ">" } else { " " };
    let link_style = if broken { BROKEN } else { PLAIN };
    let start = Text::new().styled(link_style, mark).plain(" ").styled(link_style, row.link);
    let start = start.padded_to(columns.status).styled(style, words::status(row.status));
    let place = Text::new().styled(FAINT, &elided(place, columns.place_width));
    let note = escape::prose(&row.note);
    if columns.note_width < NOTE_COLUMNS {
        canvas.line(&start.padded_to(columns.place).text(&place));
        if !note.is_empty() {
            canvas.paragraph(6, 6, elided(&note, 200));
        }
        return;
    }
    let mut lines = note_lines(&note, columns.note_width).into_iter();
    let first = start.padded_to(columns.note).text(&lines.next().unwrap_or_default());
    canvas.line(&if place.is_empty() { first } else { first.padded_to(columns.place).text(&place) });
    for line in lines {
        canvas.line(&Text::new().padded_to(columns.note).text(&line));
    }
}

/// Several rows of one status as one line: `token-acceptance to renewal`.
pub(super) fn stretch(canvas: &mut Canvas, first: &ChainRow, last: &ChainRow, columns: &Columns) {
    let line = Text::new().padded_to(2).plain(first.link).plain(" to ").plain(last.link);
    canvas.line(&line.padded_to(columns.status).styled(style(first.status), words::status(first.status)));
}

/// The note in lines; the last one shows it where something was cut.
fn note_lines(note: &str, width: usize) -> Vec<Text> {
    let mut lines = wrap(&Text::from(note), width);
    if lines.len() > NOTE_LINES {
        lines.truncate(NOTE_LINES);
        if let Some(last) = lines.last_mut() {
            *last = if last.width() < width { last.clone().plain("…") } else { last.without_last().plain("…") };
        }
    }
    lines
}

fn style(status: &str) -> Style {
    match status {
        "broken" => BROKEN,
        "held" => HELD,
        "not-observed" => CAUTION,
        _ => FAINT,
    }
}
