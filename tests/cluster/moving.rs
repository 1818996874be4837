//! Slots that move from node to node under a store that uses them.

use marconi_redis::Store;
use redis::aio::MultiplexedConnection;

use crate::stage::{Cluster, PATIENCE, ask, errors, try_ask};

#[tokio::test]
async fn a_queue_is_found_where_its_slot_has_moved_to() {
    let cluster = Cluster::start(0).await;
    let store = cluster.store().await;
    let queue = cluster.queue_on(&store, 0).await;
    let slot = cluster.slot_of(&queue).await;
    let mut fence = 0;
    // There and back again, twice: no map stays right.
    for (n, (from, to)) in [(0, 1), (1, 2), (2, 0), (0, 1)].into_iter().enumerate() {
        queue.post(&n).await.unwrap();
        cluster.move_slot(slot, from, to).await;
        let claim = queue.claim().await.unwrap().unwrap();
        assert!(claim.fence() > fence);
        fence = claim.fence();
        assert_eq!(claim.messages()[0].body::<usize>().unwrap(), n);
        claim.delete_all().await.unwrap();
        // Where the owner died in between, who asks after it asks the new one.
        assert_eq!(
            errors(&cluster.primaries[from]).await.get("MOVED"),
            Some(&1)
        );
        let () = ask(&cluster.primaries[from], &["CONFIG", "RESETSTAT"]).await;
    }
}

#[tokio::test]
async fn a_name_that_has_moved_ahead_of_its_slot_is_asked_for_there() {
    let cluster = Cluster::start(0).await;
    let store = cluster.store().await;
    let queue = cluster.queue_on(&store, 0).await;
    let slot = cluster.slot_of(&queue).await;
    queue.create().await.unwrap();
    cluster.begin_to_move(slot, 0, 1).await;
    cluster.carry_keys(slot, 0, 1).await;
    // One key, which is gone here: the owner says to ask there.
    assert!(queue.exists().await.unwrap());
    assert_eq!(errors(&cluster.primaries[0]).await.get("ASK"), Some(&1));
    cluster.end_moving(slot, 0, 1).await;
    assert!(queue.exists().await.unwrap());
}

#[tokio::test]
async fn a_call_on_a_queue_that_is_half_moved_waits_until_it_is_whole() {
    let cluster = Cluster::start(0).await;
    let store = cluster.store().await;
    let queue = cluster.queue_on(&store, 0).await;
    let slot = cluster.slot_of(&queue).await;
    queue.post("a").await.unwrap();
    cluster.begin_to_move(slot, 0, 1).await;
    let claim = queue.claim();
    let waiting = tokio::spawn(async move { claim.await });
    let mut behind = cluster.primaries[0].connection().await;
    until_told_to_try_again(&mut behind).await;
    cluster.carry_keys(slot, 0, 1).await;
    cluster.end_moving(slot, 0, 1).await;
    let claim = waiting.await.unwrap().unwrap().unwrap();
    assert_eq!(claim.messages()[0].body::<String>().unwrap(), "a");
    claim.delete_all().await.unwrap();
    assert_eq!(queue.stats().await.unwrap().total, 0);
}

/// Until the node has refused somebody because some of the keys are elsewhere.
async fn until_told_to_try_again(behind: &mut MultiplexedConnection) {
    let told = async {
        loop {
            let stats: String = try_ask(behind, &["INFO", "commandstats"]).await.unwrap();
            let of_scripts = stats
                .lines()
                .find(|line| line.starts_with("cmdstat_evalsha:"));
            if of_scripts.is_some_and(|line| !line.contains("rejected_calls=0")) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told)
        .await
        .expect("a refusal");
}

#[tokio::test]
async fn a_call_on_a_slot_that_nobody_serves_is_not_done() {
    let cluster = Cluster::start(0).await;
    let builder = Store::builder().deadline(std::time::Duration::from_millis(300));
    let store = builder.connect(&cluster.url()).await.unwrap();
    let queue = cluster.queue_on(&store, 1).await;
    let slot = cluster.slot_of(&queue).await.to_string();
    cluster.serve_in_part().await;
    for server in &cluster.primaries {
        let () = ask(server, &["CLUSTER", "DELSLOTS", &slot]).await;
    }
    let error = queue.post("a").await.unwrap_err();
    assert_eq!(error.outcome(), marconi_redis::Outcome::NotDone);
    assert!(error.to_string().contains(&slot), "{error}");
}
