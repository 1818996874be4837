//! What is compared apart from single operations: everything a queue shows, the checker, and repair.
//!
//! Guards against damage that no reply has shown yet.

use std::collections::BTreeSet;

use crate::args;
use crate::reading::EVERYTHING;
use crate::reply;
use crate::world::World;

/// The parts that the checker looks at.
pub const PARTS: &[&str] = &[
    "log", "meta", "held", "claims", "returned", "delayed", "expiry", "tries",
];

impl World {
    /// All messages, page by page.
    pub fn list_all(&mut self, q: usize) {
        let mut marker = String::new();
        let many = self.queues[q].log.len() > 1_000;
        let limit = if many || self.rng.percent(80) {
            250
        } else {
            1 + self.rng.below(60)
        };
        for _ in 0..5000 {
            let (next, last) = self.list_page(q, &marker, limit, &EVERYTHING);
            if last {
                return;
            }
            marker = next;
        }
        panic!("the pages come to no end");
    }

    /// All claims, and all messages by id.
    pub fn get_all(&mut self, q: usize) {
        let claims: Vec<String> = self.queues[q].claims.keys().take(20).cloned().collect();
        for claim in claims {
            self.get_claim(q, &claim);
        }
        let ids: Vec<String> = self.queues[q].log.keys().map(|id| id.to_string()).collect();
        for some in ids.chunks(250).take(2) {
            self.get_these(q, some);
        }
    }

    /// Over all queues: what was posted is in one place, once, or has left in one way, and so are letters.
    pub fn nothing_is_lost(&mut self) {
        let (mut came, mut gone, mut bodies) = (self.injected, 0, Vec::new());
        for queue in &self.queues {
            let ledger = &queue.ledger;
            came += ledger.posted;
            gone += ledger.left() - ledger.died - ledger.sent_back;
            gone += ledger.letters_left() - ledger.settled;
            bodies.extend(queue.log.values().map(|message| &message.body));
            bodies.extend(queue.kept.iter().map(|(_, letter)| &letter.body));
            let on_their_way = queue.outbox.iter().filter(|(id, to, _)| {
                let mark = (queue.tag.clone(), *id);
                let target = self.queues.iter().find(|other| other.tag == *to);
                !target.expect("a target").taken.contains(&mark)
            });
            bodies.extend(on_their_way.map(|(_, _, letter)| &letter.body));
        }
        assert_eq!(came, bodies.len() as u64 + gone, "came; is here or is gone");
        let distinct: BTreeSet<_> = bodies.iter().collect();
        assert_eq!(distinct.len(), bodies.len(), "a message is in two places");
    }

    /// The checker over all parts: no violation, ever.
    pub fn check(&mut self, q: usize) {
        for part in PARTS {
            let mut cursor = String::new();
            let count = *self.rng.pick(&[&"", &"250", &"100", &"10"]);
            for round in 0.. {
                assert!(round < 2000, "the check of {part} comes to no end");
                let reply = self.call(q, "check", args![part, cursor, count]);
                let reply = reply.expect("a check of good arguments");
                let values = reply::list(&reply);
                let violations: Vec<_> = values[2..].iter().map(reply::text).collect();
                assert!(violations.is_empty(), "{part}: {violations:?}");
                cursor = reply::text(&values[0]);
                if cursor.is_empty() {
                    break;
                }
            }
        }
        self.nothing_to_repair(q);
    }

    /// A repair told of what is sound, or not there any more, does nothing and says nothing.
    fn nothing_to_repair(&mut self, q: usize) {
        let queue = &self.queues[q];
        let claims = queue.claims.keys().take(5).cloned();
        let ids = queue.log.keys().take(20).chain(queue.gone.iter().take(5));
        let about: Vec<String> = claims.chain(ids.map(|id| id.to_string())).collect();
        if about.is_empty() {
            return;
        }
        let before = self.client.digest();
        for part in PARTS {
            let reply = self.call(q, "repair", args![self.now, part, about]);
            let reply = reply.expect("a repair of good arguments");
            let told: Vec<_> = reply::list(&reply)[1..].iter().map(reply::text).collect();
            assert!(told.is_empty(), "{part}: {told:?}");
        }
        assert_eq!(
            before,
            self.client.digest(),
            "a repair of what is sound has changed it"
        );
    }
}
