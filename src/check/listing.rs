//! The rules as a list: what `authtrail rules` prints.

use serde::Serialize;

use super::language::{Family, Keyword, Level};
use super::rule_set::{Holds, PageId, RuleSet};
use crate::trail::schema::{Kind, Link, Party, Revision};

/// One rule in the list.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct ListedRule {
    /// Slug.
    pub slug: String,
    /// The link at which it is reported.
    pub link: &'static str,
    /// Who must change.
    pub party: &'static str,
    /// Failure mode; null where the page names none.
    pub mode: Option<String>,
    /// The kind of record that it judges.
    pub given: &'static str,
    /// The revisions in which it holds, oldest first.
    pub revisions: Vec<ListedRevision>,
    /// The families that it belongs to: `transport-framing`, `session-lifecycle`, `authorization-flow`,
    /// `backward-compatibility`.
    pub families: Vec<&'static str>,
    /// Catalogue entries; empty for a fact.
    pub requirements: Vec<String>,
    /// Checks of the official conformance suite that judge the same.
    pub conformance: Vec<String>,
    /// Losses that it can explain.
    pub breaks: Vec<&'static str>,
    /// The most that it can reach as a cause.
    pub certainty: &'static str,
    /// What is wrong, in one sentence.
    pub summary: String,
}

/// How a rule holds in one revision.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct ListedRevision {
    /// The revision.
    pub revision: &'static str,
    /// `MUST`, `SHOULD`, ...; `none` for a fact.
    pub keyword: &'static str,
    /// `error`, `warning`, `note`.
    pub level: &'static str,
    /// Where the specification says so.
    pub spec: Vec<String>,
}

/// Which rules to list. What is `None` does not narrow.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Reported at this link.
    pub link: Option<Link>,
    /// This party must change.
    pub party: Option<Party>,
    /// Judges records of this kind.
    pub given: Option<Kind>,
    /// Holds in this revision.
    pub revision: Option<Revision>,
    /// Has at least this level in one of the revisions that are listed.
    pub level: Option<Level>,
    /// Has this keyword in one of the revisions that are listed.
    pub keyword: Option<Keyword>,
    /// Belongs to this family.
    pub family: Option<Family>,
    /// Names this catalogue entry.
    pub requirement: Option<String>,
}

impl Filter {
    /// Whether a rule is to be listed.
    pub fn lets(&self, rules: &RuleSet, id: PageId) -> bool {
        let page = rules.page(id);
        let revisions = rules.revisions(id).filter(|revision| self.revision.is_none_or(|only| only == *revision));
        let holds: Vec<Holds> = revisions.filter_map(|revision| rules.holds_in(id, revision)).collect();
        let strictest = holds.iter().map(|holds| holds.level).max();
        self.link.is_none_or(|link| page.link == link)
            && self.party.is_none_or(|party| page.party == party)
            && self.given.is_none_or(|kind| page.given == kind)
            && (self.revision.is_none() || strictest.is_some())
            && self.level.is_none_or(|level| strictest.is_some_and(|strictest| strictest >= level))
            && self.keyword.is_none_or(|keyword| holds.iter().any(|holds| holds.keyword == keyword))
            && self.family.is_none_or(|family| page.families().contains(&family))
            && self.requirement.as_ref().is_none_or(|entry| page.requirements.contains(entry))
    }
}

impl RuleSet {
    /// The rules that the filter lets through, in order of link and slug.
    pub fn list(&self, filter: &Filter) -> Vec<ListedRule> {
        self.ids().filter(|id| filter.lets(self, *id)).map(|id| self.listed(id)).collect()
    }

    fn listed(&self, id: PageId) -> ListedRule {
        let page = self.page(id);
        let revisions = self.revisions(id).filter_map(|revision| self.listed_in(id, revision));
        ListedRule {
            slug: page.slug.clone(),
            link: page.link.name(),
            party: page.party.name(),
            mode: page.mode.clone(),
            given: page.given.name(),
            revisions: revisions.collect(),
            families: page.families().into_iter().map(Family::name).collect(),
            requirements: page.requirements.clone(),
            conformance: self.conformance().checks_of(&page.slug),
            breaks: page.breaks.iter().map(|symptom| symptom.name()).collect(),
            certainty: page.certainty.name(),
            summary: page.text.summary.clone(),
        }
    }

    /// How a rule holds in one revision, for a list; `None` where it does not.
    pub(super) fn listed_in(&self, id: PageId, revision: Revision) -> Option<ListedRevision> {
        let holds = self.holds_in(id, revision)?;
        Some(ListedRevision {
            revision: revision.name(),
            keyword: holds.keyword.name(),
            level: holds.level.name(),
            spec: self.links(id, revision),
        })
    }
}
