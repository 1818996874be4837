//! Clients at work on a queue while it is checked or repaired.
//!
//! Guards the ledger: what a client was told to be deleted is gone, and nothing else is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use marconi_redis::{Claim, Queue, Result, Store};
use tokio::task::JoinSet;

use super::furnish::{LONG, TTL, post};
use super::ledger::Ledger;
use crate::rng::Rng;

pub const CLIENTS: u64 = 4;

#[derive(Clone, Copy, PartialEq)]
pub enum Mood {
    /// Everything, and all of it has to go well.
    Busy,
    /// On a damaged queue: nothing that deletes, and refusals are to be expected.
    Harmless,
}

pub type Counts = BTreeMap<&'static str, u64>;

pub struct Traffic {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Counts>,
}

pub fn start(store: &Store, queue: &Queue, ledger: &Ledger, seed: u64, mood: Mood) -> Traffic {
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for who in 0..CLIENTS {
        let client = Client {
            queue: store.queue_at(queue.path().clone()),
            ledger: ledger.clone(),
            rng: Rng::of_stream(seed, 100 + who),
            counts: Counts::new(),
            mood,
        };
        clients.spawn(client.work(stop.clone()));
    }
    Traffic { stop, clients }
}

impl Traffic {
    /// Answers how often what was done.
    pub async fn stop(self) -> Counts {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Counts::new();
        for counts in self.clients.join_all().await {
            for (what, count) in counts {
                *all.entry(what).or_default() += count;
            }
        }
        all
    }
}

struct Client {
    queue: Queue,
    ledger: Ledger,
    rng: Rng,
    counts: Counts,
    mood: Mood,
}

impl Client {
    async fn work(mut self, stop: Arc<AtomicBool>) -> Counts {
        while !stop.load(Ordering::Relaxed) {
            match self.step().await {
                Ok(what) => *self.counts.entry(what).or_default() += 1,
                Err(error) => assert!(self.mood == Mood::Harmless, "{error}"),
            }
        }
        self.counts
    }

    async fn step(&mut self) -> Result<&'static str> {
        let harmless = self.mood == Mood::Harmless;
        if !harmless && self.rng.percent(20) {
            let many = self.rng.between(1, 30);
            post(&self.queue, &self.ledger, many, &mut self.rng).await;
            return Ok("post");
        }
        if !harmless && self.rng.percent(10) {
            let popped = self.queue.pop().limit(self.rng.below(5) + 1).await?;
            self.ledger.is_gone(&popped);
            return Ok("pop");
        }
        let lapses = self.rng.percent(20);
        let ttl = if lapses {
            Duration::from_millis(5)
        } else {
            LONG
        };
        let limit = self.rng.below(20) + 1;
        let claim = self.queue.claim().ttl(ttl).grace(TTL).limit(limit).await?;
        match claim {
            Some(_) if lapses => Ok("claim that lapses"),
            Some(claim) => self.end(claim).await,
            None => Ok("claim of nothing"),
        }
    }

    async fn end(&mut self, mut claim: Claim) -> Result<&'static str> {
        let first = claim.messages()[0].id();
        let end = if self.mood == Mood::Harmless {
            0
        } else {
            self.rng.below(5)
        };
        Ok(match end {
            0 | 1 => {
                claim.release().await?;
                "release"
            }
            2 => {
                claim.nack([first]).delay(LONG / 3).await?;
                claim.renew(LONG, TTL).await.or_else(gone)?;
                claim.release().await?;
                "nack with a delay, renew and release"
            }
            3 => {
                claim.delete(first).await?;
                self.ledger.is_gone(&claim.messages()[..1]);
                claim.release().await?;
                "delete of one"
            }
            _ => {
                claim.delete_all().await?;
                self.ledger.is_gone(claim.messages());
                "delete of all"
            }
        })
    }
}

/// With its last message a claim ends.
fn gone(error: marconi_redis::Error) -> Result<()> {
    match error.word() {
        "CLAIMGONE" => Ok(()),
        _ => Err(error),
    }
}
