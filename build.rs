//! Lists the rule pages, catalogues and crosswalks, so that adding a page touches `rules/` only.
//!
//! Writes `rules.rs` with `PAGES`, `CATALOGUES` and `CROSSWALKS`: name below `rules/` and text. Recordings beside the pages are left
//! out.

#![allow(clippy::print_stdout)] // How a build script speaks to cargo.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // A folder is watched with all that is in it: a new page is noticed.
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=build.rs");
    let rules = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("rules");
    let (mut pages, mut catalogues, mut crosswalks) = (Vec::new(), Vec::new(), Vec::new());
    for folder in entries(&rules)?.into_iter().filter(|path| path.is_dir()) {
        let (list, extension) = match folder.file_name().and_then(|name| name.to_str()) {
            Some("catalogue") => (&mut catalogues, "toml"),
            Some("crosswalk") => (&mut crosswalks, "toml"),
            _ => (&mut pages, "md"),
        };
        let files = entries(&folder)?.into_iter().filter(|path| path.is_file());
        list.extend(files.filter(|path| path.extension().is_some_and(|found| found == extension)));
    }
    let mut code = String::new();
    write_list(&mut code, "PAGES", &rules, &pages);
    write_list(&mut code, "CATALOGUES", &rules, &catalogues);
    write_list(&mut code, "CROSSWALKS", &rules, &crosswalks);
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("rules.rs"), code)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn write_list(code: &mut String, name: &str, rules: &Path, files: &[PathBuf]) {
    let _ = writeln!(code, "const {name}: &[(&str, &str)] = &[");
    for file in files {
        let below = file.strip_prefix(rules).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let _ = writeln!(
            code,
            "    ({below:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/rules/\", {below:?}))),"
        );
    }
    let _ = writeln!(code, "];");
}
