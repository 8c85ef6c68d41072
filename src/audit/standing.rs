//! What an audit found, by the keys of findings: what comparisons and baselines go by.
//!
//! A loss that nothing in the recording explains has no finding; it gets a key of its own kind, so that every trail that
//! was lost counts under one key.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::journal::{self, Lines};
use super::rows::{FindingRow, TrailRow};
use crate::check::language::Level;

/// Where a key comes from that no rule has made.
const UNEXPLAINED: &str = "unexplained-loss";

/// The findings of an audit by their keys.
#[derive(Debug, Default)]
pub struct Standing {
    /// Incidents.
    pub incidents: usize,
    /// Trails at each MCP server.
    pub servers: BTreeMap<String, usize>,
    /// What was found, by key.
    pub keys: BTreeMap<String, Found>,
    /// Trails that were lost.
    pub lost: usize,
    /// Lines of the journal that could not be read.
    pub broken: usize,
}

/// What was found under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The rule; `None` for a loss that nothing explains.
    pub rule: Option<String>,
    /// The link at which it is reported.
    pub link: String,
    /// Who must change.
    pub party: String,
    /// The MCP server.
    pub server: String,
    /// The highest level at which it was found: revisions differ.
    pub level: Level,
    /// Trails that show it.
    pub trails: usize,
    /// Trails that were lost by it.
    pub losses: usize,
    /// A recording that shows it: the first by path.
    pub example: String,
}

/// The members of a line of a journal that are needed here.
#[derive(Deserialize)]
struct Line {
    paths: Vec<String>,
    #[serde(default)]
    trails: Vec<TrailRow>,
    #[serde(default)]
    findings: Vec<FindingRow>,
}

impl Standing {
    /// Reads the journal of an output folder, or a journal itself. Of lines that tell of the same recordings, the last one
    /// counts.
    ///
    /// # Errors
    ///
    /// There is no journal, or it cannot be read.
    pub fn read(path: &Path) -> io::Result<Standing> {
        let journal = if path.is_dir() { path.join(journal::NAME) } else { path.to_owned() };
        let named = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => {
                let what = "no journal of an audit; name a folder that `authtrail audit -o` has made";
                io::Error::new(error.kind(), format!("{}: {what}", path.display()))
            }
            kind => io::Error::new(kind, format!("{}: {error}", journal.display())),
        };
        let (lines, broken) = journal::index(&journal).map_err(named)?;
        let mut standing = Standing { broken, ..Standing::default() };
        let mut reader = Lines::open(&journal).map_err(named)?;
        for line in journal::last(lines) {
            let line: Line = reader.read(line.place).map_err(named)?;
            standing.add(&line.paths, &line.trails, &line.findings);
        }
        Ok(standing)
    }

    /// Adds what was found in an incident.
    pub fn add(&mut self, paths: &[String], trails: &[TrailRow], findings: &[FindingRow]) {
        let example = paths.first().map(String::as_str).unwrap_or_default();
        self.incidents += 1;
        for trail in trails {
            *self.servers.entry(trail.server.clone()).or_default() += 1;
            let is_lost = trail.outcome == "lost";
            self.lost += usize::from(is_lost);
            if is_lost && trail.cause_finding.is_none() {
                let link = trail.broken_link.as_deref().unwrap_or("unknown");
                let found = Found {
                    rule: None,
                    link: link.to_owned(),
                    party: "unknown".to_owned(),
                    server: trail.server.clone(),
                    level: Level::Error,
                    trails: 1,
                    losses: 1,
                    example: example.to_owned(),
                };
                self.count(&format!("{UNEXPLAINED}|unknown|{}|{link}", trail.server), found);
            }
        }
        for finding in findings {
            let trail = trails.iter().find(|trail| trail.trail == finding.trail);
            let is_lost = trail.is_some_and(|trail| trail.outcome == "lost" && finding.is_cause);
            let found = Found {
                rule: Some(finding.rule.clone()),
                link: finding.link.clone(),
                party: finding.party.clone(),
                server: trail.map(|trail| trail.server.clone()).unwrap_or_default(),
                level: Level::from_name(&finding.level).unwrap_or(Level::Note),
                trails: 1,
                losses: usize::from(is_lost),
                example: example.to_owned(),
            };
            self.count(&finding.key, found);
        }
    }

    fn count(&mut self, key: &str, found: Found) {
        let Some(known) = self.keys.get_mut(key) else {
            self.keys.insert(key.to_owned(), found);
            return;
        };
        known.level = known.level.max(found.level);
        known.trails += found.trails;
        known.losses += found.losses;
        if found.example < known.example {
            known.example = found.example;
        }
    }

    /// Trails, all servers together.
    pub fn trails(&self) -> usize {
        self.servers.values().sum()
    }

    /// Trails at a server.
    pub fn trails_at(&self, server: &str) -> usize {
        self.servers.get(server).copied().unwrap_or_default()
    }
}

/// A level as data.
pub(super) fn level_name<S: serde::Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
    level.name().serialize(serializer)
}
