//! Which pages fire and stay quiet on traffic of real components, for `rules/LEDGER.md`.
//!
//! The recordings beside a page show its fault alone, and most are made from recorded messages. Here every labelled
//! recording and every run of the conformance suite is judged, and the ledger names the case that shows a page broken
//! and one that shows it kept.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use authtrail::Options;
use authtrail::check::rule_set::RuleSet;
use authtrail::trail::schema::Link;
use serde::Deserialize;

use crate::run::samples;

/// The labelled cases that show one page broken, or kept.
#[derive(Default)]
struct Shown {
    violated: Vec<String>,
    satisfied: Vec<String>,
}

impl Shown {
    fn both(&self) -> bool {
        !self.violated.is_empty() && !self.satisfied.is_empty()
    }
}

/// What of a label is needed to hand its files over.
#[derive(Deserialize)]
struct Label {
    give: Vec<Vec<String>>,
    keylog: Option<String>,
}

#[derive(Deserialize)]
struct Suite {
    run: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    file: String,
}

/// Files that are handed over together.
pub(crate) struct Given {
    /// Name of the case.
    pub(crate) case: String,
    pub(crate) files: Vec<PathBuf>,
    /// The key log, where there is one.
    pub(crate) keys: Option<PathBuf>,
}

/// Every list of files that is handed over together.
pub(crate) fn lists() -> Vec<Given> {
    let mut lists = Vec::new();
    for folder in samples("labelled") {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let label = std::fs::read_to_string(folder.join("label.toml")).unwrap();
        let label: Label = toml::from_str(&label).unwrap_or_else(|error| panic!("{name}: {error}"));
        let keys = label.keylog.map(|keys| folder.join(keys));
        for files in &label.give {
            let files = files.iter().map(|file| folder.join(file)).collect();
            lists.push(Given { case: name.clone(), files, keys: keys.clone() });
        }
    }
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/conformance");
    let index: Suite = toml::from_str(&std::fs::read_to_string(suite.join("index.toml")).unwrap()).unwrap();
    lists.extend(index.run.into_iter().map(|run| {
        let name = run.file.rsplit('/').nth(1).unwrap_or(&run.file).to_owned();
        Given { case: format!("conformance/{name}"), files: vec![suite.join(&run.file)], keys: None }
    }));
    lists
}

/// By page, what the real recordings show. Every page has an entry.
fn shown(rules: &'static RuleSet) -> BTreeMap<String, Shown> {
    let mut shown: BTreeMap<String, Shown> =
        rules.pages().iter().map(|page| (page.slug.clone(), Shown::default())).collect();
    for Given { case, files, keys } in lists() {
        let mut options = Options::new(rules);
        options.read.keylogs = keys.into_iter().collect();
        for trail in authtrail::diagnose(&files, &options).trails {
            for (slug, verdict) in trail.verdicts {
                let Some(page) = shown.get_mut(&slug) else { continue };
                let cases = match verdict {
                    "violated" => &mut page.violated,
                    "satisfied" => &mut page.satisfied,
                    _ => continue,
                };
                if cases.last() != Some(&case) {
                    cases.push(case.clone());
                }
            }
        }
    }
    shown
}

/// `real, CASE` or `made`.
fn origin(cases: &[String]) -> String {
    match cases {
        [] => "made".to_owned(),
        [only] => format!("real, {only}"),
        [first, rest @ ..] => format!("real, {first} and {} more", rest.len()),
    }
}

/// The section of the ledger: counts by link, then every page.
pub(crate) fn section(rules: &'static RuleSet) -> String {
    let shown = shown(rules);
    let mut text = String::from(
        "\n## Recordings\n\nWhere a page is shown broken and where it is shown kept: `real` where a recording of real \
         components does so\n(`samples/labelled/`, `samples/conformance/`), `made` where only the recording beside the \
         page does. A case without\na fault of its own may still break a duty of little weight; the first case is named.\n\n\
         | link | pages | broken in real traffic | kept in real traffic | both |\n| --- | --- | --- | --- | --- |\n",
    );
    for link in Link::ALL {
        let pages: Vec<&Shown> =
            rules.pages().iter().filter(|page| page.link == *link).map(|page| &shown[&page.slug]).collect();
        let count = |wanted: fn(&Shown) -> bool| pages.iter().filter(|page| wanted(page)).count();
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            link.name(),
            pages.len(),
            count(|page| !page.violated.is_empty()),
            count(|page| !page.satisfied.is_empty()),
            count(Shown::both)
        )
        .unwrap();
    }
    writeln!(text, "\n| page | broken | kept |\n| --- | --- | --- |").unwrap();
    for page in rules.pages() {
        let shown = &shown[&page.slug];
        let (broken, kept) = (origin(&shown.violated), origin(&shown.satisfied));
        writeln!(text, "| `{}/{}` | {broken} | {kept} |", page.link, page.slug).unwrap();
    }
    text
}
