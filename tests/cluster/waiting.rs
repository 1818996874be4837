//! Waiters of a cluster are told by the node that serves their queue.

use std::time::Duration;

use marconi_redis::keys::Part;
use marconi_redis::{Claim, Queue, Store};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::common;
use crate::stage::{Cluster, PATIENCE, ask, try_ask, until, until_heard};

fn waiter(queue: &Queue) -> JoinHandle<Option<Claim>> {
    let claim = queue.claim().limit(1).wait(PATIENCE);
    tokio::spawn(async move { claim.await.unwrap() })
}

async fn body(waiter: JoinHandle<Option<Claim>>) -> String {
    let claim = timeout(PATIENCE * 2, waiter)
        .await
        .expect("an end of the waiting")
        .unwrap();
    claim.expect("a message").messages()[0].body().unwrap()
}

#[tokio::test]
async fn waiters_of_queues_on_all_nodes_are_told_over_one_line_a_node() {
    let cluster = Cluster::start(0).await;
    let (store, poster) = (cluster.store().await, cluster.store().await);
    let mut waiters = Vec::new();
    for primary in [0, 1, 2, 0, 1, 2] {
        let queue = cluster.queue_on(&store, primary).await;
        queue.create().await.unwrap();
        let waiting = waiter(&queue);
        until_heard(&cluster.primaries[primary], &queue, 1).await;
        waiters.push((queue, waiting));
    }
    for server in &cluster.primaries {
        let clients: String = ask(server, &["CLIENT", "LIST", "TYPE", "PUBSUB"]).await;
        assert_eq!(clients.lines().count(), 1, "{clients}");
    }
    for (queue, waiting) in waiters {
        let tag = queue.path().tag();
        poster
            .queue_at(queue.path().clone())
            .post(&tag)
            .await
            .unwrap();
        assert_eq!(body(waiting).await, tag);
    }
}

#[tokio::test]
async fn a_waiter_is_told_by_the_node_that_its_slot_has_moved_to() {
    let cluster = Cluster::start(0).await;
    let store = cluster.store().await;
    let queue = cluster.queue_on(&store, 0).await;
    let slot = cluster.slot_of(&queue).await;
    queue.create().await.unwrap();
    let waiting = waiter(&queue);
    until_heard(&cluster.primaries[0], &queue, 1).await;
    cluster.move_slot(slot, 0, 1).await;
    if common::version() >= (7, 0) {
        // Before, whatever is published anywhere is told everywhere.
        until_heard(&cluster.primaries[1], &queue, 1).await;
    }
    let poster = cluster.store().await.queue_at(queue.path().clone());
    poster.post("a").await.unwrap();
    assert_eq!(body(waiting).await, "a");
}

#[tokio::test]
async fn a_waiter_whom_the_server_refused_is_told_once_it_allows_it() {
    let cluster = Cluster::start(0).await;
    let set = async |rule: &str| {
        for server in &cluster.primaries {
            let user = [
                "ACL", "SETUSER", "shop", "on", ">secret", "~*", "+@all", rule,
            ];
            let () = ask(server, &user).await;
        }
    };
    set("resetchannels").await;
    let url = cluster.url().replace("://", "://shop:secret@");
    // Longer than the test takes: that nobody has waited there for a while clears nothing up.
    let builder = Store::builder().deadline(PATIENCE).keep_alive(PATIENCE);
    let store = builder.connect(&url).await.unwrap();
    let queue = cluster.queue_on(&store, 1).await;
    queue.create().await.unwrap();
    let refused = queue.claim().wait(PATIENCE).await.unwrap_err();
    assert!(refused.to_string().contains("NOPERM"), "{refused}");
    set("allchannels").await;
    let waiting = waiter(&queue);
    until_heard(&cluster.primaries[1], &queue, 1).await;
    queue.post("a").await.unwrap();
    assert_eq!(body(waiting).await, "a");
}

#[tokio::test]
async fn a_waiter_is_told_by_the_replica_that_took_over() {
    let mut cluster = Cluster::start(1).await;
    let store = cluster.store().await;
    let queue = cluster.queue_on(&store, 0).await;
    queue.create().await.unwrap();
    let waiting = waiter(&queue);
    until_heard(&cluster.primaries[0], &queue, 1).await;
    let replicas: u64 = ask(&cluster.primaries[0], &["WAIT", "1", "60000"]).await;
    assert_eq!(replicas, 1);
    cluster.primaries[0].kill();
    until(&cluster.replicas[0], "INFO replication", "role:master").await;
    let poster = Store::builder()
        .deadline(PATIENCE)
        .connect(&cluster.url_of_all())
        .await
        .unwrap();
    let poster = poster.queue_at(queue.path().clone());
    poster.post("a").await.unwrap();
    assert_eq!(body(waiting).await, "a");
}

#[tokio::test]
async fn a_line_that_nobody_waits_on_any_more_is_given_up_and_another_waiter_brings_one_along() {
    let cluster = Cluster::start(0).await;
    let store = cluster.store().await;
    let queue = cluster.queue_on(&store, 2).await;
    queue.create().await.unwrap();
    for n in 0..3 {
        let waiting = waiter(&queue);
        until_heard(&cluster.primaries[2], &queue, 1).await;
        queue.post(&format!("{n}")).await.unwrap();
        assert_eq!(body(waiting).await, format!("{n}"));
        until_heard(&cluster.primaries[2], &queue, 0).await;
    }
}

#[tokio::test]
async fn waiters_that_come_while_their_channel_is_given_up_are_told() {
    let cluster = Cluster::shared().await;
    let builder = Store::builder().keep_alive(Duration::from_millis(5));
    let store = builder.connect(&cluster.url()).await.unwrap();
    let queue = cluster.queue_on(&store, 2).await;
    queue.create().await.unwrap();
    // Somebody waits there all the time, so that the line stays.
    let other = cluster.queue_on(&store, 2).await;
    let _patient = waiter(&other);
    let (meta, node) = (queue.keys().key(Part::Meta), &cluster.primaries[2]);
    let mut behind = node.connection().await;
    for n in 0..150 {
        // Each comes a little later after the one before: into every moment of the giving up.
        sleep(Duration::from_micros(n * 100)).await;
        let _: u64 = try_ask(&mut behind, &["HDEL", &meta, "waiting_until"])
            .await
            .unwrap();
        let waiting = waiter(&queue);
        let listened = async {
            let words = ["HEXISTS", &meta, "waiting_until"];
            while try_ask::<u64>(&mut behind, &words).await.unwrap() == 0 {}
        };
        timeout(PATIENCE, listened)
            .await
            .expect("somebody listens, and looks");
        queue.post(&format!("{n}")).await.unwrap();
        assert_eq!(body(waiting).await, format!("{n}"));
    }
}
