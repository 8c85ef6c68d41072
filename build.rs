//! Lists the rule pages, catalogues and crosswalks, so that adding a page touches `rules/` only.
//!
//! Writes `rules.rs` with `PAGES`, `CATALOGUES` and `CROSSWALKS`, and `examples.rs` with `EXAMPLES`: name below `rules/`
//! and text. Recordings beside the pages are left out; the examples made from them stand in their place.

#![allow(clippy::print_stdout)] // How a build script speaks to cargo.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // A folder is watched with all that is in it: a new page is noticed.
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=build.rs");
    let rules = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("rules");
    let (mut pages, mut catalogues, mut crosswalks, mut examples) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for folder in entries(&rules)?.into_iter().filter(|path| path.is_dir()) {
        let (kept, extension) = match folder.file_name().and_then(|name| name.to_str()) {
            Some("catalogue") => (&mut catalogues, "toml"),
            Some("crosswalk") => (&mut crosswalks, "toml"),
            _ => (&mut pages, "md"),
        };
        let files = entries(&folder)?.into_iter().filter(|path| path.is_file());
        for path in files {
            if path.extension().is_some_and(|found| found == extension) {
                kept.push(path);
            } else if path.to_string_lossy().ends_with(".example.txt") {
                examples.push(path);
            }
        }
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let lists = [("PAGES", &pages), ("CATALOGUES", &catalogues), ("CROSSWALKS", &crosswalks)];
    fs::write(out.join("rules.rs"), lists.map(|(name, files)| list(name, &rules, files)).concat())?;
    fs::write(out.join("examples.rs"), list("EXAMPLES", &rules, &examples))
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn list(name: &str, rules: &Path, files: &[PathBuf]) -> String {
    let mut code = String::new();
    let _ = writeln!(code, "const {name}: &[(&str, &str)] = &[");
    for file in files {
        let below = file.strip_prefix(rules).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let _ = writeln!(
            code,
            "    ({below:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/rules/\", {below:?}))),"
        );
    }
    let _ = writeln!(code, "];");
    code
}
