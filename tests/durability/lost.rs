//! A write whose answer or receipt is lost on the way: unknown, and never sent again by the library.

use std::time::Duration;

use marconi_redis::{Durability, Error, Outcome, Queue, Store};
use tokio::time::timeout;

use crate::proxy::Proxy;
use crate::stage::{Pair, calls};

/// A queue by way of the proxy, with a post that went well.
async fn behind(proxy: &Proxy) -> Queue {
    let patient = Durability::replicas(1).within(Duration::from_secs(30));
    let store = Store::builder()
        .deadline(Duration::from_secs(30))
        .open(&proxy.url())
        .unwrap();
    let store = store.with_durability(patient).unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    queue.post("first").await.unwrap();
    queue
}

#[tokio::test]
async fn a_cut_between_the_write_and_its_receipt_is_unknown_and_the_write_is_done_once() {
    let pair = Pair::start(1).await;
    let proxy = Proxy::before(pair.primary.port()).await;
    let queue = behind(&proxy).await;
    let (posts, waits) = (
        calls(&pair.primary, "evalsha").await,
        calls(&pair.primary, "wait").await,
    );
    pair.replicas[0].pause();
    let post = queue.post("x").token("t");
    let (post, ()) = tokio::join!(async { post.await }, async {
        // The write is answered and its receipt under way: a client waits.
        crate::stage::until(&pair.primary, "clients", "blocked_clients:1").await;
        proxy.close();
    });
    let error = post.unwrap_err();
    assert!(matches!(error, Error::Unconfirmed { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(calls(&pair.primary, "evalsha").await, posts + 1);
    // One that was cut off is not counted as a call.
    assert!(calls(&pair.primary, "wait").await <= waits + 1);

    // The caller's own repeat, once the replica is there again.
    pair.replicas[0].resume();
    let queue = pair.durable(10_000).await.queue("shop", "orders").unwrap();
    queue.post("x").token("t").await.unwrap();
    assert_eq!(queue.stats().await.unwrap().free, 2);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_not_asked_for_again_though_a_repeat_would_do_no_harm() {
    let pair = Pair::start(1).await;
    let proxy = Proxy::before(pair.primary.port()).await;
    let queue = behind(&proxy).await;
    let posts = calls(&pair.primary, "evalsha").await;
    proxy.drop_after_next_reply();
    let error = queue.post("x").token("t").await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(calls(&pair.primary, "evalsha").await, posts + 1);

    // A new connection is made for the next one.
    queue.post("x").token("t").await.unwrap();
    assert_eq!(queue.stats().await.unwrap().free, 2);

    let claim = queue.claim().limit(1).await.unwrap().unwrap();
    let before = calls(&pair.primary, "evalsha").await;
    proxy.drop_after_next_reply();
    let nack = claim.nack([claim.messages()[0].id()]).await.unwrap_err();
    assert_eq!(nack.outcome(), Outcome::Unknown);
    assert_eq!(calls(&pair.primary, "evalsha").await, before + 1);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_unknown_at_the_deadline() {
    let pair = Pair::start(1).await;
    let proxy = Proxy::before(pair.primary.port()).await;
    let queue = behind(&proxy).await;
    let short = queue.store().with_deadline(Duration::from_millis(100));
    let queue = short.queue("shop", "orders").unwrap();
    proxy.silence();
    let error = queue.post("x").await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    // The silent connection is not used again.
    queue.post("y").await.unwrap();
}

#[tokio::test]
async fn the_deadline_rules_where_it_is_shorter_than_the_time_for_the_receipt() {
    let pair = Pair::start(1).await;
    let queue = pair.durable(60_000).await.queue("shop", "orders").unwrap();
    queue.post("first").await.unwrap();
    pair.replicas[0].pause();
    let short = queue.store().with_deadline(Duration::from_millis(100));
    let queue = short.queue("shop", "orders").unwrap();
    let post = timeout(Duration::from_secs(10), async { queue.post("x").await });
    let error = post.await.expect("an answer by the deadline").unwrap_err();
    assert!(matches!(error, Error::Unconfirmed { .. }), "{error:?}");
    pair.replicas[0].resume();
}

#[tokio::test]
async fn a_dropped_write_leaves_its_connection_to_nobody() {
    let pair = Pair::start(1).await;
    let queue = pair.durable(60_000).await.queue("shop", "orders").unwrap();
    queue.post("first").await.unwrap();
    pair.replicas[0].pause();
    let dropped = timeout(Duration::from_millis(50), async { queue.post("x").await });
    assert!(dropped.await.is_err(), "it waits for its receipt");
    pair.replicas[0].resume();
    // On the old one this would be answered with the other's receipt.
    queue.post("y").await.unwrap();
    assert_eq!(queue.stats().await.unwrap().free, 3);
}

#[tokio::test]
async fn a_server_that_was_restarted_is_found_again() {
    let mut pair = Pair::start(1).await;
    let queue = pair.durable(10_000).await.queue("shop", "orders").unwrap();
    queue.post("first").await.unwrap();
    pair.primary.restart();
    crate::stage::until(&pair.replicas[0], "replication", "master_link_status:up").await;
    assert_eq!(pair.wait_for_all().await, 1);
    // An instant before the connection is known to be broken an answer may be lost, and is unknown then.
    while let Err(error) = queue.post("x").token("t").await {
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    }
    assert_eq!(queue.stats().await.unwrap().free, 1);
}
