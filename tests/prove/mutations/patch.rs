//! A fault as a patch: what is wrong, in which script, and what has to notice.
//!
//! Guards that a patch is what it seems: it says by what it is caught, and changes one script and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha1_smol::Sha1;

use crate::checker::Kind;

pub struct Patch {
    path: PathBuf,
    pub name: String,
    /// In a sentence.
    pub fault: String,
    pub script: String,
    pub catcher: Catcher,
}

/// What notices.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Catcher {
    /// The checker, as a violation of this kind in a history.
    History(Kind),
    /// A test, which fails.
    Test(Test),
}

/// A test of one of the other test binaries.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    pub binary: String,
    pub name: String,
}

impl Catcher {
    /// `Lost`, or `model scripts_and_model_agree_over_random_operations`.
    fn parse(text: &str) -> Option<Catcher> {
        if let Some((binary, name)) = text.split_once(' ') {
            let (binary, name) = (binary.to_owned(), name.to_owned());
            return Some(Catcher::Test(Test { binary, name }));
        }
        let kind = Kind::ALL.iter().find(|kind| format!("{kind:?}") == text)?;
        Some(Catcher::History(*kind))
    }
}

impl Patch {
    pub fn read(path: PathBuf) -> Result<Patch, String> {
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let head = text.lines().take_while(|line| !line.starts_with("diff "));
        let (catchers, fault): (Vec<&str>, Vec<&str>) =
            head.partition(|line| line.starts_with("caught: "));
        let [catcher] = catchers[..] else {
            return Err(
                "it does not say in one line as what, or by which test, it is caught".into(),
            );
        };
        let catcher = catcher.trim_start_matches("caught: ");
        let catcher = Catcher::parse(catcher).ok_or(format!(
            "{catcher} is neither a kind of violation nor a test binary and a test of it"
        ))?;
        let mut changed = text.lines().filter_map(|line| line.strip_prefix("+++ b/"));
        let script = match (changed.next(), changed.next()) {
            (Some(file), None) => file.strip_prefix("lua/"),
            _ => None,
        };
        let script = script.and_then(|file| file.strip_suffix(".lua"));
        let script = script.filter(|script| !script.starts_with("lib/"));
        let name = path.file_stem().expect("a name").to_string_lossy();
        Ok(Patch {
            name: name.into_owned(),
            fault: fault.join(" ").trim().to_owned(),
            script: script.ok_or("it has to change one script")?.to_owned(),
            catcher,
            path,
        })
    }

    /// Puts the fault into the scripts of `dir`, and makes the manifest's digests anew.
    pub fn apply(&self, dir: &Path) -> Result<(), String> {
        self.change(dir)?;
        digest_anew(&dir.join("lua"));
        Ok(())
    }

    /// The same, and leaves the manifest as it is.
    pub fn change(&self, dir: &Path) -> Result<(), String> {
        let script = self.script_in(dir);
        let before = std::fs::read(&script).map_err(|error| error.to_string())?;
        self.git_apply(dir)?;
        if std::fs::read(&script).map_err(|error| error.to_string())? == before {
            return Err("the patch changes nothing".into());
        }
        Ok(())
    }

    pub fn script_in(&self, dir: &Path) -> PathBuf {
        dir.join(format!("lua/{}.lua", self.script))
    }

    fn git_apply(&self, dir: &Path) -> Result<(), String> {
        let dir = dir.canonicalize().map_err(|error| error.to_string())?;
        let mut git = Command::new("git");
        git.arg("apply").arg(&self.path);
        // In a directory of some repository git passes over the patch without a word: its paths are that one's.
        git.env("GIT_CEILING_DIRECTORIES", dir.parent().expect("a parent"));
        git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        let done = git.current_dir(&dir).output();
        let done = done.map_err(|error| format!("git apply: {error}; is git installed?"))?;
        if done.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&done.stderr);
        Err(format!("the patch does not apply: {}", why.trim()))
    }
}

/// The manifest's digests are of the files as they are now.
fn digest_anew(lua: &Path) {
    let path = lua.join("manifest.json");
    let mut manifest = manifest(lua);
    for script in manifest["scripts"].as_array_mut().expect("scripts") {
        let file = script["file"].as_str().expect("a file");
        let text = std::fs::read(lua.join(file)).expect("a script");
        script["sha1"] = Sha1::from(text).digest().to_string().into();
    }
    std::fs::write(&path, manifest.to_string()).expect("the manifest");
}

pub fn manifest(lua: &Path) -> Value {
    let text = std::fs::read(lua.join("manifest.json")).expect("the manifest");
    serde_json::from_slice(&text).expect("JSON")
}
