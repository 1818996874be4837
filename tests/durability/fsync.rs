//! Receipts for a disk. Servers before Redis 7.2 have none, and refuse.

use std::time::Duration;

use marconi_redis::{Durability, Error, Outcome, Store};

use crate::common::{self, Server};
use crate::stage::{Pair, calls};

const ON_DISK: &[&str] = &["--appendonly", "yes", "--appendfsync", "everysec"];

fn has_waitaof() -> bool {
    common::version() >= (7, 2)
}

async fn on_disk(server: &Server, durability: Durability) -> Store {
    let store = Store::connect(&server.url()).await.unwrap();
    let patient = durability.within(Duration::from_secs(10));
    store
        .with_deadline(Duration::from_secs(20))
        .with_durability(patient)
        .unwrap()
}

/// Says so before anything is written.
fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.unwrap_err();
    assert_eq!(
        (error.word(), error.outcome()),
        ("BADARG", Outcome::NotDone)
    );
    let said = error.to_string();
    assert!(
        said.contains("durability") && said.contains("Redis 7.2"),
        "{said}"
    );
}

#[tokio::test]
async fn a_write_is_on_disk_once_it_is_acknowledged_or_the_server_is_said_to_be_unable() {
    let mut server = Server::start(ON_DISK);
    let plain = Store::connect(&server.url()).await.unwrap();
    plain
        .queue("shop", "orders")
        .unwrap()
        .create()
        .await
        .unwrap();
    let store = on_disk(&server, Durability::local_fsync()).await;
    let queue = store.queue("shop", "orders").unwrap();
    let post = queue.post("x").token("t").await;
    if !has_waitaof() {
        assert_refused(post);
        assert_refused(queue.claim().await);
        assert_eq!(queue.stats().await.unwrap().total, 0, "nothing was done");
        return;
    }
    let ids = post.unwrap();
    assert!(
        calls(&server, "waitaof").await >= 2,
        "one to ask whether it can, one for the post"
    );
    server.restart();
    let there = Store::connect(&server.url()).await.unwrap();
    assert_eq!(
        there
            .queue("shop", "orders")
            .unwrap()
            .get_many(ids)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_repeat_that_writes_nothing_waits_for_the_disk_too() {
    if !has_waitaof() {
        let server = Server::start(ON_DISK);
        let store = on_disk(&server, Durability::local_fsync()).await;
        assert_refused(
            store
                .queue("shop", "orders")
                .unwrap()
                .post("x")
                .token("t")
                .await,
        );
        return;
    }
    // It never syncs by itself, so whatever was written last is not on disk.
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "no"]);
    let store = Store::connect(&server.url()).await.unwrap();
    store
        .queue("shop", "orders")
        .unwrap()
        .post("x")
        .token("t")
        .await
        .unwrap();
    let short = Durability::local_fsync().within(Duration::from_millis(100));
    let queue = store
        .with_durability(short)
        .unwrap()
        .queue("shop", "orders")
        .unwrap();
    let error = queue.post("x").token("t").await.unwrap_err();
    assert_eq!(error.word(), "UNCONFIRMED", "{error}");
    assert!(error.to_string().contains("an fsync here"), "{error}");
}

#[tokio::test]
async fn a_server_that_keeps_nothing_on_disk_refuses_before_anything_is_done() {
    let server = Server::start(&[]);
    let store = on_disk(&server, Durability::local_fsync()).await;
    let queue = store.queue("shop", "orders").unwrap();
    let result = queue.post("x").await;
    if !has_waitaof() {
        assert_refused(result);
    } else {
        let error = result.unwrap_err();
        assert_eq!(
            (error.word(), error.outcome()),
            ("TRANSPORT", Outcome::NotDone)
        );
        assert!(error.to_string().contains("appendonly"), "{error}");
    }
    assert!(!queue.exists().await.unwrap());
}

#[tokio::test]
async fn a_replicas_disk_counts_and_one_without_does_not() {
    let pair = Pair::start_with(1, ON_DISK).await;
    let both = Durability::replica_fsyncs(1).and(Durability::local_fsync());
    let store = on_disk(&pair.primary, both).await;
    let queue = store.queue("shop", "orders").unwrap();
    if !has_waitaof() {
        assert_refused(queue.post("x").await);
        return;
    }
    queue.post("x").await.unwrap();
    let () = crate::stage::ask(&pair.replicas[0], &["CONFIG", "SET", "appendonly", "no"]).await;
    let short = both.within(Duration::from_millis(1_500));
    let queue = store
        .with_durability(short)
        .unwrap()
        .queue("shop", "orders")
        .unwrap();
    let error = queue.post("y").await.unwrap_err();
    assert_eq!(error.word(), "UNCONFIRMED");
    let said = error.to_string();
    assert!(
        said.contains("0 on replicas of an fsync here and by 1 replica"),
        "{said}"
    );
}

#[tokio::test]
async fn memory_of_two_replicas_and_a_disk_are_asked_for_one_after_the_other() {
    let pair = Pair::start_with(2, ON_DISK).await;
    let both = Durability::replicas(2).and(Durability::local_fsync());
    let store = on_disk(&pair.primary, both).await;
    let queue = store.queue("shop", "orders").unwrap();
    if !has_waitaof() {
        assert_refused(queue.post("x").await);
        return;
    }
    queue.post("x").await.unwrap();
    pair.replicas[1].pause();
    let short = both.within(Duration::from_millis(100));
    let queue = store
        .with_durability(short)
        .unwrap()
        .queue("shop", "orders")
        .unwrap();
    let error = queue.post("y").await.unwrap_err();
    assert!(error.to_string().contains("1 of 2 replicas"), "{error}");
    pair.replicas[1].resume();
}
