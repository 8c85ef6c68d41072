//! The run that the README shows is a real one: the block between its markers is what the program prints.

use std::path::Path;
use std::process::Command;

use crate::expected::compare;

const BEGIN: &str = "<!-- run: begin -->\n";
const END: &str = "<!-- run: end -->\n";

#[test]
fn the_run_in_the_readme_is_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the marker where the run begins");
    let (run, after) = rest.split_once(END).expect("the marker where the run ends");
    let command = run.lines().find_map(|line| line.strip_prefix("$ authtrail ")).expect("a command");
    let mut process = Command::new(env!("CARGO_BIN_EXE_authtrail"));
    let output = process.current_dir(root).args(command.split(' ')).env_remove("COLUMNS").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let real = format!("```console\n$ authtrail {command}\n{printed}```\n");
    compare(&root.join("README.md"), &format!("{before}{BEGIN}{real}{END}{after}"));
}
