//! Verdicts, losses, cause, chain and outcome of one trail, put together.

use super::cause::{self, Absorbed, Cause};
use super::chain::{self, Row};
use super::judge::{RuleVerdict, judge};
use super::language::{Level, Symptom};
use super::loss::{Loss, Taken, symptoms, taken};
use super::rule_set::{PageId, RuleSet};
use crate::trail::record::{RecordId, State};
use crate::trail::schema::{Field, Kind, names};
use crate::trail::{Incident, Trail};

names! {
    /// How a trail ended (design, "Outcome of a trail").
    Outcome {
        /// The last MCP request that needed authorization was accepted, and the session goes on.
        Authorized = "authorized",
        /// A refusal was not repaired, or recurs.
        Lost = "lost",
        /// The user or a policy said no.
        Denied = "denied",
        /// Requests without credentials were accepted and nothing was challenged.
        Open = "open",
        /// The recording does not show whether authorization held.
        Undecided = "undecided",
    }
}

/// What was found out about one trail.
#[derive(Debug)]
pub struct TrailDiagnosis {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it was lost or denied and something in the recording explains it.
    pub cause: Option<Cause>,
    /// The page to read first; `None` where there is none.
    pub headline: Option<PageId>,
    /// All twelve links.
    pub chain: Vec<Row>,
    /// The verdict of every page, in order of link, step and slug.
    pub verdicts: Vec<RuleVerdict>,
    /// Which violations a more special page explains.
    pub absorbed: Vec<Absorbed>,
    /// Losses that nothing repaired.
    pub losses: Vec<Loss>,
    /// Losses that were repaired and that the protocol does not foresee.
    pub recovered: Vec<Loss>,
}

/// Judges every trail of an incident.
pub fn diagnose(rules: &RuleSet, incident: &Incident) -> Vec<TrailDiagnosis> {
    let verdicts = judge(rules, incident);
    incident.trails.iter().zip(verdicts).map(|(trail, verdicts)| diagnose_trail(rules, trail, verdicts)).collect()
}

fn diagnose_trail(rules: &RuleSet, trail: &Trail, verdicts: Vec<RuleVerdict>) -> TrailDiagnosis {
    let (repaired, losses): (Vec<Loss>, Vec<Loss>) =
        symptoms(trail).into_iter().partition(|loss| loss.repaired_by.is_some());
    let recovered = repaired.into_iter().filter(|loss| !loss.is_foreseen).collect();
    let outcome = outcome(trail, &losses);
    let absorbed = cause::absorbed(rules, trail, &verdicts);
    let explains = matches!(outcome, Outcome::Lost | Outcome::Denied);
    let cause = if explains { cause::cause(rules, trail, &verdicts, &losses, &absorbed) } else { None };
    let with_page = cause.as_ref().map(|cause| {
        let page = rules.page(cause.candidate.page);
        (cause, page.link, page.then.path.own_field().unwrap_or(Field::Status))
    });
    let breaks = if explains { &losses[..] } else { &[] };
    let chain = chain::chain(trail, with_page, breaks);
    let headline = cause.as_ref().map(|cause| cause.candidate.page).or_else(|| headline(rules, &verdicts, &absorbed));
    TrailDiagnosis { outcome, cause, headline, chain, verdicts, absorbed, losses, recovered }
}

/// Without a cause: the finding of level error whose page can break something, earliest link first (decision 10).
fn headline(rules: &RuleSet, verdicts: &[RuleVerdict], absorbed: &[Absorbed]) -> Option<PageId> {
    let stands = |verdict: &&RuleVerdict| {
        let left =
            |record: RecordId| !absorbed.iter().any(|(page, other, _)| (*page, *other) == (verdict.page, record));
        verdict.violations.iter().any(|violation| left(violation.record))
    };
    // Verdicts are in order of link already.
    let found = verdicts.iter().filter(|verdict| verdict.level() == Some(Level::Error)).filter(stands);
    found.map(|verdict| verdict.page).find(|page| !rules.page(*page).breaks.is_empty())
}

fn outcome(trail: &Trail, losses: &[Loss]) -> Outcome {
    if !losses.is_empty() {
        return if was_denied(trail, losses) { Outcome::Denied } else { Outcome::Lost };
    }
    let accepted = || trail.of_kind(Kind::McpExchange).filter(|(_, record)| taken(record) == Taken::Accepted);
    let challenged =
        trail.of_kind(Kind::McpExchange).any(|(_, record)| matches!(record.number(Field::Status), Some(401 | 403)));
    let with_token =
        accepted().any(|(_, record)| matches!(record.state(Field::Bearer), State::Present(_) | State::Unread(_)));
    // Where the exporter hides the header: what was challenged before and is accepted now went with a token.
    let hidden = accepted().any(|(_, record)| matches!(record.state(Field::Bearer), State::Unknown(_)));
    let logged_in = challenged || trail.flows.iter().any(|flow| flow.token.is_some());
    match (accepted().next().is_some(), with_token, hidden) {
        (true, true, _) => Outcome::Authorized,
        (true, false, true) if logged_in => Outcome::Authorized,
        (true, false, true) => Outcome::Undecided,
        (true, false, false) if !challenged => Outcome::Open,
        (true, false, false) => Outcome::Authorized,
        (false, _, _) => Outcome::Undecided,
    }
}

/// A user's or a policy's no, and no later attempt (RFC 6749, 4.1.2.1: `access_denied`).
fn was_denied(trail: &Trail, losses: &[Loss]) -> bool {
    let last = losses.iter().rfind(|loss| loss.symptom == Symptom::AuthorizationError);
    let Some(record) = last.and_then(|loss| trail.record(loss.record)) else { return false };
    let later = trail.of_kind(Kind::AuthorizationRequest).any(|(_, other)| other.exchange > record.exchange);
    record.text(Field::Error) == Some("access_denied") && !later
}
