//! No secret of any sample reaches an output: what is looked for is taken from the recordings themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use authtrail::check::rule_set::RuleSet;
use authtrail::{Options, diagnose};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Parameters and members whose values are secrets.
pub(crate) const NAMES: [&str; 12] = [
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

/// A password, a handle and a key in the address of an MCP endpoint.
const IN_ADDRESS: [&str; 3] = ["hunter2-of-joe", "R6QzGgJdo16ZuRGgJdo16Kp", "s3cr3t-of-joe"];

/// The labelled HAR files of an endpoint, each with an address that opens it to whoever knows it.
fn addressed(folder: &Path) -> Vec<PathBuf> {
    let [password, handle, key] = IN_ADDRESS;
    let plain = "http://mcp.acme.test:8080/mcp";
    let secret = format!("http://joe:{password}@mcp.acme.test:8080/u/{handle}/mcp?api_key={key}");
    let encode = |url: &str| {
        let characters = [(':', "%3A"), ('/', "%2F"), ('?', "%3F"), ('=', "%3D"), ('@', "%40")];
        characters.iter().fold(url.to_owned(), |url, (character, encoded)| url.replace(*character, encoded))
    };
    let labelled = recordings(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/labelled"));
    let made = labelled.iter().filter_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        let changed = text.replace(plain, &secret).replace(&encode(plain), &encode(&secret));
        let changed =
            changed.replace("oauth-protected-resource/mcp", &format!("oauth-protected-resource/u/{handle}/mcp"));
        let case = path.parent()?.file_name()?.to_string_lossy();
        let made = folder.join(format!("{case}-{}", path.file_name()?.to_string_lossy()));
        (changed != text).then(|| std::fs::write(&made, changed).map(|()| made).unwrap())
    });
    made.collect()
}

#[test]
fn no_secret_of_an_address_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let made = addressed(folder.path());
    assert!(made.len() > 5, "{made:?}");
    let run = |arguments: &[&str], path: &Path| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_authtrail"));
        let output = run.args(arguments).arg(path).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let check = |what: &str, printed: &str| {
        let decoded = percent_decode_str(printed).decode_utf8_lossy();
        for secret in IN_ADDRESS {
            let at = decoded.find(secret).map(|at| decoded[..at].chars().rev().take(200).collect::<String>());
            let before: Option<String> = at.map(|before| before.chars().rev().collect());
            assert_eq!(before, None, "{what} prints {secret}");
        }
    };
    let mut keys = BTreeSet::new();
    for path in &made {
        check("text", &run(&["diagnose", "--verbose"], path));
        check("exchanges", &run(&["exchanges", "--format", "jsonl"], path));
        let printed = run(&["diagnose", "--format", "json"], path);
        check("json", &printed);
        let report: Value = serde_json::from_str(&printed).unwrap();
        let trails = report["trails"].as_array().unwrap();
        let findings = trails.iter().flat_map(|trail| trail["findings"].as_array().unwrap());
        keys.extend(findings.map(|finding| finding["key"].as_str().unwrap().to_owned()));
    }
    // The keys are those of every recording: no fingerprint is in them.
    assert!(keys.iter().any(|key| key.contains("|http://mcp.acme.test:8080/u/***/mcp|")), "{keys:?}");
    let out = tempfile::tempdir().unwrap();
    let (baseline, tables) = (out.path().join("baseline.json"), out.path().join("tables"));
    let arguments = ["audit", "--format", "jsonl", "--verbose", "--write-baseline", baseline.to_str().unwrap(), "-o"];
    let arguments = [&arguments[..], &[out.path().to_str().unwrap()]].concat();
    check("the summary", &run(&arguments, folder.path()));
    let files = [out.path(), &tables].map(|folder| std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()));
    for file in files.into_iter().flatten().filter(|file| file.is_file()) {
        check(&file.display().to_string(), &std::fs::read_to_string(&file).unwrap());
    }
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
