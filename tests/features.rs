//! What a program that uses the library alone has to build.

use std::process::Command;

/// The crates that this one is built of, besides itself.
fn tree(features: &[&str]) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let shown = Command::new(cargo)
        .args([
            "tree",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--offline",
        ])
        .args(features)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.status.success(),
        "{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    text.lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_library_alone_brings_no_command_line() {
    let crates = tree(&["--no-default-features"]);
    assert!(crates.iter().any(|name| name == "redis"));
    for unwanted in [
        "clap",
        "anyhow",
        "indicatif",
        "serde_json",
        "humantime",
        "rustls",
        "tracing",
    ] {
        assert!(!crates.iter().any(|name| name == unwanted), "{unwanted}");
    }
}

#[test]
fn each_feature_brings_its_own_and_nothing_else() {
    let crates = tree(&["--no-default-features", "--features", "tls"]);
    assert!(
        crates.iter().any(|name| name == "rustls") && !crates.iter().any(|name| name == "clap")
    );
    let crates = tree(&["--no-default-features", "--features", "tracing"]);
    assert!(
        crates.iter().any(|name| name == "tracing") && !crates.iter().any(|name| name == "rustls")
    );
}
