//! The proofs: what this project promises, tried at length, by real processes on a real server.
//!
//! Guards that what is claimed in docs/reliability.md was run: that page is written here, by a full run, and by nothing
//! else. Without arguments it is a short run; `full` is the whole; a row's name runs that row alone;
//! `check DIR` checks a history that was kept.

#[path = "../common/mod.rs"]
mod common;

mod checker;
mod client;
mod clock;
mod crashes;
mod durability;
mod faults;
mod histories;
mod history;
mod hostile_input;
mod losses;
mod mutations;
mod plan;
mod repair;
mod report;
#[path = "../model/rng.rs"]
mod rng;
mod scale;
mod setting;
mod wire;
mod worker;

use std::path::Path;
use std::process::ExitCode;

use report::Row;
use scale::Scale;
use setting::Setting;

type Proof = fn(&Scale) -> Row;

/// Every row of the table.
const PROOFS: &[(&str, Proof)] = &[
    ("histories", histories::prove),
    ("checker", checker::seeded::prove),
    ("mutations", mutations::prove),
    ("crashes", crashes::prove),
    ("lost-replies", losses::prove),
    ("killed-server", faults::killed::prove),
    ("power-loss", faults::power::prove),
    ("clock-jumps", faults::clock::prove),
    ("full-server", faults::full::prove),
    ("unready-server", faults::unready::prove),
    ("restless-server", faults::restless::prove),
    ("durability", durability::prove),
    ("check", repair::prove),
    ("hostile-input", hostile_input::prove),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [verb, orders] if verb == "client" => {
            worker::run(orders);
            return ExitCode::SUCCESS;
        }
        [verb, orders] if verb == "deed" => {
            crashes::client(orders);
            return ExitCode::SUCCESS;
        }
        [verb, dir] if verb == "check" => {
            let verdict = histories::check_again(Path::new(dir));
            println!(
                "{} violations\n{}",
                verdict.violations.len(),
                verdict.summary(20)
            );
            return ExitCode::from(u8::from(!verdict.violations.is_empty()));
        }
        _ => {}
    }
    // What cargo hands to every test binary: a filter, and flags of the usual harness.
    let words: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    if args.iter().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    let is_full = words.contains(&"full");
    let scale = Scale::of(is_full);
    let wanted = |name: &str| {
        // A row's name is that row, though others have it in theirs.
        let is_name = |word: &str| PROOFS.iter().any(|(other, _)| *other == word);
        words
            .iter()
            .all(|word| *word == "full" || name == *word || !is_name(word) && name.contains(word))
    };
    println!("{}", scale.command(""));
    let mut rows: Vec<Row> = Vec::new();
    for (_, prove) in PROOFS.iter().filter(|(name, _)| wanted(name)) {
        let row = prove(&scale);
        report::print(&row);
        rows.push(row);
    }
    if rows.is_empty() {
        println!("no proof has that in its name");
    }
    report::print_table(&rows);
    if rows.iter().any(|row| !row.is_good()) {
        return ExitCode::FAILURE;
    }
    if is_full && rows.len() == PROOFS.len() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        report::write(&docs, &rows, &Setting::of_this_run()).expect("docs/reliability");
    }
    ExitCode::SUCCESS
}
