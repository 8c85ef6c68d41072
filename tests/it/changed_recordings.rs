//! A verdict depends on what a recording shows and on nothing else: changes that tell nothing keep it, and what is taken
//! away never accuses anybody anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::run::{diagnose, items, samples, text};
use crate::secrets::NAMES;

/// What a report says, without places and fingerprints.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    outcomes: Vec<String>,
    causes: BTreeSet<String>,
    /// Rule and party of what is a warning or an error.
    accusations: BTreeSet<String>,
}

fn verdict(files: &[Value]) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..files.len()).map(|at| format!("{at}.har")).collect();
    for (name, file) in names.iter().zip(files) {
        std::fs::write(folder.path().join(name), file.to_string()).unwrap();
    }
    let report = diagnose(folder.path(), &names, &[], None);
    let trails = items(&report, "trails");
    let accuses = |found: &Value| format!("{} {}", text(found, "/rule"), text(found, "/party"));
    let causes = trails.iter().filter(|trail| !trail["cause"].is_null()).map(|trail| accuses(&trail["cause"]));
    let findings = trails.iter().flat_map(|trail| items(trail, "findings"));
    Verdict {
        outcomes: trails.iter().map(|trail| text(trail, "/outcome").to_owned()).collect(),
        causes: causes.collect(),
        accusations: findings.filter(|finding| text(finding, "/level") != "note").map(accuses).collect(),
    }
}

/// Every HAR of the labelled cases.
fn labelled() -> Vec<(PathBuf, Value)> {
    let files = samples("labelled").into_iter().flat_map(|case| std::fs::read_dir(case).unwrap().flatten());
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.sort();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "har"));
    files.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn entries(har: &Value) -> &[Value] {
    har.pointer("/log/entries").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn with_entries(har: &Value, entries: Vec<Value>) -> Value {
    let mut changed = har.clone();
    changed["log"]["entries"] = Value::Array(entries);
    changed
}

/// The change of every labelled HAR, and whether the verdict may lose something by it.
fn check(change: impl Fn(&Value) -> Vec<Value>, may_lose: bool) {
    let mut mistakes = String::new();
    for (path, har) in labelled() {
        let (before, after) = (verdict(std::slice::from_ref(&har)), verdict(&change(&har)));
        let is_kept = before.outcomes == after.outcomes && before.causes == after.causes;
        let is_new = |of: fn(&Verdict) -> &BTreeSet<String>| !of(&after).is_subset(of(&before));
        if is_new(|it| &it.causes) || is_new(|it| &it.accusations) || !(may_lose || is_kept) {
            mistakes.push_str(&format!("{}\n  {before:?}\n  {after:?}\n", path.display()));
        }
    }
    assert!(mistakes.is_empty(), "\n{mistakes}");
}

#[test]
fn an_entry_that_stands_twice_is_one_exchange() {
    check(
        |har| vec![with_entries(har, entries(har).iter().flat_map(|entry| [entry.clone(), entry.clone()]).collect())],
        true,
    );
}

#[test]
fn two_halves_are_one_recording() {
    check(
        |har| {
            let (first, second) = entries(har).split_at(entries(har).len() / 3);
            vec![with_entries(har, first.to_vec()), with_entries(har, second.to_vec())]
        },
        false,
    );
}

/// Puts a mask in the place of every secret in queries, redirects, forms and documents.
fn masked(har: &Value) -> Value {
    let in_parameters = |text: &str| {
        let mask = |pair: &str| match pair.split_once('=') {
            Some((name, _)) if NAMES.contains(&name) => format!("{name}=REDACTED"),
            _ => pair.to_owned(),
        };
        text.split('&').map(mask).collect::<Vec<_>>().join("&")
    };
    let in_url = |text: &str| match text.split_once('?') {
        Some((before, query)) => format!("{before}?{}", in_parameters(query)),
        None => text.to_owned(),
    };
    let in_document = |text: &str| match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(mut document)) => {
            for (_, value) in
                document.iter_mut().filter(|(name, value)| NAMES.contains(&name.as_str()) && value.is_string())
            {
                *value = json!("[REDACTED]");
            }
            Value::Object(document).to_string()
        }
        _ => text.to_owned(),
    };
    let mut changed = entries(har).to_vec();
    for entry in &mut changed {
        let replace = |value: Option<&mut Value>, by: &dyn Fn(&str) -> String| {
            if let Some(value) = value
                && let Some(text) = value.as_str()
            {
                *value = json!(by(text));
            }
        };
        replace(entry.pointer_mut("/request/url"), &in_url);
        replace(entry.pointer_mut("/response/redirectURL"), &in_url);
        if entry
            .pointer("/request/postData/mimeType")
            .and_then(Value::as_str)
            .is_some_and(|it| it.contains("urlencoded"))
        {
            replace(entry.pointer_mut("/request/postData/text"), &in_parameters);
        }
        replace(entry.pointer_mut("/response/content/text"), &in_document);
        for header in entry.pointer_mut("/response/headers").and_then(Value::as_array_mut).into_iter().flatten() {
            if text(header, "/name").eq_ignore_ascii_case("location") {
                replace(header.get_mut("value"), &in_url);
            }
        }
        if let Some(request) = entry.get_mut("request").and_then(Value::as_object_mut) {
            request.remove("queryString");
        }
    }
    with_entries(har, changed)
}

#[test]
fn masked_parameters_accuse_nobody() {
    check(|har| vec![masked(har)], true);
}

#[test]
fn a_body_that_was_cut_accuses_nobody() {
    // Streams that end early are looked at elsewhere.
    let cut = |har: &Value| {
        let mut changed = entries(har).to_vec();
        for entry in &mut changed {
            for (kind, place) in [
                ("/request/postData/mimeType", "/request/postData/text"),
                ("/response/content/mimeType", "/response/content/text"),
            ] {
                let is_stream =
                    entry.pointer(kind).and_then(Value::as_str).is_some_and(|it| it.contains("event-stream"));
                if let Some(value) = entry.pointer_mut(place).filter(|_| !is_stream)
                    && let Some(text) = value.as_str()
                {
                    *value = json!(text.chars().take(64).collect::<String>());
                }
            }
        }
        vec![with_entries(har, changed)]
    };
    check(cut, true);
}

/// The verdict on a sample without the entries of which `is_gone` says so.
fn without(sample: &str, is_gone: impl Fn(usize, &Value) -> bool) -> Verdict {
    let har = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(sample));
    let left: Vec<Value> = entries(&har)
        .iter()
        .enumerate()
        .filter(|(at, entry)| !is_gone(*at, entry))
        .map(|(_, entry)| entry.clone())
        .collect();
    assert!(left.len() < entries(&har).len());
    verdict(&[with_entries(&har, left)])
}

fn goes_to(entry: &Value, end: &str) -> bool {
    text(entry, "/request/url").split('?').next().is_some_and(|url| url.ends_with(end))
}

#[test]
fn a_token_response_that_is_not_recorded_is_no_code_that_was_never_redeemed() {
    let sample = "labelled/spa-token-truncated/browser-sanitized.har";
    let redeems = |_: usize, entry: &Value| {
        goes_to(entry, "/token") && text(entry, "/request/postData/text").contains("grant_type=authorization_code")
    };
    assert_eq!(without(sample, redeems).causes, BTreeSet::new());
}

#[test]
fn metadata_that_is_not_recorded_was_read_where_it_alone_names_the_server() {
    let sample = "labelled/cors-registration-endpoint-blocked/browser-sanitized.har";
    let reads = |_: usize, entry: &Value| goes_to(entry, "/oauth-protected-resource/mcp");
    assert!(!without(sample, reads).causes.contains("challenge-not-followed client"));
}
