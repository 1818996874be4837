//! Calls that have to be refused, of every script, on a queue in whatever state it is.
//!
//! Guards the error words: each comes often enough to be believed.

use crate::args;
use crate::client::Args;
use crate::posting::bin;
use crate::reply::Id;
use crate::rules::refused;
use crate::world::World;

impl World {
    /// One or two steps of housekeeping, which may be left half done.
    pub fn sweep_a_little(&mut self, q: usize) {
        let claim = if self.rng.percent(30) {
            self.rng.uuid()
        } else {
            String::new()
        };
        let budget = *self.rng.pick(&[&"1", &"2", &"5", &""]);
        self.sweep(q, &claim, budget);
    }

    pub fn bad_input(&mut self, q: usize) {
        match self.rng.below(3) {
            0 => self.newer_schema(q),
            1 => self.too_large(q),
            _ => self.bad_argument(q),
        }
    }

    /// One after the other, so that in each run each comes.
    fn turn(&mut self, kind: usize, many: usize) -> usize {
        self.turns[kind] += 1;
        self.turns[kind] % many
    }

    /// A good call of each script.
    fn good_calls(&mut self) -> Vec<(&'static str, Args)> {
        let (now, claim) = (self.now, self.rng.uuid());
        let metadata: &[u8] = b"\xc4\x01\x80";
        let letter: &[u8] = b"\x94\x01\xa0\x80\xc4\x01\x01";
        vec![
            ("claim", args![now, claim, 1000, 0, 5, "", "", ""]),
            ("claim_get", args![now, claim]),
            ("dead/deliver", args![now, "p/q", "1-1", letter]),
            ("dead/get", args![now, "1-1"]),
            ("dead/list", args![now, "", 5]),
            ("dead/purge", args!["1-1"]),
            ("dead/redrive", args![now, "", "1-1"]),
            ("dead/send_back", args![now, "", "1-1"]),
            ("dead/settle", args!["1-1"]),
            ("dead/transit", args!["", 5]),
            ("delete", args![now, "", "1-1"]),
            ("first", args![now, "", ""]),
            ("get", args![now, "1-1"]),
            ("list", args![now, "", 5, "", "", ""]),
            ("nack", args![now, claim, 0, "", "1-1"]),
            ("pop", args![now, 5, "", "", ""]),
            ("post", args![now, "", "", "", "", 1000, 0, b"\xc4\x01\x01"]),
            ("queue/create", args![now, metadata]),
            ("queue/delete", args![now]),
            ("queue/exists", args![]),
            ("queue/get", args![]),
            ("queue/purge", args![now]),
            ("queue/set", args![now, metadata]),
            ("queue/stats", args![now]),
            ("release", args![now, claim, ""]),
            ("renew", args![now, claim, 1000, 0]),
            ("sweep", args![now, "", ""]),
            ("check", args!["log", "", ""]),
            ("repair", args![now, "log", "1-1"]),
        ]
    }

    /// A later version has been here.
    fn newer_schema(&mut self, q: usize) {
        if !self.queues[q].exists {
            return;
        }
        let calls = self.good_calls();
        let (script, args) = calls[self.turn(0, calls.len())].clone();
        let meta = self.queues[q].keys.key(marconi_redis::keys::Part::Meta);
        self.client.command(&["HSET", &meta, "schema", "2"]);
        self.client.always_watch = self.rng.percent(40);
        let outcome = self.call(q, script, args);
        self.client.always_watch = false;
        self.client.command(&["HSET", &meta, "schema", "1"]);
        self.agree::<()>(outcome, refused("NEWERSCHEMA", "2"));
    }

    fn too_large(&mut self, q: usize) {
        let now = self.now;
        let ids: Vec<String> = (0..251).map(|seq| Id { ms: 1, seq }.to_string()).collect();
        let body: &[u8] = b"\xc4\x01\x01";
        let letter: &[u8] = b"\x94\x01\xa0\x80\xc4\x01\x01";
        let claim = self.rng.uuid();
        let mut many_messages = args![now, "", "", "", ""];
        let mut many_letters = args![now, "p/q"];
        for id in &ids {
            many_messages.extend(args!["", "", body]);
            many_letters.extend(args![id, letter]);
        }
        let calls = [
            ("post", many_messages, "messages"),
            ("dead/deliver", many_letters, "letters"),
            ("dead/settle", args![ids], "ids"),
            ("dead/get", args![now, ids], "ids"),
            ("dead/purge", args![ids], "ids"),
            ("dead/redrive", args![now, "", ids], "ids"),
            ("dead/send_back", args![now, "", ids], "ids"),
            ("get", args![now, ids], "ids"),
            ("delete", args![now, "", ids], "ids"),
            ("nack", args![now, claim, 0, "", ids], "ids"),
            ("repair", args![now, "log", ids], "about"),
            (
                "queue/create",
                args![now, bin(&vec![0x80; 262_145])],
                "metadata",
            ),
            (
                "queue/set",
                args![now, bin(&vec![0x80; 262_145])],
                "metadata",
            ),
        ];
        let (script, args, names) = calls[self.turn(1, calls.len())].clone();
        self.client.always_watch = self.rng.percent(40);
        let outcome = self.call(q, script, args);
        self.client.always_watch = false;
        self.agree::<()>(outcome, refused("TOOLARGE", names));
    }

    /// A good call in which one thing is wrong.
    fn bad_argument(&mut self, q: usize) {
        let calls = self.good_calls();
        let (script, mut args) = calls[self.turn(2, calls.len())].clone();
        // Arguments that have to be numbers, by script.
        let (at, word) = match script {
            "claim" => (*self.rng.pick(&[&0, &1, &2, &3, &4, &6, &7]), "BADARG"),
            "dead/transit" | "dead/redrive" | "dead/send_back" => (self.rng.below(2), "BADARG"),
            "dead/list" => (self.rng.below(3), "BADARG"),
            "dead/deliver" => (self.rng.below(4), "BADARG"),
            "first" => (self.rng.below(3), "BADARG"),
            "list" => (*self.rng.pick(&[&0, &1, &2, &4, &5]), "BADARG"),
            "nack" => (*self.rng.pick(&[&0, &2, &3]), "BADARG"),
            "pop" => (*self.rng.pick(&[&0, &1, &3, &4]), "BADARG"),
            "post" => (*self.rng.pick(&[&0, &4, &5, &6, &7]), "BADARG"),
            "renew" => (*self.rng.pick(&[&0, &2, &3]), "BADARG"),
            "release" => (*self.rng.pick(&[&0, &2]), "BADARG"),
            "queue/create" | "queue/set" => (self.rng.below(2), "BADARG"),
            "sweep" => (self.rng.below(3), "BADARG"),
            _ => (0, "BADARG"),
        };
        let wrong = *self.rng.pick(&[
            &"x",
            &"-1",
            &"nan",
            &"inf",
            &"1e3",
            &"0x10",
            &"9007199254740993",
            &" 1",
        ]);
        // No time is no wait.
        let waits = matches!((script, at), ("claim", 7) | ("pop", 4));
        let wrong = if waits && self.rng.percent(30) {
            "0"
        } else {
            wrong
        };
        match args.get_mut(at) {
            Some(argument) => *argument = wrong.into(),
            None => args.push(wrong.into()),
        }
        let gone = script == "dead/deliver" && at > 1;
        let word = if gone && !self.queues[q].exists {
            "QUEUEGONE"
        } else {
            word
        };
        self.client.always_watch = self.rng.percent(40);
        let outcome = self.call(q, script, args);
        self.client.always_watch = false;
        self.agree::<()>(outcome, refused(word, ""));
    }
}
