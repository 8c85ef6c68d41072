//! Findings: one a page and trail.

use super::evidence::Maker;
use crate::check::diagnosis::TrailDiagnosis;
use crate::check::judge::{RuleVerdict, TrailVerdict, certainty, valid_under};
use crate::check::rule_set::{PageId, RuleSet};
use crate::report::contract::Finding;
use crate::report::url::stable_url;
use crate::trail::Trail;
use crate::trail::record::RecordId;
use crate::trail::schema::Revision;

/// Places beyond the first that a finding lists.
const MORE_PLACES: usize = 3;

/// The findings of a trail with their pages, in order of link, step and slug.
pub(super) fn findings(
    rules: &RuleSet,
    maker: &Maker<'_>,
    trail: &Trail,
    diagnosis: &TrailDiagnosis,
    next: &mut usize,
) -> Vec<(PageId, Finding)> {
    let broken = diagnosis.verdicts.iter().filter(|verdict| !verdict.violations.is_empty());
    let mut found: Vec<(PageId, Finding)> = broken
        .filter_map(|verdict| {
            let finding = finding(rules, maker, trail, diagnosis, verdict, *next)?;
            *next += 1;
            Some((verdict.page, finding))
        })
        .collect();
    let ids: Vec<(PageId, String)> = found.iter().map(|(page, finding)| (*page, finding.id.clone())).collect();
    let id_of = |page: PageId| ids.iter().find(|(other, _)| *other == page).map(|(_, id)| id.clone());
    for (page, finding) in &mut found {
        finding.absorbed_by = absorber(diagnosis, *page).and_then(id_of);
    }
    found
}

/// The page that explains every violation of this one; `None` where one is left.
fn absorber(diagnosis: &TrailDiagnosis, page: PageId) -> Option<PageId> {
    let verdict = diagnosis.verdicts.iter().find(|verdict| verdict.page == page)?;
    let by = |record: RecordId| {
        diagnosis.absorbed.iter().find(|(other, at, _)| (*other, *at) == (page, record)).map(|(_, _, by)| *by)
    };
    let explained: Option<Vec<PageId>> = verdict.violations.iter().map(|violation| by(violation.record)).collect();
    explained?.first().copied()
}

/// The record to show: the one of the cause, else the first that nothing explains, else the first.
fn shown(diagnosis: &TrailDiagnosis, verdict: &RuleVerdict) -> Option<RecordId> {
    let of_cause =
        diagnosis.cause.as_ref().map(|cause| &cause.candidate).filter(|candidate| candidate.page == verdict.page);
    let explained =
        |record: RecordId| diagnosis.absorbed.iter().any(|(page, at, _)| (*page, *at) == (verdict.page, record));
    let mut left = verdict.violations.iter().map(|violation| violation.record);
    let first = verdict.violations.first().map(|violation| violation.record);
    of_cause.map(|candidate| candidate.record).or_else(|| left.find(|record| !explained(*record))).or(first)
}

fn finding(
    rules: &RuleSet,
    maker: &Maker<'_>,
    trail: &Trail,
    diagnosis: &TrailDiagnosis,
    verdict: &RuleVerdict,
    number: usize,
) -> Option<Finding> {
    let page = rules.page(verdict.page);
    let holds = verdict.holds()?;
    let record = shown(diagnosis, verdict)?;
    let mut evidence = maker.of_violation(page, trail, record);
    let others = verdict.violations.iter().map(|violation| violation.record).filter(|other| *other != record);
    for other in others.take(MORE_PLACES) {
        evidence.extend(maker.of_violation(page, trail, other).into_iter().next());
    }
    let sure = if verdict.verdict == TrailVerdict::DependsOnRevision {
        "possible"
    } else {
        certainty(rules, trail, verdict.page, record).name()
    };
    let revision = revision_of(trail, record);
    let violation = verdict.violations.iter().find(|violation| violation.record == record);
    Some(Finding {
        id: format!("f{number}"),
        key: format!("{}|{}|{}|{}", page.slug, page.party, stable_url(&trail.server), page.then.path),
        rule: page.slug.clone(),
        title: page.slug.clone(),
        summary: page.text.summary.clone(),
        link: page.link.name(),
        party: page.party.name(),
        keyword: holds.keyword.name(),
        level: holds.level.name(),
        requirements: page.requirements.clone(),
        spec: revision.map(|revision| rules.links(verdict.page, revision)).unwrap_or_default(),
        valid_under: valid_under(rules, trail, verdict.page, record)
            .iter()
            .map(|revision| revision.name().to_owned())
            .collect(),
        wrong_under: violation
            .map(|violation| violation.under.iter().map(|revision| revision.name().to_owned()).collect())
            .unwrap_or_default(),
        absorbed_by: None,
        certainty: sure,
        occurrences: verdict.violations.len(),
        evidence,
    })
}

/// The newest revision that a record may be under.
fn revision_of(trail: &Trail, record: RecordId) -> Option<Revision> {
    let exchange = trail.record(record)?.exchange;
    trail.stretch_at(exchange)?.candidates.iter().max().copied()
}
