//! Dead letters that are kept, and letters that set out again.
//!
//! Guards that a letter is in one place only: the store, the log it came to, or the outbox.

use crate::args;
use crate::choose::NO_IDS;
use crate::envelope::{self, letter};
use crate::queue::Letter;
use crate::reading::place_of;
use crate::reply::{self, Id};
use crate::rules::refused;
use crate::world::World;

/// Where the letters come from that no queue has sent.
const ELSEWHERE: &str = "elsewhere/%7Bhostile%7D";

/// No tags of a queue.
const NO_TAGS: &[&str] = &["x", "/", "a/", "a/b/c", "{a/b}", "a/{b"];

impl World {
    /// A queue that keeps letters, if there is one.
    fn with_letters(&self, q: usize) -> usize {
        if !self.queues[q].kept.is_empty() {
            return q;
        }
        let full = self.queues.iter().position(|queue| !queue.kept.is_empty());
        full.unwrap_or(q)
    }

    /// An id in the store, mostly; else one that is gone, another queue's, or none.
    fn pick_kept(&mut self, q: usize) -> String {
        let rng = &mut self.rng;
        let queue = &self.queues[q];
        let gone = &queue.gone_letters;
        match rng.below(20) {
            0 => (*rng.pick(&NO_IDS.iter().collect::<Vec<_>>())).to_owned(),
            1 => queue.last_id.to_string(),
            2 | 3 if !gone.is_empty() => gone[rng.below(gone.len())].to_string(),
            4 if !queue.kept.is_empty() => format!("0{}", queue.kept[0].0),
            _ if !queue.kept.is_empty() => queue.kept[rng.below(queue.kept.len())].0.to_string(),
            _ => queue.last_kept.to_string(),
        }
    }

    fn pick_kept_ids(&mut self, q: usize) -> Vec<String> {
        let many = if self.rng.percent(3) {
            251
        } else {
            self.pick_count()
        };
        (0..many).map(|_| self.pick_kept(q)).collect()
    }

    pub fn dead_list(&mut self, q: usize) {
        let q = self.with_letters(q);
        let limit = self.pick_count();
        let marker = if self.rng.percent(50) {
            String::new()
        } else {
            self.pick_kept(q)
        };
        let outcome = self.call(q, "dead/list", args![self.now, marker, limit]);
        let expected = match place_of(&marker) {
            Some(place) => Ok(place),
            None => refused("BADARG", "marker"),
        };
        let Some((reply, place)) = self.agree(outcome, expected) else {
            return;
        };
        let living = self.queues[q].living_letters(self.now);
        let known: Vec<_> = living.filter(|(id, _)| *id > place).collect();
        let values = reply::list(&reply);
        let many = (values.len() - 1) / 3;
        self.check_letters(q, values, &known[..many.min(known.len())]);
        assert!(many <= limit, "{many} letters for {limit}");
        if many < known.len().min(limit) {
            let sizes = known[..many + 1]
                .iter()
                .map(|(_, letter)| letter.body.len() + 2_000);
            let full = many > 0 && sizes.sum::<usize>() > 4 << 20;
            assert!(full, "{many} letters of {}", known.len());
        }
    }

    pub fn dead_get(&mut self, q: usize) {
        let q = self.with_letters(q);
        let ids = self.pick_kept_ids(q);
        let outcome = self.call(q, "dead/get", args![self.now, ids]);
        let expected = if ids.len() > 250 {
            refused("TOOLARGE", "ids")
        } else {
            Ok(())
        };
        if let Some((reply, ())) = self.agree(outcome, expected) {
            let known: Vec<_> = ids.iter().filter_map(|id| self.kept(q, id)).collect();
            self.check_letters(q, reply::list(&reply), &known);
        }
    }

    /// The letter of this id, if it is kept and has not expired.
    fn kept(&self, q: usize, id: &str) -> Option<&(Id, Letter)> {
        let id = Id::parse(id)?;
        let mut living = self.queues[q].living_letters(self.now);
        living.find(|(kept, _)| *kept == id)
    }

    /// Letters as list and get show them.
    fn check_letters(&self, q: usize, values: &[redis::Value], known: &[&(Id, Letter)]) {
        assert_eq!(reply::int(&values[0]), self.now, "now");
        let ttl = self.queues[q].letter_ttl();
        let found: Vec<_> = values[1..]
            .chunks(3)
            .map(|v| (reply::id(&v[0]), reply::int(&v[1]), reply::bytes(&v[2])))
            .collect();
        let ids: Vec<_> = found.iter().map(|(id, ttl, _)| (*id, *ttl)).collect();
        let expected: Vec<_> = known.iter().map(|(id, _)| (*id, ttl)).collect();
        assert_eq!(ids, expected, "id and ttl of the letters");
        for ((id, _, bytes), (_, known)) in found.iter().zip(known) {
            assert_eq!(&letter(bytes), known, "letter {id}");
        }
    }

    pub fn dead_purge(&mut self, q: usize) {
        let q = self.with_letters(q);
        // Its reply counts what has expired and was not swept.
        self.finish_sweep(q);
        let all = self.rng.percent(25);
        let ids = if all {
            vec![String::new()]
        } else {
            self.pick_kept_ids(q)
        };
        let outcome = self.call(q, "dead/purge", args![ids]);
        let places: Option<Vec<Id>> = ids
            .iter()
            .map(|id| place_of(id).filter(|_| !id.is_empty()))
            .collect();
        let expected = match places {
            _ if ids.len() > 250 => refused("TOOLARGE", "ids"),
            None if !all => refused("BADARG", "id"),
            places => Ok(places.unwrap_or_default()),
        };
        if let Some((reply, places)) = self.agree(outcome, expected) {
            let queue = self.queue(q);
            let gone = queue.unkeep(|id| !all && !places.contains(id));
            queue.ledger.letters_purged += gone;
            assert_eq!(reply::int(&reply), gone, "letters purged");
        }
    }
}

/// Letters that set out again.
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
        self.set_out += many;
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

fn expected_to_set_out(to: &str, ids: &[String]) -> Result<(), crate::rules::Refused> {
    if ids.len() > 250 {
        return refused("TOOLARGE", "ids");
    }
    if NO_TAGS.contains(&to) {
        return refused("BADARG", "to");
    }
    Ok(())
}
