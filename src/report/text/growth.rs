//! What a report says that the one before it did not: for a recording that grows.
//!
//! A link is named when its hand-over worked, a loss when it is proved. What is only likely waits for the end of the
//! recording: an answer that is missing now may come.

use std::collections::HashMap;

use super::{Context, TextOptions, head, ladder, verdict};
use crate::report::contract::{Report, Trail};
use crate::report::layout::{Canvas, Text};
use crate::report::palette::GOOD;

/// What was said so far.
#[derive(Debug, Default)]
pub struct Growth {
    trails: HashMap<String, Said>,
}

/// What was said of one trail.
#[derive(Debug, Default)]
struct Said {
    /// Client, server and revision.
    who: String,
    /// Links that held.
    held: Vec<&'static str>,
    /// The rule that names the loss.
    lost: Option<String>,
}

impl Growth {
    /// What is new in `report`; empty where nothing is.
    pub fn lines(&mut self, report: &Report, width: usize) -> String {
        let mut canvas = Canvas::new(width);
        let options = TextOptions { width, quiet: false, verbose: false };
        for trail in &report.trails {
            let said = self.trails.entry(trail.id.clone()).or_default();
            say(&mut canvas, &Context { report, trail, options }, said);
        }
        canvas.finish()
    }
}

fn say(canvas: &mut Canvas, context: &Context<'_>, said: &mut Said) {
    let trail = context.trail;
    let who = head::who(trail);
    let changed: Vec<_> =
        trail.chain.iter().filter(|row| row.status == "held" && !said.held.contains(&row.link)).collect();
    let lost = proved_loss(trail);
    let repaired = said.lost.is_some() && trail.outcome == "authorized";
    if !changed.is_empty() || (lost.is_some() && lost != said.lost) {
        if said.who != who {
            canvas.line(&Text::from(who.as_str()));
            said.who = who;
        }
        ladder::rows(canvas, context, |row| changed.iter().any(|changed| changed.link == row.link));
        said.held.extend(changed.iter().map(|row| row.link));
    }
    if lost.is_some() && lost != said.lost {
        ladder::rows(canvas, context, |row| row.status == "broken");
        verdict::verdict(canvas, context);
        // After the loss each link may be reached again.
        said.held.retain(|link| trail.chain.iter().any(|row| row.link == *link && row.status == "held"));
        said.lost = lost;
    } else if repaired {
        canvas.line(&Text::new().styled(GOOD, "AUTHORIZED").plain(": the loss was repaired"));
        said.lost = None;
    }
}

/// The rule that proves the loss.
fn proved_loss(trail: &Trail) -> Option<String> {
    let cause = trail.cause.as_ref().filter(|cause| trail.outcome == "lost" && cause.certainty == "proved")?;
    Some(cause.rule.clone())
}
