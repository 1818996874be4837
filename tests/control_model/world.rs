//! The scripts and their model side by side.
//!
//! Guards that they agree after every call: in the reply, in all that is stored, and in that a refusal
//! or a script that does not write has changed nothing.

use std::collections::{BTreeMap, BTreeSet};

use marconi_redis::keys::Part;
use marconi_redis::script::{ALL, Script};

use crate::client::{Args, Client, Outcome};
use crate::common::Server;
use crate::plane::{Entry, FLAVORS, Name, PROJECTS, Plane, names};
use crate::rng::Rng;

pub struct World {
    pub client: Client,
    pub rng: Rng,
    pub plane: Plane,
    names: Vec<Name>,
    digest: String,
    /// How many calls had the topics' catalogue.
    pub of_topics: u64,
    /// How often each script gave each word; `done` where it was no refusal.
    pub answers: BTreeMap<(&'static str, String), u64>,
}

impl World {
    pub fn new(server: &Server, seed: u64) -> World {
        let mut client = Client::new(server);
        let digest = client.digest();
        World {
            client,
            rng: Rng::new(seed),
            plane: Plane::default(),
            names: names(),
            digest,
            of_topics: 0,
            answers: BTreeMap::new(),
        }
    }

    /// One call, whose effect the model has had already; compared with what the model says.
    pub fn agree(&mut self, script: &str, args: Args, expected: Outcome) {
        let outcome = self.call(script, &args);
        let told = format!("{script} {}", told(&args));
        assert_eq!(outcome, expected, "{told}");
        let writes = Script::by_name(script).is_some_and(Script::writes);
        if outcome.is_ok() && writes {
            self.compare_what_is_stored(&told);
        }
    }

    pub fn call(&mut self, script: &str, args: &Args) -> Outcome {
        let script = Script::by_name(script).unwrap_or_else(|| panic!("no script {script}"));
        let outcome = self.client.call(script.name(), args);
        let before = std::mem::replace(&mut self.digest, self.client.digest());
        if outcome.is_err() || !script.writes() {
            let told = format!("{} {}: {outcome:?}", script.name(), told(args));
            assert_eq!(before, self.digest, "{told} has changed something");
        }
        let word = match &outcome {
            Ok(_) => "done",
            Err((word, _)) => word,
        };
        let key = (script.name(), word.to_owned());
        *self.answers.entry(key).or_default() += 1;
        outcome
    }

    /// Every key of the control plane, except that the records of pools are left to the replies.
    fn compare_what_is_stored(&mut self, told: &str) {
        let joined = |(project, name): &Entry| [project, &b"/"[..], name].concat();
        let flavors: BTreeMap<Name, Vec<u8>> = self
            .plane
            .flavors
            .iter()
            .map(|(entry, map)| (joined(entry), map.clone()))
            .collect();
        let placed = |catalogue: &BTreeMap<Entry, Name>| -> BTreeMap<Name, Name> {
            let entries = catalogue.iter();
            let entries = entries.map(|(entry, pool)| (joined(entry), pool.clone()));
            entries.collect()
        };
        let catalogue = placed(&self.plane.catalogue);
        let topics = placed(&self.plane.topic_catalogue);
        let mut counts: BTreeMap<Name, u64> = BTreeMap::new();
        for pool in self.plane.places() {
            *counts.entry(pool.clone()).or_default() += 1;
        }
        let pools: BTreeSet<Name> = self.plane.pools.keys().cloned().collect();

        let key = |part| self.client.key(part);
        let keys = Part::CONTROL.iter().map(|part| (*part, key(*part)));
        let keys: BTreeMap<Part, String> = keys.collect();
        let client = &mut self.client;
        let found: BTreeSet<Name> = client.command(&["HKEYS", &keys[&Part::Pools]]);
        assert_eq!(found, pools, "pools after {told}");
        let found: BTreeMap<Name, u64> = client.command(&["HGETALL", &keys[&Part::PoolQueues]]);
        assert_eq!(found, counts, "pool_queues after {told}");
        for (hash, set, expected) in [
            (Part::Flavors, Part::FlavorNames, flavors),
            (Part::Catalogue, Part::CatalogueNames, catalogue),
            (Part::TopicCatalogue, Part::TopicCatalogueNames, topics),
        ] {
            let found: BTreeMap<Name, Name> = client.command(&["HGETALL", &keys[&hash]]);
            assert_eq!(found, expected, "{hash} after {told}");
            let found: Vec<Name> = client.command(&["ZRANGE", &keys[&set], "0", "-1"]);
            let names: Vec<Name> = expected.into_keys().collect();
            assert_eq!(found, names, "{set} after {told}");
        }
    }

    /// After something was changed behind the scripts' back.
    pub fn look_again(&mut self) {
        self.digest = self.client.digest();
    }

    pub fn a_name(&mut self) -> Name {
        self.names[self.rng.below(self.names.len())].clone()
    }

    /// A pool: mostly one that is there.
    pub fn a_pool(&mut self) -> Name {
        if self.plane.pools.is_empty() || self.rng.percent(20) {
            return self.a_name();
        }
        let at = self.rng.below(self.plane.pools.len());
        let name = self.plane.pools.keys().nth(at);
        name.expect("a pool").clone()
    }

    pub fn a_project(&mut self) -> Name {
        self.rng.pick(PROJECTS).as_bytes().to_vec()
    }

    /// Half of the time none.
    pub fn a_flavor(&mut self) -> Name {
        match self.rng.percent(50) {
            true => Vec::new(),
            false => self.rng.pick(FLAVORS).as_bytes().to_vec(),
        }
    }

    /// A map that no other call has, and the bin it goes in.
    pub fn a_map(&mut self) -> (Vec<u8>, Vec<u8>) {
        let map = [
            b"\x81\xcf".as_slice(),
            &self.rng.next().to_be_bytes(),
            b"\xc0",
        ]
        .concat();
        let bin = [&[0xc4, map.len() as u8], &map[..]].concat();
        (map, bin)
    }

    pub fn a_limit(&mut self) -> usize {
        match self.rng.percent(70) {
            true => 1 + self.rng.below(5),
            false => 1000,
        }
    }

    /// Fails where something came too rarely.
    pub fn demand_enough(&self) {
        let topics = self.of_topics;
        assert!(topics >= 1_000, "topics came {topics} times only");
        for script in ALL {
            if !script.name().starts_with("control/") {
                continue;
            }
            for word in words_of(script.source()).chain(["done"]) {
                // Of two more than one can have: see `crowd` and the hostile calls.
                if word == "TOOLARGE" {
                    continue;
                }
                let key = (script.name(), word.to_owned());
                let count = self.answers.get(&key).copied().unwrap_or_default();
                assert!(count >= 5, "{key:?} came {count} times only");
            }
        }
    }
}

/// The error words in a script's header.
fn words_of(source: &str) -> impl Iterator<Item = &str> {
    let errors = source.split("-- ERRORS\n--   ").nth(1).unwrap_or_default();
    errors.lines().next().unwrap_or_default().split(' ')
}

pub fn told(args: &Args) -> String {
    let args: Vec<_> = args
        .iter()
        .map(|arg| arg.escape_ascii().to_string())
        .collect();
    format!("{args:?}")
}
