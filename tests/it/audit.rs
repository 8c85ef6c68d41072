//! `authtrail audit` on a corpus of samples, damaged ones among them: the tables hold what each recording alone gives, and
//! are the same bytes however they come about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::run::text;
use crate::secrets;

pub(crate) const KEY: &str = "tests/cli/files/test.key";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with a third of the labelled recordings, their key logs, and some that are damaged.
pub(crate) fn corpus() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for case in crate::run::samples("labelled").iter().step_by(3) {
        copy(case, &folder.path().join("labelled").join(case.file_name().unwrap()));
    }
    for name in ["cut.har.gz", "cut-in-an-entry.har", "empty.har", "header-only.pcap", "cut.mitm", "deep.har"] {
        std::fs::copy(root().join("tests/hostile").join(name), folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("nothing.pcap"), "").unwrap();
    std::fs::write(folder.path().join("notes.bin"), [0, 1, 2]).unwrap();
    folder
}

/// Copies recordings and key logs.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if path.extension().is_some_and(|extension| extension != "toml" && extension != "md") {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrail"));
    command.current_dir(root()).arg("audit").args(arguments);
    command.env_remove("SSLKEYLOGFILE").env_remove("COLUMNS").stdin(Stdio::null());
    command
}

fn audit(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Audits `corpus` into `out` with a fixed key, as JSON lines.
fn into(corpus: &Path, out: &Path, more: &[&str]) -> Output {
    let mut arguments = vec![corpus.to_str().unwrap(), "-o", out.to_str().unwrap(), "--key", KEY, "--format", "jsonl"];
    arguments.extend(more);
    audit(&arguments)
}

/// The files of the tables, by name.
fn tables(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(out.join("tables")).unwrap().map(|file| file.unwrap().path());
    files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())).collect()
}

/// Fails with the name of the table that differs.
fn same(left: &Path, right: &Path) {
    let (left, right) = (tables(left), tables(right));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    assert_eq!(left.len(), 7);
    for (name, content) in left {
        assert!(content == right[&name], "{name} differs");
    }
}

/// The rows of a table.
fn rows(out: &Path, table: &str) -> Vec<Value> {
    let content = std::fs::read_to_string(out.join("tables").join(format!("{table}.jsonl"))).unwrap();
    content.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_tables_hold_what_each_recording_alone_gives() {
    let (corpus, out) = (corpus(), tempfile::tempdir().unwrap());
    let output = into(corpus.path(), out.path(), &[]);
    // Some could not be judged, and that wins.
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.ends_with(" files are no recording; passed over\n") && said.lines().count() == 1, "{said}");
    let captures = rows(out.path(), "captures");
    assert!(captures.len() > 24, "{}", captures.len());
    let all: BTreeMap<&str, Vec<Value>> =
        ["trails", "links", "findings", "exchanges"].map(|table| (table, rows(out.path(), table))).into();
    let mut lost = 0;
    for capture in &captures {
        let path = text(capture, "/path");
        let beside = Path::new(path).with_file_name("sslkeys.log");
        let mut alone = Command::new(env!("CARGO_BIN_EXE_authtrail"));
        alone
            .current_dir(root())
            .args(["diagnose", path, "--key", KEY, "--format", "json"])
            .env_remove("SSLKEYLOGFILE");
        if beside.exists() {
            alone.arg("--keylog").arg(beside);
        }
        let report: Value = serde_json::from_slice(&alone.output().unwrap().stdout).unwrap();
        assert_eq!(capture["usable"], report["captures"][0]["usable"], "{path}");
        assert_eq!(capture["exchanges"], report["captures"][0]["exchanges"], "{path}");
        let own = |row: &&Value| row["incident"] == capture["incident"];
        let count = |table: &str| all[table].iter().filter(own).count();
        let trails = report["trails"].as_array().unwrap();
        let sum = |member: &str| trails.iter().map(|trail| trail[member].as_array().unwrap().len()).sum::<usize>();
        assert_eq!(count("trails"), trails.len(), "{path}");
        assert_eq!(count("links"), trails.len() * 12, "{path}");
        assert_eq!(count("findings"), sum("findings"), "{path}");
        assert_eq!(count("exchanges") as u64, capture["exchanges"].as_u64().unwrap(), "{path}");
        for (row, trail) in all["trails"].iter().filter(own).zip(trails) {
            assert_eq!(row["outcome"], trail["outcome"], "{path}");
            assert_eq!(row.get("cause"), trail["cause"].get("rule"), "{path}");
            lost += usize::from(trail["outcome"] == "lost");
        }
    }
    assert!(lost > 8, "{lost}");
    let summary: Value = serde_json::from_slice(&std::fs::read(out.path().join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["trails"]["lost"], lost);
    assert_eq!(summary["recordings"]["all"], captures.len());
    let unusable = captures.iter().filter(|capture| capture["usable"] == false).count();
    assert_eq!((unusable.max(1), &summary["recordings"]["not_judged"]), (unusable, &Value::from(unusable)));
}

#[test]
fn every_id_joins() {
    let (corpus, out) = (corpus(), tempfile::tempdir().unwrap());
    into(corpus.path(), out.path(), &[]);
    let ids = |table: &str, member: &str| -> Vec<String> {
        rows(out.path(), table).iter().filter_map(|row| row.get(member)?.as_str().map(str::to_owned)).collect()
    };
    for (table, id) in [("captures", "recording"), ("trails", "trail"), ("findings", "finding"), ("values", "value")] {
        let all = ids(table, id);
        assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "{id} is unique in {table}");
    }
    let targets = [("recording", "captures"), ("trail", "trails"), ("finding", "findings")];
    for (member, target, column) in [
        ("exchanges", "recording", "recording"),
        ("exchanges", "trail", "trail"),
        ("links", "trail", "trail"),
        ("links", "recording", "recording"),
        ("findings", "trail", "trail"),
        ("findings", "recording", "recording"),
        ("findings", "finding", "absorbed_by"),
        ("trails", "finding", "cause_finding"),
        ("values", "trail", "trail"),
        ("values", "recording", "minted_recording"),
        ("values", "recording", "consumed_recording"),
    ] {
        let table = targets.iter().find(|(id, _)| *id == target).unwrap().1;
        let known: BTreeSet<String> = ids(table, target).into_iter().collect();
        let used = ids(member, column);
        assert!(!used.is_empty(), "{member}.{column}");
        assert!(used.iter().all(|id| known.contains(id)), "{member}.{column}");
    }
}

#[test]
fn one_and_two_threads_give_the_same_bytes() {
    let (corpus, one, two) = (corpus(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = into(corpus.path(), one.path(), &["--threads", "1"]);
    // Little memory changes the order of the work, not the tables.
    let second = into(corpus.path(), two.path(), &["--threads", "2", "--max-memory", "3M"]);
    assert_eq!(first.stdout, second.stdout);
    same(one.path(), two.path());
}

#[test]
fn killed_and_resumed_gives_the_same_tables() {
    let (corpus, whole, killed) = (corpus(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    into(corpus.path(), whole.path(), &[]);
    let path = corpus.path().to_str().unwrap();
    let out = killed.path().to_str().unwrap();
    let arguments = [path, "-o", out, "--key", KEY, "--format", "jsonl", "--threads", "1"];
    let mut child = command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let journal = killed.path().join("journal.jsonl");
    let lines = || std::fs::read(&journal).unwrap_or_default().iter().filter(|octet| **octet == b'\n').count();
    let begun = Instant::now();
    while lines() < 5 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = lines();
    assert!(kept >= 5 && kept < rows(whole.path(), "captures").len(), "{kept} lines");
    assert!(!killed.path().join("tables").exists());
    // What a kill in the middle of a line leaves.
    let mut torn = std::fs::read(&journal).unwrap();
    torn.extend_from_slice(b"{\"schema\":\"authtrail-audit-v1\",\"incid");
    std::fs::write(&journal, torn).unwrap();

    let refused = into(corpus.path(), killed.path(), &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("pass --resume"));
    into(corpus.path(), killed.path(), &["--resume"]);
    same(whole.path(), killed.path());
    assert_eq!(lines(), rows(whole.path(), "captures").len());
}

#[test]
fn stopped_it_keeps_what_is_done() {
    let (corpus, whole, stopped) = (corpus(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    into(corpus.path(), whole.path(), &[]);
    let (path, out) = (corpus.path().to_str().unwrap(), stopped.path().to_str().unwrap());
    let arguments = [path, "-o", out, "--key", KEY, "--format", "jsonl", "--threads", "1"];
    let child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let journal = stopped.path().join("journal.jsonl");
    let begun = Instant::now();
    while journal.metadata().map_or(0, |file| file.len()) == 0 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--resume goes on from here"), "{said}");
    assert!(!stopped.path().join("tables").exists());
    into(corpus.path(), stopped.path(), &["--resume"]);
    same(whole.path(), stopped.path());
}

#[test]
fn resume_does_not_judge_again() {
    let (corpus, out) = (corpus(), tempfile::tempdir().unwrap());
    into(corpus.path(), out.path(), &[]);
    // A mark in the journal shows which lines are from before.
    let journal = out.path().join("journal.jsonl");
    let marked = std::fs::read_to_string(&journal).unwrap().replace(r#""format":"har""#, r#""format":"kept""#);
    std::fs::write(&journal, marked).unwrap();
    let count = |format: &str| rows(out.path(), "captures").iter().filter(|row| row["format"] == format).count();
    let all = count("har");
    into(corpus.path(), out.path(), &["--resume"]);
    assert_eq!((count("kept"), count("har"), all > 5), (all, 0, true));
    let changed = corpus.path().join("cut-in-an-entry.har");
    std::fs::write(&changed, [&std::fs::read(&changed).unwrap()[..], b" "].concat()).unwrap();
    into(corpus.path(), out.path(), &["--resume"]);
    assert_eq!((count("kept"), count("har")), (all - 1, 1));
}

#[test]
fn resume_judges_what_changed() {
    let (corpus, out, fresh) = (corpus(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    into(corpus.path(), out.path(), &[]);
    let lines = || std::fs::read_to_string(out.path().join("journal.jsonl")).unwrap().lines().count();
    let all = lines();
    let other = root().join("samples/labelled/token-never-attached/client.pcap");
    std::fs::copy(other, corpus.path().join("nothing.pcap")).unwrap();
    std::fs::remove_file(corpus.path().join("empty.har")).unwrap();
    into(corpus.path(), out.path(), &["--resume"]);
    into(corpus.path(), fresh.path(), &[]);
    same(fresh.path(), out.path());
    // Of what has gone or changed nothing is left, for those who read the journal either.
    assert_eq!(lines(), all - 1);
    let whole = |folder: &Path| {
        let text = std::fs::read_to_string(folder.join("journal.jsonl")).unwrap();
        text.lines().map(str::to_owned).collect::<BTreeSet<String>>()
    };
    assert_eq!(whole(fresh.path()), whole(out.path()));
    let judged_by = || rows(out.path(), "captures").iter().map(|row| text(row, "/judged_by").to_owned()).collect();
    let before: BTreeSet<String> = judged_by();
    into(corpus.path(), out.path(), &["--resume", "--assume-revision", "2025-06-18"]);
    let after: BTreeSet<String> = judged_by();
    assert!(before.is_disjoint(&after), "under another revision all are judged again");
    assert_eq!(lines(), all - 1);
}

#[test]
fn lines_of_workers_give_the_same_tables() {
    let (corpus, local, merged) = (corpus(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    into(corpus.path(), local.path(), &[]);
    let mut paths: Vec<String> =
        rows(local.path(), "captures").iter().map(|capture| text(capture, "/path").to_owned()).collect();
    // In an order of their own, half each, one of them twice.
    paths.reverse();
    paths.push(paths[3].clone());
    let mut parts = Vec::new();
    for (number, half) in paths.chunks(paths.len().div_ceil(2)).enumerate() {
        let (list, part) = (merged.path().join(format!("list-{number}")), merged.path().join(format!("part-{number}")));
        std::fs::write(&list, half.join("\n")).unwrap();
        let mut worker = command(&["--worker", "--key", KEY, "--threads", "2"]);
        worker.stdin(std::fs::File::open(list).unwrap()).stdout(std::fs::File::create(&part).unwrap());
        assert_eq!(worker.status().unwrap().code(), Some(0));
        parts.push(part);
    }
    let mut arguments = vec!["-o", merged.path().to_str().unwrap(), "--format", "jsonl"];
    parts.iter().for_each(|part| arguments.extend(["--from-journal", part.to_str().unwrap()]));
    let output = audit(&arguments);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    same(local.path(), merged.path());
}

#[test]
fn a_folder_is_one_incident_where_asked_for() {
    let (corpus, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let case = "redirect-uri-mismatch-two-files";
    copy(&root().join("samples/labelled").join(case), &corpus.path().join(case));
    into(corpus.path(), out.path(), &["--group-by", "folder"]);
    let captures = rows(out.path(), "captures");
    let incidents: BTreeSet<&str> = captures.iter().map(|capture| text(capture, "/incident")).collect();
    assert_eq!((captures.len() >= 2, incidents.len()), (true, 1));
    let trails = rows(out.path(), "trails");
    let legs: BTreeSet<&str> = trails.iter().map(|trail| text(trail, "/outcome")).collect();
    assert!(legs.contains("lost"), "{trails:?}");
}

#[test]
fn csv_is_the_same_rows() {
    let (corpus, csv, jsonl) = (corpus(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    into(corpus.path(), jsonl.path(), &[]);
    let out = csv.path().to_str().unwrap();
    audit(&[corpus.path().to_str().unwrap(), "-o", out, "--key", KEY, "--format", "csv"]);
    for table in ["captures", "exchanges", "trails", "links", "findings", "values"] {
        let mut reader = csv::Reader::from_path(csv.path().join("tables").join(format!("{table}.csv"))).unwrap();
        let names = reader.headers().unwrap().clone();
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let rows = rows(jsonl.path(), table);
        assert_eq!(records.len(), rows.len(), "{table}");
        for (record, row) in records.iter().zip(&rows) {
            for (name, field) in names.iter().zip(record) {
                let expected = match row.get(name) {
                    None => String::new(),
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
                    Some(other) => other.to_string(),
                };
                assert_eq!(field.trim_start_matches('\''), expected, "{table}.{name}");
            }
        }
    }
}

#[test]
fn the_key_is_drawn_once_and_is_for_its_owner() {
    let (corpus, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sample = root().join("samples/labelled/clean-2025-11-25-har/browser.har");
    std::fs::copy(sample, corpus.path().join("a.har")).unwrap();
    let (path, folder) = (corpus.path().to_str().unwrap(), out.path().to_str().unwrap());
    audit(&[path, "-o", folder, "--format", "jsonl"]);
    let key = std::fs::read(out.path().join("key")).unwrap();
    let first = rows(out.path(), "values");
    assert!(key.len() > 32 && !first.is_empty());
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&out.path().join("key").metadata().unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }
    audit(&[path, "-o", folder, "--format", "jsonl", "--resume"]);
    assert_eq!((std::fs::read(out.path().join("key")).unwrap(), rows(out.path(), "values")), (key, first));
}

#[test]
fn the_exit_status_says_what_was_found() {
    let clean = "samples/labelled/clean-2025-11-25-pcap/client.pcap";
    let lost = "samples/labelled/token-never-attached/client.pcap";
    let status = |arguments: &[&str]| audit(arguments).status.code().unwrap();
    assert_eq!(status(&[clean, "--fail-on", "loss"]), 0);
    assert_eq!(status(&[lost, "--fail-on", "loss"]), 1);
    assert_eq!(status(&[lost, "no-such-file.har", "--fail-on", "loss"]), 2);
    assert_eq!(status(&[clean, "--fail-on", "note"]), 1);
}

#[test]
fn no_secret_reaches_the_folder() {
    let out = tempfile::tempdir().unwrap();
    audit(&["samples", "tests/cli/files/secrets.har", "-o", out.path().to_str().unwrap(), "--format", "jsonl"]);
    let mut printed = tables(out.path());
    for name in ["journal.jsonl", "summary.json"] {
        printed.insert(name.to_owned(), std::fs::read(out.path().join(name)).unwrap());
    }
    let printed: Vec<(String, String)> = printed
        .into_iter()
        .map(|(name, content)| {
            let text = String::from_utf8(content).unwrap();
            (name, percent_decode_str(&text).decode_utf8_lossy().into_owned())
        })
        .collect();
    let mut all = BTreeSet::new();
    for path in secrets::recordings(&root().join("samples")) {
        let content = std::fs::read_to_string(&path).unwrap();
        if let Ok(har) = serde_json::from_str(content.trim_start_matches('\u{feff}')) {
            secrets::collect(&har, &mut all);
        }
    }
    assert!(all.len() > 50);
    for secret in all {
        for (name, text) in &printed {
            assert!(!text.contains(secret.as_str()), "{name} holds {secret}");
        }
    }
}

#[test]
fn paths_are_listed_on_standard_input() {
    let list: PathBuf = root().join("samples/labelled/token-never-attached/client.pcap");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{}\n", list.display())).unwrap();
    let mut run = command(&["-", "--format", "json"]);
    let output = run.stdin(std::fs::File::open(file.path()).unwrap()).output().unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["recordings"]["all"], &summary["trails"]["lost"]), (&Value::from(1), &Value::from(1)));
}
