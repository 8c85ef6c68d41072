//! Rule pages and trails that tests make for themselves.

use authtrail::check::language::Page;
use authtrail::check::rule_set::{RuleSet, Source};
use authtrail::trail::record::{ExchangeId, Record};
use authtrail::trail::schema::{Kind, Revision};
use authtrail::trail::{Stretch, Trail};

/// A page with this head and placeholder prose.
pub(crate) fn page_text(slug: &str, head: &str) -> String {
    format!(
        "# {slug}\n\nA summary.\n\n```toml\n{head}\n```\n\n## Why the session stays unauthorized\n\nWhy.\n\n\
         ## How to fix it\n\nFix.\n\n## What does not fix it\n\n- nothing\n\n## When this rule is silent\n\nNever.\n"
    )
}

/// A rule set of one page with this head.
pub(crate) fn rules(head: &str) -> RuleSet {
    let file = "rules/session/made-for-a-test.md".to_owned();
    let pages = [Source { file, text: page_text("made-for-a-test", head) }];
    // Reading the catalogues takes most of the time; a page without entries does not need them.
    let catalogues = if head.contains("requirements") { RuleSet::embedded_catalogues() } else { Vec::new() };
    RuleSet::from_sources(&catalogues, &pages).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The only page of a rule set.
pub(crate) fn only_page(rules: &RuleSet) -> &Page {
    assert_eq!(rules.pages().len(), 1);
    &rules.pages()[0]
}

/// A trail with these records under one decided revision.
pub(crate) fn trail(records: Vec<Record>) -> Trail {
    Trail {
        client_info: None,
        recognised_by: Vec::new(),
        contested: Vec::new(),
        server: "https://mcp.example/mcp".to_owned(),
        authorization_servers: Vec::new(),
        exchanges: Vec::new(),
        records,
        legs: Vec::new(),
        stretches: vec![stretch(0, &[Revision::R20251125])],
        flows: Vec::new(),
        implied_kinds: Vec::new(),
    }
}

/// A stretch from this exchange on.
pub(crate) fn stretch(from: u32, candidates: &[Revision]) -> Stretch {
    Stretch {
        from: ExchangeId(from),
        candidates: candidates.to_vec(),
        unknown_name: None,
        by: "default",
        evidence: None,
    }
}

/// An MCP exchange without fields.
pub(crate) fn mcp_exchange(exchange: u32) -> Record {
    Record::new(Kind::McpExchange, ExchangeId(exchange))
}
