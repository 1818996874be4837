//! Repeats: they write nothing, and are confirmed all the same.

use std::time::Duration;

use marconi_redis::{ClaimId, Durability};

use crate::common::Server;
use crate::stage::{Pair, ask};

/// On a connection that wrote nothing WAIT answers at once, from Redis 7.2 on: so does the repeat of a post,
/// which finds its token known.
#[tokio::test]
async fn a_repeat_that_writes_nothing_is_not_taken_for_confirmed_while_the_replica_is_away() {
    let pair = Pair::start(1).await;
    let plain = pair.store().await.queue("shop", "orders").unwrap();
    plain.create().await.unwrap();
    let id = ClaimId::random();
    plain
        .post_many((0..3).map(|n| marconi_redis::NewMessage::new(&n).unwrap()))
        .await
        .unwrap();
    pair.wait_for_all().await;
    pair.replicas[0].pause();
    // Done on the primary, and nowhere else.
    let first = plain.post("x").token("t").await.unwrap();
    let claim = plain.claim().id(id).limit(1).await.unwrap().unwrap();
    let popped = plain.pop().token("p").await.unwrap();

    for _ in 0..2 {
        // Each time a store, and so a connection, that has written nothing.
        let queue = pair.durable(50).await.queue("shop", "orders").unwrap();
        let post = queue.post("x").token("t").await.unwrap_err();
        assert_eq!(post.word(), "UNCONFIRMED");
        let queue = pair.durable(50).await.queue("shop", "orders").unwrap();
        let claimed = queue.claim().id(id).limit(1).await.unwrap_err();
        assert_eq!(claimed.word(), "UNCONFIRMED");
        let queue = pair.durable(50).await.queue("shop", "orders").unwrap();
        let popped = queue.pop().token("p").await.unwrap_err();
        assert_eq!(popped.word(), "UNCONFIRMED");
    }

    pair.replicas[0].resume();
    let queue = pair.durable(10_000).await.queue("shop", "orders").unwrap();
    assert_eq!(queue.post("x").token("t").await.unwrap(), first);
    let again = queue.claim().id(id).limit(1).await.unwrap().unwrap();
    assert_eq!(again.fence(), claim.fence());
    assert_eq!(
        queue.pop().token("p").await.unwrap()[0].id(),
        popped[0].id()
    );
    // Three and one, less what was popped: nothing twice.
    assert_eq!(queue.stats().await.unwrap().total, 3);
}

#[tokio::test]
async fn what_was_unknown_is_acknowledged_once_the_replica_is_back_and_is_there_once() {
    let pair = Pair::start(1).await;
    let queue = pair.durable(50).await.queue("shop", "orders").unwrap();
    queue.post("first").await.unwrap();
    pair.replicas[0].pause();
    let error = queue.post("x").token("t").await.unwrap_err();
    assert_eq!(error.word(), "UNCONFIRMED");
    assert_eq!(error.queue(), Some(queue.path()));
    pair.replicas[0].resume();
    let patient = Durability::replicas(1).within(Duration::from_secs(10));
    let store = queue.store().with_durability(patient).unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    let ids = queue.post("x").token("t").await.unwrap();
    assert_eq!(queue.stats().await.unwrap().free, 2);
    let log = queue.keys().key(marconi_redis::keys::Part::Log);
    let there: u64 = ask(&pair.replicas[0], &["XLEN", &log]).await;
    assert_eq!((there, ids.len()), (2, 1));
}

/// The mark leaves nothing: not in the database, and not on a replica.
#[tokio::test]
async fn what_is_written_for_a_receipt_leaves_no_key() {
    let pair = Pair::start(1).await;
    let queue = pair.durable(10_000).await.queue("shop", "orders").unwrap();
    queue.post("x").token("t").await.unwrap();
    let names = |server: Server| async move {
        let mut keys: Vec<String> = ask(&server, &["KEYS", "*"]).await;
        keys.sort();
        keys
    };
    let Pair {
        primary,
        mut replicas,
    } = pair;
    let here = names(primary).await;
    assert_eq!(here, names(replicas.remove(0)).await);
    let parts: Vec<_> = here
        .iter()
        .map(|key| key.rsplit(':').next().unwrap())
        .collect();
    assert_eq!(parts, ["projects", "log", "meta", "tokens", "queues"]);
}
