//! Finds files and compares whole outputs with the file beside them.

use std::path::{Path, PathBuf};

/// The environment variable that rewrites what is expected instead of comparing.
const UPDATE: &str = "AUTHTRAIL_UPDATE_EXPECTED";

/// A folder of this package.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Every file below `folder`, in one order on every machine.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `path` with `suffix` after its whole name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Compares `found` with the content of `expected`, which is rewritten on request. Gives the difference, if any.
pub(crate) fn compare(expected: &Path, found: &str) -> Option<String> {
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        std::fs::write(expected, found).unwrap();
        return None;
    }
    let wanted = std::fs::read_to_string(expected).unwrap_or_default();
    if wanted == found {
        return None;
    }
    let line = wanted.lines().zip(found.lines()).position(|(wanted, found)| wanted != found);
    let line = line.unwrap_or_else(|| wanted.lines().count().min(found.lines().count()));
    let show = |text: &str| text.lines().nth(line).unwrap_or("(end)").to_owned();
    Some(format!(
        "{} line {}\n  expected: {}\n  found:    {}\n  ({UPDATE}=1 rewrites it)",
        expected.display(),
        line + 1,
        show(&wanted),
        show(found)
    ))
}
