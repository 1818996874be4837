//! Writes that are confirmed by the replicas of their queue's own primary.

use std::time::Duration;

use marconi_redis::keys::Part;
use marconi_redis::{Durability, Metadata, Outcome, Queue};

use crate::stage::{Cluster, ask, until};

/// The same queue, whose writes a replica has to have within so many ms.
fn durable(queue: &Queue, ms: u64) -> Queue {
    let one = Durability::replicas(1).within(Duration::from_millis(ms));
    let store = queue.store().with_durability(one).unwrap();
    store.queue_at(queue.path().clone())
}

#[tokio::test]
async fn a_queue_is_confirmed_by_the_replicas_of_its_own_primary_and_of_no_other() {
    let mut cluster = Cluster::start(1).await;
    let store = cluster.store().await;
    let with = cluster.queue_on(&store, 0).await;
    let without = cluster.queue_on(&store, 1).await;
    with.create().await.unwrap();
    without.create().await.unwrap();
    let ids = durable(&with, 10_000).post("x").await.unwrap();
    let error = durable(&without, 50).post("x").await.unwrap_err();
    assert_eq!(error.word(), "UNCONFIRMED");
    assert!(error.to_string().contains("0 of 1 replica"), "{error}");

    // What repeats write nothing themselves: a store of its own, so that its connections have not either.
    cluster.replicas[0].pause();
    with.post("y").token("t").await.unwrap();
    let fresh = cluster.store().await.queue_at(with.path().clone());
    let error = durable(&fresh, 50).post("y").token("t").await.unwrap_err();
    assert_eq!(error.word(), "UNCONFIRMED");
    cluster.replicas[0].resume();
    let patient = durable(&cluster.store().await.queue_at(with.path().clone()), 10_000);
    patient.post("y").token("t").await.unwrap();

    cluster.serve_in_part().await;
    cluster.primaries[0].kill();
    until(&cluster.replicas[0], "INFO replication", "role:master").await;
    assert_eq!(with.get_many(ids).await.unwrap().len(), 1);
    assert_eq!(with.stats().await.unwrap().free, 2);
}

#[tokio::test]
async fn receipts_come_from_wherever_the_names_and_the_slot_of_a_queue_are_by_now() {
    let cluster = Cluster::start(3).await;
    let store = cluster.store().await;
    for primary in 0..3 {
        // New ones, whose names are in slots of their own.
        let queue = durable(&cluster.queue_on(&store, primary).await, 30_000);
        queue.post("x").await.unwrap();
        let project = queue.path().project().as_str();
        let page = queue.store().queues(project).unwrap();
        assert_eq!(page.await.unwrap().queues.len(), 1);
    }

    let queue = cluster.queue_on(&store, 0).await;
    let mine = durable(&queue, 30_000);
    mine.create().await.unwrap();
    let slot = cluster.slot_of(&queue).await;
    cluster.begin_to_move(slot, 0, 1).await;
    cluster.carry_keys(slot, 0, 1).await;
    // By ASK, which the mark has to follow.
    let metadata = Metadata::new().with_max_claim_count(5);
    mine.set_metadata(&metadata).await.unwrap();
    cluster.end_moving(slot, 0, 1).await;
    // By MOVED.
    mine.post("x").await.unwrap();
    assert_eq!(mine.metadata().await.unwrap(), metadata);
    cluster.replicas[1].pause();
    let error = durable(&queue, 50).post("late").await.unwrap_err();
    let found = (error.word(), error.outcome());
    assert_eq!(found, ("UNCONFIRMED", Outcome::Unknown));
    cluster.replicas[1].resume();
    let log = queue.keys().key(Part::Log);
    let there: u64 = ask(&cluster.primaries[1], &["XLEN", &log]).await;
    assert_eq!(there, 2);
}
