//! Pop, and what it shares with claim: which messages are taken.
//!
//! Guards the order: the oldest that are claimable, none left out, each as it is.

use redis::Value;

use crate::args;
use crate::envelope::check_envelope;
use crate::queue::Receipt;
use crate::reply::{self, Id, Outcome, Taken};
use crate::rules::refused;
use crate::world::World;

impl World {
    pub fn pop(&mut self, q: usize) {
        let limit = self.pick_limit();
        let (token, _) = self.pick_token(q);
        let force = self.rng.percent(if self.queues[q].has_overdue(self.now) {
            40
        } else {
            3
        });
        if force {
            self.finish_sweep(q);
        }
        let wait = self.pick_wait();
        let waits = wait.map(|wait| wait.to_string()).unwrap_or_default();
        let args = args![self.now, limit, token, if force { "1" } else { "" }, waits];
        let queue = &self.queues[q];
        let known = queue.tokens.get(&token).filter(|_| queue.exists).cloned();
        let lenient = force && queue.has_overdue(self.now);
        let outcome = if lenient {
            self.call(q, "pop", args)
        } else {
            self.call_through(q, "pop", args, "")
        };
        if let Some((at, receipt)) = known {
            let before = match receipt {
                Receipt::Pop { reply } => Ok(reply),
                Receipt::Post { .. } => refused("TOKENREUSED", &token),
            };
            let known = self.knows_token(at)
                || match (&before, &outcome) {
                    (Ok(first), Ok(reply)) => first == reply,
                    (Err(_), Err(refusal)) => refusal.word == "TOKENREUSED",
                    _ => false,
                };
            if known {
                if let Some((reply, first)) = self.agree(outcome, before) {
                    assert_eq!(reply, first, "the reply of a repeated pop");
                }
                return;
            }
        }
        if lenient && self.is_put_off(q, &outcome, false) {
            return;
        }
        let reply = outcome.unwrap_or_else(|refusal| panic!("a pop is refused: {refusal:?}"));
        let reply = self.empty_handed(q, reply, wait);
        let popped = self.check_taken(q, &reply, 1, limit, lenient, 0);
        let now = self.now;
        let queue = self.queue(q);
        for message in &popped {
            queue.remove(message.id);
            queue.ledger.popped += 1;
        }
        if !token.is_empty() && !popped.is_empty() {
            queue.tokens.insert(token, (now, Receipt::Pop { reply }));
        }
        if lenient {
            self.check(q);
            // What was passed over may be gone already, for good.
            self.queue(q).half_swept = true;
            self.finish_sweep(q);
        }
    }

    /// Whether claim or pop said MORE though it was to take what is at hand. It may where nothing is.
    pub fn is_put_off(&self, q: usize, outcome: &Outcome, may_be: bool) -> bool {
        let more = outcome
            .as_ref()
            .is_err_and(|refusal| refusal.word == "MORE");
        let log = &self.queues[q].log;
        let unheld = || log.values().filter(|message| message.holder.is_none());
        let at_hand = unheld().any(|message| message.delayed == 0);
        let clear = log.len() <= 250 && unheld().all(|message| message.expires > self.now);
        assert!(
            !more || may_be || !at_hand || !clear,
            "MORE, though something is at hand"
        );
        more
    }

    /// What claim or pop gave: the oldest that are claimable, as many as were asked for. Under force
    /// some of them.
    pub fn check_taken(
        &self,
        q: usize,
        reply: &Value,
        head: usize,
        limit: usize,
        lenient: bool,
        counts: u64,
    ) -> Vec<Taken> {
        let values = reply::list(reply);
        let queue = &self.queues[q];
        let claimable = queue.claimable(self.now);
        let taken = if values.is_empty() {
            Vec::new()
        } else {
            reply::taken(&values[head..])
        };
        let ids: Vec<Id> = taken.iter().map(|message| message.id).collect();
        if lenient {
            assert!(
                ids.len() <= limit && ids.is_sorted_by(|a, b| a < b),
                "{ids:?} for {limit}"
            );
            for id in &ids {
                assert!(claimable.contains(id), "{id} is not claimable");
            }
        } else {
            assert!(ids.len() <= limit, "{} for {limit}", ids.len());
            self.check_page(q, &ids, &claimable, limit);
        }
        if !values.is_empty() {
            assert!(!taken.is_empty(), "a reply without a message");
            assert_eq!(reply::int(&values[0]), self.now, "now");
        }
        for message in &taken {
            let known = &queue.log[&message.id];
            check_envelope(&message.envelope, known);
            assert_eq!(
                message.claims,
                queue.claims_of(known) + counts,
                "claims of {}",
                message.id
            );
            if head == 1 {
                assert_eq!(
                    message.ttl,
                    known.expires - known.id.ms,
                    "ttl of {}",
                    message.id
                );
            }
        }
        taken
    }

    /// Whether these are the first that are to be had, and as many as a page has: up to the limit, and
    /// 4 MiB of bodies, to which their envelopes may be counted; one always fits.
    pub fn check_page(&self, q: usize, page: &[Id], from: &[Id], limit: usize) {
        let shared = page.len().min(from.len());
        assert_eq!(page, &from[..shared], "the first of these, in order");
        let size = |ids: &[Id]| {
            ids.iter()
                .map(|id| self.queues[q].log[id].body.len())
                .sum::<usize>()
        };
        assert!(page.len() <= 1 || size(page) <= 4 << 20, "more than 4 MiB");
        if page.len() < from.len().min(limit) {
            let one_more = size(&from[..page.len() + 1]) + (page.len() + 1) * 300;
            assert!(
                !page.is_empty() && one_more > 4 << 20,
                "short of {:?}",
                &from[page.len()..]
            );
        }
    }
}
