//! One trail of the report.

use super::Sources;
use super::evidence::Maker;
use super::finding::findings;
use crate::check::chain::Row;
use crate::check::diagnosis::{Outcome, TrailDiagnosis};
use crate::check::judge::{self, RuleVerdict};
use crate::check::language::Verdict;
use crate::check::loss::Loss;
use crate::check::rule_set::{PageId, RuleSet};
use crate::decode::Sanitized;
use crate::decode::exchange::Unknown;
use crate::report::contract::{self, Finding};
use crate::trail::record::{ExchangeId, RecordId, State};
use crate::trail::schema::{Field, Kind, Leg, Party};
use crate::trail::{Incident, Stretch, Trail};

pub(super) fn trail(
    sources: &Sources<'_>,
    maker: &Maker<'_>,
    at: usize,
    trail: &Trail,
    diagnosis: &TrailDiagnosis,
    next_finding: &mut usize,
) -> contract::Trail {
    let rules = sources.rules;
    let found = findings(rules, maker, trail, diagnosis, next_finding);
    let id_of = |page: PageId| found.iter().find(|(other, _)| *other == page).map(|(_, finding)| finding.id.clone());
    let client = contract::Client {
        name: trail.client_info.as_ref().map(|(name, _)| name.clone()),
        version: trail.client_info.as_ref().and_then(|(_, version)| version.clone()),
        recognised_by: trail.recognised_by.clone(),
    };
    let chain = diagnosis.chain.iter().map(|row| chain_row(row, maker, trail, &found)).collect();
    contract::Trail {
        id: format!("t{}", at + 1),
        client,
        server: maker.url(&trail.server),
        authorization_servers: trail.authorization_servers.iter().map(|url| maker.url(url)).collect(),
        exchanges: trail.exchanges.iter().map(|id| exchange_ref(sources.incident, *id)).collect(),
        revision: revision(trail, maker),
        revisions: trail.stretches.iter().map(|stretch| self::stretch(trail, stretch)).collect(),
        outcome: diagnosis.outcome.name(),
        headline: diagnosis.headline.and_then(id_of),
        chain,
        cause: cause(rules, trail, diagnosis, &found),
        recovered: diagnosis.recovered.iter().map(|loss| recovered(loss, maker, trail)).collect(),
        undetermined: undetermined(rules, &diagnosis.verdicts),
        verdicts: verdicts(rules, &diagnosis.verdicts),
        coverage: coverage(sources, trail, diagnosis),
        findings: found.into_iter().map(|(_, finding)| finding).collect(),
    }
}

fn exchange_ref(incident: &Incident, id: ExchangeId) -> contract::ExchangeRef {
    let at = id.0 as usize;
    contract::ExchangeRef {
        capture: incident.exchanges.get(at).map(|exchange| exchange.capture.to_string()).unwrap_or_default(),
        exchange: incident.ordinals.get(at).copied().unwrap_or_default(),
    }
}

fn revision(trail: &Trail, maker: &Maker<'_>) -> contract::Revision {
    let Some(stretch) = trail.stretches.last() else {
        return contract::Revision { value: None, candidates: Vec::new(), by: "default", evidence: Vec::new() };
    };
    let says = "shows the revision".to_owned();
    let evidence = stretch.evidence.and_then(|(record, field)| maker.of_field(trail, record, field, says));
    contract::Revision {
        value: value(stretch),
        candidates: stretch.candidates.iter().map(|revision| revision.name().to_owned()).collect(),
        by: stretch.by,
        evidence: evidence.into_iter().collect(),
    }
}

/// The revision of a stretch, where only one is left; one that is not known by its own name.
fn value(stretch: &Stretch) -> Option<String> {
    if stretch.unknown_name.is_some() {
        return stretch.unknown_name.clone();
    }
    match stretch.candidates.as_slice() {
        [one] => Some(one.name().to_owned()),
        _ => None,
    }
}

fn stretch(trail: &Trail, stretch: &Stretch) -> contract::Stretch {
    let from_exchange = trail.exchanges.iter().position(|id| *id >= stretch.from).unwrap_or_default();
    contract::Stretch { from_exchange, value: value(stretch), by: stretch.by }
}

fn chain_row(row: &Row, maker: &Maker<'_>, trail: &Trail, found: &[(PageId, Finding)]) -> contract::ChainRow {
    let evidence = row.step.and_then(|(record, field)| maker.of_field(trail, record, field, row.note.clone()));
    contract::ChainRow {
        link: row.link.name(),
        status: row.status.name(),
        note: row.note.clone(),
        findings: found
            .iter()
            .filter(|(_, finding)| finding.link == row.link.name())
            .map(|(_, finding)| finding.id.clone())
            .collect(),
        evidence: evidence.into_iter().collect(),
    }
}

fn cause(
    rules: &RuleSet,
    trail: &Trail,
    diagnosis: &TrailDiagnosis,
    found: &[(PageId, Finding)],
) -> Option<contract::Cause> {
    let cause = diagnosis.cause.as_ref()?;
    let page = rules.page(cause.candidate.page);
    let (_, finding) = found.iter().find(|(id, _)| *id == cause.candidate.page)?;
    let exchange = trail.record(cause.candidate.record).map(|record| record.exchange);
    let later = |id: &PageId| {
        let verdict = diagnosis.verdicts.iter().find(|verdict| verdict.page == *id);
        let first = verdict.and_then(|verdict| verdict.violations.first()).and_then(|first| trail.record(first.record));
        first.map(|record| record.exchange) >= exchange
    };
    let consequences = found.iter().filter(|(id, other)| {
        let absorbed = other.absorbed_by.as_deref() == Some(&finding.id);
        *id != cause.candidate.page
            && (absorbed || (rules.page(*id).link > page.link && !rules.page(*id).breaks.is_empty() && later(id)))
    });
    Some(contract::Cause {
        finding: finding.id.clone(),
        link: page.link.name(),
        rule: page.slug.clone(),
        mode: page.mode.clone(),
        party: page.party.name(),
        party_reason: party_reason(page.party, cause.certainty.name(), trail.is_contested(cause.candidate.record)),
        certainty: cause.certainty.name(),
        summary: page.text.summary.clone(),
        fix: page.text.fix.clone(),
        tolerance: page.text.tolerance.clone(),
        not_a_fix: page.text.not_a_fix.clone(),
        attempted_repairs: attempted_repairs(rules, trail, diagnosis, found),
        evidence: finding.evidence.clone(),
        consequences: consequences.map(|(_, finding)| finding.id.clone()).collect(),
        alternatives: alternatives(rules, cause),
    })
}

/// Findings that show a wrong repair of this loss being tried after it (decision 12).
fn attempted_repairs(
    rules: &RuleSet,
    trail: &Trail,
    diagnosis: &TrailDiagnosis,
    found: &[(PageId, Finding)],
) -> Vec<String> {
    let Some(cause) = &diagnosis.cause else { return Vec::new() };
    let exchange = |record: RecordId| trail.record(record).map(|record| record.exchange);
    let is_after = |page: PageId| {
        let verdict = diagnosis.verdicts.iter().find(|verdict| verdict.page == page);
        let mut violations = verdict.into_iter().flat_map(|verdict| &verdict.violations);
        violations.any(|violation| exchange(violation.record) >= exchange(cause.candidate.record))
    };
    let tried = |page: &PageId| {
        *page != cause.candidate.page
            && rules.page(*page).tried_after.contains(&cause.loss.to_explain())
            && is_after(*page)
    };
    found.iter().filter(|(page, _)| tried(page)).map(|(_, finding)| finding.id.clone()).collect()
}

fn party_reason(party: Party, certainty: &str, is_contested: bool) -> Option<String> {
    match (party, certainty) {
        (Party::Unknown, _) => Some("the recording does not show on whose side it happened".to_owned()),
        (_, "proved") => None,
        (Party::Client, _) if is_contested => {
            Some("another client in the recording looks alike and could have sent this request as well".to_owned())
        }
        _ => Some("inferred from one side of the exchange; the alternatives would look the same from here".to_owned()),
    }
}

/// The other explanations: those that the page names, and what else is broken here and could explain the same.
fn alternatives(rules: &RuleSet, cause: &crate::check::cause::Cause) -> Vec<contract::Alternative> {
    let alternative = |id: PageId| {
        let other = rules.page(id);
        contract::Alternative {
            rule: other.slug.clone(),
            party: other.party.name(),
            decided_by: decided_by(other.party),
        }
    };
    alternative_pages(rules, cause).into_iter().map(alternative).collect()
}

fn alternative_pages(rules: &RuleSet, cause: &crate::check::cause::Cause) -> Vec<PageId> {
    let page = rules.page(cause.candidate.page);
    let named = page.alternatives.iter().filter_map(|slug| rules.by_slug(slug));
    let mut ids: Vec<PageId> = Vec::new();
    for id in named.chain(cause.others.iter().map(|other| other.page)) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// The recording that would tell one explanation from the other.
fn decided_by(party: Party) -> String {
    match party {
        Party::Intermediary | Party::McpServer => "a recording at the MCP server, behind every proxy",
        Party::AuthorizationServer => "a recording at the authorization server, behind every proxy",
        Party::Client => "a recording of all of the client's own traffic, and its log",
        Party::User | Party::Unknown => "a recording of the browser during the login",
    }
    .to_owned()
}

fn recovered(loss: &Loss, maker: &Maker<'_>, trail: &Trail) -> contract::Recovered {
    let refusal = maker.of_field(trail, loss.record, Field::Status, "broke here".to_owned());
    let repair =
        loss.repaired_by.and_then(|id| maker.of_field(trail, id, Field::Status, "repaired by this".to_owned()));
    contract::Recovered {
        symptom: loss.symptom.name(),
        link: loss.link.name(),
        evidence: refusal.into_iter().chain(repair).collect(),
    }
}

fn undetermined(rules: &RuleSet, verdicts: &[RuleVerdict]) -> Vec<contract::Undetermined> {
    let mut rows: Vec<contract::Undetermined> = verdicts
        .iter()
        .filter_map(|verdict| {
            let page = rules.page(verdict.page);
            let (why, needs) = match verdict.verdict {
                judge::TrailVerdict::DependsOnRevision => {
                    ("revision", "an accepted initialize or a versioned request".to_owned())
                }
                judge::TrailVerdict::Decided(Verdict::NotObserved) => ("not-observed", needs(page.given, verdict)),
                _ => return None,
            };
            Some(contract::Undetermined { rule: page.slug.clone(), why, needs })
        })
        .collect();
    rows.sort_by(|a, b| a.rule.cmp(&b.rule));
    rows
}

/// What it would take to judge a rule.
fn needs(given: Kind, verdict: &RuleVerdict) -> String {
    match verdict.missing.first().map(|(_, missing)| missing) {
        Some(missing) if missing.path.is_none() || missing.reason == Unknown::LegNotRecorded => match missing.path {
            None => given.legs().first().map_or_else(String::new, |leg| format!("leg {leg}")),
            Some(path) => format!("{path}: {}", missing.reason.reason()),
        },
        Some(missing) => missing.path.map_or_else(String::new, |path| format!("{path}: {}", missing.reason.reason())),
        None => String::new(),
    }
}

fn verdicts(rules: &RuleSet, verdicts: &[RuleVerdict]) -> std::collections::BTreeMap<String, &'static str> {
    let name = |verdict: &RuleVerdict| match verdict.verdict {
        judge::TrailVerdict::DependsOnRevision => "depends-on-revision",
        judge::TrailVerdict::Decided(Verdict::Satisfied) => "satisfied",
        judge::TrailVerdict::Decided(Verdict::Violated) => "violated",
        judge::TrailVerdict::Decided(Verdict::NotApplicable) => "not-applicable",
        judge::TrailVerdict::Decided(Verdict::NotObserved) => "not-observed",
    };
    verdicts.iter().map(|verdict| (rules.page(verdict.page).slug.clone(), name(verdict))).collect()
}

fn coverage(sources: &Sources<'_>, trail: &Trail, diagnosis: &TrailDiagnosis) -> contract::Coverage {
    let count =
        |wanted: judge::TrailVerdict| diagnosis.verdicts.iter().filter(|verdict| verdict.verdict == wanted).count();
    contract::Coverage {
        satisfied: count(judge::TrailVerdict::Decided(Verdict::Satisfied)),
        violated: count(judge::TrailVerdict::Decided(Verdict::Violated)),
        not_applicable: count(judge::TrailVerdict::Decided(Verdict::NotApplicable)),
        not_observed: count(judge::TrailVerdict::Decided(Verdict::NotObserved)),
        depends_on_revision: count(judge::TrailVerdict::DependsOnRevision),
        record_next: record_next(sources, trail, diagnosis).map(str::to_owned),
    }
}

/// Advice of [`record_next`] that two cases share.
const AT_THE_SERVER: &str = "record at the MCP server, behind every proxy, while the client repeats the request";

/// The recording that would decide more; a closed list. None where nothing is missing that matters.
fn record_next(sources: &Sources<'_>, trail: &Trail, diagnosis: &TrailDiagnosis) -> Option<&'static str> {
    let explained = matches!(diagnosis.outcome, Outcome::Authorized | Outcome::Open | Outcome::Denied)
        || diagnosis.cause.as_ref().is_some_and(|cause| cause.certainty == crate::check::language::Certainty::Proved);
    if explained {
        return None;
    }
    let hidden =
        trail.of_kind(Kind::McpExchange).any(|(_, record)| matches!(record.state(Field::Bearer), State::Unknown(_)));
    let sanitized = sources.captures.iter().any(|capture| capture.sanitized != Sanitized::No);
    let shows = |leg: Leg| trail.legs.contains(&leg);
    if hidden && sanitized {
        return Some(
            "export the HAR again with sensitive data (Chrome: Settings, Preferences, Network, \"Allow to generate HAR with sensitive data\")",
        );
    }
    if diagnosis
        .cause
        .as_ref()
        .is_some_and(|cause| sources.rules.page(cause.candidate.page).party == Party::Intermediary)
    {
        return Some(AT_THE_SERVER);
    }
    if !shows(Leg::ClientAs) {
        return Some(
            "record the client's own traffic to the authorization server (a native client: through a recording proxy)",
        );
    }
    if !shows(Leg::BrowserAs) && !shows(Leg::BrowserClient) {
        return Some("record the browser during the login as well, and give both recordings together");
    }
    // All legs are there: what tells the explanations apart is seen from the other side.
    let other = diagnosis.cause.as_ref().and_then(|cause| alternative_pages(sources.rules, cause).first().copied());
    match other.map(|id| sources.rules.page(id).party) {
        Some(Party::Intermediary | Party::McpServer) => Some(AT_THE_SERVER),
        Some(Party::AuthorizationServer) => Some("record at the authorization server, behind every proxy"),
        Some(Party::Client) => Some("record all of the client's own traffic, and keep its log"),
        Some(Party::User | Party::Unknown) | None => {
            Some("record the whole login again, from the first refused request until the client gives up")
        }
    }
}
