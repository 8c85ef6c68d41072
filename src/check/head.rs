//! Reads the head of a page, closed: every key, word and name is known, or refused.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::catalogue::{Catalogue, Requirement};
use super::condition;
use super::diagnostic::{Report, closest};
use super::language::{Certainty, Condition, Family, Page, PageText, Path, Symptom};
use super::table::{Reader, Word};
use crate::trail::schema::{Kind, Link, Party, Revision};

/// The slug of another page, and where it stands.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) slug: String,
    pub(super) span: Range<usize>,
    /// Whether it stands in `explains`; otherwise in `alternatives`.
    pub(super) explains: bool,
}

/// A head without mistakes.
#[derive(Debug)]
pub(super) struct Head {
    requirements: Vec<String>,
    narrowed_to: Option<Vec<Revision>>,
    family: Option<Family>,
    mode: Option<String>,
    party: Party,
    given: Kind,
    when: Vec<Condition>,
    then: Condition,
    breaks: Vec<Symptom>,
    certainty: Certainty,
    proved_by: Vec<Path>,
    alternatives: Vec<String>,
    explains: Vec<String>,
    tried_after: Vec<Symptom>,
}

impl Head {
    pub(super) fn into_page(self, slug: String, link: Link, text: PageText, source: &str) -> Page {
        Page {
            slug,
            link,
            requirements: self.requirements,
            narrowed_to: self.narrowed_to,
            family: self.family,
            mode: self.mode,
            party: self.party,
            given: self.given,
            when: self.when,
            then: self.then,
            breaks: self.breaks,
            certainty: self.certainty,
            proved_by: self.proved_by,
            alternatives: self.alternatives,
            explains: self.explains,
            tried_after: self.tried_after,
            text,
            source: source.to_owned(),
        }
    }
}

const KEYS: &[&str] = &[
    "requirements",
    "in",
    "keyword",
    "family",
    "mode",
    "party",
    "given",
    "when",
    "then",
    "breaks",
    "certainty",
    "proved_by",
    "alternatives",
    "explains",
    "tried_after",
];

/// Reads the head that begins at octet `base` of the page. What is wrong goes to the report.
pub(super) fn read(
    text: &str,
    base: usize,
    slug: &str,
    catalogue: &Catalogue,
    report: &mut Report,
) -> (Option<Head>, Vec<Reference>) {
    let mut reader = Reader::new(report, base);
    let Some(parsed) = reader.parse(text) else { return (None, Vec::new()) };
    let table = parsed.get_ref();
    let whole = base..base + text.trim_end().len();
    reader.close(table, "a rule page", KEYS);
    let entries = read_requirements(&mut reader, table, catalogue, &whole);
    let narrowed_to = read_revisions(&mut reader, table, &entries);
    let party = read_party(&mut reader, table, &entries, &whole);
    let given = read_kind(&mut reader, table, &whole);
    let when = read_when(&mut reader, table, given);
    let then = match table.get("then") {
        Some(item) => condition::read(&mut reader, item, given),
        None => {
            reader.report.error(whole.clone(), "the page asserts nothing: `then` is missing");
            None
        }
    };
    let family = read_family(&mut reader, table, &entries);
    let mode = read_mode(&mut reader, table);
    let breaks = read_symptoms(&mut reader, table, "breaks");
    let tried_after = read_symptoms(&mut reader, table, "tried_after");
    let certainty = read_certainty(&mut reader, table);
    let proved_by = read_proved_by(&mut reader, table, given, certainty);
    let mut references = Vec::new();
    let alternatives = read_slugs(&mut reader, table, "alternatives", slug, &mut references);
    let explains = read_slugs(&mut reader, table, "explains", slug, &mut references);
    if certainty != Certainty::Proved && alternatives.is_empty() {
        let span = reader.key(table, "certainty").unwrap_or(whole);
        reader.report.error(span, format!("a page that is only `{certainty}` names its `alternatives`"));
    }
    let head = party.zip(given).zip(then).map(|((party, given), then)| Head {
        requirements: entries.iter().map(|entry| entry.id.clone()).collect(),
        narrowed_to,
        family,
        mode,
        party,
        given,
        when,
        then,
        breaks,
        certainty,
        proved_by,
        alternatives,
        explains,
        tried_after,
    });
    (head, references)
}

fn read_symptoms(reader: &mut Reader<'_>, table: &DeTable<'_>, key: &str) -> Vec<Symptom> {
    let words = reader.some_texts(table, key);
    words.iter().filter_map(|word| reader.one_of(word, "symptom", Symptom::ALL, Symptom::name)).collect()
}

fn read_requirements<'c>(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    catalogue: &'c Catalogue,
    whole: &Range<usize>,
) -> Vec<&'c Requirement> {
    let words = reader.some_texts(table, "requirements");
    let keyword = reader.text(table, "keyword");
    match &keyword {
        Some(word) if word.text != "none" => {
            reader
                .report
                .error(word.span.clone(), format!("`keyword` is \"none\" or left out, found \"{}\"", word.text))
                .help = Some("the keyword of a duty comes from the entry in `requirements`".to_owned());
        }
        Some(word) if !words.is_empty() => {
            reader.report.error(word.span.clone(), "a page with `requirements` has the keyword of its entries");
        }
        None if !table.contains_key("requirements") => {
            reader.report.error(whole.clone(), "the page has neither `requirements` nor `keyword = \"none\"`");
        }
        _ => {}
    }
    let mut found = Vec::new();
    for word in &words {
        match catalogue.get(word.text) {
            Some(entry) => found.push(entry),
            None => {
                let message = format!("no catalogue has a requirement `{}`", word.text);
                let ids = catalogue.entries().iter().map(|entry| entry.id.as_str());
                let diagnostic = reader.report.error(word.span.clone(), message);
                match closest(word.text, ids) {
                    Some(meant) => diagnostic.label = format!("did you mean `{meant}`?"),
                    None => diagnostic.help = Some("the entries are in `rules/catalogue/`".to_owned()),
                }
            }
        }
    }
    found
}

fn read_revisions(reader: &mut Reader<'_>, table: &DeTable<'_>, entries: &[&Requirement]) -> Option<Vec<Revision>> {
    let words = reader.some_texts(table, "in");
    let mut revisions = Vec::new();
    for word in &words {
        let Some(revision) = reader.one_of(word, "revision", Revision::ALL, Revision::name) else { continue };
        if !entries.is_empty() && entries.iter().all(|entry| entry.keyword_in(revision).is_none()) {
            let message = format!("no entry of the page states its duty in {revision}");
            reader.report.error(word.span.clone(), message).help =
                Some("`in` narrows the revisions of the entries, it does not add any".to_owned());
        }
        revisions.push(revision);
    }
    table.contains_key("in").then_some(revisions)
}

fn read_party(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    entries: &[&Requirement],
    whole: &Range<usize>,
) -> Option<Party> {
    if let Some(word) = reader.text(table, "party") {
        return reader.one_of(&word, "party", Party::ALL, Party::name);
    }
    match entries {
        [first, rest @ ..] if rest.iter().all(|entry| entry.party == first.party) => Some(first.party),
        [_, ..] => {
            reader.report.error(whole.clone(), "the entries of the page bind different parties: `party` is missing");
            None
        }
        [] => {
            if table.contains_key("keyword") && !table.contains_key("party") {
                reader.report.error(whole.clone(), "a page without `requirements` names its `party`");
            }
            None
        }
    }
}

fn read_kind(reader: &mut Reader<'_>, table: &DeTable<'_>, whole: &Range<usize>) -> Option<Kind> {
    let word = reader.required_text(table, "given", whole.clone(), "the page")?;
    let built: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_built()).collect();
    match Kind::from_name(word.text) {
        Some(kind) if !kind.is_built() => {
            let message = format!("records of the kind `{kind}` are not built yet");
            let names: Vec<&str> = built.iter().map(|kind| kind.name()).collect();
            reader.report.error(word.span.clone(), message).help = Some(format!("there are: {}", names.join(", ")));
            None
        }
        Some(kind) => Some(kind),
        None => reader.one_of(&word, "record", &built, Kind::name),
    }
}

fn read_when(reader: &mut Reader<'_>, table: &DeTable<'_>, given: Option<Kind>) -> Vec<Condition> {
    let Some(value) = table.get("when") else { return Vec::new() };
    match value.get_ref() {
        DeValue::Array(items) => items.iter().filter_map(|item| condition::read(reader, item, given)).collect(),
        _ => {
            reader.wrong_type(value, "when", "a list of conditions");
            Vec::new()
        }
    }
}

fn read_family(reader: &mut Reader<'_>, table: &DeTable<'_>, entries: &[&Requirement]) -> Option<Family> {
    let word = reader.text(table, "family")?;
    if !entries.is_empty() {
        reader.report.error(word.span, "a page with `requirements` has the families of its entries");
        return None;
    }
    reader.one_of(&word, "family", Family::ALL, Family::name)
}

fn read_mode(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Option<String> {
    let word = reader.text(table, "mode")?;
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if word.text.is_empty() || !word.text.chars().all(kebab) {
        reader.report.error(word.span, "a failure mode is lower case words joined by `-`");
    }
    Some(word.text.to_owned())
}

fn read_certainty(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Certainty {
    let word = reader.text(table, "certainty");
    word.and_then(|word| reader.one_of(&word, "certainty", Certainty::ALL, Certainty::name))
        .unwrap_or(Certainty::Proved)
}

fn read_proved_by(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    given: Option<Kind>,
    certainty: Certainty,
) -> Vec<Path> {
    let words = reader.some_texts(table, "proved_by");
    if certainty != Certainty::Likely
        && let Some(span) = reader.key(table, "proved_by")
    {
        reader.report.error(span, format!("`proved_by` lifts `likely` to `proved`; this page is `{certainty}`"));
    }
    let Some(kind) = given else { return Vec::new() };
    words.iter().filter_map(|word| condition::read_path(reader, kind, word)).collect()
}

fn read_slugs(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    key: &str,
    own: &str,
    references: &mut Vec<Reference>,
) -> Vec<String> {
    let words: Vec<Word<'_>> = reader.some_texts(table, key);
    for word in &words {
        if word.text == own {
            reader.report.error(word.span.clone(), format!("the page names itself in `{key}`"));
        } else {
            let explains = key == "explains";
            references.push(Reference { slug: word.text.to_owned(), span: word.span.clone(), explains });
        }
    }
    words.into_iter().map(|word| word.text.to_owned()).collect()
}
