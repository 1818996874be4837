//! Letters that set out again, from the store or the queue they came to, and such as no queue has sent.
//!
//! Guards that a letter is in one place only: the store, the log it came to, or the outbox.

use crate::args;
use crate::envelope;
use crate::posting::Spec;
use crate::queue::Letter;
use crate::reply::{self, Id};
use crate::rules::{Refused, refused};
use crate::world::World;

/// Where the letters come from that no queue has sent.
const ELSEWHERE: &str = "elsewhere/%7Bhostile%7D";

/// No tags of a queue.
const NO_TAGS: &[&str] = &["x", "/", "a/", "a/b/c", "{a/b}", "a/{b"];

impl World {
    /// Where they died, mostly; any of the queues, this one too; no queue.
    fn pick_target(&mut self) -> String {
        match self.rng.below(20) {
            0 => (*self.rng.pick(&NO_TAGS.iter().collect::<Vec<_>>())).to_owned(),
            1..=8 => self.queues[self.rng.below(self.queues.len())].tag.clone(),
            _ => String::new(),
        }
    }

    pub fn redrive(&mut self, q: usize) {
        let q = self.with_letters(q);
        let ids = self.pick_kept_ids(q);
        self.redrive_these(q, &ids);
    }

    pub fn redrive_these(&mut self, q: usize, ids: &[String]) {
        let to = self.pick_target();
        let outcome = self.call(q, "dead/redrive", args![self.now, to, ids]);
        let Some((reply, ())) = self.agree(outcome, expected_to_set_out(&to, ids)) else {
            return;
        };
        let mut letters: Vec<(Id, Letter)> = Vec::new();
        for id in ids {
            if let Some(kept) = self.kept(q, id).filter(|kept| !letters.contains(kept)) {
                letters.push(kept.clone());
            }
        }
        let left = self
            .queue(q)
            .unkeep(|id| letters.iter().all(|(gone, _)| gone != id));
        assert_eq!(left, letters.len() as u64, "letters taken from the store");
        let letters = letters.into_iter().map(|(_, letter)| letter).collect();
        self.set_out(q, &reply, &to, letters);
    }

    pub fn send_back(&mut self, q: usize) {
        let many = if self.rng.percent(3) {
            251
        } else {
            self.pick_count()
        };
        let log = self.queues[q].log.values();
        let letters: Vec<Id> = log
            .filter(|message| !message.extras.from.is_empty())
            .map(|message| message.id)
            .collect();
        let mut ids = self.pick_ids(q, many);
        for id in &mut ids {
            if !letters.is_empty() && self.rng.percent(70) {
                *id = letters[self.rng.below(letters.len())].to_string();
            }
        }
        let to = self.pick_target();
        let args = args![self.now, to, ids];
        let outcome = self.call_through(q, "dead/send_back", args, "");
        let Some((reply, ())) = self.agree(outcome, expected_to_set_out(&to, &ids)) else {
            return;
        };
        let now = self.now;
        let queue = self.queue(q);
        let mut letters = Vec::new();
        for id in ids.iter().filter_map(|id| Id::parse(id)) {
            let Some(message) = queue.living(id, now) else {
                continue;
            };
            let holder = message.holder.as_ref();
            let held = holder.is_some_and(|holder| queue.is_live(holder, now));
            if held || message.extras.from.is_empty() {
                continue;
            }
            let message = queue.remove(id);
            queue.ledger.sent_back += 1;
            letters.push(Letter {
                ttl: message.ttl,
                client: message.client,
                extras: message.extras,
                body: message.body,
            });
        }
        self.set_out(q, &reply, &to, letters);
    }

    /// The outbox has these letters now, last of all, addressed as they should be.
    fn set_out(&mut self, q: usize, reply: &redis::Value, to: &str, letters: Vec<Letter>) {
        let now = self.now;
        let mut id = self.queues[q].last_outbox;
        let many = letters.len() as u64;
        let mut expected = Vec::new();
        for letter in letters {
            let died = letter.extras.from.last().expect("where it died");
            let to = if to.is_empty() { died } else { to };
            id = id.next(now);
            expected.push((id, Some(to.to_owned()), letter.again()));
        }
        assert_eq!(self.new_letters(q), expected, "letters that set out");
        let queue = self.queue(q);
        queue.last_outbox = id;
        for (id, to, letter) in expected {
            queue.outbox.push((id, to.expect("an address"), letter));
        }
        let waiting = queue.outbox.len() as u64;
        let counts: Vec<u64> = reply::list(reply).iter().map(reply::int).collect();
        assert_eq!(counts, [many, waiting], "set out, and in transit");
        self.set_out_again += many;
    }

    /// Deaths, all kept here, before and after the store is emptied, within one ms.
    pub fn die_again(&mut self, q: usize) {
        self.set_reserved(q, vec![("_max_claim_count", "1".into())]);
        for _ in 0..2 {
            let body = self.body();
            let message = Spec {
                ttl: Some(600_000),
                delay: Some(0),
                body,
            };
            self.post_these(q, &[message], "short-lived", "", "", None);
            self.greedy = true;
            self.claim(q);
            self.greedy = false;
            self.release_largest(q);
            self.purge_letters(q, &[String::new()]);
        }
    }

    /// Somebody else delivers letters that say little of their past, or what no queue here has seen.
    pub fn deliver_from_elsewhere(&mut self, q: usize) {
        let tag = self.queues[self.rng.below(self.queues.len())].tag.clone();
        let mut letters = Vec::new();
        for _ in 0..1 + self.rng.below(3) {
            let extras = match self.rng.below(6) {
                0 => serde_json::json!({}),
                1 => serde_json::json!({"redriven": 7}),
                2 => serde_json::json!({"ttl": 5_000, "id": "1-1"}),
                3 | 4 => serde_json::json!({"from": [tag]}),
                _ => serde_json::json!({
                    "from": [tag, self.queues[q].tag], "id": "7-7", "claims": 3, "died": 8,
                    "ttl": self.pick_ttl(), "redriven": 2,
                }),
            };
            self.injected += 1;
            let id = Id {
                ms: self.injected,
                seq: 0,
            };
            let (ttl, body) = (self.pick_ttl(), self.body());
            letters.push((id, envelope::written(ttl, "elsewhere", &extras, &body)));
        }
        if !self.deliver_letters(q, ELSEWHERE, &letters) {
            self.injected -= letters.len() as u64;
        }
    }
}

fn expected_to_set_out(to: &str, ids: &[String]) -> Result<(), Refused> {
    if ids.len() > 250 {
        return refused("TOOLARGE", "ids");
    }
    if NO_TAGS.contains(&to) {
        return refused("BADARG", "to");
    }
    Ok(())
}
