//! The terminal report and the JSON of the fixtures, as files: `tests/report/<name>.80.txt`, `.120.txt`, `.json`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use authtrail::report::text::{TextOptions, render};
use authtrail::report::{escape, json};
use unicode_width::UnicodeWidthStr;

use crate::expected::compare;
use crate::report_fixtures::all;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/report")
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn every_fixture_reads_as_expected() {
    let mut known = BTreeSet::new();
    for (name, report) in all() {
        let options = |width| TextOptions { width, quiet: false, verbose: false };
        let mut outputs: Vec<(String, String)> = [60, 80, 120]
            .into_iter()
            .map(|width| (format!("{name}.{width}.txt"), plain(&render(&report, options(width)))))
            .collect();
        let quiet = TextOptions { quiet: true, ..options(80) };
        outputs.push((format!("{name}.quiet.txt"), plain(&render(&report, quiet))));
        let verbose = TextOptions { verbose: true, ..options(80) };
        outputs.push((format!("{name}.verbose.txt"), plain(&render(&report, verbose))));
        let mut data = Vec::new();
        json::pretty(&mut data, &report).unwrap();
        outputs.push((format!("{name}.json"), String::from_utf8(data).unwrap()));
        for (file, output) in outputs {
            compare(&folder().join(&file), &output);
            known.insert(file);
        }
    }
    let there: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, known, "every file belongs to a fixture, and every fixture has its files");
}

#[test]
fn no_line_is_wider_than_asked() {
    for (name, report) in all() {
        for width in 60..=120 {
            for verbose in [false, true] {
                let text = plain(&render(&report, TextOptions { width, quiet: false, verbose }));
                // Links to the specification are never broken.
                for line in
                    text.lines().filter(|line| !line.trim_start().starts_with("https://modelcontextprotocol.io/"))
                {
                    assert!(line.width() <= width, "{name} at {width}: {line}");
                    assert!(!line.ends_with(' '), "{name} at {width}: {line:?}");
                }
            }
        }
    }
}

#[test]
fn nothing_hostile_is_printed() {
    for (name, report) in all() {
        for (quiet, verbose) in [(true, false), (false, false), (false, true)] {
            let text = render(&report, TextOptions { width: 80, quiet, verbose });
            for line in plain(&text).lines() {
                assert!(!line.chars().any(escape::is_hostile), "{name}: {line:?}");
            }
            // What was taken away as colour was ours: an escape sequence is never anything but a colour.
            for sequence in text.split('\x1b').skip(1) {
                let end = sequence.find('m').unwrap();
                assert!(sequence[1..end].chars().all(|c| c.is_ascii_digit() || c == ';'), "{name}: {sequence:?}");
            }
        }
        let mut data = Vec::new();
        json::line(&mut data, &report).unwrap();
        let data = String::from_utf8(data).unwrap();
        assert!(!data.trim_end_matches('\n').chars().any(escape::is_hostile), "{name}");
    }
}
