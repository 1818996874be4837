//! Bodies so large that 4 MiB end a page before the limit does.
//!
//! Guards that pages are cut in order, and that one message always fits.

use crate::posting::Spec;
use crate::reading::EVERYTHING;
use crate::world::World;

impl World {
    /// Large messages and small ones between them, taken and listed in pages.
    pub fn large_pages(&mut self, q: usize) {
        if self.queues[q].log.len() > 100 {
            self.purge(q);
        }
        if self.rng.percent(70) {
            let limit = ("_max_messages_post_size", "8000000".to_owned());
            let tries = ("_max_claim_count", self.rng.between(1, 3).to_string());
            self.set_reserved(q, vec![limit, tries]);
        }
        for _ in 0..2 {
            self.post_large(q);
        }
        self.greedy = true;
        let operations: [fn(&mut World, usize); 8] = [
            World::claim,
            World::claim,
            World::release_largest,
            World::release_largest,
            World::transit,
            World::pop,
            |world, q| {
                world.list_page(q, "", 250, &EVERYTHING);
            },
            World::list_all,
        ];
        for _ in 0..8 {
            operations[self.rng.below(operations.len())](self, q);
        }
        self.greedy = false;
        if self.rng.percent(80) {
            self.purge(q);
        }
    }

    fn post_large(&mut self, q: usize) {
        let huge = self.rng.percent(40);
        let mut specs = Vec::new();
        for i in 0..if huge { 3 } else { 20 } {
            let mut body = self.body();
            let size = match (huge, i % 5) {
                (_, 0) => 20,
                (true, _) => 5_000_000 / i,
                (false, _) => 200_000,
            };
            body.resize(size, 0xc0);
            specs.push(Spec {
                ttl: Some(5_000),
                delay: Some(0),
                body,
            });
        }
        self.post_these(q, &specs, "large", "", "", Some(6_000_000));
    }
}

#[test]
fn nothing_is_taken_past_a_large_message_that_came_back() {
    let server = crate::common::Server::start(&[]);
    let mut world = World::new(&server, 1);
    let spec = |size: usize| Spec {
        ttl: Some(600_000),
        delay: None,
        body: vec![0xc0; size],
    };
    world.create_plainly(0);
    world.set_reserved(0, vec![("_max_messages_post_size", "9000000".into())]);
    let posted = [spec(10), spec(4 << 20), spec(20)];
    world.post_these(0, &posted, "", "", "", Some(6_000_000));
    // Both pages come back, the small message and the large one.
    world.greedy = true;
    world.claim(0);
    world.claim(0);
    world.release_largest(0);
    world.release_largest(0);
    world.post_these(0, &[spec(30)], "", "", "", None);
    // The large one ends this page, though the last small one would fit.
    world.claim(0);
}
