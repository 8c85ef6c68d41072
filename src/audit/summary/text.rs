//! The summary for a person.

use super::{CauseCount, Count, Reason, Summary};
use crate::report::layout::{Canvas, Text, elided};
use crate::report::palette::{BROKEN, FAINT, PLAIN, STRONG};

/// Rows of a section; with `--verbose` all.
const ROWS: usize = 8;

/// The summary as text of `width` columns. `verbose` shows every row; else the worst of each section.
pub fn render(summary: &Summary, width: usize, verbose: bool) -> String {
    let rows = if verbose { usize::MAX } else { ROWS };
    let mut page = Page { canvas: Canvas::new(width), width, rows };
    page.head(summary);
    page.baseline(summary);
    page.causes(&summary.causes);
    page.lost("by link", &summary.links, "(at no link)");
    page.lost("by party that must change", &summary.parties, "(not explained)");
    page.counts("by client", &summary.clients, "(no clientInfo seen)");
    page.counts("by MCP server", &summary.servers, "");
    page.counts("by authorization server", &summary.authorization_servers, "(none seen)");
    page.counts("by revision", &summary.revisions, "(not decided)");
    page.reasons("could not be judged", &summary.not_judged);
    page.reasons("read in part", &summary.damaged);
    page.canvas.finish()
}

struct Page {
    canvas: Canvas,
    width: usize,
    rows: usize,
}

impl Page {
    fn head(&mut self, summary: &Summary) {
        let recordings = &summary.recordings;
        let mut formats: Vec<(&String, &i64)> =
            recordings.formats.iter().filter(|(name, _)| !name.is_empty()).collect();
        formats.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let formats: Vec<String> = formats.iter().map(|(name, count)| format!("{} {name}", number(**count))).collect();
        let head = format!("{}, {}", counted(recordings.all, "recording"), size(recordings.bytes));
        let more = if formats.is_empty() { String::new() } else { format!(": {}", formats.join(", ")) };
        self.canvas.paragraph(0, 2, Text::new().styled(STRONG, &head).plain(&more));
        let trails = &summary.trails;
        let line = format!("{} in {}: ", counted(trails.all, "trail"), counted(summary.exchanges, "exchange"));
        let mut line = Text::new().plain(&line);
        let lost = format!("{} lost", number(trails.lost));
        line = if trails.lost > 0 { line.styled(BROKEN, &lost) } else { line.plain(&lost) };
        for (count, name) in [
            (trails.denied, "denied"),
            (trails.undecided, "undecided"),
            (trails.open, "open"),
            (trails.authorized, "authorized"),
        ] {
            line = line.plain(&format!(", {} {name}", number(count)));
        }
        self.canvas.paragraph(0, 2, line);
        let findings = &summary.findings;
        let levels = [(findings.errors, "error"), (findings.warnings, "warning"), (findings.notes, "note")];
        let mut said: Vec<String> = levels.map(|(count, name)| counted(count, name)).into();
        if summary.recovered > 0 {
            said.push(format!("{} repaired later", counted(summary.recovered, "loss")));
        }
        if recordings.without_trail > 0 {
            said.push(format!("{} without MCP", counted(recordings.without_trail, "recording")));
        }
        self.canvas.paragraph(0, 2, said.join(", "));
    }

    /// What the baseline knows, and which of its entries are stale.
    fn baseline(&mut self, summary: &Summary) {
        let Some(assessed) = &summary.baseline else { return };
        let findings = |count: usize, losses: usize| match losses {
            0 => counted(count as i64, "finding"),
            losses => format!("{} with {}", counted(count as i64, "finding"), counted(losses as i64, "loss")),
        };
        let known = findings(assessed.known, assessed.known_losses);
        let mut line = Text::new().plain(&format!("baseline: {known} known, "));
        let fresh = format!("{} not", findings(assessed.fresh, assessed.fresh_losses));
        line = if assessed.fresh_losses > 0 { line.styled(BROKEN, &fresh) } else { line.plain(&fresh) };
        if assessed.not_seen > 0 {
            line = line.plain(&format!(", {} at servers not seen", counted(assessed.not_seen as i64, "entry")));
        }
        self.canvas.paragraph(0, 2, line);
        if assessed.stale.is_empty() {
            return;
        }
        self.canvas.blank();
        self.canvas.line(&Text::new().styled(STRONG, "no longer found: take them out of the baseline"));
        for key in assessed.stale.iter().take(self.rows) {
            self.canvas.line(&Text::new().plain("  ").plain(&elided(key, self.width.saturating_sub(2))));
        }
        self.more(assessed.stale.len(), 2);
    }

    fn title(&mut self, numbers: &str, title: &str) {
        self.canvas.blank();
        self.canvas.line(&Text::new().styled(FAINT, numbers).plain("  ").styled(STRONG, title));
    }

    /// The rest of a section that is not shown.
    fn more(&mut self, all: usize, column: usize) {
        if all > self.rows {
            let said = format!("and {} more (--verbose)", all - self.rows);
            self.canvas.line(&Text::new().padded_to(column).styled(FAINT, &said));
        }
    }

    fn causes(&mut self, causes: &[CauseCount]) {
        if causes.is_empty() {
            return;
        }
        self.title(&format!("{:>7} {:>7}  {:<10}", "lost", "servers", "since"), "by cause");
        for cause in causes.iter().take(self.rows) {
            let numbers = format!("{:>7} {:>7}  ", number(cause.lost), number(cause.servers));
            let since = format!("{:<10}", since(&cause.lost_between));
            let rule = if cause.rule.is_empty() { "nothing in the recording explains it" } else { &cause.rule };
            let lead = Text::new().styled(BROKEN, &numbers).styled(FAINT, &since).plain("  ");
            let column = lead.width();
            self.canvas.line(&lead.plain(&elided(rule, self.width.saturating_sub(column))));
            let who = if cause.party.is_empty() { "" } else { &format!(", {} must change", cause.party) };
            let link = if cause.link.is_empty() { "at no link" } else { &format!("at {}", cause.link) };
            self.canvas.paragraph(column, column, Text::new().styled(FAINT, &format!("{link}{who}")));
            self.under(column, &format!("e.g. {}", cause.example));
        }
        self.more(causes.len(), CAUSE_COLUMN);
    }

    /// Trails that are all lost.
    fn lost(&mut self, title: &str, counts: &[Count], unnamed: &str) {
        if counts.is_empty() {
            return;
        }
        self.title(&format!("{:>7}  {:<10}", "lost", "since"), title);
        for count in counts.iter().take(self.rows) {
            self.row(&format!("{:>7}", number(count.lost)), count, unnamed);
        }
        self.more(counts.len(), LOST_COLUMN);
    }

    fn counts(&mut self, title: &str, counts: &[Count], unnamed: &str) {
        if counts.is_empty() {
            return;
        }
        self.title(&format!("{:>7} {:>7}  {:<10}", "lost", "trails", "since"), title);
        for count in counts.iter().take(self.rows) {
            self.row(&format!("{:>7} {:>7}", number(count.lost), number(count.trails)), count, unnamed);
        }
        self.more(counts.len(), CAUSE_COLUMN);
    }

    /// Numbers, when it began, a name.
    fn row(&mut self, numbers: &str, count: &Count, unnamed: &str) {
        let style = if count.lost > 0 { BROKEN } else { PLAIN };
        let since = format!("{:<10}", since(&count.lost_between));
        let lead = Text::new().styled(style, numbers).plain("  ").styled(FAINT, &since).plain("  ");
        let name = if count.name.is_empty() { unnamed } else { &count.name };
        let room = self.width.saturating_sub(lead.width());
        self.canvas.line(&lead.plain(&elided(name, room)));
    }

    fn reasons(&mut self, title: &str, reasons: &[Reason]) {
        if reasons.is_empty() {
            return;
        }
        self.title(&format!("{:>7}", "files"), title);
        for reason in reasons.iter().take(self.rows) {
            let lead = Text::new().plain(&format!("{:>7}  ", number(reason.recordings)));
            self.canvas.hanging(&lead, REASON_COLUMN, reason.reason.as_str());
            self.under(REASON_COLUMN, &format!("e.g. {}", reason.example));
        }
        self.more(reasons.len(), REASON_COLUMN);
    }

    /// More about the row above, cut to the line.
    fn under(&mut self, column: usize, words: &str) {
        let words = elided(words, self.width.saturating_sub(column));
        self.canvas.line(&Text::new().padded_to(column).styled(FAINT, &words));
    }
}

/// Where names begin behind two numbers and a date, behind one number and a date, behind one number.
const CAUSE_COLUMN: usize = 29;
const LOST_COLUMN: usize = 21;
const REASON_COLUMN: usize = 9;

/// The day of the first loss.
fn since(between: &Option<(String, String)>) -> &str {
    between.as_ref().and_then(|(from, _)| from.get(..10)).unwrap_or("-")
}

fn counted(count: i64, name: &str) -> String {
    match (count, name) {
        (1, name) => format!("1 {name}"),
        (count, "loss") => format!("{} losses", number(count)),
        (count, "entry") => format!("{} entries", number(count)),
        (count, name) => format!("{} {name}s", number(count)),
    }
}

/// With a comma between thousands.
fn number(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Octets in a unit that a person reads.
fn size(octets: i64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (octets as f64, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit_name = units.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{octets} B") } else { format!("{value:.1} {unit_name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([512, 1536, 3 << 30].map(size), ["512 B", "1.5 KiB", "3.0 GiB"]);
        assert_eq!(counted(1, "loss"), "1 loss");
        assert_eq!(counted(2, "loss"), "2 losses");
    }
}
