//! `authtrail audit --worker` with a folder: the parts of all workers are the tables of a local audit, and what is not whole
//! does not appear.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use authtrail::audit::query::query;
use authtrail::audit::rows::TABLES;

use crate::audit::{KEY, command, corpus};

/// The lists that two workers get.
fn lists(corpus: &Path, folder: &Path) -> [PathBuf; 2] {
    let listed = command(&["--list", corpus.to_str().unwrap()]).output().unwrap().stdout;
    let paths: Vec<&str> = std::str::from_utf8(&listed).unwrap().lines().collect();
    let (first, second) = paths.split_at(paths.len() / 3);
    assert!(first.len() > 5);
    [("first", first), ("second", second)].map(|(name, paths)| {
        let list = folder.join(name);
        std::fs::write(&list, paths.join("\n")).unwrap();
        list
    })
}

fn work(list: &Path, shared: &Path) -> Output {
    let mut worker = command(&["--worker", "--key", KEY, "-o", shared.to_str().unwrap(), "--threads", "2"]);
    worker.stdin(File::open(list).unwrap()).output().unwrap()
}

/// The rows of a table, sorted.
fn rows(folder: &Path, table: &str) -> Vec<String> {
    let mut out = Vec::new();
    query(folder, &format!("SELECT * FROM {table}")).unwrap().write_jsonl(&mut out).unwrap();
    let mut rows: Vec<String> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
    rows.sort_unstable();
    rows
}

/// The names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_parts_of_workers_are_the_tables_of_a_local_audit() {
    let (corpus, folder) = (corpus(), tempfile::tempdir().unwrap());
    let (local, shared) = (folder.path().join("local"), folder.path().join("shared"));
    let arguments = [corpus.path().to_str().unwrap(), "-o", local.to_str().unwrap(), "--key", KEY];
    assert_eq!(command(&arguments).output().unwrap().status.code(), Some(2));
    let [first, second] = lists(corpus.path(), folder.path());
    // The first list is worked through twice, as by an engine that was in doubt.
    let lines = [&first, &second, &first].map(|list| {
        let output = work(list, &shared);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout.iter().filter(|octet| **octet == b'\n').count()
    });
    assert_eq!((lines[0] + lines[1], lines[0]), (rows(&local, "captures").len(), lines[2]));
    assert_eq!(names(&shared), ["tables".to_owned()].into());
    for table in &TABLES {
        assert_eq!(rows(&shared, table.name), rows(&local, table.name), "{}", table.name);
        let parts = names(&shared.join("tables").join(table.name));
        assert_eq!(parts.len(), 2, "{parts:?}");
    }
    let schema = |folder: &Path| std::fs::read(folder.join("tables/schema.json")).unwrap();
    assert_eq!(schema(&shared), schema(&local));
    // The tables of a local audit are whole without them.
    let output = work(&first, &local);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("holds the tables of another audit"), "{said}");
}

#[test]
fn what_is_not_whole_does_not_appear() {
    let (corpus, folder) = (corpus(), tempfile::tempdir().unwrap());
    let [list, _] = lists(corpus.path(), folder.path());
    let list = std::fs::read(list).unwrap();
    let begin = |shared: &Path| {
        let mut worker = command(&["--worker", "--key", KEY, "-o", shared.to_str().unwrap()]);
        worker.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut worker = worker.spawn().unwrap();
        worker.stdin.as_mut().unwrap().write_all(&[&list[..], b"\n"].concat()).unwrap();
        let mut lines = BufReader::new(worker.stdout.take().unwrap());
        lines.read_line(&mut String::new()).unwrap();
        (worker, lines)
    };
    // Stopped in the middle of its list.
    let stopped = folder.path().join("stopped");
    let (mut worker, mut lines) = begin(&stopped);
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    assert!(Command::new("kill").args(["-TERM", &worker.id().to_string()]).status().unwrap().success());
    let begun = Instant::now();
    let status = loop {
        let _ = worker.stdin.as_mut().unwrap().write_all(b"one-more.har\n");
        if let Some(status) = worker.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it goes on");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(130));
    assert_eq!(names(&stopped), BTreeSet::new());
    // Nobody reads its lines any more.
    let unread = folder.path().join("unread");
    let (mut worker, lines) = begin(&unread);
    drop(lines);
    let _ = worker.stdin.take().unwrap().write_all(&list);
    assert_eq!(worker.wait().unwrap().code(), Some(130));
    assert_eq!(names(&unread), BTreeSet::new());
    // The list cannot be read.
    let unlisted = folder.path().join("unlisted");
    let output = work(folder.path(), &unlisted);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("unlisted: the list: "), "{said}");
    assert_eq!(names(&unlisted), BTreeSet::new());
}
