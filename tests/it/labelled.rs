//! Holds the verdict on every labelled recording to its label.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::run::{diagnose, items, samples, text};

/// What a label says, as far as it is checked here. `samples/labelled/README.md` explains the members.
#[derive(Debug, Deserialize)]
struct Label {
    id: String,
    clean: bool,
    /// How many clients were recorded; the fault is that of one of them, and the others end well.
    #[serde(default = "one")]
    clients: usize,
    give: Vec<Vec<String>>,
    expect: Vec<String>,
    first_broken_link: String,
    root_cause_link: Option<String>,
    also_link: Option<String>,
    party: String,
    party_decidable: Option<String>,
    keylog: Option<String>,
    #[serde(rename = "file")]
    files: Vec<LabelledFile>,
}

fn one() -> usize {
    1
}

#[derive(Debug, Deserialize)]
struct LabelledFile {
    name: String,
    /// Not there for keys.
    #[serde(default)]
    decidable_alone: String,
}

impl Label {
    fn read(folder: &Path) -> Label {
        let path = folder.join("label.toml");
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        toml::from_str(&source).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The arguments that hand over the keys of these files.
    fn keys_for(&self, files: &[String]) -> Vec<&str> {
        let encrypted = files.iter().any(|name| name.ends_with(".pcapng"));
        self.keylog.as_deref().filter(|_| encrypted).map_or(Vec::new(), |keys| vec!["--keylog", keys])
    }

    /// The links at which the cause may be reported.
    fn links(&self) -> Vec<&str> {
        [Some(&self.first_broken_link), self.root_cause_link.as_ref(), self.also_link.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|link| !link.is_empty())
            .collect()
    }

    /// Whether these files, handed over together, do not hold what would name the cause.
    fn cause_may_be_null(&self, files: &[String]) -> bool {
        files.iter().all(|name| self.files.iter().any(|file| file.name == *name && file.decidable_alone == "no"))
    }

    /// Whether this party fits, given the parties of the alternatives.
    fn party_fits(&self, party: &str, alternatives: &[Value]) -> bool {
        let inferred = self.party_decidable.is_some();
        let named = alternatives.iter().any(|other| text(other, "/party") == self.party);
        party == self.party || (inferred && (party == "unknown" || named))
    }
}

/// One row of the table: what came out for one list of files.
struct Row {
    case: String,
    files: String,
    outcome: String,
    cause: String,
    complaints: Vec<String>,
}

#[test]
#[expect(clippy::print_stdout, reason = "the table is the result; the test harness shows it on failure")]
fn every_labelled_recording_gets_the_verdict_of_its_label() {
    let mut rows = Vec::new();
    for folder in samples("labelled") {
        let label = Label::read(&folder);
        assert_eq!(label.give.len(), label.expect.len(), "{}: give and expect differ in length", label.id);
        let mut allowed = Allowed::read(&folder);
        for (files, expect) in label.give.iter().zip(&label.expect) {
            let report = diagnose(&folder, files, &label.keys_for(files), None);
            rows.push(judge(&label, files, expect, &report, &mut allowed));
        }
        if let (Some(row), unused) = (rows.last_mut(), allowed.unused()) {
            row.complaints.extend(unused.map(|rule| format!("true-findings.txt: {rule} was not found")));
        }
    }
    println!("{}{}", table(&rows), summary(&rows));
    let failed = rows.iter().filter(|row| !row.complaints.is_empty()).count();
    assert_eq!(failed, 0, "{failed} of {} lists differ from their label; see the table above", rows.len());
}

/// Compares one report with the label.
fn judge(label: &Label, files: &[String], expect: &str, report: &Value, allowed: &mut Allowed) -> Row {
    let trails = items(report, "trails");
    let mut complaints = Vec::new();
    if trails.len() > 1 || label.clients > 1 {
        let (found, recorded) = (trails.len(), label.clients);
        complaints.extend((found != recorded).then(|| format!("{found} trails of {recorded} clients")));
    }
    let (with_fault, well): (Vec<&Value>, Vec<&Value>) =
        trails.iter().partition(|trail| label.clients == 1 || text(trail, "/outcome") == expect);
    complaints.extend(
        well.iter()
            .filter(|trail| text(trail, "/outcome") != "authorized")
            .map(|trail| format!("the other client is {}", text(trail, "/outcome"))),
    );
    let trail = with_fault.first().copied().unwrap_or(&Value::Null);
    let outcome = if trail.is_null() { "undecided" } else { text(trail, "/outcome") };
    if outcome != expect {
        complaints.push(format!("outcome is not {expect}"));
    }
    if label.clean {
        complaints.extend(untrue(trail, allowed));
    } else if expect == "lost" || outcome == "authorized" {
        complaints.extend(wrong_blame(label, files, trail, outcome));
    }
    Row {
        case: label.id.clone(),
        files: files.join(" + "),
        outcome: outcome.to_owned(),
        cause: cause_in_words(trail),
        complaints,
    }
}

/// In a case without a fault: a cause, and every error or warning that nobody has reviewed.
fn untrue(trail: &Value, allowed: &mut Allowed) -> Vec<String> {
    let mut complaints = Vec::new();
    if !trail["cause"].is_null() {
        complaints.push("a cause where nothing was lost".to_owned());
    }
    for finding in items(trail, "findings") {
        let (rule, level) = (text(finding, "/rule"), text(finding, "/level"));
        if level != "note" && !allowed.contains(rule) {
            complaints.push(format!("{level}: {rule}"));
        }
    }
    complaints
}

/// In a case with a fault: link and party of the cause, or of the headline where the run ends authorized.
fn wrong_blame(label: &Label, files: &[String], trail: &Value, outcome: &str) -> Vec<String> {
    let headline = items(trail, "findings").iter().find(|finding| finding["id"] == trail["headline"]);
    let blamed = if outcome == "authorized" { headline.unwrap_or(&Value::Null) } else { &trail["cause"] };
    if blamed.is_null() {
        let fine = label.cause_may_be_null(files);
        return if fine { Vec::new() } else { vec![format!("no cause; it is at {}", label.links().join(" or "))] };
    }
    let mut complaints = Vec::new();
    let (link, party) = (text(blamed, "/link"), text(blamed, "/party"));
    if !label.links().contains(&link) {
        complaints.push(format!("link is {link}, not {}", label.links().join(" or ")));
    }
    if !label.party_fits(party, items(blamed, "alternatives")) {
        complaints.push(format!("party is {party}, not {}", label.party));
    }
    complaints
}

fn cause_in_words(trail: &Value) -> String {
    let cause = &trail["cause"];
    if cause.is_null() {
        return "none".to_owned();
    }
    let part = |pointer| text(cause, pointer);
    format!("{}/{} ({}, {})", part("/link"), part("/rule"), part("/party"), part("/certainty"))
}

fn table(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let mark = if row.complaints.is_empty() { "ok  " } else { "FAIL" };
        let _ = writeln!(out, "{mark} {:<42} {:<12} {:<40} {}", row.case, row.outcome, row.files, row.cause);
        for complaint in &row.complaints {
            let _ = writeln!(out, "       {complaint}");
        }
    }
    out
}

/// How many lists name a cause other than their label does, and how many leave open what their label says.
fn summary(rows: &[Row]) -> String {
    let wrong = rows.iter().filter(|row| row.cause != "none" && !row.complaints.is_empty()).count();
    let undecided = rows.iter().filter(|row| row.outcome == "undecided").count();
    let unexplained = rows.iter().filter(|row| row.outcome == "lost" && row.cause == "none").count();
    format!(
        "{} lists: {wrong} wrong accusations, {undecided} undecided, {unexplained} lost without a cause",
        rows.len()
    )
}

/// `true-findings.txt`: rules that a case without a fault breaks in truth, each reviewed by hand.
struct Allowed {
    rules: BTreeSet<String>,
    seen: BTreeSet<String>,
}

impl Allowed {
    fn read(folder: &Path) -> Allowed {
        let text = fs::read_to_string(folder.join("true-findings.txt")).unwrap_or_default();
        let rules = text.lines().filter_map(|line| line.split('#').next()).map(str::trim);
        Allowed { rules: rules.filter(|rule| !rule.is_empty()).map(str::to_owned).collect(), seen: BTreeSet::new() }
    }

    fn contains(&mut self, rule: &str) -> bool {
        let known = self.rules.contains(rule);
        if known {
            self.seen.insert(rule.to_owned());
        }
        known
    }

    fn unused(&self) -> impl Iterator<Item = &String> {
        self.rules.difference(&self.seen)
    }
}
