//! What the features bring along.

use std::process::Command;

/// The packages of the library under `features` alone, build scripts included.
fn packages(features: &str) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--locked", "--offline", "--no-default-features", "--features", features])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn tables_bring_no_http_client() {
    let packages = packages("tables");
    assert!(packages.iter().any(|name| name == "polars-sql"), "polars is there");
    let clients = [
        "curl",
        "hyper",
        "hyper-util",
        "isahc",
        "native-tls",
        "object_store",
        "openssl",
        "reqwest",
        "surf",
        "tokio-rustls",
        "ureq",
    ];
    let found: Vec<&String> = packages.iter().filter(|name| clients.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{found:?}");
}
