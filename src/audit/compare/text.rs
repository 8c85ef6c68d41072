//! The comparison for a person.

use super::{Audited, Comparison, Difference, Extent};
use crate::check::language::Level;
use crate::report::layout::{Canvas, Text, elided};
use crate::report::palette::{BROKEN, CAUTION, FAINT, GOOD, PLAIN, STRONG};

/// Differences of a section; with `--verbose` all.
const SHOWN: usize = 12;

/// The comparison as text of `width` columns. `verbose` shows every difference, also those for the better.
pub fn render(comparison: &Comparison, width: usize, verbose: bool) -> String {
    let mut page = Page { canvas: Canvas::new(width), width, shown: if verbose { usize::MAX } else { SHOWN } };
    page.audit("before", &comparison.before);
    page.audit("after", &comparison.after);
    page.section("NEW", BROKEN, &comparison.new);
    page.section("WORSE", BROKEN, &comparison.worse);
    page.section("GONE", GOOD, &comparison.gone);
    page.section("BETTER", GOOD, &comparison.better);
    page.section("NOT SEEN AGAIN: no trail at these servers", CAUTION, &comparison.not_seen);
    page.canvas.blank();
    page.canvas.line(&Text::from(format!("{} as before", comparison.same)));
    page.canvas.finish()
}

struct Page {
    canvas: Canvas,
    width: usize,
    shown: usize,
}

impl Page {
    fn audit(&mut self, which: &str, audit: &Audited) {
        let numbers = format!("{} incidents, {} trails, {} lost", audit.incidents, audit.trails, audit.lost);
        let room = self.width.saturating_sub(numbers.len() + 10);
        let line = Text::new().styled(FAINT, which).padded_to(8).plain(&elided(&audit.name, room)).plain("  ");
        self.canvas.line(&line.plain(&numbers));
    }

    fn section(&mut self, title: &str, style: anstyle::Style, differences: &[Difference]) {
        if differences.is_empty() {
            return;
        }
        self.canvas.blank();
        self.canvas.line(&Text::new().styled(STRONG, title).styled(FAINT, &format!("  {}", differences.len())));
        for difference in differences.iter().take(self.shown) {
            self.difference(difference, style);
        }
        if differences.len() > self.shown {
            let more = format!("  and {} more (--verbose)", differences.len() - self.shown);
            self.canvas.line(&Text::new().styled(FAINT, &more));
        }
    }

    fn difference(&mut self, difference: &Difference, style: anstyle::Style) {
        let level = difference.after.or(difference.before).map_or(Level::Note, |extent| extent.level);
        let style = if level == Level::Note { PLAIN } else { style };
        let rule = difference.rule.as_deref().unwrap_or("a loss that nothing explains");
        let line = Text::new().plain("  ").styled(style, level.name()).padded_to(11).plain(rule);
        self.canvas.line(&line.styled(FAINT, &format!("  {}, {}", difference.link, difference.party)));
        let indented = |text: &str| Text::new().padded_to(11).plain(text);
        let room = self.width.saturating_sub(16);
        self.canvas.line(&indented(&elided(&difference.server, room)));
        self.canvas.line(&indented(&extents(difference)));
        let example = format!("e.g. {}", elided(&difference.example, room));
        self.canvas.line(&Text::new().padded_to(11).styled(FAINT, &example));
    }
}

/// How much there was and is of it.
fn extents(difference: &Difference) -> String {
    match (&difference.before, &difference.after) {
        (Some(before), Some(after)) if before.level != after.level => {
            format!("{}, {} -> {}, {}", before.level, said(before), after.level, said(after))
        }
        (Some(before), Some(after)) => format!("{} -> {}", said(before), said(after)),
        (Some(extent), None) | (None, Some(extent)) => said(extent),
        (None, None) => String::new(),
    }
}

fn said(extent: &Extent) -> String {
    match extent.losses {
        0 => format!("{} of {} trails", extent.trails, extent.of),
        losses => format!("{} of {} trails, {losses} lost by it", extent.trails, extent.of),
    }
}
