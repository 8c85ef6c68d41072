//! The rules of the house, checked on the files themselves.
//!
//! Every test here reads files and compiles nothing. A message says which file breaks which rule.

use std::fs;
use std::path::{Path, PathBuf};

use authtrail::trail::schema::Link;

/// The rooms in their order: a room imports only rooms that stand before it.
const ROOMS: [&str; 5] = ["capture", "decode", "trail", "check", "report"];

/// Modules that every room may import and that import no room.
const LEAVES: [&str; 2] = ["evidence", "secret"];

/// Files that are tables of data, for which no length is set.
const TABLES: [&str; 3] = ["rules/LEDGER.md", "src/trail/schema/field.rs", "src/trail/schema_table.rs"];

/// Lines of any other file that people read.
const LONGEST: usize = 600;

/// Names that are never looked into: what tools make, and what version control keeps.
const NOT_OURS: [&str; 6] = [".git", "target", "node_modules", "artifacts", "corpus", "__pycache__"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository, relative to its root, sorted.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if NOT_OURS.contains(&&*name) {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path.strip_prefix(root()).expect("a file below the root").to_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.sort();
    found
}

/// The files with one of these extensions, with their text.
fn texts(extensions: &[&str]) -> Vec<(PathBuf, String)> {
    files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)))
        .map(|path| {
            let text = fs::read_to_string(root().join(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (path, text)
        })
        .collect()
}

/// Fails with every complaint at once.
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The modules named after `crate::` in code, comments left out: the first segment of each path.
fn imports(source: &str) -> Vec<String> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.push(ident(rest)),
        }
    }
    found
}

/// The first segments of the items in a brace group, up to its closing brace.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0usize;
    let mut at_start = true;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            _ if letter.is_whitespace() => {}
            _ if at_start => {
                heads.push(ident(&group[at..]));
                at_start = false;
            }
            _ => {}
        }
    }
    heads
}

fn ident(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// The module of the crate root that a source file belongs to: `src/trail/record.rs` to `trail`.
fn module_of(path: &Path) -> Option<String> {
    let below = path.strip_prefix("src").ok()?;
    let first = below.components().next()?.as_os_str().to_string_lossy();
    Some(first.trim_end_matches(".rs").to_owned())
}

#[test]
fn a_room_imports_only_to_its_left() {
    let mut complaints = Vec::new();
    for (path, source) in texts(&["rs"]) {
        let Some(module) = module_of(&path) else { continue };
        let leaf = LEAVES.contains(&&*module);
        let room = ROOMS.iter().position(|room| *room == module);
        if !leaf && room.is_none() {
            continue; // lib.rs, main.rs and the faces see every room
        }
        for imported in imports(&source) {
            let allowed = imported == module
                || LEAVES.contains(&&*imported)
                || ROOMS.iter().position(|name| *name == imported).is_some_and(|other| Some(other) < room);
            if !allowed {
                complaints.push(format!("{}: imports crate::{imported}; {module} may not", path.display()));
            }
        }
    }
    none(complaints);
}

#[test]
fn imports_are_found_in_every_spelling() {
    let source = "use crate::decode::{body, exchange};\nuse crate::{check::{a, b}, secret};\n// crate::report\nlet x = \
                  crate::trail::Incident::default();";
    assert_eq!(imports(source), ["decode", "check", "secret", "trail"]);
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut complaints = Vec::new();
    for (path, text) in texts(&["rs", "md", "py"]) {
        let lines = text.lines().count();
        if lines > LONGEST && !TABLES.iter().any(|table| path == Path::new(table)) {
            complaints.push(format!("{}: {lines} lines; at most {LONGEST}", path.display()));
        }
    }
    none(complaints);
}

#[test]
fn every_rule_page_stands_where_its_title_says_and_has_both_recordings() {
    let mut complaints = Vec::new();
    for (path, text) in texts(&["md"]) {
        let Ok(below) = path.strip_prefix("rules") else { continue };
        let (Some(folder), Some(stem)) = (below.parent(), below.file_stem()) else { continue };
        if folder == Path::new("") {
            continue; // the index
        }
        let (folder, slug) = (folder.to_string_lossy(), stem.to_string_lossy());
        if Link::from_name(&folder).is_none() {
            complaints.push(format!("{}: '{folder}' is no link", path.display()));
        }
        if text.lines().next() != Some(&format!("# {slug}")) {
            complaints.push(format!("{}: the title is not '# {slug}'", path.display()));
        }
        for which in ["violated", "satisfied"] {
            if recording(&path, which).is_none() {
                complaints.push(format!("{}: no recording {slug}.{which}.*", path.display()));
            }
        }
    }
    none(complaints);
}

#[test]
fn every_recording_in_rules_has_its_page() {
    let mut complaints = Vec::new();
    for path in files() {
        let Ok(below) = path.strip_prefix("rules") else { continue };
        let text = below.to_string_lossy();
        let slug = [".violated", ".satisfied"].iter().find_map(|mark| text.split_once(mark)).map(|(slug, _)| slug);
        let Some(slug) = slug else { continue };
        if !root().join("rules").join(format!("{slug}.md")).is_file() {
            complaints.push(format!("{}: no page {slug}.md", path.display()));
        }
    }
    none(complaints);
}

/// The recording beside a page: `<slug>.<which>.<extension>`, or a folder `<slug>.<which>`.
fn recording(page: &Path, which: &str) -> Option<PathBuf> {
    let slug = page.file_stem()?.to_string_lossy();
    let wanted = format!("{slug}.{which}");
    let folder = root().join(page.parent()?);
    let entries = fs::read_dir(folder).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == *wanted || name.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('.'))
    })
}

#[test]
fn nothing_is_left_undone_and_no_test_is_skipped() {
    // Put together, so that this file does not name them.
    let words = [["to", "do!("].concat(), ["unimple", "mented!("].concat(), ["#[ig", "nore"].concat()];
    let mut complaints = Vec::new();
    for (path, text) in texts(&["rs"]) {
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(&***word)) {
                complaints.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    none(complaints);
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    let registries = [
        ["npm", "js."].concat(),
        ["py", "pi.org"].concat(),
        ["python", "hosted"].concat(),
        ["index.cra", "tes.io"].concat(),
        ["static.cra", "tes.io"].concat(),
    ];
    let mut machine = vec![["/ro", "ot/"].concat(), ["/t", "mp/"].concat(), ["/wo", "rk/"].concat()];
    machine.push(root().display().to_string());
    // A method such as `notifications/roots/list_changed` is no home.
    machine.extend(std::env::var("HOME").ok().filter(|home| home.len() > 1).map(|home| format!("{home}/")));
    let mut complaints = Vec::new();
    for path in files() {
        let octets = fs::read(root().join(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text = String::from_utf8_lossy(&octets);
        // Recordings that other projects published name whom they please.
        let registries = if path.starts_with("samples/formats") { &[][..] } else { &registries[..] };
        for word in machine.iter().chain(registries).filter(|word| text.contains(&***word)) {
            complaints.push(format!("{}: contains '{word}'", path.display()));
        }
    }
    none(complaints);
}

#[test]
fn every_dependency_comes_from_the_public_registry() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let wanted = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    none(lock.lines().filter(|line| line.starts_with("source = ") && *line != wanted).map(str::to_owned).collect());
}

#[test]
fn the_readme_shows_the_two_commands_and_they_name_files_that_exist() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let lines: Vec<&str> = readme.lines().map(str::trim).collect();
    assert!(lines.contains(&"./test"), "README.md: no line './test'");
    let start = "cargo run --release -- diagnose ";
    let runs: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix(start)).collect();
    assert!(!runs.is_empty(), "README.md: no line '{start}samples/...'");
    for path in runs.iter().flat_map(|run| run.split_whitespace()).filter(|word| word.starts_with("samples/")) {
        assert!(root().join(path).exists(), "README.md: {path} does not exist");
    }
}
