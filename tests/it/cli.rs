//! The command line as a person uses it: `tests/cli/*.txt`, one run each, compared as a whole.
//!
//! The first line is the command (`$ authtrail rules --format json`, variables before it, `< FILE` after it); the rest is
//! what comes out: status, standard output, standard error, and the files that were written to `$TMP`.
//! Files that runs need stand in `tests/cli/files/`.
//! `AUTHTRAIL_UPDATE_EXPECTED=1` writes everything but the first line anew.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use authtrail::check::rule_set::RuleSet;

use crate::expected::compare;

#[test]
fn every_run_is_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    cases.retain(|path| path.is_file());
    cases.sort();
    assert!(!cases.is_empty());
    for case in cases {
        let written = std::fs::read_to_string(&case).unwrap();
        let command = written.lines().next().and_then(|line| line.strip_prefix("$ ")).unwrap_or_else(|| {
            panic!("{}: the first line is `$ authtrail ...`", case.display());
        });
        compare(&case, &transcript(command));
    }
}

/// Runs `command` and writes down everything that comes of it.
fn transcript(command: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (run, input) = command.split_once(" < ").map_or((command, None), |(run, input)| (run, Some(input)));
    let words: Vec<String> = run.split(' ').map(|word| word.replace("$TMP", folder.path().to_str().unwrap())).collect();
    let at = words.iter().position(|word| word == "authtrail").expect("the command is authtrail");
    let mut process = Command::new(env!("CARGO_BIN_EXE_authtrail"));
    process.current_dir(env!("CARGO_MANIFEST_DIR")).args(&words[at + 1..]);
    process.env_remove("COLUMNS").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    process.envs(words[..at].iter().map(|word| word.split_once('=').expect("NAME=VALUE")));
    process.stdin(input.map_or_else(Stdio::null, |path| File::open(path).unwrap().into()));
    let output = process.output().unwrap();

    let mut transcript = format!("$ {command}\nstatus {}\n", output.status.code().expect("an exit status"));
    section(&mut transcript, "stdout", &output.stdout);
    section(&mut transcript, "stderr", &output.stderr);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = format!("$TMP/{}", file.file_name().unwrap().to_str().unwrap());
        section(&mut transcript, &name, &std::fs::read(&file).unwrap());
    }
    without_versions(&transcript.replace(folder.path().to_str().unwrap(), "$TMP"))
}

fn section(transcript: &mut String, name: &str, content: &[u8]) {
    if !content.is_empty() {
        write!(transcript, "---- {name}\n{}", std::str::from_utf8(content).expect("output is UTF-8")).unwrap();
    }
}

/// The version changes with every release, and the digest of the rules with every rule.
fn without_versions(transcript: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let rules = RuleSet::embedded().expect("sound rules").version();
    transcript
        .replace(&format!("\"version\": \"{version}\""), "\"version\": \"$VERSION\"")
        .replace(&format!("\"version\":\"{version}\""), "\"version\":\"$VERSION\"")
        .replace(&format!("authtrail {version}\n"), "authtrail $VERSION\n")
        .replace(rules, "$RULES")
}

/// The index shows every rule; its form is tested where it is made.
#[test]
fn the_index_has_every_rule() {
    let rules = RuleSet::embedded().expect("sound rules");
    let printed = transcript("authtrail rules --format jsonl");
    let lines = printed.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let listed: Vec<String> = lines.map(|rule| rule["slug"].as_str().expect("a slug").to_owned()).collect();
    let pages: Vec<&str> = rules.pages().iter().map(|page| page.slug.as_str()).collect();
    assert_eq!(listed, pages);
}
