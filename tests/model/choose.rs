//! Random arguments, mostly sensible, now and then not.
//!
//! Guards the mix: ids and claims that are live, gone, another queue's and no ids at all.

use crate::reply::Id;
use crate::rng::Rng;
use crate::world::World;

const HOUR: u64 = 3_600_000;

/// No ids of a message, whatever the queue holds. Some come close.
pub const NO_IDS: &[&str] = &[
    "",
    "-",
    "abc",
    "1",
    "1-",
    "-1",
    "1-1-1",
    "1.5-0",
    "1e3-0",
    "0x10-0",
    " 1-0",
    "1-0 ",
    "+1-0",
    "nan-0",
    "*",
    "1-18446744073709551616",
    "9999999999999999-0",
    "18446744073709551615-18446744073709551615",
    "000000000000001-0",
];

/// No ids of a claim.
pub const NO_CLAIMS: &[&str] = &[
    "x",
    "1700000000000-0",
    "00000000-0000-4000-a000-00000000000",
    "00000000-0000-4000-a000-0000000000000",
    "g0000000-0000-4000-a000-000000000000",
    "00000000+0000+4000+a000+000000000000",
];

impl World {
    /// A queue, rather one that has something.
    pub fn pick_queue(&mut self) -> usize {
        let q = self.rng.below(self.queues.len());
        if self.queues[q].log.is_empty() && self.rng.percent(60) {
            return self.rng.below(self.queues.len());
        }
        q
    }

    /// A claim: live, lapsed, gone, another queue's, new or malformed.
    pub fn pick_claim(&mut self, q: usize) -> String {
        let rng = &mut self.rng;
        let queue = &self.queues[q];
        match rng.below(20) {
            0 => rng.uuid(),
            1 => (*rng.pick(&NO_CLAIMS.iter().collect::<Vec<_>>())).to_owned(),
            2 => {
                let other = &self.queues[rng.below(self.queues.len())];
                other
                    .claims
                    .keys()
                    .next()
                    .cloned()
                    .unwrap_or_else(|| rng.uuid())
            }
            3 | 4 if !queue.old_claims.is_empty() => {
                queue.old_claims[rng.below(queue.old_claims.len())].clone()
            }
            _ if !queue.claims.is_empty() => {
                let nth = rng.below(queue.claims.len());
                queue.claims.keys().nth(nth).expect("a claim").clone()
            }
            _ => rng.uuid(),
        }
    }

    /// Message ids as a caller writes them: mostly of this queue, some gone, foreign or malformed.
    pub fn pick_ids(&mut self, q: usize, many: usize) -> Vec<String> {
        (0..many).map(|_| self.pick_id(q)).collect()
    }

    pub fn pick_id(&mut self, q: usize) -> String {
        let rng = &mut self.rng;
        let queue = &self.queues[q];
        match rng.below(25) {
            0 => (*rng.pick(&NO_IDS.iter().collect::<Vec<_>>())).to_owned(),
            1 => {
                let other = &self.queues[rng.below(self.queues.len())];
                other.last_id.to_string()
            }
            2 | 3 if !queue.gone.is_empty() => queue.gone[rng.below(queue.gone.len())].to_string(),
            // The same number, written otherwise.
            4 if !queue.log.is_empty() => {
                let id = nth_id(rng, queue.log.keys());
                match rng.below(3) {
                    0 => format!("0{id}"),
                    1 => format!("{}-0{}", id.ms, id.seq),
                    _ => id.ms.to_string(),
                }
            }
            5 if !queue.claims.is_empty() => queue.claims.keys().next().expect("a claim").clone(),
            _ if !queue.log.is_empty() => nth_id(rng, queue.log.keys()).to_string(),
            _ => Id {
                ms: self.now,
                seq: 0,
            }
            .to_string(),
        }
    }

    /// Ids that one claim holds, in any order, some twice, rarely with one that it does not hold.
    pub fn pick_held(&mut self, q: usize, claim: &str, many: usize) -> Vec<String> {
        let held = self.queues[q].claims.get(claim).map(|c| c.ids.clone());
        let held = held.unwrap_or_default();
        let strangers = if self.rng.percent(75) { 0 } else { 30 };
        let mut ids = Vec::new();
        for _ in 0..many {
            if held.is_empty() || self.rng.percent(strangers) {
                ids.push(self.pick_id(q));
            } else {
                ids.push(held[self.rng.below(held.len())].to_string());
            }
        }
        if self.rng.percent(8) {
            let gone = self.queues[q].gone.front().map(Id::to_string);
            let at = self.rng.below(ids.len());
            ids[at] = gone.unwrap_or_else(|| "x".into());
        }
        if self.rng.percent(5) {
            let others = self.queues[q].claims.iter();
            let other = others.rev().find(|(name, _)| *name != claim);
            if let Some((_, other)) = other {
                ids[0] = other.ids[0].to_string();
            }
        }
        ids
    }

    /// How many of something: mostly few, sometimes as many as may be.
    pub fn pick_count(&mut self) -> usize {
        match self.rng.below(60) {
            0 => 250,
            1..=3 => 1 + self.rng.below(250),
            4..=20 => 1 + self.rng.below(12),
            _ => 1 + self.rng.below(4),
        }
    }

    /// How many messages to take: few, so that many claims stand side by side.
    pub fn pick_limit(&mut self) -> usize {
        if self.greedy {
            return 250;
        }
        match self.rng.below(50) {
            0 => 250,
            1 => 1 + self.rng.below(60),
            2..=12 => 1 + self.rng.below(10),
            _ => 1 + self.rng.below(3),
        }
    }

    pub fn pick_ttl(&mut self) -> u64 {
        match self.rng.below(10) {
            0 => self.rng.between(1, 3),
            1..=3 => self.rng.duration(60_000),
            4..=6 => self.rng.duration(12 * HOUR),
            // The same for many, since what expires in order is kept another way than what does not.
            7 => 600_000,
            8 => 2 * HOUR,
            _ => self.rng.duration(315_360_000_000),
        }
    }

    /// A client, from a few; one is no UTF-8 away from what a terminal would like.
    pub fn pick_client(&mut self) -> String {
        (*self.rng.pick(&[&"", &"me", &"you", &"wörker {1}", &"me"])).to_owned()
    }

    /// The budget of time that a claim asks for.
    pub fn pick_lease(&mut self) -> (u64, u64) {
        let ttl = match self.rng.below(10) {
            0 => self.rng.between(1, 3),
            1..=4 => self.rng.duration(2 * HOUR),
            _ => self.rng.between(60_000, 2 * HOUR),
        };
        let grace = if self.rng.percent(40) {
            0
        } else {
            self.rng.duration(HOUR)
        };
        (ttl, grace)
    }

    /// Time goes on, mostly by little; now and then it goes back.
    pub fn pass_time(&mut self) {
        if self.rng.below(400) == 0 {
            self.hurry = *self.rng.pick(&[&62, &80, &80, &96, &100]);
            let q = self.rng.below(self.queues.len());
            self.queues[q].plain = !self.queues[q].plain;
        }
        let step = match self.rng.below(self.hurry) {
            0..=49 => 0,
            50..=64 => 1,
            65 | 66 => self.until_something_is_due(),
            67..=79 => self.rng.duration(1_000),
            80..=90 => self.rng.duration(60_000),
            91..=95 => self.rng.duration(HOUR),
            96 => self.rng.duration(10 * HOUR),
            // To the very moment at which something falls due, or the ms before.
            97 => self.until_something_is_due(),
            98 => {
                self.step_back();
                0
            }
            _ => self.until_something_is_due(),
        };
        self.now += step;
    }

    fn until_something_is_due(&mut self) -> u64 {
        let q = self.rng.below(self.queues.len());
        let now = self.now;
        let queue = &self.queues[q];
        let mut times: Vec<u64> = queue.claims.values().map(|claim| claim.deadline).collect();
        times.extend(queue.log.values().map(|message| message.expires));
        times.extend(queue.log.values().map(|message| message.delayed));
        let letter_ttl = queue.letter_ttl();
        times.extend(queue.kept.iter().map(|(id, _)| id.ms + letter_ttl));
        times.extend(queue.waiting_until);
        times.retain(|time| *time > now && *time < now + 48 * HOUR);
        if times.is_empty() {
            return 0;
        }
        let time = times[self.rng.below(times.len())];
        time - now - u64::from(self.rng.percent(25))
    }

    /// The clock of a server is set back. What has been lapsed for good stays so.
    fn step_back(&mut self) {
        for q in 0..self.queues.len() {
            self.finish_sweep(q);
        }
        let step = self.rng.duration(10 * 60_000);
        self.now -= step;
        for q in 0..self.queues.len() {
            self.note(
                q,
                format!("-- the clock goes back by {step} ms to {}", self.now),
            );
        }
    }
}

fn nth_id<'a>(rng: &mut Rng, mut ids: impl ExactSizeIterator<Item = &'a Id>) -> Id {
    let nth = rng.below(ids.len());
    *ids.nth(nth).expect("an id")
}
