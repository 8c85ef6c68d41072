//! The rules as text: the index (`authtrail rules`), by link, and one in full (`authtrail explain`).

use serde::Serialize;

use super::layout::{Canvas, Text};
use super::palette::{FAINT, STRONG};
use super::{escape, examples, page, words};
use crate::check::language::Page;
use crate::check::listing::{ListedRevision, ListedRule};

/// The index for a terminal. The rules come in order of link.
pub fn render(rules: &[ListedRule], width: usize) -> String {
    let mut canvas = Canvas::new(width);
    let mut link = "";
    for rule in rules {
        if rule.link != link {
            link = rule.link;
            canvas.blank();
            canvas.line(&Text::new().styled(STRONG, link));
        }
        let duty = if rule.requirements.is_empty() { "fact".to_owned() } else { rule.requirements.join(", ") };
        let line = Text::new().padded_to(2).plain(&rule.slug).plain("  ");
        canvas.paragraph(0, 6, line.styled(FAINT, &format!("{duty}; {}", rule.party)));
        canvas.paragraph(6, 6, escape::prose(&rule.summary));
    }
    canvas.blank();
    let more = if rules.is_empty() { "" } else { "; authtrail explain RULE shows one in full" };
    canvas.line(&Text::from(format!("{}{more}", words::count(rules.len(), "rule"))));
    canvas.finish()
}

/// One rule in full, as data.
#[derive(Debug, Serialize)]
pub struct Explained<'a> {
    /// What `authtrail rules` says of it.
    #[serde(flatten)]
    pub rule: &'a ListedRule,
    /// Why it breaks authorization.
    pub why: &'a str,
    /// The smallest change that repairs it.
    pub fix: &'a str,
    /// What the other side may tolerate meanwhile; null where nothing helps.
    pub tolerance: Option<&'a str>,
    /// What does not repair it.
    pub not_a_fix: &'a [String],
    /// When it does not speak.
    pub silent: &'a str,
    /// The page as written.
    pub page: &'a str,
    /// The verdict on a recording that breaks it, in short; null for a rule of the user.
    pub example: Option<&'static str>,
}

impl<'a> Explained<'a> {
    /// Puts together what there is to say of a rule.
    pub fn new(rule: &'a ListedRule, page: &'a Page) -> Self {
        Explained {
            rule,
            why: &page.text.why,
            fix: &page.text.fix,
            tolerance: page.text.tolerance.as_deref(),
            not_a_fix: &page.text.not_a_fix,
            silent: &page.text.silent,
            page: &page.source,
            example: examples::of(rule.link, &rule.slug),
        }
    }
}

/// One rule in full: its page, an example, and in which revisions it holds.
pub fn explain(explained: &Explained<'_>, width: usize) -> String {
    let rule = explained.rule;
    let mut canvas = Canvas::new(width);
    page::write(&mut canvas, explained.page);
    if let Some(example) = explained.example {
        canvas.blank();
        canvas.line(&Text::new().styled(STRONG, "In a recording that breaks it"));
        canvas.blank();
        for line in example.lines() {
            canvas.line(&Text::new().padded_to(2).plain(line));
        }
    }
    canvas.blank();
    canvas.line(&Text::new().styled(STRONG, "Where it holds"));
    canvas.blank();
    for revision in &rule.revisions {
        holds(&mut canvas, revision);
    }
    canvas.blank();
    canvas.paragraph(2, 2, format!("Reported at {}; must change: {}.", rule.link, words::party(rule.party)));
    if !rule.conformance.is_empty() {
        let checks = rule.conformance.join(", ");
        canvas.paragraph(2, 2, format!("Checks of the official conformance suite: {checks}."));
    }
    canvas.finish()
}

/// `2025-11-25  MUST    error`, and where the specification says so.
fn holds(canvas: &mut Canvas, revision: &ListedRevision) {
    let line = Text::new().padded_to(2).plain(revision.revision).padded_to(14);
    let keyword = if revision.keyword == "none" { "fact" } else { revision.keyword };
    canvas.line(&line.plain(keyword).padded_to(26).plain(revision.level));
    // A link is never broken, however long: people open it from the terminal.
    for link in &revision.spec {
        canvas.line(&Text::new().padded_to(4).styled(FAINT, link));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(link: &'static str, slug: &str, requirements: &[&str]) -> ListedRule {
        ListedRule {
            slug: slug.to_owned(),
            link,
            party: "client",
            mode: None,
            given: "token_request",
            revisions: Vec::new(),
            families: Vec::new(),
            requirements: requirements.iter().map(|&entry| entry.to_owned()).collect(),
            conformance: Vec::new(),
            breaks: Vec::new(),
            certainty: "proved",
            summary: "The code is redeemed\ntwice.".to_owned(),
        }
    }

    #[test]
    fn the_index_goes_by_link() {
        let rules =
            [rule("callback", "a", &["AUTH-1", "AUTH-2"]), rule("callback", "b", &[]), rule("session", "c", &["S-1"])];
        let expected = "callback\n  a  AUTH-1, AUTH-2; client\n      The code is redeemed twice.\n  b  fact; client\n      \
                        The code is redeemed twice.\n\nsession\n  c  S-1; client\n      The code is redeemed \
                        twice.\n\n3 rules; authtrail explain RULE shows one in full\n";
        assert_eq!(anstream::adapter::strip_str(&render(&rules, 60)).to_string(), expected);
        assert_eq!(render(&[], 60), "0 rules\n");
    }
}
