//! A few lines of a verdict around one rule: what `authtrail explain` shows as an example.

use super::Context;
use super::{TextOptions, ladder, proof, verdict};
use crate::report::contract::{ChainRow, Finding, Report, Trail};
use crate::report::layout::{Canvas, Text};

/// Columns of an example. It is written once, for every terminal.
const WIDTH: usize = 76;
/// Pieces of evidence; the rest is counted.
const PIECES: usize = 4;

/// The verdict, the ladder with the place of the rule marked, and what shows the fault; without colours.
///
/// `None` where no trail has a finding of this rule.
pub fn excerpt(report: &Report, rule: &str) -> Option<String> {
    let found = |trail: &'_ Trail| trail.findings.iter().position(|finding| finding.rule == rule);
    let (trail, finding) = report.trails.iter().find_map(|trail| Some((trail, trail.findings.get(found(trail)?)?)))?;
    let options = TextOptions { width: WIDTH, quiet: false, verbose: false };
    let context = Context { report, trail, options };
    let mut canvas = Canvas::new(WIDTH);
    canvas.paragraph(0, 2, verdict::headline(trail).plain(&part_in_it(trail, finding)));
    canvas.blank();
    let places: Vec<String> = trail.chain.iter().map(|row| context.first_place(&row.evidence)).collect();
    let columns = ladder::columns(WIDTH, &trail.chain, &places);
    let mut rows = trail.chain.iter().zip(&places).peekable();
    while let Some((row, place)) = rows.next() {
        let mut last = row;
        while let Some((next, _)) =
            rows.next_if(|(next, _)| is_idle(row, finding) && next.status == row.status && is_idle(next, finding))
        {
            last = next;
        }
        if last.link == row.link {
            ladder::link(&mut canvas, row, place, &columns, row.link == finding.link);
        } else {
            ladder::stretch(&mut canvas, row, last, &columns);
        }
    }
    if !trail.chain.iter().any(|row| row.link == finding.link) {
        canvas.line(&Text::from("> ").plain(finding.link));
    }
    canvas.blank();
    let shown = finding.evidence.len().min(PIECES);
    proof::evidence(&mut canvas, &context, finding.evidence.get(..shown).unwrap_or_default(), 2);
    Some(anstream::adapter::strip_str(&canvas.finish()).to_string())
}

/// What the fault has to do with the outcome.
fn part_in_it(trail: &Trail, finding: &Finding) -> String {
    match &trail.cause {
        Some(cause) if cause.finding == finding.id => ": this is the cause".to_owned(),
        Some(cause) if cause.consequences.contains(&finding.id) => format!(", caused by {}: this follows", cause.rule),
        Some(cause) if cause.attempted_repairs.contains(&finding.id) => {
            format!(", caused by {}: this was tried against it", cause.rule)
        }
        Some(cause) => format!(", caused by {}", cause.rule),
        None if trail.outcome == "authorized" => ": the fault is there all the same".to_owned(),
        None => String::new(),
    }
}

/// A row that tells nothing of its own.
fn is_idle(row: &ChainRow, finding: &Finding) -> bool {
    !matches!(row.status, "held" | "broken") && row.link != finding.link
}
