//! Operations on claims.
//!
//! Guards the leases: no message under two live claims, fences that only grow, tries that are
//! counted once.

use crate::args;
use crate::envelope::check_envelope;
use crate::reply::{self, Header, Id, Taken};
use crate::rules::{is_uuid, refused};
use crate::world::World;

impl World {
    pub fn claim(&mut self, q: usize) {
        let claim = if self.rng.percent(70) {
            self.rng.uuid()
        } else {
            self.pick_claim(q)
        };
        let (ttl, grace) = self.pick_lease();
        let limit = self.pick_limit();
        let worker = *self.rng.pick(&[&"", &"w1", &"worker two", &"wörker, 3"]);
        let force = self.rng.percent(if self.queues[q].has_overdue(self.now) {
            40
        } else {
            3
        });
        if force && self.queues[q].claims.contains_key(&claim) {
            self.finish_sweep(q);
        }
        let wait = self.pick_wait();
        let args = args![
            self.now,
            claim,
            ttl,
            grace,
            limit,
            worker,
            if force { "1" } else { "" },
            wait.map(|wait| wait.to_string()).unwrap_or_default()
        ];
        let lenient = force && self.queues[q].has_overdue(self.now);
        let outcome = if lenient {
            self.call(q, "claim", args)
        } else {
            self.call_through(q, "claim", args, &claim)
        };
        if !is_uuid(&claim) {
            self.agree::<()>(outcome, refused("BADARG", "claim"));
            return;
        }
        let own_id_lapsed = self.queues[q].claims.contains_key(&claim);
        if lenient && self.is_put_off(q, &outcome, own_id_lapsed) {
            return;
        }
        let reply = outcome.unwrap_or_else(|refusal| panic!("a claim is refused: {refusal:?}"));
        if self.queues[q].is_live(&claim, self.now) {
            let values = reply::list(&reply);
            self.check_claim(
                q,
                &claim,
                &reply::header(values),
                &reply::taken(&values[5..]),
            );
            return;
        }
        let reply = self.empty_handed(q, reply, wait);
        let taken = self.check_taken(q, &reply, 5, limit, lenient, 1);
        if taken.is_empty() {
            return;
        }
        let now = self.now;
        let ids: Vec<Id> = taken.iter().map(|message| message.id).collect();
        let queue = self.queue(q);
        for id in &ids {
            let holder = queue.log[id].holder.as_ref();
            let held = holder.is_some_and(|holder| queue.is_live(holder, now));
            assert!(!held, "{id} under two live claims");
        }
        let last_fence = queue.fence;
        queue.claim(now, &claim, &ids, ttl, grace, worker);
        let header = reply::header(reply::list(&reply));
        assert!(
            header.fence > last_fence,
            "fence {} after {last_fence}",
            header.fence
        );
        self.check_claim(q, &claim, &header, &taken);
        if lenient {
            self.check(q);
            // What was passed over may be gone already, for good.
            self.queue(q).half_swept = true;
            self.finish_sweep(q);
        }
    }

    /// A live claim as it is answered.
    fn check_claim(&self, q: usize, name: &str, header: &Header, taken: &[Taken]) {
        let queue = &self.queues[q];
        let claim = &queue.claims[name];
        let expected = Header {
            now: self.now,
            fence: claim.fence,
            ttl: claim.ttl,
            grace: claim.grace,
            deadline: claim.deadline,
        };
        assert_eq!(header, &expected, "claim {name}");
        let ids: Vec<Id> = taken.iter().map(|message| message.id).collect();
        assert_eq!(ids, claim.ids, "what {name} holds");
        for message in taken {
            let known = &queue.log[&message.id];
            check_envelope(&message.envelope, known);
            assert_eq!(
                message.claims,
                queue.claims_of(known),
                "claims of {}",
                message.id
            );
            assert_eq!(
                message.ttl,
                known.expires - known.id.ms,
                "ttl of {}",
                message.id
            );
        }
    }

    pub fn claim_get(&mut self, q: usize) {
        let claim = self.pick_claim(q);
        self.get_claim(q, &claim);
    }

    pub fn get_claim(&mut self, q: usize, claim: &str) {
        let outcome = self.call(q, "claim_get", args![self.now, claim]);
        let live = self.queues[q].is_live(claim, self.now);
        let expected = if live {
            Ok(())
        } else {
            refused("CLAIMGONE", claim)
        };
        if let Some((reply, ())) = self.agree(outcome, expected) {
            let values = reply::list(&reply);
            let worker = reply::text(&values[5]);
            assert_eq!(
                worker, self.queues[q].claims[claim].worker,
                "worker of {claim}"
            );
            self.check_claim(
                q,
                claim,
                &reply::header(values),
                &reply::taken(&values[6..]),
            );
        }
    }

    pub fn renew(&mut self, q: usize) {
        let claim = self.pick_claim(q);
        let (ttl, grace) = self.pick_lease();
        let outcome = self.call(q, "renew", args![self.now, claim, ttl, grace]);
        let live = self.queues[q].is_live(&claim, self.now);
        let expected = if live {
            Ok(())
        } else {
            refused("CLAIMGONE", &claim)
        };
        let Some((reply, ())) = self.agree(outcome, expected) else {
            return;
        };
        let now = self.now;
        let queue = self.queue(q);
        let renewed = queue.claims.get_mut(&claim).expect("the claim");
        let earlier = now + ttl < renewed.deadline;
        (renewed.ttl, renewed.grace, renewed.deadline) = (ttl, grace, now + ttl);
        let fence = renewed.fence;
        queue.extend(&claim, now);
        let expected = Header {
            now,
            fence,
            ttl,
            grace,
            deadline: now + ttl,
        };
        assert_eq!(
            reply::header(reply::list(&reply)),
            expected,
            "of a renewed claim"
        );
        if earlier {
            self.wake(q, now + ttl);
        }
    }

    pub fn release(&mut self, q: usize) {
        let claim = self.pick_claim(q);
        self.release_this(q, &claim);
    }

    /// Ends the claim that holds most.
    pub fn release_largest(&mut self, q: usize) {
        let claims = self.queues[q].claims.iter();
        if let Some((claim, _)) = claims.max_by_key(|(_, claim)| claim.ids.len()) {
            self.release_this(q, &claim.clone());
        }
    }

    fn release_this(&mut self, q: usize, claim: &str) {
        let untried = self.rng.percent(30);
        let outcome = self.call(
            q,
            "release",
            args![self.now, claim, if untried { "1" } else { "" }],
        );
        let expected = if is_uuid(claim) {
            Ok(())
        } else {
            refused("CLAIMGONE", claim)
        };
        let Some((reply, ())) = self.agree(outcome, expected) else {
            return;
        };
        let live = self.queues[q].is_live(claim, self.now);
        let ids = if live {
            self.queues[q].claims[claim].ids.clone()
        } else {
            Vec::new()
        };
        self.give_back(q, &reply, &ids, !untried, 0);
    }

    pub fn nack(&mut self, q: usize) {
        let claim = self.pick_claim(q);
        let many = if self.rng.percent(3) {
            251
        } else {
            self.pick_count()
        };
        let ids = self.pick_held(q, &claim, many);
        let delay = match self.rng.below(10) {
            0..=4 => 0,
            5..=8 => self.rng.duration(600_000),
            _ => self.rng.duration(86_400_000),
        };
        let untried = self.rng.percent(30);
        let args = args![self.now, claim, delay, if untried { "1" } else { "" }, ids];
        let outcome = self.call(q, "nack", args);
        let expected = self.queues[q].nack(self.now, &claim, delay, &ids);
        if let Some((reply, given)) = self.agree(outcome, expected) {
            self.give_back(q, &reply, &given, !untried, delay);
        }
    }

    /// The reply of release and nack, and what they do to each message.
    fn give_back(&mut self, q: usize, reply: &redis::Value, ids: &[Id], tried: bool, delay: u64) {
        let now = self.now;
        let queue = self.queue(q);
        let burials: Vec<_> = ids
            .iter()
            .filter_map(|id| queue.let_go(now, *id, tried, delay))
            .collect();
        if burials.len() < ids.len() {
            self.wake(q, if delay > 0 { now + delay } else { 0 });
        }
        self.bury(q, burials);
        let [many, waiting] = reply::list(reply) else {
            panic!("{reply:?} of giving back")
        };
        assert_eq!(reply::int(many), ids.len() as u64, "messages given back");
        let expected = self.queues[q].outbox.len() as u64;
        assert_eq!(reply::int(waiting), expected, "letters in transit");
    }
}
