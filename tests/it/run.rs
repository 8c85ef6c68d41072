//! Runs the program as a person does, and reads its report.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The report on `files`, which are named relative to `folder` so that no report depends on where the repository lies.
///
/// `threads` sets the number of threads; `None` leaves it to the machine.
pub(crate) fn diagnose(folder: &Path, files: &[String], arguments: &[&str], threads: Option<u32>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrail"));
    command.current_dir(folder).arg("diagnose").args(files).args(["--format", "json"]).args(arguments);
    command.env_remove("SSLKEYLOGFILE");
    if let Some(threads) = threads {
        command.env("RAYON_NUM_THREADS", threads.to_string());
    }
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    // 1 says that authorization was lost; 2 that the recordings could not be read.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{files:?}: {}\n{said}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{files:?}: no JSON: {error}\n{said}"))
}

/// The text at a path of members and indexes; empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list member; none where there is none.
pub(crate) fn items<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The folders below `samples/<kind>`, sorted.
pub(crate) fn samples(kind: &str) -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(kind);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}
