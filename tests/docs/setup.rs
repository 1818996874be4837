//! The trial of docs/setup.md, with four servers on one machine.

use std::process::Command;

use crate::blocks::{block, root, text};
use crate::shell::{Tools, printed};

/// A trial that goes wrong leaves its servers running otherwise.
const END_SERVERS: &str = r#"trap 'for socket in $(find $dir -type s); do redis-cli -s $socket shutdown nosave; done' EXIT"#;

/// Where cargo has put what these tests were built with; they bring the command line along.
fn built() -> String {
    let marconi = std::path::Path::new(env!("CARGO_BIN_EXE_marconi"));
    let dir = marconi.parent().expect("a directory of its own");
    dir.display().to_string()
}

#[test]
fn the_trial_with_pools_goes_as_it_is_written() {
    let tools = Tools::new("setup");
    let trial = block(&text("docs/setup.md"), "bash");
    let (build, trial) = trial.split_once('\n').expect("lines");
    let build: Vec<_> = build.split(' ').collect();
    assert_eq!(build[..2], ["cargo", "build"]);
    // Done already where all tests are built, and not where these are built alone.
    let cargo = Command::new(env!("CARGO"))
        .args(&build[1..])
        .current_dir(root())
        .status();
    assert!(cargo.expect("cargo").success());
    let built = built();
    let trial = trial.replace("\ntarget/debug/", &format!("\n{built}/"));
    let trial = trial.replace("$PWD/target/debug:", &format!("{built}:"));
    let trial = format!("{END_SERVERS}\n{trial}");
    let ran = tools
        .command("bash")
        .current_dir(root())
        .args(["-e", "-c", &trial])
        .output();
    let shown = printed(&ran.expect("bash"));
    for expected in [
        "registered east",
        "orders-6 is on ",
        "done: order 3",
        "status 22",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert_eq!(shown.matches(" is on ").count(), 6, "{shown}");
    assert!(!shown.contains("is on north"), "{shown}");
}
