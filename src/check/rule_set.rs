//! All rule pages together: the built-in ones and those of the user, with the catalogues.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::LazyLock;

use super::catalogue::{Catalogue, Requirement};
use super::conformance::Conformance;
use super::diagnostic::{Diagnostic, Diagnostics, closest, unreadable};
use super::language::{Keyword, Level, Page};
use super::page::{self, Reading};
use crate::trail::schema::{Kind, Link, Revision};

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// One page of a rule set: index into [`RuleSet::pages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId(pub u32);

/// A file and its text.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name to show; for a page it ends in `<link>/<slug>.md`.
    pub file: String,
    /// The text.
    pub text: String,
}

/// How a page holds in one revision: the strictest of its entries that the revision states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    /// How the specification says it.
    pub keyword: Keyword,
    /// The level of a violation.
    pub level: Level,
}

/// The pages and catalogues that trails are judged by.
#[derive(Debug)]
pub struct RuleSet {
    /// In order of link and slug.
    pages: Vec<Page>,
    /// For each page, how it holds in each revision, in the order of [`Revision::ALL`].
    holds: Vec<[Option<Holds>; Revision::ALL.len()]>,
    by_slug: HashMap<String, PageId>,
    /// For each kind, the pages that judge its records.
    by_kind: Vec<Vec<PageId>>,
    catalogue: Catalogue,
    conformance: Conformance,
    version: String,
}

impl RuleSet {
    /// The built-in rules, read once.
    pub fn embedded() -> Result<&'static RuleSet, &'static Diagnostics> {
        static EMBEDDED: LazyLock<Result<RuleSet, Diagnostics>> =
            LazyLock::new(|| RuleSet::with_crosswalk(&embedded_sources(PAGES)));
        EMBEDDED.as_ref()
    }

    /// The built-in rules and the pages under `folder`, which stand in folders named by link.
    pub fn load_dir(folder: &FilePath) -> Result<RuleSet, Diagnostics> {
        let mut pages = embedded_sources(PAGES);
        let mut problems = Vec::new();
        match user_pages(folder, &mut problems) {
            Ok(more) => pages.extend(more),
            Err(error) => problems.push(unreadable(&folder.display().to_string(), error.to_string(), None)),
        }
        match RuleSet::with_crosswalk(&pages) {
            Ok(rules) if problems.is_empty() => Ok(rules),
            Ok(_) => Err(Diagnostics(problems)),
            Err(Diagnostics(more)) => {
                problems.extend(more);
                Err(Diagnostics(problems))
            }
        }
    }

    /// The built-in catalogues, for rule sets of other pages.
    pub fn embedded_catalogues() -> Vec<Source> {
        embedded_sources(CATALOGUES)
    }

    /// The built-in pages.
    pub fn embedded_pages() -> Vec<Source> {
        embedded_sources(PAGES)
    }

    /// The rules of these pages, with the built-in catalogues and the built-in crosswalk.
    fn with_crosswalk(pages: &[Source]) -> Result<RuleSet, Diagnostics> {
        let mut rules = RuleSet::from_sources(&embedded_sources(CATALOGUES), pages)?;
        for source in embedded_sources(CROSSWALKS) {
            let slugs = rules.pages.iter().map(|page| page.slug.as_str());
            let (conformance, problems) = Conformance::read(&source.file, &source.text, slugs);
            if !problems.is_empty() {
                return Err(Diagnostics(problems));
            }
            rules.conformance = conformance;
        }
        Ok(rules)
    }

    /// The rules of these texts. All mistakes of all files are collected.
    pub fn from_sources(catalogues: &[Source], pages: &[Source]) -> Result<RuleSet, Diagnostics> {
        let mut problems = Vec::new();
        let mut catalogue = Catalogue::default();
        for source in catalogues {
            problems.extend(catalogue.read(&source.file, &source.text));
        }
        let mut readings: Vec<Reading> =
            pages.iter().map(|source| page::read(&source.file, &source.text, &catalogue)).collect();
        check_slugs(pages, &mut readings);
        let mut read = Vec::with_capacity(readings.len());
        for reading in readings {
            problems.extend(reading.report.into_diagnostics());
            read.extend(reading.page);
        }
        if !problems.is_empty() {
            return Err(Diagnostics(problems));
        }
        read.sort_by(|a, b| (a.link, &a.slug).cmp(&(b.link, &b.slug)));
        Ok(RuleSet::assemble(read, catalogue, digest(catalogues, pages)))
    }

    fn assemble(pages: Vec<Page>, catalogue: Catalogue, version: String) -> RuleSet {
        let mut by_kind = vec![Vec::new(); Kind::ALL.len()];
        let mut by_slug = HashMap::with_capacity(pages.len());
        for (at, page) in pages.iter().enumerate() {
            let id = PageId(at as u32);
            by_kind[page.given as usize].push(id);
            by_slug.insert(page.slug.clone(), id);
        }
        let holds = pages.iter().map(|page| holds_of(page, &catalogue)).collect();
        RuleSet { pages, holds, by_slug, by_kind, catalogue, conformance: Conformance::default(), version }
    }

    /// A short digest over all pages and catalogues: the same rules give the same version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All pages, in order of link and slug.
    pub fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// All pages with their ids, in order of link and slug.
    pub fn ids(&self) -> impl Iterator<Item = PageId> + use<> {
        (0..self.pages.len() as u32).map(PageId)
    }

    /// The pages that judge records of this kind.
    pub fn of_kind(&self, kind: Kind) -> &[PageId] {
        &self.by_kind[kind as usize]
    }

    /// One page. The id comes from this rule set.
    pub fn page(&self, id: PageId) -> &Page {
        &self.pages[id.0 as usize]
    }

    /// The page with this slug; `None` where there is none.
    pub fn by_slug(&self, slug: &str) -> Option<PageId> {
        self.by_slug.get(slug).copied()
    }

    /// The slug that was probably meant by an unknown one.
    pub fn suggest(&self, slug: &str) -> Option<&str> {
        closest(slug, self.pages.iter().map(|page| page.slug.as_str()))
    }

    /// The catalogues.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The crosswalk to the official conformance suite; empty for rules that were made from texts alone.
    pub fn conformance(&self) -> &Conformance {
        &self.conformance
    }

    /// How a page holds in a revision; `None` where it does not.
    pub fn holds_in(&self, id: PageId, revision: Revision) -> Option<Holds> {
        self.holds[id.0 as usize][revision as usize]
    }

    /// The revisions in which a page holds, oldest first.
    pub fn revisions(&self, id: PageId) -> impl Iterator<Item = Revision> + '_ {
        Revision::ALL.iter().copied().filter(move |revision| self.holds_in(id, *revision).is_some())
    }

    /// The entries of a page, in its order.
    pub fn requirements(&self, id: PageId) -> impl Iterator<Item = &Requirement> {
        self.page(id).requirements.iter().filter_map(|name| self.catalogue.get(name))
    }

    /// Where the specification of this revision states the duties of a page; each place once.
    pub fn links(&self, id: PageId, revision: Revision) -> Vec<String> {
        let mut links: Vec<String> = Vec::new();
        for link in self.requirements(id).filter_map(|entry| entry.link_in(revision)) {
            if !links.contains(&link) {
                links.push(link);
            }
        }
        links
    }
}

/// How a page holds in each revision.
fn holds_of(page: &Page, catalogue: &Catalogue) -> [Option<Holds>; Revision::ALL.len()] {
    let mut holds = [None; Revision::ALL.len()];
    for revision in Revision::ALL.iter().copied() {
        if page.narrowed_to.as_ref().is_some_and(|revisions| !revisions.contains(&revision)) {
            continue;
        }
        let fact = Holds { keyword: Keyword::None, level: Level::Note };
        let mut strictest = page.requirements.is_empty().then_some(fact);
        for entry in page.requirements.iter().filter_map(|id| catalogue.get(id)) {
            if let Some((keyword, level)) = entry.keyword_in(revision).zip(entry.level_in(revision))
                && strictest.is_none_or(|strictest| level > strictest.level)
            {
                strictest = Some(Holds { keyword, level });
            }
        }
        holds[revision as usize] = strictest;
    }
    holds
}

/// Refuses slugs that are taken, slugs that no page has, and pages that absorb each other.
fn check_slugs(sources: &[Source], readings: &mut [Reading]) {
    let slugs: Vec<String> = sources.iter().map(|source| slug_of(&source.file).to_owned()).collect();
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (at, slug) in slugs.iter().enumerate() {
        if let Some(earlier) = first.get(slug.as_str()) {
            let message = format!("the slug `{slug}` is taken by {}", sources[*earlier].file);
            readings[at].report.error(0..0, message);
        } else {
            first.insert(slug, at);
        }
    }
    let explained: Vec<Vec<usize>> = readings
        .iter()
        .map(|reading| {
            let explains = reading.references.iter().filter(|reference| reference.explains);
            explains.filter_map(|reference| first.get(reference.slug.as_str()).copied()).collect()
        })
        .collect();
    for (at, reading) in readings.iter_mut().enumerate() {
        for reference in &reading.references {
            match first.get(reference.slug.as_str()) {
                None => {
                    let message = format!("no page has the slug `{}`", reference.slug);
                    let diagnostic = reading.report.error(reference.span.clone(), message);
                    if let Some(meant) = closest(&reference.slug, slugs.iter().map(String::as_str)) {
                        diagnostic.label = format!("did you mean `{meant}`?");
                    }
                }
                Some(target) if reference.explains && reaches(*target, at, &explained) => {
                    let message =
                        format!("`{}` explains `{}` in turn: both would be absorbed", reference.slug, slugs[at]);
                    reading.report.error(reference.span.clone(), message);
                }
                Some(_) => {}
            }
        }
    }
}

/// Whether one can go from page to page by `explains` and come to `to`.
fn reaches(from: usize, to: usize, explained: &[Vec<usize>]) -> bool {
    let mut seen = vec![false; explained.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at], true) {
            open.extend(&explained[at]);
        }
    }
    false
}

fn slug_of(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file).trim_end_matches(".md")
}

fn digest(catalogues: &[Source], pages: &[Source]) -> String {
    let mut texts: Vec<(&str, &str)> = catalogues.iter().chain(pages).map(|s| (slug_of(&s.file), &*s.text)).collect();
    texts.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for (name, text) in texts {
        for part in [name, text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hasher.finalize().to_hex()[..12].to_owned()
}

fn embedded_sources(files: &[(&str, &str)]) -> Vec<Source> {
    files.iter().map(|(file, text)| Source { file: format!("rules/{file}"), text: (*text).to_owned() }).collect()
}

/// Largest page of a user that is read, in octets; longer ones are refused by the page reader.
const LARGEST_FILE: u64 = 1 << 20;

/// The pages `<folder>/<link>/<slug>.md`, in order of name. Other files beside them are not looked at.
fn user_pages(folder: &FilePath, problems: &mut Vec<Diagnostic>) -> std::io::Result<Vec<Source>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            for inner in std::fs::read_dir(&path)? {
                files.push(inner?.path());
            }
        } else if path.extension().is_some_and(|extension| extension == "md")
            && path.file_stem().is_none_or(|stem| !stem.eq_ignore_ascii_case("readme"))
        {
            let help = Link::ALL.iter().map(|link| link.name()).collect::<Vec<_>>().join(", ");
            let message = "a page stands in a folder named by its link";
            problems.push(unreadable(&path.display().to_string(), message, Some(&format!("there are: {help}"))));
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md") && !path.is_dir());
    files.sort();
    let mut sources = Vec::new();
    for path in files {
        let file = path.display().to_string();
        match read_text(&path) {
            Ok(text) => sources.push(Source { file, text }),
            Err(error) => problems.push(unreadable(&file, error.to_string(), None)),
        }
    }
    Ok(sources)
}

fn read_text(path: &FilePath) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST_FILE).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_without_mistakes() {
        if let Err(mistakes) = RuleSet::embedded() {
            panic!("{mistakes}");
        }
    }

    #[test]
    fn levels_and_links_come_from_the_catalogue() {
        let rules = RuleSet::embedded().unwrap();
        let id = rules.by_slug("verifier-of-another-flow").unwrap();
        let must = Some(Holds { keyword: Keyword::Must, level: Level::Error });
        assert_eq!(rules.holds_in(id, Revision::R20241105), None);
        assert_eq!(rules.holds_in(id, Revision::R20250618), must);
        assert_eq!(rules.links(id, Revision::R20241105), Vec::<String>::new());
        let link = "https://modelcontextprotocol.io/specification/2025-06-18/basic/authorization#authorization-code-protection";
        assert_eq!(rules.links(id, Revision::R20250618), [link]);
        assert_eq!(rules.suggest("verifier-of-anoter-flow"), Some("verifier-of-another-flow"));
    }

    #[test]
    fn the_version_changes_with_any_text() {
        let source = |text: &str| [Source { file: "rules/a/b.md".to_owned(), text: text.to_owned() }];
        assert_ne!(digest(&[], &source("x")), digest(&[], &source("y")));
    }
}
