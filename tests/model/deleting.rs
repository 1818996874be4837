//! Deletes, which go by claims.
//!
//! Guards the table of outcomes: who may delete what, and that one refusal refuses all.

use crate::args;
use crate::reply::{self, Id};
use crate::world::World;

impl World {
    pub fn delete(&mut self, q: usize) {
        let ids = vec![self.pick_id(q)];
        let claim = self.claim_for_delete(q, &ids[0]);
        self.delete_these(q, &claim, &ids);
    }

    pub fn bulk_delete(&mut self, q: usize) {
        let many = if self.rng.percent(3) {
            251
        } else {
            self.pick_count()
        };
        let claim = if self.rng.percent(30) {
            String::new()
        } else {
            self.pick_claim(q)
        };
        let ids = if claim.is_empty() {
            self.pick_unheld(q, many)
        } else {
            self.pick_held(q, &claim, many)
        };
        self.delete_these(q, &claim, &ids);
    }

    /// None, the one that holds the message, or any.
    fn claim_for_delete(&mut self, q: usize, id: &str) -> String {
        let holder = Id::parse(id).and_then(|id| self.queues[q].log.get(&id)?.holder.clone());
        match self.rng.below(8) {
            0 | 1 => self.pick_claim(q),
            2 | 3 => String::new(),
            4 => {
                let mut claims = self.queues[q].claims.keys();
                let other = claims.rfind(|claim| Some(*claim) != holder.as_ref());
                other.or(holder.as_ref()).cloned().unwrap_or_default()
            }
            _ => holder.unwrap_or_default(),
        }
    }

    /// Ids of which mostly none is held.
    fn pick_unheld(&mut self, q: usize, many: usize) -> Vec<String> {
        let held = self.rng.percent(20);
        let now = self.now;
        let ids = self.pick_ids(q, many.min(20));
        let queue = &self.queues[q];
        let unheld = |id: &String| {
            let message = Id::parse(id).and_then(|id| queue.log.get(&id));
            let holder = message.and_then(|message| message.holder.as_ref());
            held || !holder.is_some_and(|holder| queue.is_live(holder, now))
        };
        let mut ids: Vec<_> = ids.into_iter().filter(unheld).collect();
        if ids.is_empty() {
            ids.push("1-1".into());
        }
        if many == 251 {
            ids.resize(251, "1-1".into());
        }
        ids
    }

    fn delete_these(&mut self, q: usize, claim: &str, ids: &[String]) {
        let outcome = self.call(q, "delete", args![self.now, claim, ids]);
        let expected = self.queues[q].delete(self.now, claim, ids);
        let Some((reply, deleted)) = self.agree(outcome, expected) else {
            return;
        };
        assert_eq!(reply::int(&reply), deleted.len() as u64, "messages deleted");
        let queue = self.queue(q);
        for id in deleted {
            queue.remove(id);
            queue.ledger.deleted += 1;
        }
    }
}
