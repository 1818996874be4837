//! Thousands of messages in one queue, of which many expire at once.
//!
//! Guards the housekeeping where it takes many steps, and what walks past a long dead head.

use crate::posting::Spec;
use crate::world::World;

impl World {
    pub fn flood(&mut self, q: usize) {
        if self.queues[q].exists && self.rng.percent(30) {
            self.flood_of_letters(q);
        }
        let mut reserved = vec![("_default_message_ttl", "60000".to_owned())];
        if self.rng.percent(50) {
            reserved.push(("_max_claim_count", self.rng.between(1, 2).to_string()));
        }
        self.set_reserved(q, reserved);
        for _ in 0..self.rng.between(8, 26) {
            self.post_many(q);
            self.now += self.rng.below(1_500) as u64;
        }
        self.greedy = true;
        for _ in 0..self.rng.below(5) {
            self.claim(q);
        }
        self.greedy = false;
        for _ in 0..self.rng.below(10) {
            self.nack(q);
        }
        // Some have expired now, or most, or all.
        self.now += self.rng.between(20_000, 70_000);
        let operations: [fn(&mut World, usize); 8] = [
            World::first,
            World::list,
            World::list_all,
            World::claim,
            World::pop,
            World::bulk_delete,
            World::stats,
            World::sweep_a_little,
        ];
        for _ in 0..6 {
            operations[self.rng.below(operations.len())](self, q);
        }
        if self.rng.percent(50) {
            self.now += 200_000;
            self.first(q);
        } else {
            self.purge(q);
        }
        self.stats(q);
        self.check(q);
    }

    /// Hundreds of letters, kept and then in transit, in pages.
    fn flood_of_letters(&mut self, q: usize) {
        self.set_reserved(q, vec![("_max_claim_count", "1".into())]);
        for _ in 0..3 {
            self.post_many(q);
        }
        self.greedy = true;
        for _ in 0..4 {
            self.claim(q);
            self.release_largest(q);
        }
        self.greedy = false;
        let kept = self.queues[q].kept.iter();
        let ids: Vec<String> = kept.map(|(id, _)| id.to_string()).collect();
        for some in ids.chunks(250) {
            self.redrive_these(q, some);
        }
        for _ in 0..4 {
            self.dead_list(q);
            self.transit(q);
            self.resume_mover();
        }
        self.dead_purge(q);
        self.stats(q);
    }

    /// As many as a post can have, as usual but for one now and then.
    fn post_many(&mut self, q: usize) {
        let other = self.rng.percent(20).then(|| self.rng.below(250));
        let specs: Vec<Spec> = (0..250)
            .map(|i| Spec {
                ttl: (other == Some(i)).then_some(500_000),
                delay: None,
                body: self.body(),
            })
            .collect();
        self.post_these(q, &specs, "flood", "", "", None);
    }
}
