//! The report for a person at a terminal, in a fixed order: verdict, who must change what, the ladder, the proof, what
//! not to try, what could not be judged.
//!
//! Every line comes through `layout`, which escapes. The colours are always set; the stream that is
//! written to takes them away where they do not belong.

mod excerpt;
mod growth;
mod head;
mod ladder;
mod proof;
mod rest;
mod verdict;

pub use excerpt::excerpt;

use super::contract::{Evidence, Finding, Problem, Report, Trail};
use super::layout::{Canvas, Text, elided};
use super::palette::{FAINT, STRONG};
use super::words;
pub use growth::Growth;

/// How to write.
#[derive(Debug, Clone, Copy)]
pub struct TextOptions {
    /// Columns of a line.
    pub width: usize,
    /// Verdict lines only.
    pub quiet: bool,
    /// Notes, healthy trails and places of other tools as well.
    pub verbose: bool,
}

/// Trails that are shown in full where `--verbose` does not ask for all.
const TRAILS_IN_FULL: usize = 10;
/// Problems that are listed where `--verbose` does not ask for all.
const PROBLEMS_LISTED: usize = 10;

/// What a section needs to know of the rest.
struct Context<'a> {
    report: &'a Report,
    trail: &'a Trail,
    options: TextOptions,
}

impl<'a> Context<'a> {
    /// The finding with this id.
    fn finding(&self, id: &str) -> Option<&'a Finding> {
        self.trail.findings.iter().find(|finding| finding.id == id)
    }

    /// Where a finding shows: its first place, and how many more there are; empty where it has none.
    fn places(&self, finding: &Finding) -> String {
        let first = self.first_place(&finding.evidence);
        match finding.occurrences.saturating_sub(1) {
            0 => first,
            _ if first.is_empty() => first,
            more => format!("{first} and {more} more"),
        }
    }

    /// The place of the first piece of evidence; empty where there is none.
    fn first_place(&self, evidence: &[Evidence]) -> String {
        evidence.first().map(|evidence| words::place(self.report, evidence)).unwrap_or_default()
    }
}

/// The report as text with colours.
pub fn render(report: &Report, options: TextOptions) -> String {
    let mut canvas = Canvas::new(options.width);
    if options.quiet {
        quiet(&mut canvas, report);
        return canvas.finish();
    }
    head::captures(&mut canvas, report);
    match report.trails.as_slice() {
        [] => no_trail(&mut canvas, report),
        [only] => {
            canvas.blank();
            trail(&mut canvas, &Context { report, trail: only, options });
        }
        _ => trails(&mut canvas, report, options),
    }
    problems(&mut canvas, report, options);
    canvas.finish()
}

/// One verdict line a trail.
fn quiet(canvas: &mut Canvas, report: &Report) {
    if report.trails.is_empty() {
        canvas.line(&verdict::no_trail(report));
    }
    for trail in &report.trails {
        let id = if report.trails.len() > 1 { format!("{} ", trail.id) } else { String::new() };
        let line = Text::from(id).text(&verdict::headline(trail)).text(&verdict::sentence(trail));
        canvas.line(&line.plain(&format!("  ({})", head::who(trail))));
    }
}

/// What there is to say where no MCP client was found.
fn no_trail(canvas: &mut Canvas, report: &Report) {
    canvas.blank();
    canvas.paragraph(0, 2, verdict::no_trail(report));
    for problem in report.problems.iter().filter(|problem| problem.capture.is_none()) {
        canvas.paragraph(2, 4, problem.message.as_str());
    }
}

/// Several trails: the list first, then the ones that need reading.
fn trails(canvas: &mut Canvas, report: &Report, options: TextOptions) {
    let mut order: Vec<&Trail> = report.trails.iter().collect();
    order.sort_by_key(|trail| verdict::urgency(trail.outcome));
    let lost = order.iter().filter(|trail| trail.outcome == "lost").count();
    canvas.blank();
    let line = Text::new().styled(STRONG, &words::count(order.len(), "trail"));
    canvas.line(&line.plain(&format!(" (a client at an MCP server each), {lost} lost")));
    let id_width = order.iter().map(|trail| trail.id.len()).max().unwrap_or(0) + 4;
    let verdicts: Vec<Text> = order.iter().map(|trail| verdict::in_list(trail)).collect();
    let verdict_width = verdicts.iter().map(Text::width).max().unwrap_or(0).min(options.width / 2);
    for (trail, verdict) in order.iter().zip(&verdicts) {
        let start = Text::new().padded_to(2).plain(&trail.id).padded_to(id_width).text(verdict);
        let start = start.padded_to(id_width + verdict_width + 2);
        let room = options.width.saturating_sub(start.width());
        canvas.line(&start.clone().plain(&elided(&head::who(trail), room)));
    }
    let full: Vec<&Trail> = order.iter().copied().filter(|trail| options.verbose || worth_reading(trail)).collect();
    let shown = if options.verbose { full.len() } else { full.len().min(TRAILS_IN_FULL) };
    for trail_shown in full.iter().take(shown) {
        canvas.blank();
        let title = format!("---- {} ", trail_shown.id);
        let dashes = "-".repeat(options.width.saturating_sub(title.len()));
        canvas.line(&Text::new().styled(FAINT, &format!("{title}{dashes}")));
        trail(canvas, &Context { report, trail: trail_shown, options });
    }
    let hidden = order.len() - shown;
    if hidden > 0 {
        canvas.blank();
        canvas.paragraph(0, 2, format!("{} not shown in full; --verbose shows all", words::count(hidden, "trail")));
    }
}

/// Whether a trail among several has something that a person must see.
fn worth_reading(trail: &Trail) -> bool {
    trail.outcome != "authorized"
        || !trail.recovered.is_empty()
        || trail.findings.iter().any(|finding| finding.level != "note")
}

/// One trail in full.
fn trail(canvas: &mut Canvas, context: &Context<'_>) {
    head::trail(canvas, context);
    canvas.blank();
    verdict::verdict(canvas, context);
    canvas.blank();
    ladder::ladder(canvas, context);
    proof::cause(canvas, context);
    rest::findings(canvas, context);
    rest::recovered(canvas, context);
    rest::coverage(canvas, context);
}

/// What could not be read in recordings that could be opened.
fn problems(canvas: &mut Canvas, report: &Report, options: TextOptions) {
    let of_captures = report
        .captures
        .iter()
        .filter(|capture| capture.usable)
        .flat_map(|capture| capture.problems.iter().map(move |problem| (Some(head::name(capture)), problem)));
    // Without a trail the report's own problems stand under the verdict already.
    let own = report.problems.iter().filter(|problem| !report.trails.is_empty() || problem.capture.is_some());
    let all: Vec<(Option<&str>, &Problem)> = of_captures.chain(own.map(|problem| (None, problem))).collect();
    if all.is_empty() {
        return;
    }
    canvas.blank();
    canvas.line(&Text::new().styled(STRONG, "could not be read"));
    let shown = if options.verbose { all.len() } else { all.len().min(PROBLEMS_LISTED) };
    for (path, problem) in all.iter().take(shown) {
        let parts = [*path, problem.at.as_deref(), Some(problem.message.as_str())];
        canvas.paragraph(2, 4, parts.into_iter().flatten().collect::<Vec<_>>().join(": "));
    }
    if shown < all.len() {
        canvas.paragraph(2, 4, format!("and {} more; --verbose lists all", all.len() - shown));
    }
}
