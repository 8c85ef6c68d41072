//! Any octets go the whole way, to trails and verdicts: no panic, no endless loop.
//!
//! `cargo +nightly fuzz run diagnose -- -max_len=65536`, seeded with the recordings beside the rule pages.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use authtrail::check::diagnosis::diagnose;
use authtrail::check::rule_set::RuleSet;
use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::CaptureId;
use authtrail::trail::{BuildOptions, build};
use libfuzzer_sys::fuzz_target;

static RULES: LazyLock<&'static RuleSet> =
    LazyLock::new(|| RuleSet::embedded().unwrap_or_else(|mistakes| panic!("{mistakes}")));

fuzz_target!(|octets: &[u8]| {
    let content = octets.to_vec().into();
    let (facts, exchanges) = read_content(Path::new("fuzz.har"), CaptureId(0), content, &ReadOptions::default());
    let incident = build(exchanges, &[facts], &BuildOptions::default());
    let diagnoses = diagnose(*RULES, &incident);
    assert_eq!(diagnoses.len(), incident.trails.len());
});
