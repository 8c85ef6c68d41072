//! Every rule page fires on its violated recording and stays quiet on its satisfied one.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::run::{diagnose, items, text};

/// What is needed here of the head of a page.
#[derive(Debug, Default, Deserialize)]
struct Head {
    #[serde(default)]
    breaks: Vec<String>,
    #[serde(default)]
    alternatives: Vec<String>,
    #[serde(default)]
    explains: Vec<String>,
    #[serde(default)]
    tried_after: Vec<String>,
}

/// A page, and where it lies.
struct Page {
    slug: String,
    folder: PathBuf,
    head: Head,
}

impl Page {
    /// Whether a cause by that page may stand in a recording of this one.
    fn is_related_to(&self, other: &Page) -> bool {
        let names = |page: &Page, slug: &String| page.alternatives().any(|named| named == slug);
        // A wrong repair is tried after a loss that another page explains.
        let is_attempt = |page: &Page| !page.head.tried_after.is_empty();
        is_attempt(self)
            || is_attempt(other)
            || self.slug == other.slug
            || names(self, &other.slug)
            || names(other, &self.slug)
    }

    fn alternatives(&self) -> impl Iterator<Item = &String> {
        self.head.alternatives.iter().chain(&self.head.explains)
    }

    /// The report on `<slug>.<which>.*`, or on the files of the folder `<slug>.<which>`.
    fn report(&self, which: &str) -> Value {
        let wanted = format!("{}.{which}", self.slug);
        let within = self.folder.join(&wanted);
        let (folder, files) = match within.is_dir() {
            true => (within.clone(), names_in(&within)),
            false => {
                let prefix = format!("{wanted}.");
                let files = names_in(&self.folder).into_iter().filter(|name| name.starts_with(&prefix)).collect();
                (self.folder.clone(), files)
            }
        };
        assert!(!files.is_empty(), "{}: no recording {wanted}.*", self.slug);
        diagnose(&folder, &files, &["--verbose"], None)
    }
}

/// The names of the files in a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every page, sorted by link and slug.
fn pages() -> Vec<Page> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut pages = Vec::new();
    for folder in fs::read_dir(&rules).expect("rules/").flatten().map(|entry| entry.path()).filter(|path| path.is_dir())
    {
        for name in names_in(&folder) {
            let Some(slug) = name.strip_suffix(".md") else { continue };
            let source = fs::read_to_string(folder.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let head = source.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
            let head = toml::from_str(head).unwrap_or_else(|error| panic!("{name}: {error}"));
            pages.push(Page { slug: slug.to_owned(), folder: folder.clone(), head });
        }
    }
    pages.sort_by(|a, b| (&a.folder, &a.slug).cmp(&(&b.folder, &b.slug)));
    pages
}

#[test]
fn a_page_fires_on_its_violated_recording_and_no_other_cause_is_named() {
    let pages = pages();
    let mut complaints = Vec::new();
    for page in &pages {
        let report = page.report("violated");
        let trails = items(&report, "trails");
        let found = |trail: &Value| items(trail, "findings").iter().any(|finding| text(finding, "/rule") == page.slug);
        if !trails.iter().any(found) {
            complaints.push(format!("{}: no finding; {}", page.slug, in_short(page, trails)));
        }
        complaints.extend(trails.iter().flat_map(|trail| wrong_cause(page, &pages, trail)));
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_page_is_satisfied_on_its_satisfied_recording() {
    let mut complaints = Vec::new();
    for page in pages() {
        let report = page.report("satisfied");
        let trails = items(&report, "trails");
        if trails.len() != 1 || verdict(&page, &trails[0]) != "satisfied" {
            complaints.push(format!("{}: not satisfied; {}", page.slug, in_short(&page, trails)));
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// What is wrong with the cause of a trail: another page's, or none where this page can explain the loss.
fn wrong_cause(page: &Page, pages: &[Page], trail: &Value) -> Option<String> {
    if trail["cause"].is_null() {
        let unexplained = text(trail, "/outcome") == "lost" && !page.head.breaks.is_empty();
        return unexplained.then(|| format!("{}: lost without a cause", page.slug));
    }
    let rule = text(trail, "/cause/rule");
    let related = pages.iter().find(|other| other.slug == rule).is_some_and(|other| page.is_related_to(other));
    (!related).then(|| format!("{}: the cause is {rule}", page.slug))
}

fn verdict<'a>(page: &Page, trail: &'a Value) -> &'a str {
    trail["verdicts"][&page.slug].as_str().unwrap_or("no verdict")
}

/// Outcome and verdict of every trail, and what the verdict lacks.
fn in_short(page: &Page, trails: &[Value]) -> String {
    let one = |trail: &Value| {
        let lacks = items(trail, "undetermined").iter().find(|entry| text(entry, "/rule") == page.slug);
        let lacks = lacks.map_or("", |entry| text(entry, "/needs"));
        format!(
            "{} {} {}: {} {lacks}",
            text(trail, "/id"),
            text(trail, "/server"),
            text(trail, "/outcome"),
            verdict(page, trail)
        )
    };
    match trails {
        [] => "no trail".to_owned(),
        some => some.iter().map(one).collect::<Vec<_>>().join("; "),
    }
}
