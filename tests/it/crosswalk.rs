//! The crosswalk to the official conformance suite: complete against the list of its checks, and shown in the ledger.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use authtrail::check::conformance::{Check, Tested};
use authtrail::check::listing::Filter;
use authtrail::check::rule_set::RuleSet;

/// Each line of the list: whom a check tests, and its id. The first line names suite, version and commit.
fn listed() -> (String, BTreeSet<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/crosswalk/conformance-checks.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let head = lines.next().unwrap().to_owned();
    (head, lines.map(str::to_owned).collect())
}

#[test]
fn every_check_of_the_suite_is_mapped_once() {
    let conformance = RuleSet::embedded().unwrap().conformance();
    let (head, listed) = listed();
    let named = format!("# {} {}, commit {}", conformance.suite, conformance.version, conformance.commit);
    assert!(head.starts_with(&named), "the list is of another version: {head}");
    let mapped: Vec<String> = conformance.checks.iter().map(|check| format!("{} {}", check.of, check.id)).collect();
    let once: BTreeSet<String> = mapped.iter().cloned().collect();
    assert_eq!(mapped.len(), once.len());
    assert_eq!(once, listed);
    assert!(listed.len() > 300);
}

#[test]
fn a_rule_lists_its_checks() {
    let rules = RuleSet::embedded().unwrap();
    let list = rules.list(&Filter::default());
    let of = |slug: &str| &list.iter().find(|rule| rule.slug == slug).unwrap().conformance;
    assert_eq!(of("challenge-method-plain"), &["pkce-s256-method-used"]);
    assert_eq!(of("clock-differs"), &[] as &[String]);
    let named: usize = list.iter().map(|rule| rule.conformance.len()).sum();
    let mapped: usize = rules.conformance().checks.iter().map(|check| check.rules.len()).sum();
    assert_eq!(named, mapped);
}

/// The section of the ledger: counts, then every check with its rules or the reason.
pub(crate) fn section(rules: &RuleSet) -> String {
    let conformance = rules.conformance();
    let mut text = format!(
        "\n## Conformance suite\n\nThe checks of `{}` {} (commit `{}`) and the pages that judge the same,\nor why none does \
         (`rules/crosswalk/conformance.toml`).\n\n| tests | checks | with pages | with a reason |\n| --- | --- | --- | --- |\n",
        conformance.suite, conformance.version, conformance.commit
    );
    for side in Tested::ALL {
        let checks: Vec<&Check> = conformance.checks.iter().filter(|check| check.of == *side).collect();
        let mapped = checks.iter().filter(|check| !check.rules.is_empty()).count();
        writeln!(text, "| {side} | {} | {mapped} | {} |", checks.len(), checks.len() - mapped).unwrap();
    }
    writeln!(text, "\n| check | pages, or why none |\n| --- | --- |").unwrap();
    for check in &conformance.checks {
        let what = check.reason.clone().unwrap_or_else(|| {
            let slugs: Vec<String> = check.rules.iter().map(|slug| format!("`{slug}`")).collect();
            slugs.join(", ")
        });
        writeln!(text, "| {} {} | {what} |", check.of, check.id).unwrap();
    }
    text
}
