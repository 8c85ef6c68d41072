//! Comparing whole outputs with files. `AUTHTRAIL_UPDATE_EXPECTED=1` writes the files anew; read the difference then.

use std::path::Path;

/// Fails where the file at `path` does not hold exactly `actual`.
#[track_caller]
pub(crate) fn compare(path: &Path, actual: &str) {
    if std::env::var_os("AUTHTRAIL_UPDATE_EXPECTED").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if expected != actual {
        let line = expected.lines().zip(actual.lines()).take_while(|(a, b)| a == b).count();
        panic!(
            "{} differs from line {} on\n---- expected\n{expected}\n---- actual\n{actual}",
            path.display(),
            line + 1
        );
    }
}
