//! Two audits compared by the keys of their findings: what is new, gone, worse, better.
//!
//! A finding is gone only where the later audit saw its server again: what was not looked at has not been repaired. Two
//! audits seldom hold as many recordings, so numbers are compared as shares of the trails at the same server.

mod text;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Serialize;

use super::standing::{Found, Standing, level_name};
use crate::check::language::Level;
pub use text::render;

/// The version of the comparison as data.
pub const COMPARISON_SCHEMA: &str = "authtrail-comparison-v1";

/// Two audits compared.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// [`COMPARISON_SCHEMA`].
    pub schema: &'static str,
    /// The earlier audit.
    pub before: Audited,
    /// The later audit.
    pub after: Audited,
    /// Found by the later audit only.
    pub new: Vec<Difference>,
    /// Found by both: of a higher level now, or in a larger share of the trails, or losing a larger share of them.
    pub worse: Vec<Difference>,
    /// Found by both: the opposite, and nothing of it worse.
    pub better: Vec<Difference>,
    /// Found by the earlier audit only, at servers that the later one saw.
    pub gone: Vec<Difference>,
    /// Found by the earlier audit only, at servers that the later one did not see.
    pub not_seen: Vec<Difference>,
    /// Found by both, as much as before.
    pub same: usize,
}

/// One of the audits.
#[derive(Debug, Serialize)]
pub struct Audited {
    /// As it was named.
    pub name: String,
    /// Incidents.
    pub incidents: usize,
    /// Trails.
    pub trails: usize,
    /// Trails that were lost.
    pub lost: usize,
}

/// A key, before and after.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The key of the finding.
    pub key: String,
    /// The rule; null for a loss that nothing explains.
    pub rule: Option<String>,
    /// The link at which it is reported.
    pub link: String,
    /// Who must change.
    pub party: String,
    /// The MCP server.
    pub server: String,
    /// In the earlier audit; null where it was not found.
    pub before: Option<Extent>,
    /// In the later audit; null where it was not found.
    pub after: Option<Extent>,
    /// A recording that shows it, of the later audit if there is one.
    pub example: String,
}

/// How much there is of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// The highest level.
    #[serde(serialize_with = "level_name")]
    pub level: Level,
    /// Trails that show it.
    pub trails: usize,
    /// Trails that were lost by it.
    pub losses: usize,
    /// Trails at the server.
    pub of: usize,
}

impl Comparison {
    /// Whether something is new that breaks a duty of level error or loses authorization: a finding that was not there, or
    /// one whose level has risen to error, or one that lost nothing before.
    pub fn has_new_error(&self) -> bool {
        let is_bad = |extent: &Extent| extent.level == Level::Error || extent.losses > 0;
        let rose = |difference: &Difference| {
            difference.before.zip(difference.after).is_some_and(|(before, after)| {
                (before.level < after.level && after.level == Level::Error) || (before.losses == 0 && after.losses > 0)
            })
        };
        self.new.iter().any(|difference| difference.after.as_ref().is_some_and(is_bad)) || self.worse.iter().any(rose)
    }
}

/// Compares two audits. The names are those that the user knows them by.
pub fn compare(before: (&str, &Standing), after: (&str, &Standing)) -> Comparison {
    let (old, new) = (before.1, after.1);
    let mut comparison = Comparison {
        schema: COMPARISON_SCHEMA,
        before: audited(before.0, old),
        after: audited(after.0, new),
        new: Vec::new(),
        worse: Vec::new(),
        better: Vec::new(),
        gone: Vec::new(),
        not_seen: Vec::new(),
        same: 0,
    };
    let keys: BTreeSet<&String> = old.keys.keys().chain(new.keys.keys()).collect();
    for key in keys {
        let (then, now) = (old.keys.get(key), new.keys.get(key));
        let Some(shown) = now.or(then) else { continue };
        let difference = Difference {
            key: key.clone(),
            rule: shown.rule.clone(),
            link: shown.link.clone(),
            party: shown.party.clone(),
            server: shown.server.clone(),
            before: then.map(|found| Extent::of(found, old)),
            after: now.map(|found| Extent::of(found, new)),
            example: shown.example.clone(),
        };
        let list = match (difference.before, difference.after) {
            (None, _) => &mut comparison.new,
            (_, None) if new.trails_at(&shown.server) > 0 => &mut comparison.gone,
            (_, None) => &mut comparison.not_seen,
            (Some(before), Some(after)) => match before.against(&after) {
                Ordering::Less => &mut comparison.worse,
                Ordering::Greater => &mut comparison.better,
                Ordering::Equal => {
                    comparison.same += 1;
                    continue;
                }
            },
        };
        list.push(difference);
    }
    for list in [
        &mut comparison.new,
        &mut comparison.worse,
        &mut comparison.better,
        &mut comparison.gone,
        &mut comparison.not_seen,
    ] {
        list.sort_by(|a, b| b.weight().cmp(&a.weight()).then_with(|| a.key.cmp(&b.key)));
    }
    comparison
}

fn audited(name: &str, standing: &Standing) -> Audited {
    let (incidents, trails, lost) = (standing.incidents, standing.trails(), standing.lost);
    Audited { name: name.to_owned(), incidents, trails, lost }
}

impl Difference {
    /// What is to be read first: losses, then level, then how many trails.
    fn weight(&self) -> (usize, Level, usize) {
        self.after.or(self.before).map_or((0, Level::Note, 0), |extent| (extent.losses, extent.level, extent.trails))
    }
}

impl Extent {
    fn of(found: &Found, standing: &Standing) -> Extent {
        // A finding whose trail is not known still has itself to be counted against.
        let of = standing.trails_at(&found.server).max(found.trails);
        Extent { level: found.level, trails: found.trails, losses: found.losses, of }
    }

    /// `Less` where `later` is worse in anything, `Greater` where it is better in something and worse in nothing.
    fn against(&self, later: &Extent) -> Ordering {
        let all = [
            self.level.cmp(&later.level),
            share(self.losses, self.of, later.losses, later.of),
            share(self.trails, self.of, later.trails, later.of),
        ];
        if all.contains(&Ordering::Less) {
            Ordering::Less
        } else if all.contains(&Ordering::Greater) {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
}

/// `a` of `all` against `b` of `every`.
fn share(a: usize, all: usize, b: usize, every: usize) -> Ordering {
    (a as u128 * every as u128).cmp(&(b as u128 * all as u128))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(server: &str, level: Level, trails: usize, losses: usize) -> Found {
        Found {
            rule: Some("a-rule".to_owned()),
            link: "session".to_owned(),
            party: "client".to_owned(),
            server: server.to_owned(),
            level,
            trails,
            losses,
            example: "a.har".to_owned(),
        }
    }

    fn standing(servers: &[(&str, usize)], keys: &[(&str, Found)]) -> Standing {
        Standing {
            servers: servers.iter().map(|(server, trails)| ((*server).to_owned(), *trails)).collect(),
            keys: keys.iter().map(|(key, found)| ((*key).to_owned(), found.clone())).collect(),
            ..Standing::default()
        }
    }

    fn keys(list: &[Difference]) -> Vec<&str> {
        list.iter().map(|difference| difference.key.as_str()).collect()
    }

    #[test]
    fn every_key_has_its_place() {
        let before = standing(
            &[("s", 10), ("only-before", 1)],
            &[
                ("gone", found("s", Level::Error, 1, 0)),
                ("not-seen", found("only-before", Level::Error, 1, 1)),
                ("same", found("s", Level::Warning, 2, 1)),
                ("more", found("s", Level::Warning, 2, 0)),
                ("less", found("s", Level::Warning, 2, 1)),
                ("risen", found("s", Level::Warning, 10, 0)),
            ],
        );
        let after = standing(
            &[("s", 20)],
            &[
                ("same", found("s", Level::Warning, 4, 2)),
                ("more", found("s", Level::Warning, 5, 0)),
                ("less", found("s", Level::Warning, 4, 1)),
                // Rarer, yet of a higher level: worse.
                ("risen", found("s", Level::Error, 1, 0)),
                ("new", found("s", Level::Note, 1, 0)),
            ],
        );
        let comparison = compare(("a", &before), ("b", &after));
        assert_eq!(keys(&comparison.new), ["new"]);
        assert_eq!(keys(&comparison.worse), ["risen", "more"]);
        assert_eq!(keys(&comparison.better), ["less"]);
        assert_eq!(keys(&comparison.gone), ["gone"]);
        assert_eq!(keys(&comparison.not_seen), ["not-seen"]);
        assert_eq!(comparison.same, 1);
        assert!(comparison.has_new_error(), "a level rose to error");
    }

    #[test]
    fn what_a_new_error_is() {
        let check = |level, losses, expected| {
            let after = standing(&[("s", 1)], &[("k", found("s", level, 1, losses))]);
            assert_eq!(compare(("a", &Standing::default()), ("b", &after)).has_new_error(), expected);
        };
        check(Level::Note, 0, false);
        check(Level::Warning, 0, false);
        check(Level::Error, 0, true);
        check(Level::Note, 1, true);
        // Known before: no matter how often.
        let before = standing(&[("s", 9)], &[("k", found("s", Level::Error, 1, 1))]);
        let after = standing(&[("s", 9)], &[("k", found("s", Level::Error, 9, 9))]);
        let comparison = compare(("a", &before), ("b", &after));
        assert_eq!(keys(&comparison.worse), ["k"]);
        assert!(!comparison.has_new_error());
    }
}
