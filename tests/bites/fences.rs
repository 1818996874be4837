//! Fences have sixteen digits, of which Lua's own formatting keeps fourteen.

use marconi_redis::keys::Part;
use marconi_redis::{Queue, Store};

use crate::common::Server;
use crate::raw::Raw;
use crate::stage::{START, Stage, claim};

/// The last `now` that scripts take; in µs it is just below 2^53.
const LAST: u64 = 9_007_199_254_740;

fn at(stage: &Stage, now: u64) -> Queue {
    let store = stage.store.at(now);
    store.queue(&stage.project, "orders").unwrap()
}

async fn fence(queue: &Queue) -> u64 {
    let claim = claim(queue, 1).await;
    let fence = claim.fence();
    // The same, read back from the record; and given back for the next.
    assert_eq!(claim.get().await.unwrap().fence(), fence);
    claim.release().await.unwrap();
    fence
}

#[tokio::test]
async fn a_fence_is_the_servers_time_in_microseconds_to_the_last_digit() {
    let stage = Stage::new().await;
    let store: &Store = &stage.store;
    let queue = store.queue(&stage.project, "orders").unwrap();
    queue.post("a").await.unwrap();
    let mut raw = Raw::new(Server::shared(), &queue).await;
    let mut odd = 0;
    for _ in 0..50 {
        let before = time(&mut raw).await;
        let fence = fence(&queue).await;
        assert!(before <= fence && fence <= time(&mut raw).await, "{fence}");
        odd += u32::from(fence % 1000 != 0);
    }
    assert!(odd > 0, "50 times the last three digits were zeros");
}

async fn time(raw: &mut Raw) -> u64 {
    let parts: Vec<u64> = raw.command(&["TIME"]).await;
    parts[0] * 1_000_000 + parts[1]
}

#[tokio::test]
async fn fences_grow_by_one_while_the_time_stands_still() {
    let stage = Stage::new().await;
    stage.post(&["a"]).await;
    for n in 0..200 {
        assert_eq!(fence(&stage.at(0)).await, START * 1000 + n);
    }
}

#[tokio::test]
async fn a_fence_just_below_2_to_the_53_keeps_every_digit() {
    let stage = Stage::new().await;
    let queue = at(&stage, LAST);
    queue.post("a").await.unwrap();
    for n in 0..50 {
        assert_eq!(fence(&queue).await, LAST * 1000 + n);
    }
    let mut raw = Raw::new(Server::shared(), &queue).await;
    let stored: String = raw.command(&["HGET", &raw.key(Part::Meta), "fence"]).await;
    assert_eq!(stored, "9007199254740049");
}

#[tokio::test]
async fn a_fence_above_the_clock_goes_on_by_one_over_purge_and_delete() {
    let stage = Stage::new().await;
    at(&stage, LAST).post("a").await.unwrap();
    let mut last = fence(&at(&stage, LAST)).await;
    assert_eq!(last, LAST * 1000);
    for round in 0..30 {
        let queue = stage.at(0);
        match round % 3 {
            0 => assert_eq!(queue.purge().await.unwrap(), 1),
            1 => assert!(queue.delete().await.unwrap()),
            _ => {
                assert!(queue.delete().await.unwrap());
                assert!(queue.create().await.unwrap());
            }
        }
        queue.post("b").await.unwrap();
        let next = fence(&queue).await;
        assert_eq!(next, last + 1);
        last = next;
    }
}

#[tokio::test]
async fn a_renewal_keeps_the_fence_to_the_last_digit() {
    let stage = Stage::new().await;
    let queue = at(&stage, LAST - 1);
    queue.post("a").await.unwrap();
    fence(&queue).await;
    let held = claim(&queue, 1).await;
    let lease = queue.renew(held.id(), held.ttl(), held.grace()).await;
    assert_eq!(lease.unwrap().fence, (LAST - 1) * 1000 + 1);
}
