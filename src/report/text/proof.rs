//! What proves the cause, what follows from it, what does not repair it, what else it could be.

use super::Context;
use crate::report::contract::{Cause, Evidence, Finding};
use crate::report::layout::{Canvas, Text, elided};
use crate::report::palette::{FAINT, STRONG};
use crate::report::{escape, words};

/// Columns of a value that may be shown.
const VALUE_COLUMNS: usize = 60;
/// Names in a list; the rest is counted.
const FOLLOWING: usize = 8;

/// Everything about the cause; nothing where there is none.
pub(super) fn cause(canvas: &mut Canvas, context: &Context<'_>) {
    let Some(cause) = &context.trail.cause else {
        return unexplained(canvas, context);
    };
    if !cause.evidence.is_empty() {
        canvas.blank();
        canvas.line(&Text::new().styled(STRONG, "  the proof"));
        evidence(canvas, context, &cause.evidence, 4);
    }
    if let Some(finding) = context.finding(&cause.finding) {
        canvas.paragraph(2, 4, standing(finding));
        specification(canvas, context, finding, 2);
    }
    canvas.blank();
    wrong_repairs(canvas, context, cause);
    alternatives(canvas, cause);
    consequences(canvas, context, cause);
}

/// A loss that nothing explains: the rules that could, by what it would take to judge them.
fn unexplained(canvas: &mut Canvas, context: &Context<'_>) {
    let trail = context.trail;
    if trail.outcome != "lost" || trail.undetermined.is_empty() {
        return;
    }
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for open in &trail.undetermined {
        let needs = if open.why == "revision" { "the revision".to_owned() } else { words::needs(&open.needs) };
        match groups.iter_mut().find(|(known, _)| *known == needs) {
            Some((_, rules)) => rules.push(&open.rule),
            None => groups.push((needs, vec![&open.rule])),
        }
    }
    groups.sort_by_key(|(_, rules)| std::cmp::Reverse(rules.len()));
    canvas.blank();
    canvas.line(&Text::new().styled(STRONG, "  could explain it, and could not be judged for want of"));
    for (needs, rules) in &groups {
        let shown = if context.options.verbose { rules.len() } else { rules.len().min(FOLLOWING) };
        let mut names = rules.iter().take(shown).copied().collect::<Vec<_>>().join(", ");
        if shown < rules.len() {
            names.push_str(&format!(" and {} more", rules.len() - shown));
        }
        canvas.paragraph(4, 6, format!("{needs}: {names}"));
    }
}

/// One line, or two, a piece of evidence: place, field, value; what it says.
pub(super) fn evidence(canvas: &mut Canvas, context: &Context<'_>, evidence: &[Evidence], indent: usize) {
    let width = canvas.width();
    let places: Vec<String> = evidence.iter().map(|piece| words::place(context.report, piece)).collect();
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
    let place_width = widest(&mut places.iter().map(|place| Text::from(place.as_str()).width())).min(20);
    let field = indent + place_width + 2;
    let values: Vec<String> = evidence.iter().map(value).collect();
    let value_width = widest(&mut values.iter().map(|value| Text::from(value.as_str()).width()));
    let field_width = widest(&mut evidence.iter().map(|piece| Text::from(piece.field.as_str()).width()));
    // Long fields give way to fingerprints, not to long values.
    let room = width.saturating_sub(field + 2);
    let field_width = field_width.min(room.saturating_sub(value_width.min(24)));
    let lines: Vec<(Text, Text)> = evidence
        .iter()
        .zip(places.iter().zip(&values))
        .map(|(piece, (place, value))| {
            let line = Text::new().padded_to(indent).plain(&elided(place, place_width));
            let line = line.padded_to(field).plain(&elided(&piece.field, field_width));
            if value.is_empty() {
                return (line, says(piece));
            }
            let line = line.padded_to(field + field_width + 2);
            let room = width.saturating_sub(line.width());
            (line.plain(&elided(value, room)), says(piece))
        })
        .collect();
    // Either every remark stands behind its value, or every one below it: a mixture is hard to read.
    let behind = lines.iter().all(|(line, says)| says.is_empty() || line.width() + 2 + says.width() <= width);
    for ((line, says), piece) in lines.iter().zip(evidence) {
        match (says.is_empty(), behind) {
            (true, _) => canvas.line(line),
            (false, true) => canvas.line(&line.clone().plain("  ").text(says)),
            (false, false) => {
                canvas.line(line);
                canvas.paragraph(field, field, says.clone());
            }
        }
        if let Some(stream) = piece.tcp_stream.filter(|_| context.options.verbose) {
            let h2 = piece.h2_stream.map(|stream| format!(", http2.streamid {stream}")).unwrap_or_default();
            canvas.paragraph(field, field, Text::new().styled(FAINT, &format!("tcp.stream {stream}{h2}")));
        }
    }
}

/// The value as it may be shown: its text, or fingerprint and length; `absent`.
fn value(piece: &Evidence) -> String {
    match &piece.value {
        None if piece.kind == "present" => String::new(),
        None => piece.kind.to_owned(),
        Some(value) => match &value.text {
            Some(text) => elided(text, VALUE_COLUMNS),
            None => format!("{} ({})", value.fingerprint, value.length),
        },
    }
}

/// What it says, and what closes its window.
fn says(piece: &Evidence) -> Text {
    let changed = if piece.kind == "changed" && piece.value.is_some() { "changed" } else { "" };
    // A value stands there already, and so does `absent`.
    let is_shown = match piece.kind {
        "present" => piece.value.is_some() && piece.says == Evidence::IS_THERE,
        "absent" => piece.says == Evidence::IS_NOT_THERE,
        _ => false,
    };
    let remark = if is_shown { String::new() } else { escape::prose(&piece.says) };
    let parts = [changed.to_owned(), remark, escape::prose(piece.window.as_deref().unwrap_or_default())];
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    Text::from(elided(&parts.join("; "), 400))
}

/// In which revisions the same behaviour would be right, and which duty it breaks.
pub(super) fn standing(finding: &Finding) -> String {
    if finding.keyword == "none" {
        return "a fact that explains the loss; no duty of the protocol is broken by it".to_owned();
    }
    let duty = format!("{}, {}", finding.requirements.join(", "), finding.keyword);
    if finding.valid_under.is_empty() {
        return format!("right under no revision ({duty})");
    }
    let right = words::either(&finding.valid_under).replace(" or ", " and ");
    let wrong = words::either(&finding.wrong_under).replace(" or ", " and ");
    format!("right under {right}, wrong under {wrong} ({duty})")
}

/// Where the duty stands. A link is never broken, however long: people open it from the terminal.
pub(super) fn specification(canvas: &mut Canvas, context: &Context<'_>, finding: &Finding, indent: usize) {
    for link in finding.spec.iter().filter(|_| context.options.verbose) {
        canvas.line(&Text::new().padded_to(indent).styled(FAINT, link));
    }
}

/// What does not repair it, and which of that was tried.
fn wrong_repairs(canvas: &mut Canvas, context: &Context<'_>, cause: &Cause) {
    if !cause.not_a_fix.is_empty() {
        let line = Text::new().styled(STRONG, "does not fix it:");
        let items: Vec<String> = cause.not_a_fix.iter().map(|item| words::clause(item)).collect();
        canvas.paragraph(2, 4, line.plain(" ").plain(&items.join("; ")));
    }
    let tried: Vec<String> = cause
        .attempted_repairs
        .iter()
        .filter_map(|id| context.finding(id))
        .map(|finding| named(context, finding))
        .collect();
    if !tried.is_empty() {
        let line = Text::new().styled(STRONG, "seen being tried:");
        canvas.paragraph(2, 4, line.plain(" ").plain(&tried.join("; ")));
    }
}

/// What a finding says, and where.
fn named(context: &Context<'_>, finding: &Finding) -> String {
    let place = context.places(finding);
    let summary = words::clause(&finding.summary);
    if place.is_empty() { summary } else { format!("{summary} ({place})") }
}

fn alternatives(canvas: &mut Canvas, cause: &Cause) {
    for other in &cause.alternatives {
        let line = Text::new().styled(STRONG, "it could also be:");
        let who = if other.party == "unknown" { String::new() } else { format!(" ({})", words::party(other.party)) };
        let decided = escape::prose(&other.decided_by);
        let decided = if decided.is_empty() { String::new() } else { format!("; decided by {decided}") };
        canvas.paragraph(2, 4, line.plain(&format!(" {}{who}{decided}", other.rule)));
    }
}

fn consequences(canvas: &mut Canvas, context: &Context<'_>, cause: &Cause) {
    let following: Vec<&Finding> = cause.consequences.iter().filter_map(|id| context.finding(id)).collect();
    if following.is_empty() {
        return;
    }
    let line = Text::new().styled(STRONG, "follows from it:");
    let shown = if context.options.verbose { following.len() } else { following.len().min(FOLLOWING) };
    let mut names: Vec<String> = following
        .iter()
        .take(shown)
        .map(|finding| {
            let place = context.places(finding);
            if place.is_empty() { finding.rule.clone() } else { format!("{} ({place})", finding.rule) }
        })
        .collect();
    if shown < following.len() {
        names.push(format!("{} more", following.len() - shown));
    }
    canvas.paragraph(2, 4, line.plain(" ").plain(&names.join(", ")));
}
