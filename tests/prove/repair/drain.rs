//! The end: claims and delays have run out, and everything is delivered.
//!
//! Guards every message: each one that was posted and not deleted comes, and comes once.

use std::time::{Duration, SystemTime};

use marconi_redis::{Queue, Store};

use super::Findings;
use super::furnish::{LONG, TTL};
use super::ledger::{Ledger, number_of};

fn later(store: &Store, queue: &Queue, after: Duration) -> Queue {
    let then = SystemTime::now() + after;
    let then = then
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    store
        .at(then.as_millis() as u64)
        .queue_at(queue.path().clone())
}

pub async fn drain(store: &Store, queue: &Queue, ledger: &Ledger, findings: &mut Findings) {
    let posted = ledger.posted() as usize;
    let mut came = vec![0_u8; posted];
    // After delays and the usual claims, and before anything expires; then after the claims that extended what they hold.
    for after in [2 * LONG, TTL + 2 * LONG] {
        let queue = later(store, queue, after);
        while let Some(claim) = queue.claim().limit(250).await.expect("a claim") {
            for message in claim.messages() {
                let times = &mut came[number_of(message) as usize];
                *times = times.saturating_add(1);
            }
            claim.delete_all().await.expect("deleted");
        }
    }
    let queue = later(store, queue, TTL + 2 * LONG);
    let gone = ledger.gone();
    let mut drained = 0;
    for (number, times) in came.iter().enumerate() {
        let wanted = u8::from(!gone.contains(&(number as u64)));
        drained += usize::from(*times);
        if *times != wanted {
            findings.violated(format!("{number} came {times} times, and not {wanted}"));
        }
    }
    let stats = queue.stats().await.expect("stats");
    if stats.total + stats.claimed > 0 {
        findings.violated(format!("drained, and yet {stats:?}"));
    }
    for violation in queue.check().await.expect("a check") {
        findings.violated(format!("after all: {violation:?}"));
    }
    if posted > 10_000 {
        findings.detail("posted", posted);
        findings.detail(
            "deleted or popped by clients, or taken out by hand",
            gone.len(),
        );
        findings.detail("delivered at the end, each once", drained);
    }
}
