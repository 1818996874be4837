//! Faults put into the scripts on purpose, one at a time; each has to be caught.
//!
//! Guards the proofs and the tests where they count: not that the checker can count, but that the clients' mix of
//! operations meets the faults that scripts can have, and the models those of the scripts that no client in a history
//! calls. A patch in `tests/mutations` says in a line `caught: ` as what, or by which test.

mod patch;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use crate::checker::Kind;
use crate::common::Server;
use crate::histories;
use crate::report::{Mutation, Row};
use crate::rng::Rng;
use crate::scale::Scale;

use patch::{Catcher, Patch};
use tree::Tree;

/// Enough for each fault to show.
const OPERATIONS: u32 = 24_000;
const CLIENTS: u32 = 6;

const ABOUT: &str = "\
Each patch in `tests/mutations` puts one fault into one script, and says what has to notice: a history made with it, which has to
be called a violation of a certain kind; or a test, mostly that of a model, which has to fail, and which passes without the fault.
Every script that writes has a patch at least.

What it can't see: faults that nobody has thought of. That one fault of a script is caught does not say that each is.
";

pub fn prove(scale: &Scale) -> Row {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (patches, mut failures) = read(scale, home);
    let writing = writing_scripts(home);
    let bare = writing
        .iter()
        .filter(|script| !patches.iter().any(|patch| patch.script == **script));
    failures.extend(bare.map(|script| format!("{script} writes, and no fault was put into it")));

    let chosen = choose(scale, patches);
    let (mut mutations, mut violations) = (Vec::new(), 0);
    let mut tree = None;
    for patch in &chosen {
        let caught = match &patch.catcher {
            Catcher::History(kind) => in_history(scale, home, patch, *kind),
            Catcher::Test(test) => {
                let tree = tree.get_or_insert_with(|| Tree::new(scale, home));
                let caught = tree.is_caught(patch, test);
                caught.map(|()| format!("{}: {}", test.binary, test.name))
            }
        };
        match caught {
            Ok(caught_by) => mutations.push(mutation(patch, caught_by)),
            Err(why) => {
                violations += 1;
                failures.push(format!("{}: {why}", patch.name));
            }
        }
    }
    Row {
        name: "mutations",
        title: "Faults put in on purpose",
        about: ABOUT,
        tried: chosen.len() as u64,
        unit: "faulty scripts",
        violations,
        details: details(&writing, &mutations),
        mutations,
        failures,
        command: scale.command("mutations"),
    }
}

/// All patches that fit, and what is wrong with the others.
fn read(scale: &Scale, home: &Path) -> (Vec<Patch>, Vec<String>) {
    let files = std::fs::read_dir(home.join("tests/mutations")).expect("tests/mutations");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let server = Server::start(&[]);
    let dir = scale.dir("mutations/all");
    tree::copy(&home.join("lua"), &dir.join("lua")).expect("a copy of the scripts");
    let (mut patches, mut failures) = (Vec::new(), Vec::new());
    for path in paths {
        let name = path.display().to_string();
        let patch = Patch::read(path);
        match patch.and_then(|patch| fits(&patch, home, &dir, &server).map(|()| patch)) {
            Ok(patch) => patches.push(patch),
            Err(why) => failures.push(format!("{name}: {why}")),
        }
    }
    scale.done_with(&dir);
    (patches, failures)
}

/// Whether it can be put into its script, and makes one that a server takes: anything notices one that it does not.
fn fits(patch: &Patch, home: &Path, dir: &Path, server: &Server) -> Result<(), String> {
    patch.change(dir)?;
    let there = patch.script_in(dir);
    let script = std::fs::read(&there).map_err(|error| error.to_string())?;
    tree::copy(&patch.script_in(home), &there).map_err(|error| error.to_string())?;
    let client = redis::Client::open(server.url()).map_err(|error| error.to_string())?;
    let mut connection = client.get_connection().map_err(|error| error.to_string())?;
    let mut load = redis::cmd("SCRIPT");
    let loaded = load.arg("LOAD").arg(script).exec(&mut connection);
    loaded.map_err(|error| format!("the server does not take it: {error}"))
}

fn writing_scripts(home: &Path) -> Vec<String> {
    let manifest = patch::manifest(&home.join("lua"));
    let scripts = manifest["scripts"].as_array().expect("scripts");
    let writing = scripts.iter().filter(|script| script["writes"] == true);
    writing
        .map(|script| script["name"].as_str().expect("a name").to_owned())
        .collect()
}

/// Where not all are tried, some of those for which nothing has to be built.
fn choose(scale: &Scale, mut patches: Vec<Patch>) -> Vec<Patch> {
    if patches.len() > scale.mutations {
        patches.retain(|patch| matches!(patch.catcher, Catcher::History(_)));
    }
    let mut rng = Rng::of_stream(scale.seed, 0);
    while patches.len() > scale.mutations {
        patches.swap_remove(rng.below(patches.len()));
    }
    patches.sort_by(|a, b| (&a.catcher, &a.name).cmp(&(&b.catcher, &b.name)));
    patches
}

/// By what a fault was caught in a history, or why it was not.
fn in_history(scale: &Scale, home: &Path, patch: &Patch, expected: Kind) -> Result<String, String> {
    let name = format!("mutations/{}", patch.name);
    let dir = scale.dir(&name);
    let lua = dir.join("lua");
    tree::copy(&home.join("lua"), &lua).map_err(|error| error.to_string())?;
    patch.apply(&dir)?;
    let small = scale.sized(OPERATIONS, CLIENTS);
    let run = histories::run(&small, &format!("{name}/history"), Some(&lua));
    let mut kinds: Vec<Kind> = run
        .verdict
        .violations
        .iter()
        .map(|violation| violation.kind)
        .collect();
    let count = kinds.iter().filter(|kind| **kind == expected).count();
    if count == 0 {
        kinds.sort();
        kinds.dedup();
        let failures = &run.failures;
        return Err(format!(
            "not caught as {expected:?}; found {kinds:?}, {failures:?}"
        ));
    }
    scale.done_with(&dir);
    Ok(format!(
        "histories: {expected} ({count} times in {OPERATIONS} operations)"
    ))
}

fn mutation(patch: &Patch, caught_by: String) -> Mutation {
    Mutation {
        name: patch.name.clone(),
        fault: patch.fault.clone(),
        script: patch.script.clone(),
        caught_by,
    }
}

/// How many were caught by what.
fn details(writing: &[String], mutations: &[Mutation]) -> Vec<(String, String)> {
    let with_fault = writing
        .iter()
        .filter(|script| mutations.iter().any(|m| m.script == **script));
    let text = format!("{} of {}", with_fault.count(), writing.len());
    let mut details = vec![(
        "scripts that write, with a fault that was caught".to_owned(),
        text,
    )];
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for mutation in mutations {
        let by = mutation.caught_by.split(':').next().unwrap_or_default();
        *counts.entry(by).or_default() += 1;
    }
    details.extend(
        counts
            .iter()
            .map(|(by, count)| (format!("caught by {by}"), count.to_string())),
    );
    details
}
