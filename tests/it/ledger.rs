//! `rules/LEDGER.md`: every entry of the catalogues with its pages or the reason why it has none.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::Path;

use authtrail::check::catalogue::Observable;
use authtrail::check::language::{Family, Keyword};
use authtrail::check::rule_set::RuleSet;
use authtrail::trail::schema::Revision;
use serde::Deserialize;

use crate::expected::compare;
use crate::run::{diagnose, items, text as text_of};

#[derive(Deserialize, Default)]
struct Reasons {
    #[serde(default)]
    entry: Vec<Reason>,
}

/// Why an entry has no page.
#[derive(Deserialize, Clone)]
struct Reason {
    id: String,
    reason: String,
    /// Pages that stay quiet because of a permission.
    #[serde(default)]
    quiet: Vec<String>,
    /// A satisfied recording that uses it.
    uses: Option<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn reasons() -> HashMap<String, Reason> {
    let folder = root().join("rules/ledger");
    let mut found = HashMap::new();
    for file in std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|file| file.path()) {
        // The recordings that use a permission stand beside the reasons.
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let reasons: Reasons = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        found.extend(reasons.entry.into_iter().map(|reason| (reason.id.clone(), reason)));
    }
    found
}

/// `AUTH-PKCE` of `AUTH-PKCE-07`, `SSE` of `SSE-GET-02`.
fn family(id: &str) -> String {
    let parts: Vec<&str> = id.split('-').collect();
    parts[..if id.starts_with("AUTH-") { 2 } else { 1 }].join("-")
}

#[derive(Default)]
struct Tally {
    entries: usize,
    pages: usize,
    reasons: usize,
    open: usize,
}

fn ledger() -> String {
    let rules = RuleSet::embedded().unwrap();
    let reasons = reasons();
    let mut pages_of: HashMap<&str, Vec<&str>> = HashMap::new();
    for page in rules.pages() {
        for entry in &page.requirements {
            pages_of.entry(entry).or_default().push(&page.slug);
        }
    }
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in rules.catalogue().entries() {
        let tally = tallies.entry(family(&entry.id)).or_default();
        tally.entries += 1;
        let what = if let Some(pages) = pages_of.get(entry.id.as_str()) {
            tally.pages += 1;
            pages.iter().map(|slug| format!("`{slug}`")).collect::<Vec<_>>().join(", ")
        } else if let Some(reason) = reasons.get(&entry.id) {
            tally.reasons += 1;
            let mut text = reason.reason.replace('|', "\\|");
            if !reason.quiet.is_empty() {
                let quiet: Vec<String> = reason.quiet.iter().map(|slug| format!("`{slug}`")).collect();
                write!(text, " Quiet because of it: {}.", quiet.join(", ")).unwrap();
            }
            if let Some(uses) = &reason.uses {
                write!(text, " Used in `{uses}`.").unwrap();
            }
            text
        } else {
            tally.open += 1;
            "open".to_owned()
        };
        let levels = Revision::ALL.iter().filter_map(|revision| Some((revision, entry.keyword_in(*revision)?)));
        let levels: Vec<String> =
            levels.map(|(revision, keyword)| format!("{} {keyword}", &revision.name()[..7])).collect();
        let row = format!("| {} | {} | {} | {what} |", entry.id, entry.title.replace('|', "\\|"), levels.join(", "));
        rows.entry(family(&entry.id)).or_default().push(row);
    }
    let mut text = String::from(
        "# Ledger\n\nEvery entry of the catalogues with the pages that judge it, or the reason why it has none. Written by\n\
         `tests/it/ledger.rs`; `AUTHTRAIL_UPDATE_EXPECTED=1` writes it anew.\n\n\
         The recordings beside the pages are made from recorded messages, changed in the one point that a page is about\n\
         (`samples/make/`). What recordings of real components show of a page stands under Recordings.\n\n## Counts\n\n\
         | family | entries | with pages | with a reason | open |\n| --- | --- | --- | --- | --- |\n",
    );
    let mut total = Tally::default();
    for (family, tally) in &tallies {
        writeln!(text, "| {family} | {} | {} | {} | {} |", tally.entries, tally.pages, tally.reasons, tally.open)
            .unwrap();
        total.entries += tally.entries;
        total.pages += tally.pages;
        total.reasons += tally.reasons;
        total.open += tally.open;
    }
    writeln!(text, "| all | {} | {} | {} | {} |", total.entries, total.pages, total.reasons, total.open).unwrap();
    counts_of_pages(rules, &mut text);
    for (family, rows) in rows {
        writeln!(text, "\n## {family}\n\n| entry | duty | revisions | pages, or why none |\n| --- | --- | --- | --- |")
            .unwrap();
        for row in rows {
            writeln!(text, "{row}").unwrap();
        }
    }
    failure_modes(rules, &mut text);
    text.push_str(&crate::crosswalk::section(rules));
    text.push_str(&crate::real_recordings::section(rules));
    text
}

/// Pages by revision, by party and by keyword.
fn counts_of_pages(rules: &RuleSet, text: &mut String) {
    writeln!(text, "\n| revision | pages | MUST | SHOULD | other |\n| --- | --- | --- | --- | --- |").unwrap();
    for revision in Revision::ALL {
        let held: Vec<Keyword> = rules.ids().filter_map(|id| Some(rules.holds_in(id, *revision)?.keyword)).collect();
        let count = |wanted: &[Keyword]| held.iter().filter(|keyword| wanted.contains(keyword)).count();
        let must = count(&[Keyword::Must, Keyword::MustNot]);
        let should = count(&[Keyword::Should, Keyword::ShouldNot]);
        writeln!(text, "| {revision} | {} | {must} | {should} | {} |", held.len(), held.len() - must - should).unwrap();
    }
    let mut parties: BTreeMap<&str, usize> = BTreeMap::new();
    for page in rules.pages() {
        *parties.entry(page.party.name()).or_default() += 1;
    }
    table_of_counts(text, "party", parties.into_iter());
    let families = Family::ALL
        .iter()
        .map(|family| (family.name(), rules.pages().iter().filter(|page| page.families().contains(family)).count()));
    table_of_counts(text, "family of pages", families);
}

fn table_of_counts<'a>(text: &mut String, of: &str, counts: impl Iterator<Item = (&'a str, usize)>) {
    writeln!(text, "\n| {of} | pages |\n| --- | --- |").unwrap();
    for (name, pages) in counts {
        writeln!(text, "| {name} | {pages} |").unwrap();
    }
}

/// Failure modes and their pages.
fn failure_modes(rules: &RuleSet, text: &mut String) {
    let mut modes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for page in rules.pages() {
        if let Some(mode) = &page.mode {
            modes.entry(mode).or_default().push(format!("`{}/{}`", page.link, page.slug));
        }
    }
    writeln!(text, "\n## Failure modes\n\n| mode | pages |\n| --- | --- |").unwrap();
    for (mode, pages) in modes {
        writeln!(text, "| {mode} | {} |", pages.join(", ")).unwrap();
    }
}

#[test]
fn the_ledger_is_up_to_date() {
    compare(&root().join("rules/LEDGER.md"), &ledger());
}

#[test]
fn a_reason_names_an_entry_without_a_page_and_pages_that_exist() {
    let rules = RuleSet::embedded().unwrap();
    for reason in reasons().values() {
        assert!(rules.catalogue().get(&reason.id).is_some(), "{}: no such entry", reason.id);
        for slug in &reason.quiet {
            assert!(rules.by_slug(slug).is_some(), "{}: no page {slug}", reason.id);
        }
        if let Some(uses) = &reason.uses {
            assert!(root().join(uses).exists(), "{}: no recording {uses}", reason.id);
        }
    }
}

#[test]
fn no_entry_is_open() {
    let ledger = ledger();
    let open: Vec<&str> =
        ledger.lines().filter(|row| row.ends_with("| open |") && !row.starts_with("| family")).collect();
    assert_eq!(open, [] as [&str; 0]);
}

/// A permission: nothing but MAY in every revision that states it.
fn is_permission(entry: &authtrail::check::catalogue::Requirement) -> bool {
    let mut keywords = Revision::ALL.iter().filter_map(|revision| entry.keyword_in(*revision));
    entry.observable != Observable::No && keywords.all(|keyword| keyword == Keyword::May)
}

#[test]
fn who_uses_a_permission_is_not_blamed() {
    let rules = RuleSet::embedded().unwrap();
    let reasons = reasons();
    let mut complaints = Vec::new();
    for entry in rules.catalogue().entries() {
        let reason = reasons.get(&entry.id);
        let said = reason.is_some_and(|reason| reason.reason.starts_with("permission"));
        if !said && !is_permission(entry) {
            continue;
        }
        let Some((reason, uses)) = reason.and_then(|reason| Some((reason, reason.uses.as_ref()?))) else {
            complaints.push(format!("{}: a permission without a recording that uses it", entry.id));
            continue;
        };
        if reason.quiet.is_empty() {
            complaints.push(format!("{}: a permission without pages that stay quiet because of it", entry.id));
        }
        let report = diagnose(root(), std::slice::from_ref(uses), &["--verbose"], None);
        for trail in items(&report, "trails") {
            let blamed = reason.quiet.iter().filter(|slug| trail["verdicts"][slug.as_str()] == "violated");
            complaints.extend(blamed.map(|slug| format!("{}: {slug} is not quiet on {uses}", entry.id)));
            // What was made for the permission alone has no other fault.
            let alone = uses.starts_with("rules/ledger/");
            let errors =
                items(trail, "findings").iter().filter(|finding| alone && text_of(finding, "/level") == "error");
            complaints.extend(errors.map(|finding| format!("{}: {} on {uses}", entry.id, text_of(finding, "/rule"))));
        }
        if items(&report, "trails").is_empty() {
            complaints.push(format!("{}: no trail in {uses}", entry.id));
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_duty_that_a_recording_decides_has_a_page_where_it_is_stated() {
    let rules = RuleSet::embedded().unwrap();
    let reasons = reasons();
    let mut complaints = Vec::new();
    for entry in rules.catalogue().entries().iter().filter(|entry| entry.observable == Observable::Wire) {
        // An old duty that became a permission has a page while it is one.
        let stated = |revision: &Revision| entry.keyword_in(*revision).is_some_and(|keyword| keyword != Keyword::May);
        let permitted = reasons.get(&entry.id).is_some_and(|reason| reason.reason.starts_with("permission:"));
        for revision in Revision::ALL.iter().filter(|revision| stated(revision) && !permitted) {
            let judges = |page: &authtrail::check::language::Page| {
                page.requirements.contains(&entry.id)
                    && page.narrowed_to.as_ref().is_none_or(|revisions| revisions.contains(revision))
            };
            if !rules.pages().iter().any(judges) {
                complaints.push(format!("{}: no page in {revision}", entry.id));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
