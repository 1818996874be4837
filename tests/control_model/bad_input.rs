//! Calls that have to be refused whatever is stored.
//!
//! Guards that each is refused by its name and changes nothing, in the middle of everything else.

use marconi_redis::keys::Part;

use crate::args;
use crate::client::Args;
use crate::world::{World, told};

const MAP: &[u8] = b"\xc4\x01\x80";

/// A good call of each script; whether there is anything does not matter.
fn good_calls() -> Vec<(&'static str, Args)> {
    let pool = args!["a", "weight", 1, "uri", "redis://x"];
    vec![
        ("control/pool/create", pool.clone()),
        ("control/pool/update", pool),
        ("control/pool/delete", args!["a"]),
        ("control/pool/get", args!["a"]),
        ("control/pool/list", args!["", 10, "", ""]),
        ("control/flavor/create", args!["p", "gold", MAP]),
        ("control/flavor/update", args!["p", "gold", MAP]),
        ("control/flavor/delete", args!["p", "gold"]),
        ("control/flavor/get", args!["p", "gold"]),
        ("control/flavor/list", args!["p", "", 10]),
        ("control/catalogue/register", args!["p", "a", "", 7]),
        ("control/catalogue/insert", args!["p", "a", "b", ""]),
        ("control/catalogue/get", args!["p", "a"]),
        ("control/catalogue/list", args!["p", "", 10]),
        ("control/catalogue/delete", args!["p", "a", ""]),
        ("control/check", args!["catalogue", "", ""]),
        ("control/drop", args!["pools"]),
    ]
}

/// A script, which argument is wrong, what it is, and by what name it is refused.
const FLAWS: &[(&str, usize, &[u8], &str)] = &[
    ("control/pool/create", 0, b"", "name"),
    ("control/pool/create", 0, b"a\nb", "name"),
    ("control/pool/create", 1, b"wait", "field"),
    ("control/pool/create", 2, b"-1", "weight"),
    ("control/pool/create", 2, b"1e3", "weight"),
    ("control/pool/create", 3, b"weight", "weight"),
    ("control/pool/create", 4, b"", "uri"),
    ("control/pool/update", 1, b"id", "field"),
    ("control/pool/update", 2, b"4294967296", "weight"),
    ("control/pool/update", 4, b"\x7f", "uri"),
    ("control/pool/list", 1, b"0", "limit"),
    ("control/pool/list", 1, b"1001", "limit"),
    ("control/pool/list", 2, b"yes", "by"),
    ("control/flavor/create", 0, b"a/b", "project"),
    ("control/flavor/create", 1, b"", "name"),
    ("control/flavor/create", 2, b"\xc4\x02\x80", "capabilities"),
    ("control/flavor/update", 0, b"a/b", "project"),
    ("control/flavor/update", 2, b"\x80", "capabilities"),
    ("control/flavor/delete", 0, b"a/b", "project"),
    ("control/flavor/get", 0, b"a/b", "project"),
    ("control/flavor/list", 0, b"{p}", "project"),
    ("control/flavor/list", 2, b"", "limit"),
    ("control/catalogue/register", 0, b"a/b", "project"),
    ("control/catalogue/register", 1, b"", "queue"),
    ("control/catalogue/register", 3, b"", "random"),
    ("control/catalogue/register", 3, b"4294967296", "random"),
    ("control/catalogue/register", 3, b"0.5", "random"),
    ("control/catalogue/insert", 0, b"a/b", "project"),
    ("control/catalogue/insert", 1, b"\0", "queue"),
    ("control/catalogue/insert", 2, b"", "pool"),
    ("control/catalogue/insert", 3, b"0", "known"),
    ("control/catalogue/get", 0, b"a/b", "project"),
    ("control/catalogue/list", 0, b"a/b", "project"),
    ("control/catalogue/list", 2, b"many", "limit"),
    ("control/catalogue/delete", 0, b"a/b", "project"),
    ("control/check", 0, b"state", "part"),
    ("control/check", 1, b"-1", "cursor"),
    ("control/check", 2, b"251", "count"),
    ("control/drop", 0, b"state", "what"),
];

impl World {
    pub fn bad_input(&mut self) {
        let calls = good_calls();
        let (script, args, names) = match self.rng.percent(30) {
            true => {
                let (script, mut args) = calls[self.rng.below(calls.len())].clone();
                match self.rng.percent(50) {
                    true => args = args[..args.len() - 1].to_vec(),
                    false => args.push(b"1".to_vec()),
                }
                (script, args, "call")
            }
            false => {
                let (script, at, value, names) = FLAWS[self.rng.below(FLAWS.len())];
                let call = calls.into_iter().find(|(other, _)| *other == script);
                let mut args = call.expect("a good call").1;
                args[at] = value.to_vec();
                (script, args, names)
            }
        };
        let outcome = self.call(script, &args);
        let told = format!("{script} {}: {outcome:?}", told(&args));
        let Err((word, detail)) = outcome else {
            panic!("{told}");
        };
        let named = detail.starts_with(&format!("{names}: "));
        assert!(word == "BADARG" && named, "{told}");
    }

    /// Somebody has stored with a later version: nobody touches that, and then it is gone again.
    pub fn later_schema(&mut self) {
        let state = self.client.key(Part::State);
        let before: Option<String> = self.client.command(&["HGET", &state, "schema"]);
        let _: u64 = self.client.command(&["HSET", &state, "schema", "2"]);
        self.look_again();
        for (script, args) in good_calls() {
            let outcome = self.call(script, &args);
            let word = outcome.as_ref().err().map(|(word, _)| word.as_str());
            assert_eq!(word, Some("NEWERSCHEMA"), "{script}: {outcome:?}");
        }
        let _: u64 = match before {
            Some(schema) => self.client.command(&["HSET", &state, "schema", &schema]),
            None => self.client.command(&["DEL", &state]),
        };
        self.look_again();
    }
}
