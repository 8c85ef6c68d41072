//! A rule page of a stranger is read or refused, never a crash; every refusal can be shown.

#![no_main]

use std::sync::LazyLock;

use authtrail::check::rule_set::RuleSet;
use libfuzzer_sys::fuzz_target;

static RULES: LazyLock<&'static RuleSet> =
    LazyLock::new(|| RuleSet::embedded().unwrap_or_else(|mistakes| panic!("{mistakes}")));

fuzz_target!(|text: &str| {
    if let Err(mistakes) = authtrail::check::page::parse("token-request/fuzzed.md", text, RULES.catalogue()) {
        for mistake in mistakes {
            let _ = (mistake.to_string(), mistake.position());
        }
    }
});
