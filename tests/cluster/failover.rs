//! A node that dies, and its replica in its place.

use std::time::Duration;

use marconi_redis::Store;

use crate::stage::{Cluster, PATIENCE, ask, until};

#[tokio::test]
async fn a_node_that_dies_fails_only_its_own_queues_until_its_replica_takes_over() {
    let mut cluster = Cluster::start(1).await;
    let store = cluster.store().await;
    let lost = cluster.queue_on(&store, 0).await;
    let other = cluster.queue_on(&store, 1).await;
    lost.post("before").await.unwrap();
    other.post("before").await.unwrap();
    let fence = lost.claim().await.unwrap().unwrap();
    let before = fence.fence();
    fence.release().await.unwrap();
    let replicas: u64 = ask(&cluster.primaries[0], &["WAIT", "1", "60000"]).await;
    assert_eq!(replicas, 1);

    // The others go on, whatever becomes of that one.
    cluster.serve_in_part().await;
    cluster.primaries[0].kill();
    other.post("meanwhile").await.unwrap();
    let (_, ()) = tokio::join!(
        async { lost.post("after").token("t").await.unwrap() },
        until(&cluster.replicas[0], "INFO replication", "role:master"),
    );
    let mut bodies = Vec::new();
    while let Some(claim) = lost.claim().limit(1).await.unwrap() {
        assert!(claim.fence() > before);
        bodies.push(claim.messages()[0].body::<String>().unwrap());
        claim.delete_all().await.unwrap();
    }
    assert_eq!(bodies, ["before", "after"]);
    assert_eq!(other.stats().await.unwrap().free, 2);
}

#[tokio::test]
async fn a_store_that_knows_several_nodes_starts_while_the_first_is_away() {
    let mut cluster = Cluster::start(1).await;
    let url = cluster.url_of_all();
    cluster.primaries[0].kill();
    until(&cluster.replicas[0], "INFO replication", "role:master").await;
    let store = Store::builder()
        .deadline(PATIENCE)
        .connect(&url)
        .await
        .unwrap();
    let project = cluster.primaries[1].port().to_string();
    let queue = store.queue(&project, "orders").unwrap();
    queue.post("a").await.unwrap();
    assert_eq!(queue.pop().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_store_starts_though_the_map_names_a_node_that_is_away() {
    let mut cluster = Cluster::start(0).await;
    cluster.serve_in_part().await;
    let url = cluster.url_of_all();
    // Whichever of them is asked first.
    let first = (0..3)
        .min_by_key(|at| cluster.primaries[*at].port())
        .unwrap();
    let queue = cluster
        .queue_on(&cluster.store().await, (first + 1) % 3)
        .await;
    cluster.primaries[first].kill();
    let store = Store::builder()
        .deadline(PATIENCE)
        .connect(&url)
        .await
        .unwrap();
    let queue = store.queue_at(queue.path().clone());
    assert!(!queue.exists().await.unwrap());
    assert!(
        !store
            .with_deadline(Duration::from_millis(300))
            .is_alive()
            .await
    );
}
