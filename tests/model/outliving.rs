//! What outlives a queue, and for how long.
//!
//! Guards what only time would show, a day or a month later: parts that stay where they should go, and the worse, parts
//! that go where they should stay. The server counts these days by its own clock, from the latest time that the queue knew.

use marconi_redis::keys::Part;
use redis::Value;

use crate::world::World;

const DAY: i64 = 86_400_000;
const MONTH: i64 = 30 * DAY;

/// For what passes in a test between a deletion and the look at it.
const SLACK: i64 = 600_000;

impl World {
    /// For how many ms a part has to live yet, if it is there; `i64::MAX` where it has no end.
    fn left(&mut self, q: usize, part: Part) -> Option<i64> {
        let key = self.queues[q].keys.key(part);
        match self.client.command(&["PTTL", &key]) {
            Value::Int(-2) => None,
            Value::Int(-1) => Some(i64::MAX),
            Value::Int(left) => Some(left),
            other => panic!("{other:?} of PTTL"),
        }
    }

    /// After a deletion.
    pub fn outlived(&mut self, q: usize) {
        let about = |least: i64| least - SLACK..i64::MAX;
        let floor = self.left(q, Part::Floor).expect("what outlives a queue");
        assert!(
            about(DAY).contains(&floor),
            "ids and fences are known for {floor} ms"
        );
        if let Some(marks) = self.left(q, Part::Taken) {
            assert!(
                about(MONTH).contains(&marks),
                "letters that came in are known for {marks} ms"
            );
        }
        self.outbox_outlives(q);
    }

    /// An outbox of a queue that is gone stays as long as it has letters, and a month then.
    pub fn outbox_outlives(&mut self, q: usize) {
        let left = self.left(q, Part::Outbox);
        let stays = left.is_none_or(|left| left == i64::MAX);
        if !self.queues[q].outbox.is_empty() {
            assert!(
                left.is_some() && stays,
                "letters in transit go in {left:?} ms"
            );
        } else if self.queues[q].exists {
            assert!(
                stays,
                "the outbox of a queue that is there goes in {left:?} ms"
            );
        } else if let Some(left) = left {
            assert!(
                (MONTH - SLACK..i64::MAX).contains(&left),
                "an empty outbox goes in {left} ms"
            );
        }
    }

    /// After it was made again.
    pub fn is_back(&mut self, q: usize) {
        assert_eq!(self.left(q, Part::Floor), None, "it has what outlived it");
        let marks = self.left(q, Part::Taken).unwrap_or(i64::MAX);
        assert_eq!(
            marks,
            i64::MAX,
            "letters that came in are forgotten under a queue"
        );
        self.outbox_outlives(q);
    }

    /// After letters were delivered and taken out of an outbox.
    pub fn settled(&mut self, q: usize) {
        let left = self.left(q, Part::Outbox);
        assert!(left.is_some(), "an outbox went, and its ids begin anew");
        self.outbox_outlives(q);
    }

    /// A queue is deleted and made again, and messages and claims are before it and after it in one ms.
    pub fn make_again(&mut self, q: usize) {
        self.post(q);
        self.claim(q);
        self.delete_queue(q);
        self.create_plainly(q);
        self.post(q);
        self.claim(q);
    }

    /// A purge, and posts before and after it in one ms.
    pub fn purge_between_posts(&mut self, q: usize) {
        self.post(q);
        self.purge(q);
        self.post(q);
    }
}
