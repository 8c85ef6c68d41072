//! `authtrail compare` and baselines, on audits of labelled recordings.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::expected;

fn authtrail(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrail"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    command.env_remove("SSLKEYLOGFILE").env_remove("COLUMNS").output().unwrap()
}

/// Audits labelled cases into `out`; says the exit status and what was printed.
fn audit(out: &Path, cases: &[&str], more: &[&str]) -> (i32, String) {
    let mut arguments = vec!["audit", "-o", out.to_str().unwrap(), "--key", "tests/cli/files/test.key", "--resume"];
    let cases: Vec<String> = cases.iter().map(|case| format!("samples/labelled/{case}")).collect();
    arguments.extend(cases.iter().map(String::as_str));
    arguments.extend(more);
    let output = authtrail(&arguments);
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn compare(before: &Path, after: &Path, more: &[&str]) -> (i32, String) {
    let mut arguments = vec!["compare", before.to_str().unwrap(), after.to_str().unwrap()];
    arguments.extend(more);
    let output = authtrail(&arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn keys(comparison: &Value, list: &str) -> Vec<String> {
    let entries = comparison[list].as_array().unwrap();
    entries.iter().map(|entry| entry["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_new_and_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (folder.path().join("before"), folder.path().join("after"));
    audit(&before, &["token-never-attached", "clean-2025-11-25-har"], &[]);
    audit(&after, &["clean-2025-11-25-har", "session-header-dropped-by-client"], &[]);
    let (status, json) = compare(&before, &after, &["--format", "json", "--fail-on", "new-error"]);
    assert_eq!(status, 1);
    let comparison: Value = serde_json::from_str(&json).unwrap();
    let lost = |which: &str| comparison[which]["lost"].as_u64().unwrap();
    assert_eq!((lost("before"), lost("after")), (1, 1));
    let new = keys(&comparison, "new");
    let gone = keys(&comparison, "gone");
    assert!(!new.is_empty() && !gone.is_empty());
    assert!(gone.iter().any(|key| key.starts_with("token-not-attached|client|")), "{gone:?}");
    assert!(new.iter().all(|key| !gone.contains(key)));
    // What loses authorization comes first.
    assert_eq!(comparison["new"][0]["after"]["losses"], 1);
    // The other way round, new is gone and gone is new.
    let (_, json) = compare(&after, &before, &["--format", "json"]);
    let reverse: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((keys(&reverse, "new"), keys(&reverse, "gone")), (gone, new));
    assert_eq!(keys(&reverse, "worse"), keys(&comparison, "better"));
    // An audit compared with itself, and with its own journal.
    let (status, text) = compare(&before, &before.join("journal.jsonl"), &["--fail-on", "new-error"]);
    assert_eq!(status, 0);
    assert!(text.ends_with("as before\n") && text.lines().count() == 4, "{text}");
    assert_eq!(compare(&before, &before, &[]).0, 1, "it holds a loss, as before");
    let text = compare(&before, &after, &[]).1.replace(folder.path().to_str().unwrap(), "$TMP");
    expected::compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit/comparison.txt"), &text);
}

#[test]
fn a_server_that_was_not_seen_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (folder.path().join("before"), folder.path().join("after"));
    audit(&before, &["token-never-attached"], &[]);
    std::fs::create_dir(&after).unwrap();
    let journal = std::fs::read_to_string(before.join("journal.jsonl")).unwrap();
    let elsewhere = journal.replace("mcp.acme.test", "mcp.elsewhere.test");
    assert_ne!(journal, elsewhere);
    std::fs::write(after.join("journal.jsonl"), elsewhere).unwrap();
    let (_, json) = compare(&before, &after, &["--format", "json"]);
    let comparison: Value = serde_json::from_str(&json).unwrap();
    assert!(keys(&comparison, "gone").is_empty());
    assert_eq!(keys(&comparison, "not_seen").len(), keys(&comparison, "new").len());
}

#[test]
fn a_baseline_covers_what_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    let file = out("known.toml");
    let (file, cases) = (file.to_str().unwrap(), ["token-never-attached", "clean-2025-11-25-har"]);
    assert_eq!(audit(&out("a"), &cases, &["--write-baseline", file]).0, 1);
    let written = std::fs::read_to_string(file).unwrap();
    assert!(written.contains("level = \"error\""), "{written}");
    // Everything is known, losses too.
    let (status, json) = audit(&out("b"), &cases, &["--baseline", file, "--fail-on", "note", "--format", "json"]);
    let baseline = serde_json::from_str::<Value>(&json).unwrap()["baseline"].clone();
    assert_eq!(status, 0, "{baseline}");
    assert_eq!((&baseline["known_losses"], &baseline["fresh"]), (&Value::from(1), &Value::from(0)));
    assert_eq!(baseline["stale"], Value::Array(Vec::new()));
    // One that does not occur any more is stale.
    let (status, text) = audit(&out("c"), &cases[1..], &["--baseline", file]);
    assert_eq!(status, 0);
    let stale: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("no longer found")).skip(1).collect();
    assert!(stale.first().is_some_and(|line| line.starts_with("  ")), "{text}");
    // A new loss is not covered.
    let more = [cases[0], cases[1], "session-header-dropped-by-client"];
    let (status, json) = audit(&out("d"), &more, &["--baseline", file, "--fail-on", "loss", "--format", "json"]);
    let baseline = serde_json::from_str::<Value>(&json).unwrap()["baseline"].clone();
    assert_eq!((status, &baseline["fresh_losses"]), (1, &Value::from(1)));
    // Reasons survive.
    let reasoned = written.replacen("level = ", "reason = \"ticket 7\"\nlevel = ", 1);
    std::fs::write(file, reasoned).unwrap();
    audit(&out("e"), &more, &["--write-baseline", file]);
    let renewed = std::fs::read_to_string(file).unwrap();
    assert!(renewed.contains("reason = \"ticket 7\"") && renewed.len() > written.len(), "{renewed}");
}

#[test]
fn what_is_no_audit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    let output = authtrail(&["compare", name, name]);
    let said = String::from_utf8(output.stderr).unwrap();
    let hint = "no journal of an audit; name a folder that `authtrail audit -o` has made";
    assert_eq!((output.status.code(), said), (Some(2), format!("authtrail: {name}: {hint}\n")));
    std::fs::write(folder.path().join("journal.jsonl"), "no line of a journal\n").unwrap();
    let output = authtrail(&["compare", name, name]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("authtrail: {name}: nothing was judged there\n"));
}

#[test]
fn the_description_of_the_tables_is_that_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/tables/README.md");
    expected::compare(&path, &authtrail::audit::query::describe(120));
}
