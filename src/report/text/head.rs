//! The first lines: which recordings, which client, which server, which revision.

use super::Context;
use crate::report::contract::{Capture, Report, Trail};
use crate::report::layout::{Canvas, Text, elided};
use crate::report::palette::{CAUTION, FAINT, PLAIN, STRONG};
use crate::report::words;

/// One line a recording.
pub(super) fn captures(canvas: &mut Canvas, report: &Report) {
    if let [only] = report.captures.as_slice() {
        return single(canvas, only);
    }
    let id_width = report.captures.iter().map(|capture| capture.id.len()).max().unwrap_or(0) + 1;
    let room = canvas.width() / 2;
    let paths: Vec<String> = report.captures.iter().map(|capture| elided(name(capture), room)).collect();
    let path_width = paths.iter().map(|path| Text::from(path.as_str()).width()).max().unwrap_or(0);
    for (capture, path) in report.captures.iter().zip(&paths) {
        let lead = Text::new().styled(FAINT, &capture.id).padded_to(id_width).styled(STRONG, path);
        canvas.hanging(&lead.padded_to(id_width + path_width + 3), id_width + 2, facts(capture));
    }
}

/// The only recording: its path in full, and on a line of its own where it is long.
fn single(canvas: &mut Canvas, capture: &Capture) {
    let (path, facts) = (Text::new().styled(STRONG, &elided(name(capture), canvas.width())), facts(capture));
    if path.width() + 3 + facts.width() <= canvas.width() {
        return canvas.line(&path.plain("   ").text(&facts));
    }
    canvas.line(&path);
    canvas.paragraph(2, 4, facts);
}

/// How a person calls a recording.
pub(super) fn name(capture: &Capture) -> &str {
    if capture.path == "-" { "standard input" } else { &capture.path }
}

/// What is known of a recording as a whole.
fn facts(capture: &Capture) -> Text {
    if !capture.usable {
        return Text::new().styled(CAUTION, "not read");
    }
    let mut facts = vec![(PLAIN, words::count(capture.exchanges, "exchange"))];
    facts.push((PLAIN, elided(capture.creator.as_deref().unwrap_or(&capture.format).trim(), 40)));
    facts.push(if capture.complete { (PLAIN, "complete".to_owned()) } else { (CAUTION, "cut off".to_owned()) });
    match capture.dropped {
        Some(0) | None => {}
        Some(1) => facts.push((CAUTION, "1 packet dropped".to_owned())),
        Some(count) => facts.push((CAUTION, format!("{count} packets dropped"))),
    }
    match capture.sanitized {
        "yes" => facts.push((CAUTION, "credentials removed".to_owned())),
        "possible" => facts.push((CAUTION, "credentials perhaps removed".to_owned())),
        _ => {}
    }
    if capture.clock_offset_s != 0.0 {
        facts.push((PLAIN, format!("clock {:+.3} s", capture.clock_offset_s)));
    }
    if !capture.problems.is_empty() {
        facts.push((CAUTION, words::count(capture.problems.len(), "problem")));
    }
    let mut line = Text::new();
    for (index, (style, fact)) in facts.iter().enumerate() {
        line = line.plain(if index > 0 { ", " } else { "" }).styled(*style, fact);
    }
    match &capture.sha256 {
        Some(digest) => line.plain(", ").styled(FAINT, &format!("SHA-256 {digest}")),
        None => line,
    }
}

/// `Acme Notes 1.4 -> https://mcp.example.com/mcp`, in one piece.
pub(super) fn who(trail: &Trail) -> String {
    let client = client(trail);
    format!("{} -> {}", client.strip_prefix("client ").unwrap_or(&client), trail.server)
}

fn client(trail: &Trail) -> String {
    match (&trail.client.name, &trail.client.version) {
        (Some(name), Some(version)) => format!("client {} {}", elided(name.trim(), 40), elided(version.trim(), 20)),
        (Some(name), None) => format!("client {}", elided(name.trim(), 60)),
        (None, _) => "a client without a name".to_owned(),
    }
}

/// Client, server and revision.
pub(super) fn trail(canvas: &mut Canvas, context: &Context<'_>) {
    let trail = context.trail;
    let (client, revision) = (client(trail), revision(context));
    let whole = format!("{client}  ->  {}   {revision}", trail.server);
    if Text::from(whole.as_str()).width() <= canvas.width() {
        let line = Text::from(client).plain("  ->  ").styled(STRONG, &trail.server).plain("   ").plain(&revision);
        canvas.line(&line);
    } else {
        let line = Text::from(client).plain("  ->  ").styled(STRONG, &trail.server);
        canvas.paragraph(0, 2, line);
        canvas.paragraph(0, 2, revision);
    }
    if trail.authorization_servers.len() > 1 || context.options.verbose {
        let issuers = trail.authorization_servers.join(", ");
        if !issuers.is_empty() {
            canvas.paragraph(0, 2, format!("authorization servers {issuers}"));
        }
    }
    if context.options.verbose && !trail.client.recognised_by.is_empty() {
        canvas.paragraph(0, 2, format!("recognised by {}", trail.client.recognised_by.join(", ")));
    }
}

/// The revision, how it was decided, and where.
fn revision(context: &Context<'_>) -> String {
    let revision = &context.trail.revision;
    let value = match &revision.value {
        Some(value) => value.clone(),
        None if revision.candidates.is_empty() => "of unknown revision".to_owned(),
        None => words::either(&revision.candidates),
    };
    let how = words::revision_by(revision.by);
    let place = context.first_place(&revision.evidence);
    let mut line =
        if place.is_empty() { format!("MCP {value} ({how})") } else { format!("MCP {value} ({how}, {place})") };
    // A stretch that only decides what was offered before is no other revision.
    let stretches = &context.trail.revisions;
    let earlier = stretches.iter().zip(stretches.iter().skip(1)).filter(|(one, next)| one.value != next.value);
    let before: Vec<String> = earlier
        .map(|(stretch, _)| {
            format!("{} ({})", stretch.value.as_deref().unwrap_or("undecided"), words::revision_by(stretch.by))
        })
        .collect();
    if !before.is_empty() {
        line.push_str(&format!("; before that {}", before.join(", ")));
    }
    line
}
