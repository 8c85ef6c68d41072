//! The summary for a person.

use super::{CauseCount, Count, Reason, Summary};
use crate::report::layout::{Canvas, Text, elided};
use crate::report::palette::{BROKEN, FAINT, STRONG};

/// Rows of a section; with `--verbose` all.
const ROWS: usize = 8;

/// The summary as text of `width` columns. `verbose` shows every row; else the worst of each section.
pub fn render(summary: &Summary, width: usize, verbose: bool) -> String {
    let rows = if verbose { usize::MAX } else { ROWS };
    let mut page = Page { canvas: Canvas::new(width), width, rows };
    page.head(summary);
    page.causes(&summary.causes);
    page.counts("LOST BY LINK", &summary.links, "no link");
    page.counts("LOST BY PARTY", &summary.parties, "not explained");
    page.counts("BY CLIENT", &summary.clients, "no clientInfo seen");
    page.counts("BY SERVER", &summary.servers, "");
    page.counts("BY AUTHORIZATION SERVER", &summary.authorization_servers, "none seen");
    page.counts("BY REVISION", &summary.revisions, "not decided");
    page.reasons("NOT JUDGED", &summary.not_judged);
    page.reasons("READ IN PART", &summary.damaged);
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
        let more = if formats.is_empty() { String::new() } else { format!("  ({})", formats.join(", ")) };
        self.canvas.line(&Text::new().styled(STRONG, &head).plain(&more));
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
        self.canvas.line(&line);
        let findings = &summary.findings;
        let levels = [(findings.errors, "error"), (findings.warnings, "warning"), (findings.notes, "note")];
        let mut said: Vec<String> = levels.map(|(count, name)| counted(count, name)).into();
        if summary.recovered > 0 {
            said.push(format!("{} repaired later", counted(summary.recovered, "loss")));
        }
        if recordings.without_trail > 0 {
            said.push(format!("{} without MCP", counted(recordings.without_trail, "recording")));
        }
        self.canvas.line(&Text::from(said.join(", ")));
    }

    fn title(&mut self, title: &str, columns: &str) {
        self.canvas.line(&Text::new());
        let gap = self.width.saturating_sub(title.chars().count() + columns.chars().count());
        self.canvas.line(&Text::new().styled(STRONG, title).plain(&" ".repeat(gap)).styled(FAINT, columns));
    }

    /// The rest of a section that is not shown.
    fn more(&mut self, all: usize) {
        if all > self.rows {
            self.canvas.line(&Text::new().styled(FAINT, &format!("  and {} more (--verbose)", all - self.rows)));
        }
    }

    fn causes(&mut self, causes: &[CauseCount]) {
        if causes.is_empty() {
            return;
        }
        self.title("LOST BY CAUSE", "trails servers");
        for cause in causes.iter().take(self.rows) {
            let numbers = format!("{:>6} {:>7}", number(cause.lost), number(cause.servers));
            let rule = if cause.rule.is_empty() { "nothing in the recording explains it" } else { &cause.rule };
            self.row(rule, &numbers, true);
            let who = if cause.party.is_empty() { "" } else { &format!("{} must change, ", cause.party) };
            let link = if cause.link.is_empty() { "" } else { &format!("at {}, ", cause.link) };
            let said = format!("    {link}{who}e.g. ");
            let room = self.width.saturating_sub(said.chars().count());
            let line = Text::new().styled(FAINT, &said).styled(FAINT, &elided(&cause.example, room.max(16)));
            self.canvas.line(&line);
        }
        self.more(causes.len());
    }

    fn counts(&mut self, title: &str, counts: &[Count], unnamed: &str) {
        if counts.is_empty() {
            return;
        }
        self.title(title, "lost  trails");
        for count in counts.iter().take(self.rows) {
            let name = if count.name.is_empty() { unnamed } else { &count.name };
            let numbers = format!("{:>7} {:>7}", number(count.lost), number(count.trails));
            self.row(name, &numbers, count.lost > 0);
        }
        self.more(counts.len());
    }

    fn reasons(&mut self, title: &str, reasons: &[Reason]) {
        if reasons.is_empty() {
            return;
        }
        self.title(title, "recordings");
        for reason in reasons.iter().take(self.rows) {
            self.row(&reason.reason, &format!("{:>10}", number(reason.recordings)), false);
            let room = self.width.saturating_sub("    e.g. ".len());
            self.canvas.line(&Text::new().styled(FAINT, &format!("    e.g. {}", elided(&reason.example, room))));
        }
        self.more(reasons.len());
    }

    /// A name, and numbers at the right edge.
    fn row(&mut self, name: &str, numbers: &str, is_bad: bool) {
        let room = self.width.saturating_sub(numbers.chars().count() + 3);
        let line = Text::new().plain("  ").plain(&elided(name, room)).padded_to(self.width - numbers.chars().count());
        self.canvas.line(&if is_bad { line.styled(BROKEN, numbers) } else { line.plain(numbers) });
    }
}

fn counted(count: i64, name: &str) -> String {
    match (count, name) {
        (1, name) => format!("1 {name}"),
        (count, "loss") => format!("{} losses", number(count)),
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
