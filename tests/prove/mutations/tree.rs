//! A copy of the project, in which tests are run on faulty scripts.
//!
//! Guards that a test that fails here fails of the fault: it was built, it is there, it ran to its end, and without the
//! fault it passes. The copy and what is built of it stay, so that each fault costs what a changed script costs.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::patch::{Patch, Test};
use crate::scale::Scale;

/// What the library and its tests are built of.
const PARTS: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "lua",
    "tests",
    "benches",
    "examples",
];

/// More than any test takes that passes.
const PATIENCE: Duration = Duration::from_secs(300);

pub struct Tree {
    home: PathBuf,
    dir: PathBuf,
    seed: u64,
    /// How a test ends where nothing is wrong.
    unharmed: BTreeMap<Test, Result<(), String>>,
    /// Held as long as the tree is used: it has one fault at a time.
    _lock: File,
}

#[derive(PartialEq)]
enum End {
    Passed,
    Failed,
}

impl Tree {
    pub fn new(scale: &Scale, home: &Path) -> Tree {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutations");
        std::fs::create_dir_all(dir.join("tree")).expect("a directory for the copy");
        let lock = File::create(dir.join("lock")).expect("a file to lock");
        lock.lock().expect("the lock");
        Tree {
            home: home.to_owned(),
            dir,
            seed: scale.seed,
            unharmed: BTreeMap::new(),
            _lock: lock,
        }
    }

    /// Whether the test fails where the fault is, and passes where it is not.
    pub fn is_caught(&mut self, patch: &Patch, test: &Test) -> Result<(), String> {
        if !self.unharmed.contains_key(test) {
            let passes = self.passes_unharmed(test);
            self.unharmed.insert(test.clone(), passes);
        }
        self.unharmed[test].clone()?;
        self.restore()?;
        patch.apply(&self.tree())?;
        match self.run(test)? {
            End::Failed => Ok(()),
            End::Passed => Err(format!("not caught: {} passes with it", test.name)),
        }
    }

    fn passes_unharmed(&self, test: &Test) -> Result<(), String> {
        self.restore()?;
        match self.run(test)? {
            End::Passed => Ok(()),
            End::Failed => Err(format!("{} fails without the fault, too", test.name)),
        }
    }

    fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }

    /// Makes the copy what the project is.
    fn restore(&self) -> Result<(), String> {
        for part in PARTS {
            copy(&self.home.join(part), &self.tree().join(part))
                .map_err(|error| format!("{part} can't be copied: {error}"))?;
        }
        Ok(())
    }

    fn run(&self, test: &Test) -> Result<End, String> {
        let program = self.build(&test.binary)?;
        let output = self.dir.join("output");
        let file = File::create(&output).map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.args(["--exact", &test.name, "--color", "never"]);
        command.current_dir(self.tree()).stdin(Stdio::null());
        // Its size is the one that the test has of itself; what size the proof has does not concern it.
        command.env_remove("MARCONI_OPERATIONS");
        command.env("MARCONI_SEED", self.seed.to_string());
        command.stdout(file).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let began = Instant::now();
        while child
            .try_wait()
            .map_err(|error| error.to_string())?
            .is_none()
        {
            if began.elapsed() > PATIENCE {
                child
                    .kill()
                    .and_then(|()| child.wait())
                    .map_err(|error| error.to_string())?;
                return Err(format!("{} does not end", test.name));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = std::fs::read_to_string(&output).map_err(|error| error.to_string())?;
        end_of(test, &output)
    }

    /// The test binary. Without the command line, which takes as long as all else: no test that is named needs it.
    fn build(&self, binary: &str) -> Result<PathBuf, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut command = Command::new(cargo);
        command.args([
            "test",
            "--no-run",
            "--locked",
            "--offline",
            "--no-default-features",
        ]);
        command.args(["--test", binary, "--message-format=json", "--target-dir"]);
        command.arg(self.dir.join("target"));
        // Half of what a build takes here is for a debugger.
        command.env("CARGO_PROFILE_TEST_DEBUG", "line-tables-only");
        command.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
        command.env("CARGO_INCREMENTAL", "1");
        let built = command.current_dir(self.tree()).output();
        let built = built.map_err(|error| format!("cargo: {error}"))?;
        if !built.status.success() {
            let why = String::from_utf8_lossy(&built.stderr);
            let first = why.lines().find(|line| line.starts_with("error"));
            return Err(format!("{binary} was not built: {}", first.unwrap_or(&why)));
        }
        let messages = String::from_utf8_lossy(&built.stdout);
        let mut messages = messages.lines().map(serde_json::from_str::<Value>);
        let program = messages.find_map(|message| {
            let message = message.ok()?;
            let is_it =
                message["target"]["name"] == binary && message["target"]["kind"][0] == "test";
            Some(PathBuf::from(
                message["executable"].as_str().filter(|_| is_it)?,
            ))
        });
        program.ok_or(format!("cargo does not say where {binary} is"))
    }
}

/// What the harness says of the one test.
fn end_of(test: &Test, output: &str) -> Result<End, String> {
    let Test { binary, name } = test;
    if !output.contains("running 1 test\n") {
        return Err(format!("{binary} has no test {name}"));
    }
    let summary = output
        .lines()
        .find_map(|line| line.strip_prefix("test result: "));
    match summary.unwrap_or_default() {
        text if text.starts_with("ok. 1 passed; 0 failed") => Ok(End::Passed),
        text if text.starts_with("FAILED. 0 passed; 1 failed") => Ok(End::Failed),
        _ => Err(format!("{name} did not run to its end")),
    }
}

/// Files that are the same stay as they are, and need not be built again.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        let text = std::fs::read(from)?;
        if std::fs::read(to).is_ok_and(|there| there == text) {
            return Ok(());
        }
        return std::fs::write(to, text);
    }
    std::fs::create_dir_all(to)?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        names.push(entry.file_name());
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    for entry in std::fs::read_dir(to)? {
        let entry = entry?;
        if names.contains(&entry.file_name()) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => std::fs::remove_dir_all(entry.path())?,
            false => std::fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}
