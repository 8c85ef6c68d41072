//! The requirements of the specification, revision by revision: what each demands, how strictly, and where it says so.
//!
//! The only place that knows levels and links; rule pages name entries by id.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Report};
use super::language::{Keyword, Level};
use super::table::{Reader, Word};
use crate::trail::schema::{Party, Revision, names};

names! {
    /// What an entry rests on.
    Basis {
        /// A page of the specification states it.
        Mcp = "mcp",
        /// Only a document that the specification makes binding states it.
        Imported = "imported",
        /// An authorization extension states it.
        Extension = "extension",
        /// No document states it as a duty.
        Derived = "derived",
    }
}

names! {
    /// How much of a duty shows in traffic.
    Observable {
        /// Decidable from HTTP messages.
        Wire = "wire",
        /// Some violations or hints only.
        Partial = "partial",
        /// Internal to a party.
        No = "no",
    }
}

/// One duty.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// Stable name: `AUTH-PKCE-07`.
    pub id: String,
    /// Short name.
    pub title: String,
    /// The duty in our own words.
    pub says: String,
    /// Who has to do it.
    pub party: Party,
    /// What it rests on.
    pub basis: Basis,
    /// How much of it shows in traffic.
    pub observable: Observable,
    /// Documents and sections other than the specification.
    pub rfc: Vec<String>,
    levels: Vec<(Edition, Keyword)>,
    places: Vec<(Edition, String)>,
}

/// What a level or a place is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edition {
    Revision(Revision),
    /// An extension, versioned on its own: holds beside every revision.
    Extension,
}

impl Edition {
    fn holds_in(self, revision: Revision) -> bool {
        self == Edition::Extension || self == Edition::Revision(revision)
    }
}

impl Requirement {
    /// How this revision says it; `None` where it does not state the duty.
    pub fn keyword_in(&self, revision: Revision) -> Option<Keyword> {
        self.levels.iter().find(|(edition, _)| edition.holds_in(revision)).map(|(_, keyword)| *keyword)
    }

    /// The level of breaking it under this revision; `None` where the revision does not state the duty.
    pub fn level_in(&self, revision: Revision) -> Option<Level> {
        let (edition, keyword) = self.levels.iter().find(|(edition, _)| edition.holds_in(revision))?;
        Some(match (keyword, edition) {
            (Keyword::Must | Keyword::MustNot, Edition::Revision(_)) => Level::Error,
            // An extension binds those who chose it; the recording does not show who did.
            (Keyword::Must | Keyword::MustNot, Edition::Extension) => Level::Warning,
            (Keyword::Should | Keyword::ShouldNot, Edition::Revision(_)) => Level::Warning,
            _ => Level::Note,
        })
    }

    /// The page and section of the specification that states it; `None` where the revision does not.
    pub fn link_in(&self, revision: Revision) -> Option<String> {
        let (_, place) = self.places.iter().find(|(edition, _)| edition.holds_in(revision))?;
        Some(link(place, revision))
    }
}

/// The published address of a place as the catalogues write it.
fn link(place: &str, revision: Revision) -> String {
    const SITE: &str = "https://modelcontextprotocol.io";
    match place.split_once(':') {
        Some(("docs", page)) => format!("{SITE}/docs/{revision}/{page}"),
        Some(("site", page)) => format!("{SITE}/{page}"),
        Some(("ext-auth", page)) => {
            let (page, anchor) = page.split_once('#').map_or((page, String::new()), |(p, a)| (p, format!("#{a}")));
            format!("https://github.com/modelcontextprotocol/ext-auth/blob/main/specification/{page}.mdx{anchor}")
        }
        _ => format!("{SITE}/specification/{revision}/{place}"),
    }
}

/// All entries of all catalogues.
#[derive(Debug, Default)]
pub struct Catalogue {
    entries: Vec<Requirement>,
    by_id: HashMap<String, usize>,
}

const KEYS: &[&str] = &[
    "id",
    "title",
    "says",
    "party",
    "basis",
    "levels",
    "where",
    "observable",
    "rfc",
    "evidence",
    "symptom",
    "imported_in",
    "conformance",
    "note",
];

impl Catalogue {
    /// The entry with this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.entries.get(*self.by_id.get(id)?)
    }

    /// All entries, in the order of the files.
    pub fn entries(&self) -> &[Requirement] {
        &self.entries
    }

    /// Reads one file and adds its entries; gives what is wrong with it.
    pub(super) fn read(&mut self, file: &str, text: &str) -> Vec<Diagnostic> {
        let mut report = Report::new(file, text);
        let mut reader = Reader::new(&mut report, 0);
        if let Some(table) = reader.parse(text) {
            reader.close(table.get_ref(), "a catalogue", &["requirement"]);
            let entries = table.get_ref().get("requirement").map(Spanned::get_ref);
            for item in entries.and_then(DeValue::as_array).into_iter().flat_map(|array| array.iter()) {
                if let Some(requirement) = read_entry(&mut reader, item) {
                    self.add(&mut reader, item, requirement);
                }
            }
        }
        report.into_diagnostics()
    }

    fn add(&mut self, reader: &mut Reader<'_>, item: &Spanned<DeValue<'_>>, requirement: Requirement) {
        if self.by_id.insert(requirement.id.clone(), self.entries.len()).is_some() {
            let span = reader.place(item.span());
            reader.report.error(span, format!("the id {} is taken", requirement.id));
        }
        self.entries.push(requirement);
    }
}

fn read_entry(reader: &mut Reader<'_>, item: &Spanned<DeValue<'_>>) -> Option<Requirement> {
    let span = reader.place(item.span());
    let Some(table) = item.get_ref().as_table() else {
        reader.wrong_type(item, "requirement", "a table");
        return None;
    };
    reader.close(table, "a requirement", KEYS);
    let required = |reader: &mut Reader<'_>, key| {
        reader.required_text(table, key, span.clone(), "the requirement").map(|word| (word.text.to_owned(), word.span))
    };
    let id = required(reader, "id");
    let title = required(reader, "title");
    let says = required(reader, "says");
    let party = required(reader, "party")
        .and_then(|(text, span)| reader.one_of(&Word { text: &text, span }, "party", Party::ALL, Party::name));
    let observable = required(reader, "observable")
        .and_then(|(text, span)| reader.one_of(&Word { text: &text, span }, "word", Observable::ALL, Observable::name));
    let basis = match reader.text(table, "basis") {
        Some(word) => reader.one_of(&word, "basis", Basis::ALL, Basis::name),
        None => Some(Basis::Mcp),
    };
    let levels = read_levels(reader, table);
    let places = read_editions(reader, table, "where");
    Some(Requirement {
        id: id?.0,
        title: title?.0,
        says: says?.0,
        party: party?,
        basis: basis?,
        observable: observable?,
        rfc: reader.texts(table, "rfc").iter().map(|word| word.text.to_owned()).collect(),
        levels,
        places: places.into_iter().map(|(edition, word)| (edition, word.text.to_owned())).collect(),
    })
}

fn read_levels(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Vec<(Edition, Keyword)> {
    let mut levels = Vec::new();
    for (edition, word) in read_editions(reader, table, "levels") {
        // RFC 2119, 1, 3, 5: REQUIRED, RECOMMENDED and OPTIONAL mean MUST, SHOULD and MAY.
        let keyword = match word.text {
            "REQUIRED" => Some(Keyword::Must),
            "RECOMMENDED" => Some(Keyword::Should),
            "OPTIONAL" => Some(Keyword::May),
            _ => reader.one_of(&word, "keyword", &Keyword::ALL[..Keyword::None as usize], Keyword::name),
        };
        levels.extend(keyword.map(|keyword| (edition, keyword)));
    }
    levels
}

fn read_editions<'t>(reader: &mut Reader<'_>, table: &'t DeTable<'_>, key: &str) -> Vec<(Edition, Word<'t>)> {
    let Some(value) = table.get(key) else { return Vec::new() };
    let Some(editions) = value.get_ref().as_table() else {
        reader.wrong_type(value, key, "a table of revisions");
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in editions.keys() {
        let word = Word { text: name.get_ref(), span: reader.place(name.span()) };
        let edition = match word.text {
            "ext" => Some(Edition::Extension),
            _ => reader.one_of(&word, "revision", Revision::ALL, Revision::name).map(Edition::Revision),
        };
        let text = reader.text(editions, name.get_ref());
        found.extend(edition.zip(text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_published_addresses() {
        let cases = [
            (
                "basic/authorization#roles",
                "https://modelcontextprotocol.io/specification/2025-06-18/basic/authorization#roles",
            ),
            ("docs:tutorials/security#x", "https://modelcontextprotocol.io/docs/2025-06-18/tutorials/security#x"),
            ("site:extensions/auth/a#b", "https://modelcontextprotocol.io/extensions/auth/a#b"),
            (
                "ext-auth:draft/dpop-extension#c",
                "https://github.com/modelcontextprotocol/ext-auth/blob/main/specification/draft/dpop-extension.mdx#c",
            ),
        ];
        for (place, expected) in cases {
            assert_eq!(link(place, Revision::R20250618), expected);
        }
    }

    #[test]
    fn an_extension_warns_where_the_specification_would_fail() {
        let text = r#"
            [[requirement]]
            id = "X-1"
            title = "t"
            says = "s"
            party = "client"
            observable = "wire"
            levels = { ext = "MUST" }
            [[requirement]]
            id = "X-2"
            title = "t"
            says = "s"
            party = "client"
            observable = "wire"
            levels = { "2025-06-18" = "REQUIRED", "2025-11-25" = "SHOULD NOT", "2026-07-28" = "prose" }
        "#;
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.read("x.toml", text), []);
        let levels =
            |id: &str| Revision::ALL.iter().map(|r| catalogue.get(id).unwrap().level_in(*r)).collect::<Vec<_>>();
        assert_eq!(levels("X-1"), [Some(Level::Warning); 5]);
        assert_eq!(levels("X-2"), [None, None, Some(Level::Error), Some(Level::Warning), Some(Level::Note)]);
    }
}
