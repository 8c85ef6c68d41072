//! What an audit found, counted: by cause, link, party, client, server, authorization server and revision, the worst first;
//! and what could not be judged, and why.

mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use super::baseline::Assessed;
use super::judge::Judged;
use super::rows::{CaptureRow, TrailRow};
use super::standing::Standing;
use crate::evidence::Timestamp;
pub use text::render;

/// What was found in all recordings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA`].
    pub schema: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Digest of the rules; empty where lines of several audits were put together.
    pub rules_version: String,
    /// Recordings.
    pub recordings: Recordings,
    /// Exchanges in them.
    pub exchanges: i64,
    /// Trails, by outcome.
    pub trails: Outcomes,
    /// Losses that were repaired later.
    pub recovered: i64,
    /// Findings, by level.
    pub findings: Levels,
    /// Trails that were lost, by the rule that names the cause; an empty name where nothing explains it.
    pub causes: Vec<CauseCount>,
    /// Trails that were lost, by the link at which the cause was laid, else by the first broken link.
    pub links: Vec<Count>,
    /// Trails that were lost, by who must change.
    pub parties: Vec<Count>,
    /// Trails by client; an empty name where none was seen.
    pub clients: Vec<Count>,
    /// Trails by MCP server.
    pub servers: Vec<Count>,
    /// Trails by authorization server; an empty name where none was seen.
    pub authorization_servers: Vec<Count>,
    /// Trails by revision of the protocol; an empty name where it is not decided.
    pub revisions: Vec<Count>,
    /// Recordings that could not be judged, by reason.
    pub not_judged: Vec<Reason>,
    /// Recordings that were read in part, by what is wrong with them first.
    pub damaged: Vec<Reason>,
    /// What is known of it; not there without a baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Assessed>,
}

/// The version of the summary as data.
pub const SUMMARY_SCHEMA: &str = "authtrail-summary-v1";

/// Recordings, counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Recordings {
    /// All.
    pub all: i64,
    /// Octets of them as stored.
    pub bytes: i64,
    /// Those that could not be opened, recognised or judged.
    pub not_judged: i64,
    /// Those that were read in part.
    pub damaged: i64,
    /// Those that hold nothing of MCP.
    pub without_trail: i64,
    /// By format; an empty name where it was not recognised.
    pub formats: BTreeMap<String, i64>,
}

/// Trails by outcome.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Outcomes {
    /// All.
    pub all: i64,
    /// A refusal was not repaired.
    pub lost: i64,
    /// A user or a policy said no.
    pub denied: i64,
    /// The recording does not show whether authorization held.
    pub undecided: i64,
    /// Nothing was challenged.
    pub open: i64,
    /// Authorization held.
    pub authorized: i64,
}

/// Findings by level.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Levels {
    /// Of level error.
    pub errors: i64,
    /// Of level warning.
    pub warnings: i64,
    /// Of level note.
    pub notes: i64,
}

/// Trails that have something in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Count {
    /// What.
    pub name: String,
    /// Those that were lost.
    pub lost: i64,
    /// All.
    pub trails: i64,
    /// Of the earliest and the latest request in a trail that was lost; null where there is no loss or no clock.
    pub lost_between: Option<(String, String)>,
}

/// Trails with the same cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CauseCount {
    /// The rule; empty where nothing in the recording explains the loss.
    pub rule: String,
    /// Link at which the cause was laid; empty where none is known.
    pub link: String,
    /// Who must change; empty where nobody is known.
    pub party: String,
    /// Trails that were lost by it.
    pub lost: i64,
    /// Of the earliest and the latest request in one of them; null where there is no clock.
    pub lost_between: Option<(String, String)>,
    /// MCP servers at which.
    pub servers: i64,
    /// A recording that shows it: the first by path.
    pub example: String,
}

/// Recordings with the same fault.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// Why.
    pub reason: String,
    /// How many.
    pub recordings: i64,
    /// One of them: the first by path.
    pub example: String,
}

/// Counts as incidents come, in any order.
#[derive(Debug, Default)]
pub struct Tally {
    rules_version: String,
    recordings: Recordings,
    exchanges: i64,
    trails: Outcomes,
    recovered: i64,
    findings: Levels,
    causes: BTreeMap<[String; 3], Cause>,
    links: BTreeMap<String, Counted>,
    parties: BTreeMap<String, Counted>,
    clients: BTreeMap<String, Counted>,
    servers: BTreeMap<String, Counted>,
    authorization_servers: BTreeMap<String, Counted>,
    revisions: BTreeMap<String, Counted>,
    not_judged: BTreeMap<String, Faults>,
    damaged: BTreeMap<String, Faults>,
    standing: Standing,
}

#[derive(Debug, Default)]
struct Counted {
    lost: i64,
    trails: i64,
    /// Times in microseconds.
    between: Option<(i64, i64)>,
}

#[derive(Debug)]
struct Cause {
    lost: Counted,
    servers: std::collections::BTreeSet<String>,
    example: String,
}

#[derive(Debug)]
struct Faults {
    recordings: i64,
    example: String,
}

/// Different names that are counted apart; beyond that they are counted together, so that memory stays bounded.
const NAMES: usize = 100_000;
const MORE: &str = "(others)";

impl Tally {
    /// Nothing yet.
    pub fn new(rules_version: &str) -> Tally {
        Tally { rules_version: rules_version.to_owned(), ..Tally::default() }
    }

    /// Counts an incident.
    pub fn add(&mut self, judged: &Judged) {
        judged.rows.captures.iter().for_each(|capture| self.capture(capture));
        let example = judged.paths.first().map(String::as_str).unwrap_or_default();
        judged.rows.trails.iter().for_each(|trail| self.trail(trail, example));
        self.standing.add(&judged.paths, &judged.rows.trails, &judged.rows.findings);
    }

    fn capture(&mut self, capture: &CaptureRow) {
        let recordings = &mut self.recordings;
        recordings.all += 1;
        recordings.bytes = recordings.bytes.saturating_add(capture.bytes.unwrap_or_default());
        *recordings.formats.entry(capture.format.clone().unwrap_or_default()).or_default() += 1;
        self.exchanges += capture.exchanges;
        let faults = if !capture.usable {
            recordings.not_judged += 1;
            &mut self.not_judged
        } else if !capture.complete {
            recordings.damaged += 1;
            &mut self.damaged
        } else {
            recordings.without_trail += i64::from(capture.trails == 0);
            return;
        };
        if capture.usable {
            recordings.without_trail += i64::from(capture.trails == 0);
        }
        let reason = without_numbers(capture.problem.as_deref().unwrap_or_default());
        let reason = if faults.len() < NAMES || faults.contains_key(&reason) { reason } else { MORE.to_owned() };
        let fault = faults.entry(reason).or_insert_with(|| Faults { recordings: 0, example: capture.path.clone() });
        fault.recordings += 1;
        if capture.path < fault.example {
            fault.example.clone_from(&capture.path);
        }
    }

    fn trail(&mut self, trail: &TrailRow, example: &str) {
        let outcomes = &mut self.trails;
        outcomes.all += 1;
        *match trail.outcome.as_str() {
            "lost" => &mut outcomes.lost,
            "denied" => &mut outcomes.denied,
            "open" => &mut outcomes.open,
            "authorized" => &mut outcomes.authorized,
            _ => &mut outcomes.undecided,
        } += 1;
        self.recovered += trail.recovered;
        self.findings.errors += trail.errors;
        self.findings.warnings += trail.warnings;
        self.findings.notes += trail.notes;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        for (counts, name) in [
            (&mut self.clients, text(&trail.client)),
            (&mut self.servers, trail.server.clone()),
            (&mut self.authorization_servers, text(&trail.authorization_server)),
            (&mut self.revisions, text(&trail.revision)),
        ] {
            count(counts, name, trail);
        }
        if trail.outcome != "lost" {
            return;
        }
        let link = trail.cause_link.clone().or_else(|| trail.broken_link.clone()).unwrap_or_default();
        count(&mut self.links, link.clone(), trail);
        count(&mut self.parties, text(&trail.cause_party), trail);
        let place = [text(&trail.cause), link, text(&trail.cause_party)];
        let fresh = || Cause { lost: Counted::default(), servers: Default::default(), example: example.to_owned() };
        let cause = self.causes.entry(place).or_insert_with(fresh);
        cause.lost.add(trail);
        if cause.servers.len() < NAMES {
            cause.servers.insert(trail.server.clone());
        }
        if example < cause.example.as_str() {
            example.clone_into(&mut cause.example);
        }
    }

    /// What was counted, the worst first.
    pub fn summary(&self) -> Summary {
        Summary {
            schema: SUMMARY_SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            rules_version: self.rules_version.clone(),
            recordings: self.recordings.clone(),
            exchanges: self.exchanges,
            trails: self.trails.clone(),
            recovered: self.recovered,
            findings: self.findings.clone(),
            causes: causes(&self.causes),
            links: counts(&self.links),
            parties: counts(&self.parties),
            clients: counts(&self.clients),
            servers: counts(&self.servers),
            authorization_servers: counts(&self.authorization_servers),
            revisions: counts(&self.revisions),
            not_judged: reasons(&self.not_judged),
            damaged: reasons(&self.damaged),
            baseline: None,
        }
    }

    /// What was found, by the keys of findings.
    pub fn into_standing(self) -> Standing {
        self.standing
    }
}

fn count(counts: &mut BTreeMap<String, Counted>, name: String, trail: &TrailRow) {
    let name = if counts.len() < NAMES || counts.contains_key(&name) { name } else { MORE.to_owned() };
    counts.entry(name).or_default().add(trail);
}

impl Counted {
    fn add(&mut self, trail: &TrailRow) {
        self.trails += 1;
        if trail.outcome != "lost" {
            return;
        }
        self.lost += 1;
        if let (Some(first), Some(last)) = (trail.first_at, trail.last_at) {
            let (from, to) = self.between.unwrap_or((first.0, last.0));
            self.between = Some((from.min(first.0), to.max(last.0)));
        }
    }

    fn between(&self) -> Option<(String, String)> {
        let text = |time: i64| Timestamp(time).to_rfc3339();
        self.between.map(|(from, to)| (text(from), text(to)))
    }
}

fn counts(counts: &BTreeMap<String, Counted>) -> Vec<Count> {
    let mut list: Vec<Count> = counts
        .iter()
        .map(|(name, counted)| Count {
            name: name.clone(),
            lost: counted.lost,
            trails: counted.trails,
            lost_between: counted.between(),
        })
        .collect();
    list.sort_by(|a, b| (b.lost, b.trails).cmp(&(a.lost, a.trails)).then_with(|| a.name.cmp(&b.name)));
    list
}

fn causes(causes: &BTreeMap<[String; 3], Cause>) -> Vec<CauseCount> {
    let mut list: Vec<CauseCount> = causes
        .iter()
        .map(|([rule, link, party], cause)| CauseCount {
            rule: rule.clone(),
            link: link.clone(),
            party: party.clone(),
            lost: cause.lost.lost,
            lost_between: cause.lost.between(),
            servers: cause.servers.len() as i64,
            example: cause.example.clone(),
        })
        .collect();
    list.sort_by_key(|cause| std::cmp::Reverse(cause.lost));
    list
}

fn reasons(faults: &BTreeMap<String, Faults>) -> Vec<Reason> {
    let mut list: Vec<Reason> = faults
        .iter()
        .map(|(reason, faults)| Reason {
            reason: reason.clone(),
            recordings: faults.recordings,
            example: faults.example.clone(),
        })
        .collect();
    list.sort_by_key(|reason| std::cmp::Reverse(reason.recordings));
    list
}

/// Faults of the same kind differ in places and lengths only.
fn without_numbers(reason: &str) -> String {
    let mut plain = String::with_capacity(reason.len());
    for c in reason.chars() {
        match c {
            '0'..='9' if plain.ends_with('N') => {}
            '0'..='9' => plain.push('N'),
            c => plain.push(c),
        }
    }
    plain
}
