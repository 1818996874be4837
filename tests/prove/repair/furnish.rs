//! A queue with messages in every state.
//!
//! Guards that damage has something to damage: claims of one and of 250, what came back, what is late.

use std::time::Duration;

use marconi_redis::{Claim, NewMessage, Queue};

use super::ledger::Ledger;
use crate::rng::Rng;

/// Of claims and delays: long enough for the whole proof. Ttls are longer.
pub const LONG: Duration = Duration::from_secs(1_800);
pub const TTL: Duration = Duration::from_secs(4 * 3_600);

pub async fn furnish(queue: &Queue, ledger: &Ledger, many: u32, rng: &mut Rng) {
    queue.create().await.expect("a queue");
    let mut left = u64::from(many);
    while left > 0 {
        let batch = left.min(250);
        post(queue, ledger, batch, rng).await;
        left -= batch;
    }
    let scale = (many / 1_000).min(500) as usize;
    for n in 0..4 * scale.min(300) + 16 {
        let claim = claim(queue, if n % 4 == 0 { 125 } else { 4 }, n % 3 == 0).await;
        match n % 4 {
            1 => _ = claim.release().await.expect("a release"),
            2 => {
                let some = claim.messages().iter().map(|message| message.id()).take(3);
                claim.nack(some).delay(LONG / 2).await.expect("a nack");
            }
            _ => {}
        }
    }
    for _ in 0..scale / 10 {
        claim(queue, 250, false).await;
    }
    bring_back(queue).await;
}

/// Claims take first what came back; something of it is to be left.
pub async fn bring_back(queue: &Queue) {
    let claim = claim(queue, 100, false).await;
    claim.release().await.expect("a release");
}

pub async fn post(queue: &Queue, ledger: &Ledger, many: u64, rng: &mut Rng) {
    let message = |number: u64| {
        let message = NewMessage::new(&number).expect("a number");
        match rng.below(20) {
            0 => message.ttl(TTL),
            1 => message.delay(LONG),
            _ => message,
        }
    };
    let messages: Vec<_> = ledger.numbers(many).map(message).collect();
    queue.post_many(messages).await.expect("a post");
}

/// With much grace a claim extends nothing here; with a ttl beyond theirs it extends the shorter-lived.
async fn claim(queue: &Queue, limit: usize, extends: bool) -> Claim {
    let ttl = if extends { TTL + LONG } else { LONG };
    let claim = queue.claim().ttl(ttl).grace(TTL).limit(limit);
    claim.await.expect("a claim").expect("something to claim")
}
