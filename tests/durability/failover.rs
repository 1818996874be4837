//! A replica takes the primary's place: what was acknowledged is there.

use marconi_redis::{Outcome, Store};

use crate::stage::Pair;

#[tokio::test]
async fn a_failover_can_lose_what_was_unknown_and_never_what_was_acknowledged() {
    let mut pair = Pair::start(1).await;
    let queue = pair.durable(50).await.queue("shop", "orders").unwrap();
    let mut acknowledged = Vec::new();
    for number in 0..20 {
        acknowledged.extend(queue.post(&number).await.unwrap());
    }
    let claim = queue.claim().limit(5).await.unwrap().unwrap();
    queue
        .delete_many([acknowledged[0]])
        .claim(claim.id())
        .await
        .unwrap();

    pair.cut_off(0).await;
    for number in 20..25 {
        let error = queue.post(&number).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    assert_eq!(queue.stats().await.unwrap().total, 24);

    pair.fail_over_to(0).await;
    let store = Store::connect(&pair.replicas[0].tcp_url()).await.unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    let there = queue
        .get_many(acknowledged[1..].iter().copied())
        .await
        .unwrap();
    assert_eq!(there.len(), 19, "what was acknowledged");
    assert_eq!(
        queue.stats().await.unwrap().total,
        19,
        "the others are lost"
    );
    let held = queue.get_claim(claim.id()).await.unwrap();
    assert_eq!((held.fence(), held.messages().len()), (claim.fence(), 4));
}

/// Its connection is to a server that is no primary any more: nothing was done there.
#[tokio::test]
async fn a_primary_that_became_a_replica_refuses_and_is_left() {
    let pair = Pair::start(1).await;
    let queue = pair.durable(1_000).await.queue("shop", "orders").unwrap();
    queue.post("first").await.unwrap();
    let port = pair.replicas[0].port().to_string();
    let () = crate::stage::ask(&pair.replicas[0], &["REPLICAOF", "NO", "ONE"]).await;
    let () = crate::stage::ask(&pair.primary, &["REPLICAOF", "127.0.0.1", &port]).await;
    let short = queue
        .store()
        .with_deadline(std::time::Duration::from_millis(200));
    let post = short.queue("shop", "orders").unwrap().post("x").await;
    let error = post.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
}
