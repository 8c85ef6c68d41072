//! Holds the verdict on runs of the official conformance suite to what the suite says of them.
//!
//! `samples/conformance/index.toml` has one label a run, `samples/conformance/README.md` explains its members.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::run::{diagnose, items, text};

#[derive(Debug, Deserialize)]
struct Index {
    run: Vec<Run>,
}

/// What a label says, as far as it is checked here.
#[derive(Debug, Deserialize)]
struct Run {
    file: String,
    kind: String,
    outcome: String,
    party: String,
    link: String,
    requirement: String,
    also_true: Vec<String>,
}

/// What `also_true` calls it, and the catalogue entries that say it.
const ALSO_TRUE: [(&str, &[&str]); 7] = [
    ("client:state-absent", &["AUTH-CB-01"]),
    ("client:resource-absent-in-authorization-request", &["AUTH-AUD-01"]),
    ("client:resource-absent-in-token-request", &["AUTH-AUD-02"]),
    ("server:401-without-scope", &["AUTH-SCOPE-01"]),
    ("server:get-stream-answered-404", &["SSE-GET-02"]),
    ("authorization-server:token-response-without-no-store", &["AUTH-TOK-08"]),
    ("authorization-server:client-secret-without-expires-at", &["AUTH-REG-37"]),
];

#[test]
fn every_run_of_the_conformance_suite_gets_its_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/conformance");
    let index = fs::read_to_string(folder.join("index.toml")).expect("index.toml");
    let index: Index = toml::from_str(&index).unwrap_or_else(|error| panic!("index.toml: {error}"));
    let mut complaints = Vec::new();
    for run in &index.run {
        let report = diagnose(&folder, std::slice::from_ref(&run.file), &[], None);
        let [trail] = items(&report, "trails") else {
            complaints.push(format!("{}: not one trail", run.file));
            continue;
        };
        let found = if run.kind == "broken" { missed(run, trail) } else { None };
        complaints.extend(found.into_iter().chain(untrue(run, trail)).map(|what| format!("{}: {what}", run.file)));
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// What of the conclusion of the label was not reached.
fn missed(run: &Run, trail: &Value) -> Option<String> {
    let outcome = text(trail, "/outcome");
    if outcome != run.outcome {
        return Some(format!("outcome is {outcome}, not {}", run.outcome));
    }
    let headline = items(trail, "findings").iter().find(|finding| finding["id"] == trail["headline"]);
    let blamed = headline.into_iter().chain(Some(&trail["cause"]).filter(|cause| !cause.is_null()));
    let mut blamed = blamed.peekable();
    if blamed.peek().is_none() {
        return Some("neither cause nor headline".to_owned());
    }
    let fits = |finding: &Value| {
        names(finding, &run.requirement) || (text(finding, "/link"), text(finding, "/party")) == (&run.link, &run.party)
    };
    let blamed: Vec<&Value> = blamed.collect();
    if blamed.iter().any(|finding| fits(finding)) {
        return None;
    }
    Some(format!("the fault is {} at {}, found is {}", run.requirement, run.link, text(blamed[0], "/rule")))
}

/// Errors and warnings that are neither the fault nor listed as true.
fn untrue(run: &Run, trail: &Value) -> Vec<String> {
    let listed = |finding: &Value| {
        ALSO_TRUE
            .iter()
            .filter(|(name, _)| run.also_true.iter().any(|known| known == name))
            .any(|(_, entries)| entries.iter().any(|entry| names(finding, entry)))
    };
    // A first 401 that carries an error code although no credentials were sent, and a refused token that only the body
    // calls invalid: so does the mock server of the suite.
    let is_true = |finding: &Value| {
        text(finding, "/level") == "note"
            || listed(finding)
            || names(finding, "AUTH-USE-12")
            || names(finding, "AUTH-USE-13")
            || (!run.requirement.is_empty() && names(finding, &run.requirement))
    };
    // What another finding explains is not held against anybody.
    let stands = |finding: &&Value| finding.get("absorbed_by").is_some_and(Value::is_null);
    let findings = items(trail, "findings").iter().filter(stands).filter(|finding| !is_true(finding));
    let mut untrue: Vec<String> = findings.map(|finding| format!("not true: {}", text(finding, "/rule"))).collect();
    if run.kind == "good" && !trail["cause"].is_null() {
        untrue.push(format!("a cause where nothing was lost: {}", text(trail, "/cause/rule")));
    }
    untrue
}

fn names(finding: &Value, requirement: &str) -> bool {
    items(finding, "requirements").iter().any(|entry| entry == requirement)
}
