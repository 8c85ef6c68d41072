//! `authtrail query`: the Parquet tables hold what the JSON lines hold, and every ready-made question has the right answer.

use std::path::Path;
use std::process::{Command, Output};

use authtrail::audit::query::{QUESTIONS, query};
use authtrail::audit::rows::TABLES;
use serde_json::{Map, Value};

fn authtrail(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrail"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    command.env_remove("SSLKEYLOGFILE").env_remove("COLUMNS").output().unwrap()
}

/// An audit of some labelled recordings and of one that is no recording, its tables in `format`.
fn audit(out: &Path, format: &str) {
    let mut arguments: Vec<String> =
        crate::run::samples("labelled").iter().step_by(4).map(|path| path.to_str().unwrap().to_owned()).collect();
    // One that nothing explains, one that is read in part, one that is no recording.
    let more = ["samples/labelled/verifier-overwritten-mitmproxy-two-files", "tests/hostile/cut-in-an-entry.har"];
    arguments.extend(more.into_iter().chain(["tests/hostile/noise.bin"]).map(str::to_owned));
    let options = ["--resume", "--key", "tests/cli/files/test.key", "--format", format, "-o", out.to_str().unwrap()];
    let arguments: Vec<&str> =
        ["audit", "--quiet"].into_iter().chain(options).chain(arguments.iter().map(String::as_str)).collect();
    let output = authtrail(&arguments);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

fn asked(folder: &Path, sql: &str) -> Vec<Map<String, Value>> {
    query(folder, sql).unwrap_or_else(|error| panic!("{sql}: {error}")).rows().collect()
}

#[test]
fn parquet_holds_what_json_lines_hold() {
    let out = tempfile::tempdir().unwrap();
    audit(out.path(), "parquet");
    let parquet: Vec<Vec<Map<String, Value>>> =
        TABLES.iter().map(|table| asked(out.path(), &format!("SELECT * FROM {}", table.name))).collect();
    // The tables are made anew from the journal.
    audit(out.path(), "jsonl");
    for (table, rows) in TABLES.iter().zip(parquet) {
        let path = out.path().join("tables").join(format!("{}.jsonl", table.name));
        let lines = std::fs::read_to_string(path).unwrap();
        let lines: Vec<Map<String, Value>> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!lines.is_empty(), "{}", table.name);
        assert_eq!(rows.len(), lines.len(), "{}", table.name);
        for (mut row, line) in rows.into_iter().zip(lines) {
            let names: Vec<&str> = row.keys().map(String::as_str).collect();
            assert_eq!(names, table.columns.iter().map(|column| column.name).collect::<Vec<_>>());
            let is_null = |name: &str| table.columns.iter().any(|column| column.name == name && column.null.is_some());
            assert!(row.iter().all(|(name, value)| !value.is_null() || is_null(name)), "{}: {row:?}", table.name);
            row.retain(|_, value| !value.is_null());
            assert_eq!(row, line, "{}", table.name);
        }
    }
}

#[test]
fn the_ready_made_questions_agree_with_the_summary() {
    let out = tempfile::tempdir().unwrap();
    audit(out.path(), "parquet");
    let summary: Value = serde_json::from_slice(&std::fs::read(out.path().join("summary.json")).unwrap()).unwrap();
    let number = |value: &Value| value.as_i64().unwrap();
    let (trails, lost) = (number(&summary["trails"]["all"]), number(&summary["trails"]["lost"]));
    assert!(lost > 3 && trails > lost);
    let sum = |name: &str, column: &str| -> i64 {
        let question = QUESTIONS.iter().find(|question| question.name == name).unwrap();
        asked(out.path(), question.sql).iter().map(|row| number(&row[column])).sum()
    };
    for name in ["client", "server", "authorization-server", "revision"] {
        let name = format!("losses-by-{name}");
        assert_eq!((sum(&name, "lost"), sum(&name, "trails")), (lost, trails), "{name}");
    }
    assert_eq!((sum("losses-by-day", "lost"), sum("losses-by-day", "trails")), (lost, trails));
    for name in ["losses-by-link", "losses-by-pair"] {
        assert_eq!(sum(name, "lost"), lost, "{name}");
    }
    let explained = summary["causes"].as_array().unwrap().iter().filter(|cause| cause["rule"] != "");
    let explained: i64 = explained.map(|cause| number(&cause["lost"])).sum();
    assert_eq!(sum("losses-by-cause", "lost"), explained);
    assert_eq!(sum("findings-by-rule", "causes"), explained);
    let rows = |name: &str| {
        let question = QUESTIONS.iter().find(|question| question.name == name).unwrap();
        asked(out.path(), question.sql)
    };
    assert!(lost > explained && explained > 0);
    assert_eq!(rows("unexplained").len() as i64, lost - explained);
    let paths: Vec<String> = rows("not-judged").iter().map(|row| row["path"].as_str().unwrap().to_owned()).collect();
    assert!(paths.starts_with(&["tests/hostile/noise.bin".to_owned()]), "{paths:?}");
    assert!(paths.contains(&"tests/hostile/cut-in-an-entry.har".to_owned()), "{paths:?}");
    let values = asked(out.path(), "SELECT COUNT(*) AS n FROM values");
    assert_eq!(sum("custody", "total"), number(&values[0]["n"]));
    let roles = asked(out.path(), "SELECT COUNT(*) AS n FROM exchanges WHERE role IS NOT NULL");
    assert_eq!(sum("answers-by-role", "steps"), number(&roles[0]["n"]));
    // Each is written as text, as a person reads it, too.
    for question in QUESTIONS {
        let text = query(out.path(), question.sql).unwrap().render(Some(80));
        assert!(text.lines().count() > usize::from(question.name != "shared-tokens"), "{}", question.name);
    }
}

#[test]
fn what_cannot_be_asked_is_said() {
    let out = tempfile::tempdir().unwrap();
    audit(out.path(), "parquet");
    let check = |sql: &str, expected: &str| {
        let output = authtrail(&["query", out.path().to_str().unwrap(), sql]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(2), format!("authtrail: {expected}\n").as_str()));
        assert!(output.stdout.is_empty());
    };
    let tables = "the tables are captures, exchanges, trails, links, findings, values";
    check("SELECT * FROM tickets", &format!("unknown table 'tickets'; {tables}"));
    check("SELECT * FROM trial_s", "unknown table 'trial_s'; did you mean 'trails'?");
    check("SELECT clinet FROM trails", "unknown column 'clinet'; did you mean 'client'?");
    check("SELECT t.clinet FROM trails AS t", "unknown column 'clinet'; did you mean 'client'?");
    let described = "authtrail query --schema describes all columns";
    check("SELECT MAX(zzz) FROM trails", &format!("unknown column 'zzz'; {described}"));
    check("SELEC client FROM trails", "Expected: an SQL statement, found: SELEC at Line: 1, Column: 1");
    check("SELECT nonsense(client) FROM trails", "unsupported function 'nonsense'");
    check("DROP TABLE trails", "DROP changes tables; here they can only be asked (SELECT)");
    check("SELECT * FROM read_parquet('x')", &format!("unknown table 'read_parquet'; {tables}"));
    // polars panics here.
    check("SELECT 1 AS a ORDER BY 0", "polars cannot answer this question; put it in another way");
    audit(out.path(), "csv");
    let folder = out.path().display();
    let text = "the tables are there as text; authtrail audit --resume --format parquet makes them anew for questions";
    check("SELECT 1 AS a", &format!("{folder}: {text}"));
}

#[test]
fn answers_in_every_format() {
    let out = tempfile::tempdir().unwrap();
    audit(out.path(), "parquet");
    let sql = "SELECT rule, valid_under, '=1+1' AS formula, CAST(NULL AS INTEGER) AS nothing, 2 * 1.25 AS real \
               FROM findings WHERE rule = 'challenge-without-scope' LIMIT 1";
    let check = |more: &[&str], expected: &str| {
        let mut arguments = vec!["query", out.path().to_str().unwrap(), sql];
        arguments.extend(more);
        assert_eq!(String::from_utf8(authtrail(&arguments).stdout).unwrap(), expected);
    };
    let row =
        "\"rule\":\"challenge-without-scope\",\"valid_under\":[\"2025-03-26\",\"2025-06-18\"],\"formula\":\"=1+1\"";
    check(&["--format", "jsonl"], &format!("{{{row},\"nothing\":null,\"real\":2.5}}\n"));
    let csv = "rule,valid_under,formula,nothing,real\nchallenge-without-scope,2025-03-26 2025-06-18,'=1+1,,2.5\n";
    check(&["--format", "csv"], csv);
    let text = "rule                     valid_under            formula  nothing  real\n\
                challenge-without-scope  2025-03-26 2025-06-18  =1+1           -   2.5\n";
    check(&[], text);
    let file = out.path().join("answer.csv");
    check(&["-o", file.to_str().unwrap()], "");
    assert_eq!(std::fs::read_to_string(file).unwrap(), csv);
}
