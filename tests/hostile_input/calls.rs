//! The manifest, and a good call of each script it has.
//!
//! Guards that nothing is left out: a script without a good call here ends the test.

use serde::Deserialize;

use super::control::SUBSCRIBER;
use super::rig::{BODY, LETTER, LIVE, METADATA, NEW, Rig, Words};
use crate::words;

#[derive(Deserialize)]
pub struct Manifest {
    scripts: Vec<Entry>,
}

#[derive(Deserialize)]
pub struct Entry {
    name: String,
    pub args: Vec<Argument>,
    pub errors: Vec<String>,
}

#[derive(Deserialize)]
pub struct Argument {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub optional: bool,
    pub repeated: bool,
}

impl Manifest {
    pub fn read() -> Manifest {
        let text = include_str!("../../lua/manifest.json");
        serde_json::from_str(text).expect("lua/manifest.json")
    }

    pub fn script(&self, name: &str) -> &Entry {
        let found = self.scripts.iter().find(|entry| entry.name == name);
        found.unwrap_or_else(|| panic!("{name} is not in the manifest"))
    }
}

impl Entry {
    /// What the manifest says of the argument at this place of a call.
    pub fn argument(&self, at: usize) -> &Argument {
        let fixed = self
            .args
            .iter()
            .filter(|argument| !argument.repeated)
            .count();
        if at < fixed {
            return &self.args[at];
        }
        &self.args[fixed + (at - fixed) % self.group()]
    }

    pub fn repeats(&self) -> bool {
        self.args.iter().any(|argument| argument.repeated)
    }

    /// How many arguments repeat together; 1 where none does.
    pub fn group(&self) -> usize {
        self.args
            .iter()
            .filter(|argument| argument.repeated)
            .count()
            .max(1)
    }

    /// Reserved metadata may be left out; of everything else that repeats there is one at least.
    pub fn fewest_arguments(&self) -> usize {
        let repeated = self.args.iter().filter(|argument| argument.repeated);
        match repeated.clone().any(|argument| argument.name == "name") {
            true => self.args.len() - repeated.count(),
            false => self.args.len(),
        }
    }
}

/// What is given of a pool, its options aside.
const POOL_FIELDS: [&str; 6] = ["weight", "3", "uri", "redis://new", "flavor", "gold"];

/// A call that the script accepts on a furnished queue, with all that can be given.
pub fn good_call(script: &str, now: u64, rig: &Rig) -> Words {
    // A queue that is furnished plainly has no letters.
    let id = |name: &str| rig.ids.get(name).cloned().unwrap_or("1-1".into());
    let reserved = [
        "_default_message_ttl",
        "90000",
        "_dead_letter_queue",
        "dead",
    ];
    match script {
        "check" => words!["log", "", ""],
        "claim" => words![now, NEW, 1000, 0, 10, "worker", "", 1000],
        "claim_get" => words![now, LIVE],
        "control/catalogue/delete" => words!["p", "mapped", "plain"],
        "control/catalogue/get" => words!["p", "mapped"],
        "control/catalogue/insert" => words!["p", "mapped", "fast", "1"],
        "control/catalogue/list" => words!["p", "", 10],
        "control/catalogue/register" => words!["p", "unmapped", "gold", 7],
        "control/check" => words!["catalogue", "", 10],
        "control/drop" => words!["catalogue"],
        "control/flavor/create" | "control/flavor/update" => words!["p", "gold", METADATA],
        "control/flavor/delete" | "control/flavor/get" => words!["p", "gold"],
        "control/flavor/list" => words!["p", "", 10],
        "control/pool/create" | "control/pool/update" => {
            words!["fast", &POOL_FIELDS[..], "options", METADATA]
        }
        "control/pool/delete" | "control/pool/get" => words!["fast"],
        "control/pool/list" => words!["", 10, "1", "gold"],
        "dead/deliver" => words![now, "p/elsewhere", "6-0", LETTER, "7-0", LETTER],
        "dead/get" => words![now, id("kept letter")],
        "dead/list" => words![now, "", 10],
        "dead/purge" => words![id("kept letter")],
        "dead/redrive" => words![now, "p/elsewhere", id("kept letter")],
        "dead/send_back" => words![now, "p/elsewhere", id("arrived letter")],
        "dead/settle" => words!["1-1"],
        "dead/transit" => words!["", 10],
        "delete" => words![now, LIVE, id("held")],
        "first" => words![now, "", ""],
        "get" => words![now, id("held"), id("free")],
        "list" => words![now, "", 10, "", "1", "1"],
        "nack" => words![now, LIVE, 5, "", id("held")],
        "pop" => words![now, 10, "a token of its own", "", 1000],
        "post" => words![
            now,
            "me",
            "one more token",
            "digest",
            "",
            1000,
            10,
            BODY,
            "",
            "",
            BODY
        ],
        "queue/create" | "queue/set" => words![now, METADATA, &reserved[..]],
        "queue/delete" | "queue/purge" | "queue/stats" => words![now],
        "queue/exists" | "queue/get" => words![],
        "release" => words![now, LIVE, ""],
        "repair" => words![now, "log", id("held"), id("free")],
        "renew" => words![now, LIVE, 1000, 0],
        "subscription/confirm" => words![now, id("subscription"), "1"],
        "subscription/create" => words![now, "http://127.0.0.1/c", 1000, METADATA],
        "subscription/delete" => words![now, id("subscription")],
        "subscription/get" => words![now, id("subscription"), SUBSCRIBER],
        "subscription/list" => words![now, "", 10],
        "subscription/update" => {
            let fields = ["subscriber", SUBSCRIBER, "ttl", "1000", "options"];
            words![now, id("subscription"), &fields[..], METADATA]
        }
        "sweep" => words![now, "", ""],
        _ => panic!("no good call of {script}"),
    }
}
