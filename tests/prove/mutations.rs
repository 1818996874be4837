//! Faults put into the scripts on purpose, one at a time; a history made with each has to be caught.
//!
//! Guards the proof of histories where it counts: not that the checker can count, but that the clients' mix of operations
//! meets the faults that scripts can have. A patch in `tests/mutations` says in a line `caught: ` as what it is caught.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha1_smol::Sha1;

use crate::histories;
use crate::report::{Mutation, Row};
use crate::rng::Rng;
use crate::scale::Scale;

/// Enough for each fault to show.
const OPERATIONS: u32 = 24_000;
const CLIENTS: u32 = 6;

const ABOUT: &str = "\
Each patch in `tests/mutations` puts one fault into one script. A history made with it has to be called a violation of the kind
that the patch names.
";

pub fn prove(scale: &Scale) -> Row {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut patches = patches(&home.join("tests/mutations"));
    let mut rng = Rng::of_stream(scale.seed, 0);
    while patches.len() > scale.mutations {
        patches.swap_remove(rng.below(patches.len()));
    }
    let (mut mutations, mut failures) = (Vec::new(), Vec::new());
    for patch in &patches {
        let name = patch
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        match caught(scale, home, patch, &name) {
            Ok(caught_by) => mutations.push(Mutation { name, caught_by }),
            Err(why) => failures.push(format!("{name}: {why}")),
        }
    }
    let details = mutations
        .iter()
        .map(|m| (m.name.clone(), m.caught_by.clone()));
    Row {
        name: "mutations",
        title: "Faults put in on purpose",
        about: ABOUT,
        tried: patches.len() as u64,
        unit: "faulty scripts",
        violations: failures.len() as u64,
        details: details.collect(),
        mutations,
        failures,
        command: scale.command("mutations"),
    }
}

fn patches(dir: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(dir).expect("tests/mutations");
    let paths = files.map(|file| file.expect("a file").path());
    let mut patches: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "patch"))
        .collect();
    patches.sort();
    patches
}

/// By what a fault was caught, or why it was not.
fn caught(scale: &Scale, home: &Path, patch: &Path, name: &str) -> Result<String, String> {
    let dir = scale.dir(&format!("mutations/{name}"));
    let text = std::fs::read_to_string(patch).map_err(|error| error.to_string())?;
    let expected = text.lines().find_map(|line| line.strip_prefix("caught: "));
    let expected = expected.ok_or("the patch does not say as what it is caught")?;
    copy(&home.join("lua"), &dir.join("lua")).map_err(|error| error.to_string())?;
    let applied = Command::new("git")
        .arg("apply")
        .arg(patch)
        .current_dir(&dir)
        .status();
    let applied = applied.map_err(|error| format!("git apply: {error}; is git installed?"))?;
    if !applied.success() {
        return Err("the patch does not apply".into());
    }
    digest_anew(&dir.join("lua"));
    let small = scale.sized(OPERATIONS, CLIENTS);
    let run = histories::run(
        &small,
        &format!("mutations/{name}/history"),
        Some(&dir.join("lua")),
    );
    let kinds = run
        .verdict
        .violations
        .iter()
        .map(|violation| violation.kind);
    let found = kinds.clone().find(|kind| format!("{kind:?}") == expected);
    let Some(kind) = found else {
        let mut others: Vec<_> = kinds.map(|kind| format!("{kind:?}")).collect();
        others.sort();
        others.dedup();
        return Err(format!(
            "not caught as {expected}; found {others:?}, {:?}",
            run.failures
        ));
    };
    let count = kinds.filter(|other| *other == kind).count();
    scale.done_with(&dir);
    Ok(format!(
        "histories: {kind} ({count} times in {OPERATIONS} operations)"
    ))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let there = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &there)?;
        } else {
            std::fs::copy(entry.path(), there)?;
        }
    }
    Ok(())
}

/// The manifest's digests are of the files as they are now.
fn digest_anew(lua: &Path) {
    let path = lua.join("manifest.json");
    let manifest = std::fs::read(&path).expect("the manifest");
    let mut manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    for script in manifest["scripts"].as_array_mut().expect("scripts") {
        let file = script["file"].as_str().expect("a file");
        let text = std::fs::read(lua.join(file)).expect("a script");
        script["sha1"] = Sha1::from(text).digest().to_string().into();
    }
    std::fs::write(&path, manifest.to_string()).expect("the manifest");
}
