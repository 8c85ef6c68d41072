//! Two exports of one run never contradict each other: what one proves, the other says or leaves undecided.
//!
//! Every list of a labelled case is one export: full and sanitized, flow file and HAR, packets and browser.

use authtrail::Options;
use authtrail::check::rule_set::RuleSet;
use authtrail::report::contract::{Cause, Trail};

use crate::real_recordings::{Given, lists};

/// What one export says; nothing where it shows no client.
struct Said {
    files: String,
    trail: Option<Trail>,
}

fn said(rules: &'static RuleSet, given: &Given) -> Said {
    let mut options = Options::new(rules);
    options.read.keylogs = given.keys.iter().cloned().collect();
    let names = given.files.iter().map(|file| file.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let files = names.collect::<Vec<_>>().join(" + ");
    Said { files, trail: authtrail::diagnose(&given.files, &options).trails.into_iter().next() }
}

#[test]
fn no_export_contradicts_another_of_the_same_run() {
    let rules = RuleSet::embedded().unwrap();
    let (lists, mut contradictions, mut compared) = (lists(), Vec::new(), 0);
    for exports in lists.chunk_by(|one, next| one.case == next.case).filter(|exports| exports.len() > 1) {
        let said: Vec<Said> = exports.iter().map(|given| said(rules, given)).collect();
        for (index, one) in said.iter().enumerate() {
            for other in said.iter().skip(index + 1) {
                compared += 1;
                let (Some(first), Some(second)) = (&one.trail, &other.trail) else { continue };
                let place = format!("{}: {} and {}", exports[0].case, one.files, other.files);
                contradictions.extend(contradiction(first, second).into_iter().map(|what| format!("{place}: {what}")));
            }
        }
    }
    assert!(compared > 5, "{compared}");
    assert!(contradictions.is_empty(), "\n{}\n", contradictions.join("\n"));
}

#[test]
fn a_part_of_an_incident_names_no_other_cause_than_the_whole() {
    let rules = RuleSet::embedded().unwrap();
    let (mut contradictions, mut compared) = (Vec::new(), 0);
    for whole in lists().into_iter().filter(|given| given.files.len() > 1) {
        let Some(of_whole) = said(rules, &whole).trail else { continue };
        for file in &whole.files {
            let part = Given { case: whole.case.clone(), files: vec![file.clone()], keys: whole.keys.clone() };
            let part = said(rules, &part);
            compared += 1;
            let outcomes = part.trail.as_ref().map_or("undecided", |trail| trail.outcome);
            let fits = ["undecided", "open", of_whole.outcome].contains(&outcomes);
            let cause = part.trail.as_ref().and_then(|trail| trail.cause.as_ref());
            let same = |cause: &Cause| {
                of_whole.cause.as_ref().is_some_and(|whole| whole.rule == cause.rule || names(cause, whole))
            };
            if !fits || cause.is_some_and(|cause| !same(cause)) {
                let cause = cause.map_or("none", |cause| cause.rule.as_str());
                contradictions.push(format!("{}: {} alone is {outcomes}, its cause {cause}", whole.case, part.files));
            }
        }
    }
    assert!(compared > 5, "{compared}");
    assert!(contradictions.is_empty(), "\n{}\n", contradictions.join("\n"));
}

#[test]
fn a_recording_given_three_times_says_what_it_says_alone() {
    let rules = RuleSet::embedded().unwrap();
    let kinds = ["gateway-", "round-robin-", "clean-refresh", "clean-step-up", "clean-2025-11-25-mitmproxy"];
    let wanted = |given: &Given| given.files.len() == 1 && kinds.iter().any(|kind| given.case.starts_with(kind));
    let mut compared = 0;
    for alone in lists().into_iter().filter(wanted) {
        let files = vec![alone.files[0].clone(); 3];
        let thrice = Given { case: alone.case.clone(), files, keys: alone.keys.clone() };
        let in_short = |given: &Given| {
            let trail = said(rules, given).trail?;
            let cause = trail.cause.map(|cause| (cause.rule, cause.certainty));
            Some((trail.outcome, cause, trail.verdicts))
        };
        let (one, three) = (in_short(&alone), in_short(&thrice));
        assert!(one.is_some());
        assert_eq!(one, three, "{}", alone.case);
        compared += 1;
    }
    assert!(compared > 7, "{compared}");
}

/// What cannot both be true.
fn contradiction(one: &Trail, other: &Trail) -> Vec<String> {
    let mut found = Vec::new();
    if one.outcome != other.outcome && one.outcome != "undecided" && other.outcome != "undecided" {
        found.push(format!("{} and {}", one.outcome, other.outcome));
    }
    for (slug, verdict) in &one.verdicts {
        let pair = (*verdict, other.verdicts.get(slug).copied().unwrap_or_default());
        if matches!(pair, ("violated", "satisfied") | ("satisfied", "violated")) {
            found.push(format!("{slug} is {} and {}", pair.0, pair.1));
        }
    }
    if let (Some(first), Some(second)) = (&one.cause, &other.cause) {
        let left_open = names(first, second) || names(second, first);
        if first.rule != second.rule && !left_open {
            found.push(format!("the cause is {} and {}", first.rule, second.rule));
        }
    }
    found
}

/// Whether a cause leaves open that it is another.
fn names(cause: &Cause, other: &Cause) -> bool {
    cause.alternatives.iter().any(|alternative| alternative.rule == other.rule)
}
