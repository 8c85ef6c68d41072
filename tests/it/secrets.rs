//! No secret of any sample reaches an output: what is looked for is taken from the recordings themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use authtrail::check::rule_set::RuleSet;
use authtrail::{Options, diagnose};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Parameters and members whose values are secrets.
const NAMES: [&str; 12] = [
    "code",
    "state",
    "code_verifier",
    "code_challenge",
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "registration_access_token",
    "nonce",
    "password",
    "device_code",
];

#[test]
fn no_secret_is_printed() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut checked = 0;
    for path in recordings(&samples) {
        let text = std::fs::read_to_string(&path).unwrap();
        let Ok(har) = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) else { continue };
        let mut secrets = BTreeSet::new();
        collect(&har, &mut secrets);
        if secrets.is_empty() {
            continue;
        }
        checked += secrets.len();
        for arguments in
            [&["diagnose", "--verbose"][..], &["diagnose", "--format", "json"], &["exchanges", "--format", "jsonl"]]
        {
            let output = Command::new(env!("CARGO_BIN_EXE_authtrail")).args(arguments).arg(&path).output().unwrap();
            let printed =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            let printed = percent_decode_str(&printed).decode_utf8_lossy();
            for secret in &secrets {
                assert!(!printed.contains(secret.as_str()), "{} {arguments:?} prints {secret}", path.display());
            }
        }
    }
    assert!(checked > 50, "only {checked} secrets were found in the samples");
}

/// Pages show the fields that they speak of: the recordings beside them bring each field into a report.
#[test]
fn no_page_prints_a_secret() {
    let rules = RuleSet::embedded().unwrap();
    let mut checked = 0;
    for path in recordings(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let Ok(har) = serde_json::from_str::<Value>(&text) else { continue };
        let mut secrets = BTreeSet::new();
        collect(&har, &mut secrets);
        checked += secrets.len();
        let report = serde_json::to_string(&diagnose(std::slice::from_ref(&path), &Options::new(rules))).unwrap();
        let printed = percent_decode_str(&report).decode_utf8_lossy();
        for secret in &secrets {
            assert!(!printed.contains(secret.as_str()), "{}: {secret} is in the report", path.display());
        }
    }
    assert!(checked > 500, "only {checked} secrets were found beside the pages");
}

/// Every HAR file below `folder`.
pub(crate) fn recordings(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(recordings(&path));
        } else if path.extension().is_some_and(|extension| extension == "har") {
            found.push(path);
        }
    }
    found
}

/// Secrets anywhere in a recording: members, parameters in any text, credentials in headers.
pub(crate) fn collect(value: &Value, secrets: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        Value::Object(members) => {
            let name = members.get("name").and_then(Value::as_str).unwrap_or_default();
            if let Some(text) = members.get("value").and_then(Value::as_str) {
                named(name, text, secrets);
            }
            for (name, member) in members {
                if let Some(text) = member.as_str() {
                    named(name, text, secrets);
                }
                collect(member, secrets);
            }
        }
        Value::String(text) => in_text(text, secrets),
        _ => {}
    }
}

/// The value of something with this name.
fn named(name: &str, text: &str, secrets: &mut BTreeSet<String>) {
    let lower = name.to_lowercase();
    if NAMES.contains(&lower.as_str()) || lower == "mcp-session-id" {
        keep(text, secrets);
    }
    if lower == "authorization"
        && let Some((_, credentials)) = text.split_once(' ')
    {
        keep(credentials, secrets);
    }
    if lower == "cookie" || lower == "set-cookie" {
        let pairs = text.split([';', '\n']).filter_map(|pair| pair.trim().split_once('='));
        pairs
            .filter(|(name, _)| !["path", "expires", "domain"].contains(&name.to_lowercase().as_str()))
            .for_each(|(_, value)| keep(value, secrets));
    }
}

/// Parameters in a URL or a form, and members of a JSON body.
fn in_text(text: &str, secrets: &mut BTreeSet<String>) {
    if let Ok(inner @ Value::Object(_)) = serde_json::from_str::<Value>(text) {
        collect(&inner, secrets);
        return;
    }
    if text.len() > 4000 || text.contains(['<', '\n', '{']) {
        return;
    }
    for (name, value) in text.split(['?', '&', '#']).filter_map(|part| part.split_once('=')) {
        if NAMES.contains(&name) {
            keep(value, secrets);
        }
    }
}

/// Short values and words stand in outputs by chance.
fn keep(value: &str, secrets: &mut BTreeSet<String>) {
    let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
    if value.len() >= 8 && !value.contains(' ') {
        secrets.insert(value);
    }
}
