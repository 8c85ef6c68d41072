//! The example of every page is what the program says of the recording that breaks it.
//!
//! `AUTHTRAIL_UPDATE_EXPECTED=1` writes `rules/<link>/<slug>.example.txt` anew.

use std::path::{Path, PathBuf};

use authtrail::check::rule_set::RuleSet;
use authtrail::{Options, diagnose, report};

use crate::walk::compare;

/// The files of `<slug>.violated.*`, or those of the folder `<slug>.violated`, sorted.
fn recordings(folder: &Path, slug: &str) -> Vec<PathBuf> {
    let within = folder.join(format!("{slug}.violated"));
    let (folder, prefix) =
        if within.is_dir() { (within.as_path(), String::new()) } else { (folder, format!("{slug}.violated.")) };
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.file_name().unwrap_or_default().to_string_lossy().starts_with(&prefix)).collect();
    paths.sort();
    paths
}

#[test]
fn every_example_is_the_verdict_on_its_recording() {
    let rules = RuleSet::embedded().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut complaints = Vec::new();
    for page in rules.pages() {
        let folder = root.join(page.link.name());
        let report = diagnose(&recordings(&folder, &page.slug), &Options::new(rules));
        match report::text::excerpt(&report, &page.slug) {
            Some(found) => complaints.extend(compare(&folder.join(format!("{}.example.txt", page.slug)), &found)),
            None => complaints.push(format!("{}: no finding in its violated recording", page.slug)),
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn an_example_belongs_to_a_page() {
    let rules = RuleSet::embedded().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let stray = crate::walk::files(&root).into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_suffix(".example.txt").is_some_and(|slug| rules.by_slug(slug).is_none())
    });
    assert_eq!(stray.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}
