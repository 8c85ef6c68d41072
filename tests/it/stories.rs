//! Compares the whole report on each story with the one that was read and found right.
//!
//! `AUTHTRAIL_UPDATE_EXPECTED=1 cargo test --test it stories` writes the expected reports anew; read the difference. What
//! `story.toml` says in short is checked in any case, so that an update cannot turn a right verdict into a wrong one.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::run::{diagnose, items, samples, text};

/// What a story is about, and what its report must say whatever else it says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    /// One line for people.
    #[serde(rename = "title")]
    _title: String,
    /// The recordings, handed over together.
    give: Vec<String>,
    /// The outcome of each trail, in order.
    outcomes: Vec<String>,
    /// The rule of the cause of each trail, in order; `none` where there must be no cause, `any` where it is left open.
    causes: Vec<String>,
    /// Parts that no evidence may call absent.
    #[serde(default)]
    never_absent: Vec<String>,
    /// Places that the evidence of the first cause must name, as `entry 5`.
    #[serde(default)]
    cause_names: Vec<String>,
}

fn read(folder: &Path) -> Story {
    let path = folder.join("story.toml");
    let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&source).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The report without what changes with every release.
fn report(folder: &Path, story: &Story, threads: Option<u32>) -> Value {
    let mut report = diagnose(folder, &story.give, &[], threads);
    report["tool"] = Value::Null;
    report
}

#[test]
fn every_story_gets_the_report_that_was_read() {
    let update = std::env::var_os("AUTHTRAIL_UPDATE_EXPECTED").is_some_and(|value| value == "1");
    let mut complaints = Vec::new();
    for folder in samples("stories") {
        let story = read(&folder);
        let report = report(&folder, &story, None);
        let found = serde_json::to_string_pretty(&report).expect("a report is JSON") + "\n";
        let path = folder.join("expected.json");
        if update {
            fs::write(&path, &found).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match fs::read_to_string(&path) {
            Ok(expected) if expected == found => {}
            Ok(expected) => complaints.push(format!("{name}: {}", first_difference(&expected, &found))),
            Err(error) => complaints.push(format!("{name}: expected.json: {error}")),
        }
        complaints.extend(against_the_story(&story, &report).into_iter().map(|text| format!("{name}: {text}")));
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_report_does_not_depend_on_the_number_of_threads() {
    for folder in samples("stories") {
        let story = read(&folder);
        let (one, four) = (report(&folder, &story, Some(1)), report(&folder, &story, Some(4)));
        assert_eq!(one, four, "{}", folder.display());
    }
}

#[test]
fn every_story_has_the_script_that_made_it() {
    for folder in samples("stories") {
        assert!(folder.join("make.py").is_file(), "{}: no make.py", folder.display());
        for file in read(&folder).give {
            assert!(folder.join(&file).is_file(), "{}: no {file}", folder.display());
        }
    }
}

/// What the report says against the story's few lines.
fn against_the_story(story: &Story, report: &Value) -> Vec<String> {
    let trails = items(report, "trails");
    let mut complaints = Vec::new();
    let outcomes: Vec<&str> = trails.iter().map(|trail| text(trail, "/outcome")).collect();
    if outcomes != story.outcomes {
        complaints.push(format!("outcomes are {outcomes:?}, not {:?}", story.outcomes));
    }
    if trails.len() != story.causes.len() {
        complaints.push(format!("{} trails, not {}", trails.len(), story.causes.len()));
    }
    for (trail, cause) in trails.iter().zip(&story.causes) {
        let found = if trail["cause"].is_null() { "none" } else { text(trail, "/cause/rule") };
        if cause != "any" && cause != found {
            complaints.push(format!("cause of {} is {found}, not {cause}", text(trail, "/id")));
        }
    }
    for evidence in trails.iter().flat_map(|trail| items(trail, "findings")).flat_map(|f| items(f, "evidence")) {
        let field = text(evidence, "/field");
        if text(evidence, "/kind") == "absent" && story.never_absent.iter().any(|part| part == field) {
            complaints.push(format!("{field} of {} is called absent", text(evidence, "/at")));
        }
    }
    let cause = trails.iter().find(|trail| !trail["cause"].is_null()).map_or(&Value::Null, |trail| &trail["cause"]);
    for place in &story.cause_names {
        if !items(cause, "evidence").iter().any(|evidence| text(evidence, "/at") == place) {
            complaints.push(format!("the cause does not name {place}"));
        }
    }
    complaints
}

/// The first line that differs, with its number, expected and found.
fn first_difference(expected: &str, found: &str) -> String {
    let (mut old, mut new) = (expected.lines(), found.lines());
    for number in 1.. {
        match (old.next(), new.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => break,
            (a, b) => {
                let (a, b) = (a.unwrap_or("(end)").trim(), b.unwrap_or("(end)").trim());
                return format!("expected.json:{number}: expected {a}, found {b}");
            }
        }
    }
    "expected.json: differs in its line ends".to_owned()
}
