//! Operations on queues themselves.
//!
//! Guards what outlives them: ids, fences, letters in transit, the marks of letters taken.

use crate::args;
use crate::posting::bin;
use crate::queue::TWO_WEEKS;
use crate::reply;
use crate::rules::{Refused, refused};
use crate::world::World;

pub type Reserved = Vec<(&'static str, String)>;

impl World {
    /// Reserved metadata for queue `q`: rather low claim limits, and dead-letter queues that make
    /// chains, circles and shared ones.
    fn pick_reserved(&mut self, q: usize) -> Reserved {
        let mut reserved: Reserved = Vec::new();
        let rng = &mut self.rng;
        if rng.percent(60) {
            let ttl = rng.duration(6 * 3_600_000);
            reserved.push(("_default_message_ttl", ttl.to_string()));
        }
        if rng.percent(15) {
            reserved.push(("_default_message_delay", rng.duration(2_000).to_string()));
        }
        if rng.percent(75) {
            let high = if rng.percent(80) { 3 } else { 1_000_000_000 };
            let max = rng.between(1, high);
            reserved.push(("_max_claim_count", max.to_string()));
        }
        if rng.percent(75) {
            let next = (q + 1 + rng.below(self.queues.len())) % self.queues.len();
            reserved.push(("_dead_letter_queue", self.queues[next].name.clone()));
        }
        if rng.percent(50) {
            let ttl = rng.duration(24 * 3_600_000);
            reserved.push(("_dead_letter_queue_messages_ttl", ttl.to_string()));
        }
        if rng.percent(15) {
            reserved.push((
                "_max_messages_post_size",
                rng.between(40, 4_000).to_string(),
            ));
        }
        if rng.percent(20) {
            reserved.push(("_flavor", "gold {1} %".into()));
        }
        reserved
    }

    /// Metadata and reserved values as arguments, now and then wrong; and the refusal that follows.
    fn pick_metadata(&mut self, q: usize) -> (Vec<u8>, Reserved, Result<(), Refused>) {
        let mut metadata = vec![0x81, 0xa1, b'n', self.rng.below(100) as u8];
        let mut reserved = self.pick_reserved(q);
        let value = |name| {
            let found: Option<&(&str, String)> = reserved.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.parse::<u64>().expect("a number"))
        };
        let ttl = value("_default_message_ttl").unwrap_or(TWO_WEEKS);
        let mut expected = Ok(());
        if value("_default_message_delay").unwrap_or(0) >= ttl {
            if self.rng.percent(90) {
                reserved.retain(|(name, _)| *name != "_default_message_delay");
            } else {
                expected = refused("BADARG", "_default_message_delay");
            }
        }
        if self.rng.percent(3) {
            let (name, value) = *self.rng.pick(&[
                &("_max_claim_count", "0"),
                &("_max_claim_count", "-1"),
                &("_default_message_ttl", "1e3"),
                &("_dead_letter_queue", ""),
                &("_flavor", "a\nb"),
                &("metadata", "1"),
            ]);
            reserved.retain(|(known, _)| *known != name);
            reserved.insert(0, (name, value.into()));
            expected = refused("BADARG", name);
        } else if self.rng.percent(3) && expected.is_ok() {
            metadata.resize(262_145, 0xc0);
            expected = refused("TOOLARGE", "metadata");
        }
        (metadata, reserved, expected)
    }

    pub fn create(&mut self, q: usize) {
        if self.rng.percent(40) {
            self.create_plainly(q);
            return;
        }
        let (metadata, reserved, valid) = self.pick_metadata(q);
        let values: Vec<&str> = reserved
            .iter()
            .flat_map(|(name, value)| [*name, value])
            .collect();
        let outcome = self.call_through(
            q,
            "queue/create",
            args![self.now, bin(&metadata), values],
            "",
        );
        if let Some((reply, ())) = self.agree(outcome, valid) {
            self.made(q, &reply);
            self.configured(q, metadata, reserved);
        }
    }

    pub fn create_plainly(&mut self, q: usize) {
        let outcome = self.call(q, "queue/create", args![self.now, ""]);
        let (reply, ()) = self.agree(outcome, Ok(())).expect("a reply");
        self.made(q, &reply);
    }

    fn made(&mut self, q: usize, reply: &redis::Value) {
        let now = self.now;
        let queue = self.queue(q);
        assert_eq!(
            reply::int(reply),
            u64::from(!queue.exists),
            "whether it is new"
        );
        if !queue.exists {
            (queue.exists, queue.created) = (true, now);
            self.published.push((q, 0));
            self.is_back(q);
        }
    }

    fn configured(&mut self, q: usize, metadata: Vec<u8>, reserved: Reserved) {
        let queue = self.queue(q);
        queue.metadata = metadata;
        queue.reserved = reserved.into_iter().collect();
    }

    pub fn set(&mut self, q: usize) {
        let (metadata, reserved, valid) = self.pick_metadata(q);
        let values: Vec<&str> = reserved
            .iter()
            .flat_map(|(name, value)| [*name, value])
            .collect();
        let outcome =
            self.call_through(q, "queue/set", args![self.now, bin(&metadata), values], "");
        let exists = self.queues[q].exists;
        let expected = valid.and_then(|()| {
            if exists {
                Ok(())
            } else {
                refused("QUEUEGONE", "")
            }
        });
        if let Some((reply, ())) = self.agree(outcome, expected) {
            assert_eq!(reply::int(&reply), 1, "of set");
            self.configured(q, metadata, reserved);
        }
    }

    /// These reserved values, and no other.
    pub fn set_reserved(&mut self, q: usize, reserved: Reserved) {
        let values: Vec<&str> = reserved
            .iter()
            .flat_map(|(name, value)| [*name, value])
            .collect();
        let outcome = self.call_through(q, "queue/set", args![self.now, bin(b"\x80"), values], "");
        let exists = self.queues[q].exists;
        let expected = if exists {
            Ok(())
        } else {
            refused("QUEUEGONE", "")
        };
        if self.agree(outcome, expected).is_some() {
            self.configured(q, b"\x80".to_vec(), reserved);
        }
    }

    pub fn queue_get(&mut self, q: usize) {
        let outcome = self.call(q, "queue/get", args![]);
        let exists = self.queues[q].exists;
        let expected = if exists {
            Ok(())
        } else {
            refused("QUEUEGONE", "")
        };
        let Some((reply, ())) = self.agree(outcome, expected) else {
            return;
        };
        let values = reply::list(&reply);
        let queue = &self.queues[q];
        assert_eq!(reply::int(&values[0]), queue.created, "created");
        assert_eq!(reply::bytes(&values[1]), queue.metadata, "metadata");
        let pairs = values[2..].chunks(2);
        let mut found: Vec<_> = pairs
            .map(|pair| (reply::text(&pair[0]), reply::text(&pair[1])))
            .collect();
        found.sort();
        let known = queue.reserved.iter();
        let known: Vec<_> = known
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        assert_eq!(found, known, "reserved values");
    }

    pub fn exists(&mut self, q: usize) {
        let outcome = self.call(q, "queue/exists", args![]);
        let (reply, ()) = self.agree(outcome, Ok(())).expect("a reply");
        assert_eq!(
            reply::int(&reply),
            u64::from(self.queues[q].exists),
            "whether it exists"
        );
    }

    pub fn purge(&mut self, q: usize) {
        // Its reply counts what has expired and was not swept.
        self.finish_sweep(q);
        let outcome = self.call_through(q, "queue/purge", args![self.now], "");
        let exists = self.queues[q].exists;
        let expected = if exists {
            Ok(())
        } else {
            refused("QUEUEGONE", "")
        };
        if let Some((reply, ())) = self.agree(outcome, expected) {
            let now = self.now;
            let queue = self.queue(q);
            let lapsed = queue.claims.values().filter(|claim| claim.deadline <= now);
            let dead = queue.max_claims().is_some().then(|| lapsed.count());
            assert!(
                dead.is_none_or(|lapsed| lapsed == 0),
                "what may be dead is purged"
            );
            assert_eq!(
                reply::int(&reply),
                queue.log.len() as u64,
                "messages purged"
            );
            let ids: Vec<_> = queue.log.keys().copied().collect();
            for id in ids {
                queue.remove(id);
                queue.ledger.purged += 1;
            }
        }
    }

    pub fn delete_queue(&mut self, q: usize) {
        let outcome = self.call_through(q, "queue/delete", args![self.now], "");
        let (reply, ()) = self.agree(outcome, Ok(())).expect("a reply");
        let queue = self.queue(q);
        assert_eq!(
            reply::int(&reply),
            u64::from(queue.exists),
            "whether it was there"
        );
        if queue.exists {
            let claims: Vec<_> = queue.claims.keys().cloned().collect();
            queue.old_claims.extend(claims);
            queue.drop_all();
            self.outlived(q);
            self.use_missing(q);
        }
    }
    /// Whatever is done to a queue that is not there: an empty one, or QUEUEGONE, or CLAIMGONE.
    fn use_missing(&mut self, q: usize) {
        let operations: [fn(&mut World, usize); 12] = [
            World::queue_get,
            World::exists,
            World::stats,
            World::purge,
            World::set,
            World::claim,
            World::pop,
            World::nack,
            World::renew,
            World::release,
            World::bulk_delete,
            World::list_all,
        ];
        for operation in operations {
            if self.rng.percent(50) {
                operation(self, q);
            }
        }
    }
}
