//! What stands beside the cause: other findings, losses that were repaired, how much could be judged.

use super::Context;
use super::proof;
use crate::report::contract::{Coverage, Finding, Trail};
use crate::report::layout::{Canvas, Text};
use crate::report::palette::{BROKEN, CAUTION, FAINT, STRONG};
use crate::report::{escape, words};

/// Findings that are neither the cause nor told with it.
fn others<'a>(trail: &'a Trail) -> impl Iterator<Item = &'a Finding> + 'a {
    let told = move |id: &String| {
        trail.cause.as_ref().is_some_and(|cause| {
            cause.finding == *id || cause.consequences.contains(id) || cause.attempted_repairs.contains(id)
        })
    };
    trail.findings.iter().filter(move |finding| finding.absorbed_by.is_none() && !told(&finding.id))
}

/// Errors and warnings; notes are counted, unless all is asked for.
pub(super) fn findings(canvas: &mut Canvas, context: &Context<'_>) {
    let mut shown: Vec<&Finding> =
        others(context.trail).filter(|finding| context.options.verbose || finding.level != "note").collect();
    shown.sort_by_key(|finding| (Some(&finding.id) != context.trail.headline.as_ref(), rank(finding.level)));
    let notes = others(context.trail).filter(|finding| finding.level == "note").count();
    if shown.is_empty() && notes == 0 {
        return;
    }
    canvas.blank();
    let title = if context.trail.cause.is_some() { "  also found" } else { "  found" };
    let any_shown = !shown.is_empty();
    if any_shown {
        canvas.line(&Text::new().styled(STRONG, title));
    }
    for finding in shown {
        one(canvas, context, finding);
    }
    if notes > 0 && !context.options.verbose {
        let (left, them) = (if any_shown { 4 } else { 2 }, if notes == 1 { "it" } else { "them" });
        canvas.paragraph(
            left,
            4,
            Text::new().styled(FAINT, &format!("{}; --verbose lists {them}", words::count(notes, "note"))),
        );
    }
}

fn rank(level: &str) -> u8 {
    match level {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    }
}

/// One finding: level, what, where; then its duty.
fn one(canvas: &mut Canvas, context: &Context<'_>, finding: &Finding) {
    let style = match finding.level {
        "error" => BROKEN,
        "warning" => CAUTION,
        _ => FAINT,
    };
    let lead = Text::new().padded_to(4).styled(style, finding.level).padded_to(13);
    let place = context.places(finding);
    let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
    let summary = escape::prose(&finding.summary);
    canvas.hanging(&lead, 13, format!("{}{place}", summary.trim_end_matches('.')));
    let duty = if finding.keyword == "none" {
        finding.rule.clone()
    } else {
        format!("{}: {}", finding.rule, proof::standing(finding))
    };
    let who = if finding.party == "unknown" { String::new() } else { format!("; {}", words::party(finding.party)) };
    canvas.paragraph(13, 13, Text::new().styled(FAINT, &format!("{duty}{who}, {}", finding.certainty)));
    if context.options.verbose {
        proof::specification(canvas, context, finding, 13);
        proof::evidence(canvas, context, &finding.evidence, 13);
    }
}

/// Losses that were repaired later.
pub(super) fn recovered(canvas: &mut Canvas, context: &Context<'_>) {
    if context.trail.recovered.is_empty() {
        return;
    }
    canvas.blank();
    canvas.line(&Text::new().styled(STRONG, "  lost and repaired"));
    for loss in &context.trail.recovered {
        let lead = Text::new().padded_to(4).styled(CAUTION, "warning").padded_to(13);
        let places: Vec<String> = loss.evidence.iter().map(|piece| words::place(context.report, piece)).collect();
        let places = match places.as_slice() {
            [] => String::new(),
            [only] => format!(" ({only})"),
            [first, .., last] => format!(" ({first}), repaired later ({last})"),
        };
        canvas.hanging(&lead, 13, format!("{}: {}{places}", loss.link, words::symptom(loss.symptom)));
    }
}

/// How much could be judged, what to record next, and where to read more.
pub(super) fn coverage(canvas: &mut Canvas, context: &Context<'_>) {
    let trail = context.trail;
    canvas.blank();
    canvas.paragraph(2, 2, counts(&trail.coverage, &missing(trail)));
    // Where nothing is explained, the next recording stands at the top already.
    let at_top = trail.cause.is_none() && matches!(trail.outcome, "lost" | "undecided" | "denied");
    if !at_top && let Some(next) = &trail.coverage.record_next {
        let line = Text::new().styled(STRONG, "record next:");
        canvas.paragraph(2, 4, line.plain(" ").plain(&words::record_next(next)));
    }
    let headline = trail.headline.as_ref().and_then(|id| context.finding(id)).map(|finding| finding.rule.as_str());
    if let Some(rule) = trail.cause.as_ref().map(|cause| cause.rule.as_str()).or(headline) {
        canvas.paragraph(2, 2, format!("more about it: authtrail explain {rule}"));
    }
}

fn counts(coverage: &Coverage, missing: &str) -> String {
    let duties = if coverage.satisfied == 1 { "duty" } else { "duties" };
    let mut line = format!("{} {duties} kept, {} broken", coverage.satisfied, coverage.violated);
    if coverage.depends_on_revision > 0 {
        let depend = if coverage.depends_on_revision == 1 { "depends" } else { "depend" };
        line.push_str(&format!(", {} {depend} on the revision", coverage.depends_on_revision));
    }
    if coverage.not_observed > 0 {
        line.push_str(&format!(", {} not observed", coverage.not_observed));
        if !missing.is_empty() {
            line.push_str(&format!(" (not in the recording: {missing})"));
        }
    }
    line
}

/// The legs that are missing most, in words.
fn missing(trail: &Trail) -> String {
    let mut legs: Vec<(usize, &str)> = Vec::new();
    for open in trail.undetermined.iter().filter(|open| open.needs.starts_with("leg ")) {
        match legs.iter_mut().find(|(_, needs)| *needs == open.needs) {
            Some(known) => known.0 += 1,
            None => legs.push((1, &open.needs)),
        }
    }
    legs.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let name = |needs: &str| words::leg(needs.trim_start_matches("leg ")).unwrap_or("a leg").replace(" and ", " to ");
    legs.iter().take(2).map(|(_, needs)| name(needs)).collect::<Vec<_>>().join(", ")
}
