//! Every page turns when something that it asks about is broken in its satisfied recording.
//!
//! One thing at a time is broken: a header dropped, a value altered, an exchange removed, repeated or moved in time. What
//! is tried is computed from the page: the fields that it names, where they stand in the recording, and the values that
//! it compares them with come first. The page has to turn from satisfied to violated. A page that nothing turns asserts
//! nothing about its recording, and is refused.
//!
//! What else may change with it is computed as well: a broken octet reaches a page through a field that it names, a
//! binding that it passes through, the records of its kind, or the revision in force, and in no other way. All of these
//! are compared before and after; a page that asks for nothing that differs keeps its verdicts on all records. A break
//! may move much that it does not touch (an altered status changes what an exchange is, a removed login changes whose
//! token it is), so the pages are taken from what did change, not from the octet alone.

mod breaks;
mod converted;
mod facts;
mod message;
mod recording;
mod values;

use authtrail::check::judge::{Counts, TrailVerdict, judge_page, judge_trail};
use authtrail::check::language::Verdict;
use authtrail::check::rule_set::{PageId, RuleSet};
use authtrail::trail::Incident;
use rayon::prelude::*;

use breaks::{Break, breaks};
use facts::{Difference, Facts};
use recording::Recording;

/// Breaks that are tried for one page. The slowest page turns after half as many.
const TRIES: usize = 600;

/// Pages that one break can only turn to not observed. Almost any page does when its exchange is removed, so this is
/// accepted of these alone, each with the reason why it takes two breaks to violate it.
const ONLY_LEFT_OPEN: &[(&str, &str)] = &[
    ("login-not-finished", "the answer stands in a redirect and in the callback, and both have to go"),
    ("refused-as-without-token", "two refusals have to become alike, in their challenge and in how they read"),
    ("challenge-not-followed", "the client goes on to a server that the metadata alone names, and both have to go"),
];

/// The verdict of a page on a recording: the worst of its trails.
fn verdict(rules: &RuleSet, page: PageId, incident: &Incident) -> Verdict {
    let of = |trail| match judge_page(rules, trail, page).verdict {
        TrailVerdict::Decided(verdict) => verdict,
        // Violated under one of the revisions that it may be: open.
        TrailVerdict::DependsOnRevision => Verdict::NotObserved,
    };
    incident.trails.iter().map(of).max().unwrap_or(Verdict::NotApplicable)
}

/// The verdicts of every page on all records, in the order of the pages.
fn counts(rules: &RuleSet, incident: &Incident) -> Vec<Counts> {
    let mut sums = vec![Counts::default(); rules.pages().len()];
    for verdict in incident.trails.iter().flat_map(|trail| judge_trail(rules, trail)) {
        let (sum, counts) = (&mut sums[verdict.page.0 as usize], verdict.counts);
        sum.violated += counts.violated;
        sum.depends_on_revision += counts.depends_on_revision;
        sum.satisfied += counts.satisfied;
        sum.not_observed += counts.not_observed;
        sum.not_applicable += counts.not_applicable;
    }
    sums
}

/// The first break that turns the page, or what is wrong with it.
fn turning(rules: &RuleSet, id: PageId, recording: &Recording, unbroken: &Incident) -> Result<Break, String> {
    let page = rules.page(id);
    let may_be_left_open = ONLY_LEFT_OPEN.iter().any(|(slug, _)| *slug == page.slug);
    let mut open = None;
    let mut tried = 0;
    for broken in breaks(page, unbroken, recording.trees()) {
        let Some((incident, _)) = recording.broken(&broken) else { continue };
        tried += 1;
        match verdict(rules, id, &incident) {
            Verdict::Violated => return Ok(broken),
            Verdict::NotObserved if may_be_left_open => return Ok(broken),
            Verdict::NotObserved if open.is_none() => open = Some(broken),
            _ => {}
        }
        if tried == TRIES {
            break;
        }
    }
    let left_open = open.map_or_else(String::new, |broken| format!("; left open by {broken:?}"));
    Err(format!("{}: none of {tried} breaks violates it{left_open}", page.slug))
}

/// What is wrong with a page or its satisfied recording.
fn complaints(rules: &RuleSet, id: PageId) -> Vec<String> {
    let page = rules.page(id);
    let recording = Recording::beside(page);
    let unbroken = recording.unbroken();
    if verdict(rules, id, &unbroken) != Verdict::Satisfied {
        return vec![format!("{}: not satisfied before anything is broken", page.slug)];
    }
    match turning(rules, id, &recording, &unbroken) {
        Ok(broken) => strays(rules, id, &recording, &unbroken, &broken),
        Err(complaint) => vec![complaint],
    }
}

/// Pages whose verdicts a break changes although they ask for nothing that changed, and whether the page itself is one
/// that asks for something.
fn strays(rules: &RuleSet, id: PageId, recording: &Recording, unbroken: &Incident, broken: &Break) -> Vec<String> {
    let Some((incident, entries)) = recording.broken(broken) else { return Vec::new() };
    let difference = Difference::between(&Facts::of(unbroken, &recording.numbers()), &Facts::of(&incident, &entries));
    let mut strays = Vec::new();
    if !difference.reaches(rules, id) {
        strays.push(format!("{}: turns though nothing that it asks for changed: {broken:?}", rules.page(id).slug));
    }
    let (before, after) = (counts(rules, unbroken), counts(rules, &incident));
    for other in rules.ids().filter(|other| !difference.reaches(rules, *other)) {
        let (before, after) = (&before[other.0 as usize], &after[other.0 as usize]);
        if before != after {
            let (slug, of) = (&rules.page(other).slug, &rules.page(id).slug);
            strays
                .push(format!("{slug}: asks for nothing that {broken:?} changes for {of}; {before:?}, then {after:?}"));
        }
    }
    strays
}

#[test]
fn every_page_turns_when_its_recording_is_broken_and_no_other_without_reason() {
    let rules = RuleSet::embedded().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let pages: Vec<PageId> = rules.ids().collect();
    let complaints: Vec<String> = pages.par_iter().flat_map_iter(|page| complaints(rules, *page)).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
