//! Makes the report from what was found: ids, places, fingerprints, the sentences of the pages.
//!
//! Decides nothing: outcome, cause and levels come from `check`.

mod evidence;
mod finding;
mod trail;

use crate::check::diagnosis::TrailDiagnosis;
use crate::check::rule_set::RuleSet;
use crate::decode::{CaptureFacts, Sanitized};
use crate::evidence::CaptureId;
use crate::report::contract::{Capture, Problem, Report, SCHEMA, Tool};
use crate::secret::FingerprintKey;
use crate::trail::Incident;

/// What a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The rules that were judged by.
    pub rules: &'a RuleSet,
    /// The recordings.
    pub captures: &'a [CaptureFacts],
    /// What was reconstructed.
    pub incident: &'a Incident,
    /// What was found out about each trail.
    pub diagnoses: &'a [TrailDiagnosis],
    /// The key of the fingerprints.
    pub key: &'a FingerprintKey,
    /// Whether secrets are shown.
    pub show_secrets: bool,
}

/// Makes the report of an incident.
pub fn report(sources: Sources<'_>) -> Report {
    let maker = evidence::Maker { incident: sources.incident, key: sources.key, show_secrets: sources.show_secrets };
    let mut next_finding = 1;
    let trails = sources.incident.trails.iter().zip(sources.diagnoses).enumerate();
    let trails: Vec<_> = trails
        .map(|(at, (trail, diagnosis))| trail::trail(&sources, &maker, at, trail, diagnosis, &mut next_finding))
        .collect();
    let mut problems = Vec::new();
    if trails.is_empty() && sources.captures.iter().any(|capture| capture.usable) {
        let message =
            "no MCP exchange was found in the recordings; record the client's traffic to the MCP server".to_owned();
        problems.push(Problem { capture: None, at: None, message });
    }
    Report {
        schema: SCHEMA,
        tool: Tool { version: env!("CARGO_PKG_VERSION").to_owned(), rules_version: sources.rules.version().to_owned() },
        captures: sources.captures.iter().map(|facts| capture(facts, sources.incident)).collect(),
        trails,
        problems,
    }
}

fn capture(facts: &CaptureFacts, incident: &Incident) -> Capture {
    let own = |id: CaptureId| id == facts.id;
    let exchanges = incident.exchanges.iter().filter(|exchange| own(exchange.capture)).count();
    let records = incident.trails.iter().flat_map(|trail| &trail.records).filter(|record| {
        incident.exchanges.get(record.exchange.0 as usize).is_some_and(|exchange| own(exchange.capture))
    });
    Capture {
        id: facts.id.to_string(),
        path: facts.path.display().to_string(),
        sha256: facts.sha256.clone(),
        format: facts.format.unwrap_or("unknown").to_owned(),
        creator: facts.creator.clone(),
        usable: facts.usable,

        exchanges,
        sanitized: match facts.sanitized {
            Sanitized::No => "no",
            Sanitized::Possible => "possible",
            Sanitized::Yes => "yes",
        },
        legs: crate::trail::visible_legs(records).into_iter().map(|leg| leg.name()).collect(),
        clock_offset_s: incident.clock_offsets.get(facts.id.0 as usize).map_or(0.0, |offset| *offset as f64 / 1e6),
        complete: facts.complete,
        dropped: facts.dropped,
        problems: facts.problems.iter().map(Problem::from).collect(),
    }
}
