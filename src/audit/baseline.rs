//! A baseline: findings that are known, and therefore do not count.
//!
//! A file for people, to be kept beside the code and read in reviews: TOML, one table a finding, in the order of the keys.
//! It covers a finding up to the level that it names; one of a higher level counts again. An entry whose finding does not
//! occur any more is stale, and said so, unless its server was not seen: then nothing is known about it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::standing::{Found, Standing};
use crate::check::language::Level;

/// The version of the file.
pub const BASELINE_SCHEMA: &str = "authtrail-baseline-v1";

const HEAD: &str = "\
# Findings that are known. `authtrail audit --baseline FILE` does not count them, and says which do not occur any more.
# `--write-baseline FILE` writes this file anew and keeps the reasons.
";

/// Findings that are known.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    server: String,
    level: Level,
    reason: Option<String>,
}

/// A baseline that cannot be taken.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be read or written.
    Io(PathBuf, io::Error),
    /// It is no baseline: what is wrong, and in which line.
    Form(PathBuf, String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Error::Form(path, message) => write!(f, "{}: {message}", path.display()),
        }
    }
}

impl std::error::Error for Error {}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    #[serde(default, rename = "finding")]
    findings: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    key: String,
    server: String,
    level: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What a baseline does to what was found.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Assessed {
    /// Keys that it covers.
    pub known: usize,
    /// Trails that were lost by findings that it covers.
    pub known_losses: usize,
    /// Keys that it does not cover.
    pub fresh: usize,
    /// Trails that were lost by them.
    pub fresh_losses: usize,
    /// The highest level of them; null where there is none.
    #[serde(serialize_with = "optional_level")]
    pub fresh_level: Option<Level>,
    /// Keys of entries whose finding does not occur any more, at a server that was seen.
    pub stale: Vec<String>,
    /// Entries at servers that were not seen.
    pub not_seen: usize,
}

fn optional_level<S: serde::Serializer>(level: &Option<Level>, serializer: S) -> Result<S::Ok, S::Error> {
    level.map(Level::name).serialize(serializer)
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no baseline.
    pub fn read(path: &Path) -> Result<Baseline, Error> {
        let text = fs::read_to_string(path).map_err(|error| Error::Io(path.to_owned(), error))?;
        Baseline::parse(&text).map_err(|message| Error::Form(path.to_owned(), message))
    }

    fn parse(text: &str) -> Result<Baseline, String> {
        let document: Document = toml::from_str(text).map_err(|error| error.to_string())?;
        if document.schema != BASELINE_SCHEMA {
            return Err(format!("the schema is '{}', expected '{BASELINE_SCHEMA}'", document.schema));
        }
        let mut known = BTreeMap::new();
        for Listed { key, server, level, reason } in document.findings {
            let Some(level) = Level::from_name(&level) else {
                return Err(format!("'{level}' is no level; the levels are note, warning and error (key '{key}')"));
            };
            if known.insert(key.clone(), Entry { server, level, reason }).is_some() {
                return Err(format!("the key '{key}' stands there twice"));
            }
        }
        Ok(Baseline { known })
    }

    /// Everything that was found, with the reasons of `self` where it knew it already. Entries of `self` at servers that
    /// were not seen stay.
    pub fn renewed(&self, standing: &Standing) -> Baseline {
        let is_unseen = |entry: &Entry| standing.trails_at(&entry.server) == 0;
        let kept = self.known.iter().filter(|(_, entry)| is_unseen(entry));
        let mut known: BTreeMap<String, Entry> = kept.map(|(key, entry)| (key.clone(), entry.clone())).collect();
        for (key, found) in &standing.keys {
            let reason = self.known.get(key).and_then(|entry| entry.reason.clone());
            known.insert(key.clone(), Entry { server: found.server.clone(), level: found.level, reason });
        }
        Baseline { known }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let named = |error| Error::Io(path.to_owned(), error);
        let text = self.to_text().map_err(|message| Error::Form(path.to_owned(), message))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let new = path.with_file_name(format!(".{name}.new"));
        fs::write(&new, text).map_err(named)?;
        fs::rename(&new, path).map_err(named)
    }

    fn to_text(&self) -> Result<String, String> {
        let listed = |(key, entry): (&String, &Entry)| Listed {
            key: key.clone(),
            server: entry.server.clone(),
            level: entry.level.name().to_owned(),
            reason: entry.reason.clone(),
        };
        let findings = self.known.iter().map(listed).collect();
        let document = Document { schema: BASELINE_SCHEMA.to_owned(), findings };
        let text = toml::to_string(&document).map_err(|error| error.to_string())?;
        Ok(format!("{HEAD}{text}"))
    }

    fn covers(&self, key: &str, found: &Found) -> bool {
        self.known.get(key).is_some_and(|entry| found.level <= entry.level)
    }

    /// Holds what was found against the baseline.
    pub fn assess(&self, standing: &Standing) -> Assessed {
        let mut assessed = Assessed::default();
        for (key, found) in &standing.keys {
            if self.covers(key, found) {
                assessed.known += 1;
                assessed.known_losses += found.losses;
            } else {
                assessed.fresh += 1;
                assessed.fresh_losses += found.losses;
                assessed.fresh_level = assessed.fresh_level.max(Some(found.level));
            }
        }
        for (key, entry) in self.known.iter().filter(|(key, _)| !standing.keys.contains_key(*key)) {
            if standing.trails_at(&entry.server) > 0 {
                assessed.stale.push(key.clone());
            } else {
                assessed.not_seen += 1;
            }
        }
        assessed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(levels: &[(&str, Level, usize)]) -> Standing {
        let found = |level, losses| Found {
            rule: None,
            link: "session".to_owned(),
            party: "unknown".to_owned(),
            server: "https://s".to_owned(),
            level,
            trails: 1,
            losses,
            example: String::new(),
        };
        Standing {
            servers: BTreeMap::from([("https://s".to_owned(), 1)]),
            keys: levels.iter().map(|(key, level, losses)| ((*key).to_owned(), found(*level, *losses))).collect(),
            ..Standing::default()
        }
    }

    #[test]
    fn it_survives_its_file_with_the_reasons() {
        let first = Baseline::default().renewed(&standing(&[("a|b", Level::Error, 1), ("c", Level::Note, 0)]));
        assert_eq!(Baseline::parse(&first.to_text().unwrap()), Ok(first.clone()));
        let text =
            first.to_text().unwrap().replace("level = \"error\"\n", "level = \"error\"\nreason = \"ticket 7\"\n");
        let with_reason = Baseline::parse(&text).unwrap();
        let renewed = with_reason.renewed(&standing(&[("a|b", Level::Error, 1), ("new", Level::Note, 0)]));
        assert_eq!(renewed.known.keys().collect::<Vec<_>>(), ["a|b", "new"]);
        assert_eq!(renewed.known["a|b"].reason.as_deref(), Some("ticket 7"));
        // A server that was not seen says nothing.
        assert_eq!(with_reason.renewed(&Standing::default()), with_reason);
    }

    #[test]
    fn what_is_known_does_not_count_and_what_is_gone_is_stale() {
        let baseline = Baseline::default().renewed(&standing(&[
            ("known", Level::Error, 2),
            ("risen", Level::Warning, 0),
            ("gone", Level::Error, 0),
        ]));
        let now = standing(&[("known", Level::Warning, 3), ("risen", Level::Error, 0), ("new", Level::Note, 1)]);
        let expected = Assessed {
            known: 1,
            known_losses: 3,
            fresh: 2,
            fresh_losses: 1,
            fresh_level: Some(Level::Error),
            stale: vec!["gone".to_owned()],
            not_seen: 0,
        };
        assert_eq!(baseline.assess(&now), expected);
        assert_eq!(baseline.assess(&Standing::default()).not_seen, 3);
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        let check = |text: &str, expected: &str| {
            let message = Baseline::parse(text).unwrap_err();
            assert!(message.contains(expected), "{message}");
        };
        check("", "schema");
        check("schema = \"other\"", "expected 'authtrail-baseline-v1'");
        let entry = |level: &str| format!("[[finding]]\nkey = \"k\"\nserver = \"s\"\nlevel = \"{level}\"\n");
        let head = "schema = \"authtrail-baseline-v1\"\n";
        check(&format!("{head}{}", entry("fatal")), "'fatal' is no level");
        check(&format!("{head}{0}{0}", entry("note")), "twice");
        check(&format!("{head}{}raeson = \"x\"\n", entry("note")), "raeson");
    }
}
