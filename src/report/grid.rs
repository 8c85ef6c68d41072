//! Rows in columns under a line of names, cut to the width of a terminal.

use textwrap::core::display_width;

use super::escape;
use super::layout::{Canvas, Text, elided};
use super::palette::STRONG;

/// No column is cut below this.
const NARROWEST: usize = 8;

/// Blanks between two columns.
const GAP: &str = "  ";

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Its name.
    pub(crate) name: String,
    /// Whether it holds numbers: they stand at the right.
    pub(crate) is_number: bool,
}

/// The rows as text. Where they are wider than `width`, the widest columns are cut; `None` cuts nothing.
pub(crate) fn render(heads: &[Head], rows: &[Vec<String>], width: Option<usize>) -> String {
    let safe = |text: &str| display_width(&escape::terminal(text));
    let mut widths: Vec<usize> = heads.iter().map(|head| safe(&head.name)).collect();
    for row in rows {
        for (column, cell) in widths.iter_mut().zip(row) {
            *column = (*column).max(safe(cell));
        }
    }
    if let Some(width) = width {
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        fit(&mut widths, width.saturating_sub(gaps));
    }
    let mut canvas = Canvas::new(width.unwrap_or(usize::MAX));
    let names: Vec<String> = heads.iter().map(|head| head.name.clone()).collect();
    canvas.line(&line(heads, &names, &widths, true));
    rows.iter().for_each(|row| canvas.line(&line(heads, row, &widths, false)));
    canvas.finish()
}

fn line(heads: &[Head], cells: &[String], widths: &[usize], is_head: bool) -> Text {
    let mut text = Text::new();
    for (at, ((head, cell), width)) in heads.iter().zip(cells).zip(widths).enumerate() {
        let cut = elided(cell, *width);
        let blanks = " ".repeat(width.saturating_sub(display_width(&cut)));
        if at > 0 {
            text = text.plain(GAP);
        }
        if head.is_number {
            text = text.plain(&blanks);
        }
        text = if is_head { text.styled(STRONG, &cut) } else { text.plain(&cut) };
        // Nothing follows the last one.
        if !head.is_number && at + 1 < heads.len() {
            text = text.plain(&blanks);
        }
    }
    text
}

/// Takes from the widest columns until all fit into `room`, or none can give.
fn fit(widths: &mut [usize], room: usize) {
    loop {
        let excess = widths.iter().sum::<usize>().saturating_sub(room);
        let Some(widest) = widths.iter().copied().max().filter(|widest| excess > 0 && *widest > NARROWEST) else {
            return;
        };
        let next = widths.iter().copied().filter(|width| *width < widest).max().unwrap_or(0).max(NARROWEST);
        let count = widths.iter().filter(|width| **width == widest).count();
        let each = excess.div_ceil(count).min(widest - next);
        widths.iter_mut().filter(|width| **width == widest).for_each(|width| *width -= each);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: Option<usize>, expected: &[&str]) {
        let heads = [("name", false), ("n", true), ("where", false)];
        let heads: Vec<Head> =
            heads.iter().map(|(name, is_number)| Head { name: (*name).to_owned(), is_number: *is_number }).collect();
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["a", "7", "https://a.example.com/very/long/path"]), row(["\u{1b}[2J", "1234", ""])];
        let text = anstream::adapter::strip_str(&render(&heads, &rows, width)).to_string();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn columns() {
        check(
            None,
            &["name          n  where", "a             7  https://a.example.com/very/long/path", "\\u{1b}[2J  1234"],
        );
    }

    #[test]
    fn wide_columns_are_cut() {
        check(Some(36), &["name          n  where", "a             7  https://a.ex…g/path", "\\u{1b}[2J  1234"]);
    }

    #[test]
    fn nothing_gives_more_than_it_has() {
        let mut widths = [3, 9, 40];
        fit(&mut widths, 5);
        assert_eq!(widths, [3, 8, 8]);
        let mut widths = [20, 20, 4];
        fit(&mut widths, 30);
        assert_eq!(widths, [13, 13, 4]);
        let mut widths = [60, 80, 4];
        fit(&mut widths, 64);
        assert_eq!(widths, [30, 30, 4]);
        let mut none: [usize; 0] = [];
        fit(&mut none, 0);
    }
}
