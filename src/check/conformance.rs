//! The crosswalk to the checks of the official conformance suite: which rules judge what a check judges, or why none does.
//!
//! Ids are the suite's; the sentences are ours. Which checks there are stands in `rules/crosswalk/`, with the version.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Report, closest};
use super::table::{Reader, Word};
use crate::trail::schema::names;

names! {
    /// Whom a check tests.
    Tested {
        /// A client.
        Client = "client",
        /// An MCP server.
        Server = "server",
        /// An authorization server.
        AuthorizationServer = "authorization-server",
    }
}

/// One check of the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The id that the suite reports. Checks of different sides may share one.
    pub id: String,
    /// Whom it tests.
    pub of: Tested,
    /// The rules that judge the same; empty where there is a reason.
    pub rules: Vec<String>,
    /// Why no rule judges it.
    pub reason: Option<String>,
}

/// All checks of one version of the suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conformance {
    /// The repository of the suite.
    pub suite: String,
    /// The version of the suite.
    pub version: String,
    /// The commit that was read.
    pub commit: String,
    /// The checks, in the order of the file.
    pub checks: Vec<Check>,
    by_rule: HashMap<String, Vec<usize>>,
}

impl Conformance {
    /// The ids of the checks that judge what this rule judges, in the order of the file.
    pub fn checks_of(&self, slug: &str) -> Vec<String> {
        let places = self.by_rule.get(slug).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|at| self.checks.get(*at)).map(|check| check.id.clone()).collect()
    }

    /// Reads the file; gives what is wrong with it. `slugs` are the rules that there are.
    pub(super) fn read<'s>(
        file: &str,
        text: &str,
        slugs: impl Iterator<Item = &'s str> + Clone,
    ) -> (Conformance, Vec<Diagnostic>) {
        let mut report = Report::new(file, text);
        let mut conformance = Conformance::default();
        let mut reader = Reader::new(&mut report, 0);
        if let Some(parsed) = reader.parse(text) {
            let table = parsed.get_ref();
            reader.close(table, "a crosswalk", &["suite", "version", "commit", "check"]);
            let mut head = |key| {
                reader
                    .required_text(table, key, 0..0, "the crosswalk")
                    .map(|word| word.text.to_owned())
                    .unwrap_or_default()
            };
            (conformance.suite, conformance.version, conformance.commit) =
                (head("suite"), head("version"), head("commit"));
            let checks = table.get("check").and_then(|checks| checks.get_ref().as_array());
            for item in checks.into_iter().flat_map(|array| array.iter()) {
                if let Some(check) = read_check(&mut reader, item, &slugs) {
                    conformance.add(&mut reader, item, check);
                }
            }
        }
        (conformance, report.into_diagnostics())
    }

    fn add(&mut self, reader: &mut Reader<'_>, item: &Spanned<DeValue<'_>>, check: Check) {
        if self.checks.iter().any(|known| (known.of, &known.id) == (check.of, &check.id)) {
            let span = reader.place(item.span());
            reader.report.error(span, format!("the check `{}` stands here twice", check.id));
        }
        for rule in &check.rules {
            self.by_rule.entry(rule.clone()).or_default().push(self.checks.len());
        }
        self.checks.push(check);
    }
}

fn read_check<'s>(
    reader: &mut Reader<'_>,
    item: &Spanned<DeValue<'_>>,
    slugs: &(impl Iterator<Item = &'s str> + Clone),
) -> Option<Check> {
    let span = reader.place(item.span());
    let Some(table) = item.get_ref().as_table() else {
        reader.wrong_type(item, "check", "a table");
        return None;
    };
    reader.close(table, "a check", &["id", "of", "rules", "reason"]);
    let id = reader.required_text(table, "id", span.clone(), "the check")?.text.to_owned();
    let of = reader.required_text(table, "of", span.clone(), "the check")?;
    let of = reader.one_of(&of, "side", Tested::ALL, Tested::name)?;
    let rules = read_rules(reader, table, slugs);
    let reason = reader.text(table, "reason").map(|word| word.text.to_owned()).filter(|reason| !reason.is_empty());
    if rules.is_empty() == reason.is_none() {
        reader.report.error(span, format!("the check `{id}` has either `rules` or a `reason`"));
    }
    Some(Check { id, of, rules, reason })
}

fn read_rules<'s>(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    slugs: &(impl Iterator<Item = &'s str> + Clone),
) -> Vec<String> {
    let words: Vec<Word<'_>> = reader.texts(table, "rules");
    for word in &words {
        if !slugs.clone().any(|slug| slug == word.text) {
            let diagnostic = reader.report.error(word.span.clone(), format!("no page has the slug `{}`", word.text));
            if let Some(meant) = closest(word.text, slugs.clone()) {
                diagnostic.label = format!("did you mean `{meant}`?");
            }
        }
    }
    words.into_iter().map(|word| word.text.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "suite = \"s\"\nversion = \"1\"\ncommit = \"c\"\n";

    fn read(checks: &str) -> (Conformance, Vec<String>) {
        let (read, problems) =
            Conformance::read("x.toml", &format!("{HEAD}{checks}"), ["state-absent", "other"].into_iter());
        (read, problems.iter().map(|problem| format!("{problem:?}")).collect())
    }

    #[test]
    fn a_check_has_rules_or_a_reason() {
        let (read, problems) = read(
            "[[check]]\nid = \"a\"\nof = \"client\"\nrules = [\"state-absent\"]\n\
             [[check]]\nid = \"b\"\nof = \"server\"\nreason = \"no step\"\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!((read.version.as_str(), read.checks.len()), ("1", 2));
        assert_eq!(read.checks_of("state-absent"), ["a"]);
        assert_eq!(read.checks_of("other"), Vec::<String>::new());
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let (_, problems) = read(
            "[[check]]\nid = \"a\"\nof = \"client\"\nrules = [\"stat-absent\"]\n\
             [[check]]\nid = \"a\"\nof = \"client\"\nreason = \"x\"\n\
             [[check]]\nid = \"c\"\nof = \"host\"\nreason = \"x\"\n\
             [[check]]\nid = \"d\"\nof = \"server\"\n",
        );
        assert_eq!(
            problems,
            [
                "x.toml:7:10: no page has the slug `stat-absent`",
                "x.toml:8:1: the check `a` stands here twice",
                "x.toml:14:6: unknown side `host`",
                "x.toml:16:1: the check `d` has either `rules` or a `reason`",
            ]
        );
    }
}
