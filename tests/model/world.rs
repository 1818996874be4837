//! The queues, the server that has them, and the time that both go by.
//!
//! Guards the lockstep: every call goes through here, and where the scripts' housekeeping ran, the
//! model settles at the same moment.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use redis::Value;

use crate::args;
use crate::client::{Args, Client};
use crate::common::Server;
use crate::envelope::letter;
use crate::movers::Mover;
use crate::queue::{Letter, Queue};
use crate::reply::{self, Id, Outcome};
use crate::rng::Rng;
use crate::rules::{Burial, Refused};
use crate::waking::{Ear, Waiter};

pub const PROJECT: &str = "shop {eu}/%";

pub struct World {
    pub rng: Rng,
    pub now: u64,
    pub client: Client,
    pub queues: Vec<Queue>,
    pub movers: Vec<Mover>,
    /// Makes each body another.
    pub bodies: u64,
    /// How fast time passes at the moment: 62 by single ms, 100 by up to hours a step.
    pub hurry: usize,
    pub began: Instant,
    /// Whoever claims or pops takes all there is, and waits where there is nothing.
    pub greedy: bool,
    /// The queue of the operation that is under way.
    pub at: usize,
    /// What has to have been published since it was last compared: the queue, and from when on to look.
    pub published: Vec<(usize, u64)>,
    pub ear: Ear,
    pub waiters: Vec<Waiter>,
    /// Queues that were called since their notes of who waits were last compared.
    pub touched: BTreeSet<usize>,
    /// Of each kind of bad input, how often it came.
    pub turns: [usize; 3],
    /// Letters that came from no queue of these.
    pub injected: u64,
    /// How often somebody began to wait, was woken at once, was told a time, was waited for no more; and
    /// how many letters set out again.
    pub waits: u64,
    pub said: (u64, u64),
    pub notes_taken: u64,
    pub set_out_again: u64,
}

impl World {
    pub fn new(server: &Server, seed: u64) -> World {
        let names = ["orders", "re turns/{x}", "dead.letters", "späte 🐇"];
        let queues: Vec<Queue> = names.map(|name| Queue::new(PROJECT, name)).into();
        let channels: Vec<String> = queues.iter().map(Queue::channel).collect();
        World {
            rng: Rng::new(seed),
            now: 1_700_000_000_000,
            client: Client::new(server, seed),
            queues,
            movers: Vec::new(),
            bodies: 0,
            hurry: 100,
            began: Instant::now(),
            greedy: false,
            at: 0,
            published: Vec::new(),
            ear: Ear::new(server, &channels),
            waiters: Vec::new(),
            touched: BTreeSet::new(),
            turns: [0; 3],
            injected: 0,
            waits: 0,
            said: (0, 0),
            notes_taken: 0,
            set_out_again: 0,
        }
    }

    pub fn queue(&mut self, q: usize) -> &mut Queue {
        &mut self.queues[q]
    }

    /// One call of a script, noted in the queue's history.
    pub fn call(&mut self, q: usize, script: &str, args: Args) -> Outcome {
        self.touched.insert(q);
        let outcome = self.client.call(script, &self.queues[q].keys, &args);
        let shown: Vec<_> = args
            .iter()
            .take(80)
            .map(|arg| reply::argument(arg))
            .collect();
        let line = format!("{script} {} -> {}", shown.join(" "), reply::brief(&outcome));
        self.note(q, line);
        outcome
    }

    pub fn note(&mut self, q: usize, line: String) {
        let history = &mut self.queues[q].history;
        history.push_back(line);
        if history.len() > 40 {
            history.pop_front();
        }
    }

    /// A call with what a client does about MORE: sweep, and call again.
    pub fn call_through(&mut self, q: usize, script: &str, args: Args, claim: &str) -> Outcome {
        for round in 0.. {
            let outcome = self.call(q, script, args.clone());
            match &outcome {
                Err(refusal) if refusal.word == "MORE" => {}
                _ => return outcome,
            }
            assert!(round < 3000, "{script} is answered MORE for ever");
            let budget = *self.rng.pick(&[&"", &"", &"1", &"7", &"250", &"1000"]);
            self.sweep(q, claim, budget);
        }
        unreachable!()
    }

    /// One step of housekeeping. Answers whether there is more to do.
    pub fn sweep(&mut self, q: usize, claim: &str, budget: &str) -> bool {
        self.wake_for(q, |world| world.sweep_once(q, claim, budget))
    }

    fn sweep_once(&mut self, q: usize, claim: &str, budget: &str) -> bool {
        let reply = self.call(q, "sweep", args![self.now, claim, budget]);
        let reply = reply.expect("a sweep of good arguments");
        let [more, waiting] = reply::list(&reply) else {
            panic!("{reply:?} of a sweep")
        };
        let more = reply::int(more) == 1;
        if !more {
            let now = self.now;
            let burials = self.queue(q).settle(now);
            self.bury(q, burials);
        } else {
            self.queue(q).half_swept = true;
            self.bury_what_was_swept(q);
        }
        let expected = self.queues[q].outbox.len() as u64;
        assert_eq!(reply::int(waiting), expected, "letters in transit");
        more
    }

    /// Runs the housekeeping to its end where it was begun.
    pub fn finish_sweep(&mut self, q: usize) {
        for _ in 0..3000 {
            if !self.queues[q].half_swept {
                return;
            }
            self.sweep(q, "", "");
        }
        panic!("the housekeeping comes to no end");
    }

    /// The letters that a step has made have to be where they belong, each once; their order among
    /// themselves is the scripts' own, and learnt from them.
    pub fn bury(&mut self, q: usize, burials: Vec<Burial>) {
        let mut missing = burials;
        for (id, to, letter) in self.new_letters(q) {
            let at = missing
                .iter()
                .position(|burial| *burial == (to.clone(), letter.clone()));
            let at = at.unwrap_or_else(|| {
                panic!("a letter that should not be: {to:?} {letter:?}, expected {missing:?}")
            });
            missing.remove(at);
            self.bury_one(q, id, to, letter);
        }
        assert!(missing.is_empty(), "dead, and yet nowhere: {missing:?}");
    }

    /// Which of the dead a sweep has got to that did not come to its end.
    fn bury_what_was_swept(&mut self, q: usize) {
        for (id, to, letter) in self.new_letters(q) {
            let now = self.now;
            let expected = self.queue(q).bury_lapsed(now, letter.old_id());
            assert_eq!(
                (to.clone(), letter.clone()),
                expected,
                "a letter of a sweep"
            );
            self.bury_one(q, id, to, letter);
        }
    }

    fn bury_one(&mut self, q: usize, id: Id, to: Option<String>, letter: Letter) {
        let now = self.now;
        let queue = self.queue(q);
        let last = if to.is_some() {
            queue.last_outbox
        } else {
            queue.last_kept
        };
        assert_eq!(
            id.ms,
            now.max(last.ms),
            "a letter's id has the time of its death"
        );
        queue.ledger.died += 1;
        match to {
            Some(to) => {
                assert!(id > queue.last_outbox, "{id} in the outbox is no new id");
                queue.last_outbox = id;
                queue.outbox.push((id, to, letter));
            }
            None => {
                assert!(id > queue.last_kept, "{id} of a kept letter is no new id");
                queue.last_kept = id;
                queue.kept.push((id, letter));
            }
        }
    }

    /// What stands in the outbox and the queue's own store, and was not seen there before.
    pub fn new_letters(&mut self, q: usize) -> Vec<(Id, Option<String>, Letter)> {
        let queue = &self.queues[q];
        let parts = [
            (marconi_redis::keys::Part::Outbox, queue.last_outbox),
            (marconi_redis::keys::Part::Dead, queue.last_kept),
        ];
        let mut found = Vec::new();
        for (part, last) in parts {
            let key = self.queues[q].keys.key(part);
            let after = format!("({last}");
            let entries = self.client.command(&["XRANGE", &key, &after, "+"]);
            for entry in reply::list(&entries) {
                let [id, fields] = reply::list(entry) else {
                    panic!("{entry:?} in a stream")
                };
                let fields = reply::list(fields);
                let to = (fields.len() == 4).then(|| reply::text(&fields[1]));
                let letter = letter(&reply::bytes(&fields[fields.len() - 1]));
                found.push((reply::id(id), to, letter));
            }
        }
        found
    }

    /// For 60 s at least a token is known; after that it may be. By the server's own clock it goes after
    /// 180 s, which a long run of this test takes while its `now` hardly passes.
    pub fn knows_token(&self, since: u64) -> bool {
        self.now < since + 60_000 && self.began.elapsed() < Duration::from_secs(170)
    }

    /// Compares an outcome with what is expected of it; the reply where it is none of refusal.
    pub fn agree<T>(&self, outcome: Outcome, expected: Result<T, Refused>) -> Option<(Value, T)> {
        match (outcome, expected) {
            (Ok(reply), Ok(expected)) => Some((reply, expected)),
            (Err(refusal), Err(Refused(word, names))) => {
                assert_eq!(refusal.word, word, "the refusal's word: {refusal:?}");
                let named = refusal.detail.contains(&names);
                assert!(named, "{refusal:?} does not name {names:?}");
                None
            }
            (Ok(reply), Err(refused)) => panic!("{reply:?} instead of {refused:?}"),
            (Err(refusal), Ok(_)) => panic!("{refusal:?} where none should be"),
        }
    }
}
