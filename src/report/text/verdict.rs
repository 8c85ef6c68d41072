//! The verdict line, and who must change what.

use anstyle::Style;

use super::Context;
use crate::report::contract::{Cause, Report, Trail};
use crate::report::layout::{Canvas, Text};
use crate::report::palette::{BROKEN, CAUTION, GOOD, STRONG};
use crate::report::words;

/// Order of trails in a list: what needs a person first.
pub(super) fn urgency(outcome: &str) -> u8 {
    match outcome {
        "lost" => 0,
        "denied" => 1,
        "undecided" => 2,
        "open" => 3,
        _ => 4,
    }
}

fn style(outcome: &str) -> Style {
    match outcome {
        "lost" => BROKEN,
        "authorized" => GOOD,
        _ => CAUTION,
    }
}

/// The link that broke.
fn broken_link(trail: &Trail) -> Option<&'static str> {
    trail.chain.iter().find(|row| row.status == "broken").map(|row| row.link)
}

/// `LOST at token-request`: the outcome and its link.
pub(super) fn headline(trail: &Trail) -> Text {
    let outcome = trail.outcome.to_uppercase();
    let words = match (trail.outcome, broken_link(trail).or(trail.cause.as_ref().map(|cause| cause.link))) {
        ("lost" | "denied", Some(link)) => format!("{outcome} at {link}"),
        _ => outcome,
    };
    Text::new().styled(style(trail.outcome), &words)
}

/// The verdict among those of other trails: in capitals only where somebody must act.
pub(super) fn in_list(trail: &Trail) -> Text {
    let errors = trail.findings.iter().filter(|finding| finding.level == "error").count();
    match trail.outcome {
        "lost" | "denied" => headline(trail),
        other if errors > 0 => Text::from(format!("{other}, {}", words::count(errors, "error"))),
        other => Text::from(other),
    }
}

/// What follows the headline: `: the code verifier belongs to another authorization`.
pub(super) fn sentence(trail: &Trail) -> Text {
    let sentence = match (trail.outcome, &trail.cause) {
        (_, Some(cause)) => summary(trail, cause),
        ("lost", None) => ": the recording shows the loss, nothing in it explains it".to_owned(),
        ("denied", None) => ": a person or a policy said no".to_owned(),
        ("authorized", None) => authorized(trail),
        ("open", None) => ": requests without credentials were accepted, nothing was challenged".to_owned(),
        _ => ": the recording does not show whether authorization held".to_owned(),
    };
    Text::from(sentence)
}

/// The cause, with its link where that is not the one that broke.
fn summary(trail: &Trail, cause: &Cause) -> String {
    let summary = words::clause(&cause.summary);
    match broken_link(trail) {
        Some(link) if link != cause.link => format!(", caused at {}: {summary}", cause.link),
        _ => format!(": {summary}"),
    }
}

fn authorized(trail: &Trail) -> String {
    let levels = |level: &str| trail.findings.iter().filter(|finding| finding.level == level).count();
    let mut but = Vec::new();
    for (level, noun) in [("error", "broken duty"), ("warning", "warning")] {
        match levels(level) {
            0 => {}
            1 => but.push(format!("1 {noun}")),
            many if noun == "broken duty" => but.push(format!("{many} broken duties")),
            many => but.push(format!("{many} {noun}s")),
        }
    }
    if !trail.recovered.is_empty() {
        but.push(format!("{} repaired on the way", words::count(trail.recovered.len(), "loss")));
    }
    let held = ": the MCP server accepted the token, and the session goes on";
    if but.is_empty() { held.to_owned() } else { format!("{held}; {}", but.join(", ")) }
}

/// The line where no MCP client was found.
pub(super) fn no_trail(report: &Report) -> Text {
    let line = Text::new().styled(CAUTION, "UNDECIDED");
    if report.captures.iter().any(|capture| capture.usable) {
        line.plain(": no MCP client and server were found in the recording")
    } else {
        line.plain(": nothing could be read")
    }
}

/// Verdict line, party, fix.
pub(super) fn verdict(canvas: &mut Canvas, context: &Context<'_>) {
    let trail = context.trail;
    canvas.paragraph(0, 2, headline(trail).text(&sentence(trail)));
    match (&trail.cause, trail.outcome) {
        (Some(cause), _) => repair(canvas, cause),
        (None, "lost") => {
            let line = Text::new().styled(STRONG, "who must change cannot be said");
            canvas.paragraph(2, 2, line.plain(" from this recording"));
            record_next(canvas, trail);
        }
        (None, "undecided" | "denied") => record_next(canvas, trail),
        _ => {}
    }
}

/// Who must change, how sure that is, and the smallest change.
fn repair(canvas: &mut Canvas, cause: &Cause) {
    let fix = words::clause(&cause.fix);
    let line = if cause.party == "unknown" {
        let line = Text::new().styled(STRONG, "who must change is not decided");
        line.plain(&format!(" (the fault is {}): {fix}", cause.certainty))
    } else {
        let line = Text::new().styled(STRONG, &format!("{} must change", words::party(cause.party)));
        line.plain(&format!(" ({}): {fix}", cause.certainty))
    };
    canvas.paragraph(2, 2, line);
    if let Some(reason) = &cause.party_reason {
        let why = match (cause.party, cause.certainty) {
            ("unknown", _) => "why not".to_owned(),
            (_, "proved") => "about the party".to_owned(),
            (_, certainty) => format!("why only {certainty}"),
        };
        canvas.paragraph(2, 2, format!("{why}: {}", words::clause(reason)));
    }
    if let Some(tolerance) = &cause.tolerance {
        let tolerance = words::clause(tolerance);
        let lead = if tolerance.starts_with("meanwhile") { "" } else { "meanwhile: " };
        canvas.paragraph(2, 2, format!("{lead}{tolerance}"));
    }
}

fn record_next(canvas: &mut Canvas, trail: &Trail) {
    if let Some(next) = &trail.coverage.record_next {
        let line = Text::new().styled(STRONG, "record next:");
        canvas.paragraph(2, 2, line.plain(" ").plain(&words::record_next(next)));
    }
}
