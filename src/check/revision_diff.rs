//! What changes from one revision to another, from the rules themselves: what `authtrail diff-revisions` prints.

use serde::Serialize;

use super::language::Keyword;
use super::listing::ListedRevision;
use super::rule_set::{PageId, RuleSet};
use crate::trail::schema::{Party, Revision, names};

names! {
    /// What becomes of a rule.
    ChangeKind {
        /// It holds in the later one only.
        Appears = "appears",
        /// It holds in the earlier one only.
        Vanishes = "vanishes",
        /// It holds in both, and breaking it is worse.
        Stricter = "stricter",
        /// It holds in both, and breaking it is less bad.
        Weaker = "weaker",
        /// It holds in both, at the same level, under another keyword.
        Worded = "worded",
    }
}

/// The difference between two revisions.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct RevisionDiff {
    /// The revision from which one comes.
    pub from: &'static str,
    /// The revision to which one goes.
    pub to: &'static str,
    /// What changes for each party, in the order of parties; a party for which nothing changes is left out.
    pub parties: Vec<PartyDiff>,
}

/// What changes for one party.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct PartyDiff {
    /// Who has to do something else.
    pub party: &'static str,
    /// How many rules of this party hold in both revisions unchanged.
    pub unchanged: usize,
    /// The changes, in order of link and slug.
    pub changes: Vec<RuleChange>,
}

/// What becomes of one rule.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct RuleChange {
    /// Slug.
    pub rule: String,
    /// Who has to do something else.
    pub party: &'static str,
    /// The link at which it is reported.
    pub link: &'static str,
    /// `appears`, `vanishes`, `stricter`, `weaker`, `worded`.
    pub change: &'static str,
    /// How it holds in the first revision; null where it does not.
    pub before: Option<ListedRevision>,
    /// How it holds in the second revision; null where it does not.
    pub after: Option<ListedRevision>,
    /// Catalogue entries; empty for a fact.
    pub requirements: Vec<String>,
    /// Where it vanishes: rules that judge one of its entries in the second revision. Where it appears: rules that did so
    /// in the first and no longer do. The duty stays then, and what is asked is another thing.
    pub in_place_of: Vec<String>,
    /// Whether the revision in which it does not hold permits what the other one demands (MAY).
    pub permitted: bool,
    /// What is wrong where it is broken, in one sentence.
    pub summary: String,
}

impl RuleSet {
    /// What changes from one revision to another, for one party or for all.
    pub fn diff(&self, from: Revision, to: Revision, only: Option<Party>) -> RevisionDiff {
        let parties = Party::ALL.iter().filter(|party| only.is_none_or(|only| only == **party));
        let parties = parties.map(|party| self.diff_for(*party, from, to)).filter(|party| !party.changes.is_empty());
        RevisionDiff { from: from.name(), to: to.name(), parties: parties.collect() }
    }

    fn diff_for(&self, party: Party, from: Revision, to: Revision) -> PartyDiff {
        let (mut unchanged, mut changes) = (0, Vec::new());
        for id in self.ids().filter(|id| self.page(*id).party == party) {
            let (before, after) = (self.holds_in(id, from), self.holds_in(id, to));
            let kind = match (before, after) {
                (None, None) => continue,
                (None, Some(_)) => ChangeKind::Appears,
                (Some(_), None) => ChangeKind::Vanishes,
                (Some(before), Some(after)) if before.level < after.level => ChangeKind::Stricter,
                (Some(before), Some(after)) if before.level > after.level => ChangeKind::Weaker,
                (Some(before), Some(after)) if before.keyword != after.keyword => ChangeKind::Worded,
                _ => {
                    unchanged += 1;
                    continue;
                }
            };
            changes.push(self.change(id, kind, from, to));
        }
        PartyDiff { party: party.name(), unchanged, changes }
    }

    fn change(&self, id: PageId, kind: ChangeKind, from: Revision, to: Revision) -> RuleChange {
        let page = self.page(id);
        RuleChange {
            rule: page.slug.clone(),
            party: page.party.name(),
            link: page.link.name(),
            change: kind.name(),
            before: self.listed_in(id, from),
            after: self.listed_in(id, to),
            requirements: page.requirements.clone(),
            in_place_of: match kind {
                ChangeKind::Appears => self.counterparts(id, from, Some(to)),
                ChangeKind::Vanishes => self.counterparts(id, to, None),
                _ => Vec::new(),
            },
            permitted: match kind {
                ChangeKind::Appears => self.permits(id, from),
                ChangeKind::Vanishes => self.permits(id, to),
                _ => false,
            },
            summary: page.text.summary.clone(),
        }
    }

    /// Whether an entry of the rule is a permission in a revision.
    fn permits(&self, id: PageId, revision: Revision) -> bool {
        self.requirements(id).any(|entry| entry.keyword_in(revision) == Some(Keyword::May))
    }

    /// The other rules that judge an entry of this one in a revision; with `gone_in`, those that do not hold there.
    fn counterparts(&self, id: PageId, there: Revision, gone_in: Option<Revision>) -> Vec<String> {
        let own = &self.page(id).requirements;
        let others = self.ids().filter(|other| {
            let page = self.page(*other);
            *other != id
                && page.party == self.page(id).party
                && page.requirements.iter().any(|entry| own.contains(entry))
                && self.holds_in(*other, there).is_some()
                && gone_in.is_none_or(|here| self.holds_in(*other, here).is_none())
        });
        others.map(|other| self.page(other).slug.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(from: Revision, to: Revision) -> Vec<(String, &'static str)> {
        let diff = RuleSet::embedded().unwrap().diff(from, to, None);
        let all = diff.parties.into_iter().flat_map(|party| party.changes);
        all.map(|change| (change.rule, change.change)).collect()
    }

    #[test]
    fn a_duty_that_a_revision_brings_appears() {
        let found = changes(Revision::R20250326, Revision::R20250618);
        assert!(found.contains(&("resource-absent".to_owned(), "appears")), "{found:?}");
        assert!(found.contains(&("refresh-token-not-rotated".to_owned(), "stricter")), "{found:?}");
    }

    #[test]
    fn the_way_back_is_the_way_there_reversed() {
        let mut there = changes(Revision::R20251125, Revision::R20260728);
        let back = changes(Revision::R20260728, Revision::R20251125);
        for (_, change) in &mut there {
            *change = match *change {
                "appears" => "vanishes",
                "vanishes" => "appears",
                "stricter" => "weaker",
                "weaker" => "stricter",
                other => other,
            };
        }
        assert_eq!(there, back);
        assert_eq!(changes(Revision::R20251125, Revision::R20251125), []);
    }

    #[test]
    fn a_duty_that_becomes_a_permission_is_told() {
        let rules = RuleSet::embedded().unwrap();
        let diff = rules.diff(Revision::R20250618, Revision::R20251125, Some(Party::McpServer));
        let [server] = &diff.parties[..] else { panic!("one party") };
        let pointer = server.changes.iter().find(|change| change.rule == "challenge-unusable").unwrap();
        assert_eq!((pointer.change, pointer.permitted, pointer.in_place_of.len()), ("vanishes", true, 0));
        assert!(server.changes.iter().filter(|change| change.change == "appears").all(|change| !change.permitted));
    }

    #[test]
    fn a_duty_that_is_judged_otherwise_names_the_other_rule() {
        let rules = RuleSet::embedded().unwrap();
        let diff = rules.diff(Revision::R20251125, Revision::R20260728, Some(Party::Client));
        let [client] = &diff.parties[..] else { panic!("one party") };
        let reused = client.changes.iter().find(|change| change.rule == "request-id-reused").unwrap();
        assert_eq!((reused.change, &reused.in_place_of[..]), ("vanishes", &["request-id-still-open".to_owned()][..]));
        assert!(reused.after.is_none());
        assert!(client.unchanged > 0);
    }
}
