//! The verdicts of all pages on all trails: points 3, 6 and 7 of `rules.md`, section 3.
//!
//! Pages are indexed by the kind of record that they judge, and judged in parallel; the order of the result does not
//! depend on the number of threads.

use rayon::prelude::*;

use super::evaluate::{self, record_verdict};
use super::language::{Certainty, Keyword, Level, Missing, Page, Verdict};
use super::rule_set::{Holds, PageId, RuleSet};
use crate::decode::exchange::Unknown;
use crate::trail::record::RecordId;
use crate::trail::schema::{Kind, Party, Revision};
use crate::trail::{Incident, Trail};

/// The verdict of one page on one trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailVerdict {
    /// The same under every revision that the trail may have, or the weakest of them where none is violated.
    Decided(Verdict),
    /// Violated under some of the revisions that the trail may have, and not under others.
    DependsOnRevision,
}

/// How many records have which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Broken, under every candidate.
    pub violated: usize,
    /// Broken, under some candidates.
    pub depends_on_revision: usize,
    /// Kept.
    pub satisfied: usize,
    /// Not decided.
    pub not_observed: usize,
    /// Not asked.
    pub not_applicable: usize,
}

/// A record that breaks what a page asserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The record.
    pub record: RecordId,
    /// The candidate revisions under which it is a violation, oldest first.
    pub under: Vec<Revision>,
    /// The candidate revisions under which it is none, oldest first.
    pub not_under: Vec<Revision>,
    /// Keyword and level: the lowest among `under`.
    pub holds: Holds,
}

/// The verdict of one page on one trail, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVerdict {
    /// The page.
    pub page: PageId,
    /// The verdict.
    pub verdict: TrailVerdict,
    /// Counts of records.
    pub counts: Counts,
    /// The records that break it under at least one candidate, in time order.
    pub violations: Vec<Violation>,
    /// What is missing, each once, with the first record that lacks it; `None` where no record of the kind is there.
    pub missing: Vec<(Option<RecordId>, Missing)>,
}

impl RuleVerdict {
    /// Keyword and level of the violations: the lowest; `None` where there is none.
    pub fn holds(&self) -> Option<Holds> {
        self.violations.iter().map(|violation| violation.holds).min_by_key(|holds| holds.level)
    }

    /// The level of the violations; `None` where there is none.
    pub fn level(&self) -> Option<Level> {
        self.holds().map(|holds| holds.level)
    }
}

/// The revisions that a trail may have when nothing in it tells (design, decision 1).
const WITHOUT_SIGNAL: &[Revision] = &[Revision::R20250326, Revision::R20250618, Revision::R20251125];

/// Pages of one parallel task: enough to be worth a task, few enough to spread one large trail over all threads.
const CHUNK: usize = 8;

/// What all pages ask of a trail.
struct Index {
    /// The records by kind.
    by_kind: Vec<Vec<RecordId>>,
    /// Every revision that a part of the trail may have.
    revisions: Vec<Revision>,
    /// Why the records of a kind, where there are none, are not observed; `None` where this trail does not have them.
    unseen: Vec<Option<Unknown>>,
}

impl Index {
    fn of(trail: &Trail) -> Self {
        let mut by_kind = vec![Vec::new(); Kind::ALL.len()];
        for (at, record) in trail.records.iter().enumerate().filter(|(_, record)| !record.is_upstream) {
            by_kind[record.kind as usize].push(RecordId(at as u32));
        }
        let all = trail.stretches.iter().flat_map(|stretch| stretch.candidates.iter().copied());
        let mut revisions: Vec<Revision> = all.collect();
        if revisions.is_empty() {
            revisions = WITHOUT_SIGNAL.to_vec();
        }
        revisions.sort_unstable();
        revisions.dedup();
        let unseen = Kind::ALL.iter().map(|kind| unseen(trail, *kind)).collect();
        Index { by_kind, revisions, unseen }
    }

    fn of_kind(&self, kind: Kind) -> &[RecordId] {
        &self.by_kind[kind as usize]
    }
}

/// Judges every trail by every page. The result has one list a trail, each in order of link, step and slug.
pub fn judge(rules: &RuleSet, incident: &Incident) -> Vec<Vec<RuleVerdict>> {
    let trails: Vec<(&Trail, Index)> = incident.trails.iter().map(|trail| (trail, Index::of(trail))).collect();
    let pages: Vec<PageId> = rules.ids().collect();
    trails
        .par_iter()
        .map(|(trail, index)| {
            let verdicts = pages.par_chunks(CHUNK).flat_map_iter(|chunk| {
                chunk.iter().map(|page| verdict(rules, trail, index, *page)).collect::<Vec<_>>()
            });
            in_order(rules, verdicts.collect())
        })
        .collect()
}

/// Judges one trail by every page, in order of link, step and slug.
pub fn judge_trail(rules: &RuleSet, trail: &Trail) -> Vec<RuleVerdict> {
    let index = Index::of(trail);
    in_order(rules, rules.ids().map(|page| verdict(rules, trail, &index, page)).collect())
}

/// Judges one trail by one page. The id comes from this rule set.
pub fn judge_page(rules: &RuleSet, trail: &Trail, page: PageId) -> RuleVerdict {
    verdict(rules, trail, &Index::of(trail), page)
}

fn in_order(rules: &RuleSet, mut verdicts: Vec<RuleVerdict>) -> Vec<RuleVerdict> {
    verdicts.sort_by_key(|verdict| {
        let step = verdict.violations.first().map_or(RecordId(u32::MAX), |violation| violation.record);
        // Ids are in order of link and slug.
        (rules.page(verdict.page).link, step, verdict.page)
    });
    verdicts
}

fn verdict(rules: &RuleSet, trail: &Trail, index: &Index, id: PageId) -> RuleVerdict {
    let page = rules.page(id);
    let records = index.of_kind(page.given);
    if records.is_empty() {
        return without_records(rules, index, id, page);
    }
    let mut verdict = RuleVerdict {
        page: id,
        verdict: TrailVerdict::Decided(Verdict::NotApplicable),
        counts: Counts::default(),
        violations: Vec::new(),
        missing: Vec::new(),
    };
    let mut stretch = Candidates::default();
    for record in records {
        stretch.move_to(rules, trail, id, *record);
        if stretch.under.is_empty() {
            verdict.counts.not_applicable += 1;
            continue;
        }
        let found = record_verdict(page, trail, *record);
        match found.verdict {
            Verdict::NotApplicable => verdict.counts.not_applicable += 1,
            Verdict::Satisfied => verdict.counts.satisfied += 1,
            Verdict::NotObserved => {
                verdict.counts.not_observed += 1;
                if let Some(missing) = found.missing
                    && !verdict.missing.iter().any(|(_, known)| *known == missing)
                {
                    verdict.missing.push((Some(*record), missing));
                }
            }
            Verdict::Violated => {
                if stretch.not_under.is_empty() {
                    verdict.counts.violated += 1;
                } else {
                    verdict.counts.depends_on_revision += 1;
                }
                verdict.violations.extend(stretch.violation(*record));
            }
        }
    }
    verdict.verdict = combined(&verdict.counts);
    verdict
}

/// Points 6 and 7 together. The revisions of different stretches are decided apart, so one stretch that is violated
/// under all its candidates decides, and one that is violated under some leaves the rule open.
fn combined(counts: &Counts) -> TrailVerdict {
    match counts {
        Counts { violated: 1.., .. } => TrailVerdict::Decided(Verdict::Violated),
        Counts { depends_on_revision: 1.., .. } => TrailVerdict::DependsOnRevision,
        Counts { not_observed: 1.., .. } => TrailVerdict::Decided(Verdict::NotObserved),
        Counts { satisfied: 1.., .. } => TrailVerdict::Decided(Verdict::Satisfied),
        _ => TrailVerdict::Decided(Verdict::NotApplicable),
    }
}

/// Point 3: no record of the kind is there.
fn without_records(rules: &RuleSet, index: &Index, id: PageId, page: &Page) -> RuleVerdict {
    let asked = || index.revisions.iter().any(|revision| rules.holds_in(id, *revision).is_some());
    let reason = index.unseen[page.given as usize].filter(|_| asked());
    let verdict = if reason.is_some() { Verdict::NotObserved } else { Verdict::NotApplicable };
    RuleVerdict {
        page: id,
        verdict: TrailVerdict::Decided(verdict),
        counts: Counts::default(),
        violations: Vec::new(),
        missing: reason.map(|reason| (None, Missing { path: None, reason })).into_iter().collect(),
    }
}

/// Why no record of a kind can be said to be missing.
fn unseen(trail: &Trail, kind: Kind) -> Option<Unknown> {
    let visible = kind.legs().iter().any(|leg| trail.legs.contains(leg));
    match (visible, trail.proves(kind)) {
        (false, _) => Some(Unknown::LegNotRecorded),
        (true, true) => Some(Unknown::StepNotRecorded),
        (true, false) => None,
    }
}

/// The candidate revisions of the stretch of the current record, and whether the page holds in them.
#[derive(Default)]
struct Candidates<'t> {
    all: Option<&'t [Revision]>,
    under: Vec<Revision>,
    not_under: Vec<Revision>,
    lowest: Option<Holds>,
}

impl<'t> Candidates<'t> {
    fn move_to(&mut self, rules: &RuleSet, trail: &'t Trail, page: PageId, record: RecordId) {
        let exchange = trail.record(record).map(|record| record.exchange);
        let stretch = exchange.and_then(|exchange| trail.stretch_at(exchange));
        let candidates = match stretch {
            Some(stretch) if !stretch.candidates.is_empty() => &*stretch.candidates,
            _ => WITHOUT_SIGNAL,
        };
        if self.all.is_some_and(|all| std::ptr::eq(all, candidates)) {
            return;
        }
        let holds = |revision: &Revision| rules.holds_in(page, *revision);
        (self.under, self.not_under) = candidates.iter().partition(|revision| holds(revision).is_some());
        self.under.sort_unstable();
        self.not_under.sort_unstable();
        self.lowest = self.under.iter().filter_map(holds).min_by_key(|holds| holds.level);
        self.all = Some(candidates);
    }

    fn violation(&self, record: RecordId) -> Option<Violation> {
        let holds = self.lowest?;
        Some(Violation { record, under: self.under.clone(), not_under: self.not_under.clone(), holds })
    }
}

/// The revisions in which the behaviour of a record that violates a page breaks nothing (design, decision 11), oldest
/// first: those that state none of the duties of the page, or only permit them, and those for which a sister page of the
/// same duties finds them kept.
pub fn valid_under(rules: &RuleSet, trail: &Trail, id: PageId, record: RecordId) -> Vec<Revision> {
    let page = rules.page(id);
    if page.requirements.is_empty() {
        return Vec::new();
    }
    let sisters: Vec<(PageId, Verdict)> = rules
        .of_kind(page.given)
        .iter()
        .filter(|other| **other != id)
        .filter(|other| rules.page(**other).requirements.iter().any(|entry| page.requirements.contains(entry)))
        .map(|other| (*other, record_verdict(rules.page(*other), trail, record).verdict))
        .collect();
    let binds = |keyword: Option<Keyword>| keyword.is_some_and(|keyword| keyword != Keyword::May);
    let valid = |revision: &Revision| {
        if !rules.requirements(id).any(|entry| binds(entry.keyword_in(*revision))) {
            return true;
        }
        // Narrowed away from this revision: another page judges the duty there, or nobody does and nothing is said.
        let there = || sisters.iter().filter(|(sister, _)| rules.holds_in(*sister, *revision).is_some());
        rules.holds_in(id, *revision).is_none()
            && there().any(|(_, verdict)| *verdict == Verdict::Satisfied)
            && !there().any(|(_, verdict)| matches!(verdict, Verdict::Violated | Verdict::NotObserved))
    };
    // 2024-11-05 has no authorization chapter: nothing about authorization is right or wrong there.
    let is_authorization = page.requirements.iter().all(|entry| entry.starts_with("AUTH-"));
    let has_chapter = |revision: &Revision| !is_authorization || *revision != Revision::R20241105;
    Revision::ALL.iter().copied().filter(has_chapter).filter(valid).collect()
}

/// How sure a violation is: what the page reaches, and no more than likely where it rests on a revision that the client
/// only offered or that the recording leaves open, and the behaviour is right under another (design, decision 1), or where
/// another client could have sent the request that it is about.
pub fn certainty(rules: &RuleSet, trail: &Trail, id: PageId, record: RecordId) -> Certainty {
    let reached = evaluate::certainty(rules.page(id), trail, record);
    let stretch = trail.record(record).and_then(|record| trail.stretch_at(record.exchange));
    let is_open = stretch
        .is_none_or(|stretch| matches!(stretch.by, "offered" | "modern-request") || stretch.candidates.len() != 1);
    let contested = trail.is_contested(record) && rules.page(id).party == Party::Client;
    if contested || (is_open && !valid_under(rules, trail, id, record).is_empty()) {
        reached.min(Certainty::Likely)
    } else {
        reached
    }
}
