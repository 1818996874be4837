//! Health, volume and housekeeping.

use std::time::Duration;

use marconi_redis::keys::Part;
use marconi_redis::{Capability, Metadata, OperationKind, Store};

use crate::common::Server;
use crate::stage::{START, claim, message, ms};

const ALL: [OperationKind; 8] = [
    OperationKind::CreateQueue,
    OperationKind::Post,
    OperationKind::Claim,
    OperationKind::List,
    OperationKind::DeleteMessage,
    OperationKind::DeleteClaim,
    OperationKind::BulkDelete,
    OperationKind::DeleteQueue,
];

async fn keys(server: &Server) -> u64 {
    let mut connection = server.connection().await;
    let count = redis::cmd("DBSIZE").query_async(&mut connection).await;
    count.unwrap()
}

async fn store(server: &Server) -> Store {
    Store::connect(&server.url()).await.unwrap()
}

#[tokio::test]
async fn every_kind_of_operation_is_tried_and_nothing_stays_behind() {
    let server = Server::start(&[]);
    let store = store(&server).await;
    assert!(store.is_alive().await);
    let health = store.health().await;
    let tried: Vec<_> = health.operations.iter().map(|t| t.operation).collect();
    assert_eq!(tried, ALL);
    for tried in &health.operations {
        assert!(tried.error.is_none(), "{tried:?}");
        assert!(tried.took > Duration::ZERO, "{tried:?}");
    }
    assert!(health.is_reachable && health.is_good());
    assert_eq!(keys(&server).await, 0);
}

#[tokio::test]
async fn what_fails_is_named_and_the_rest_is_tried_and_cleared_away() {
    let server = Server::start(&[]);
    let store = store(&server).await;
    // What deletes and releases begin with.
    let mut connection = server.connection().await;
    let acl = redis::cmd("ACL")
        .arg("SETUSER")
        .arg("default")
        .arg("-hdel")
        .to_owned();
    acl.exec_async(&mut connection).await.unwrap();
    let health = store.health().await;
    let failed = health
        .operations
        .iter()
        .filter(|tried| tried.error.is_some());
    let failed: Vec<_> = failed.map(|tried| tried.operation).collect();
    assert_eq!(
        failed,
        [
            OperationKind::DeleteMessage,
            OperationKind::DeleteClaim,
            OperationKind::BulkDelete
        ]
    );
    assert!(health.is_reachable && !health.is_good());
    let last = health.operations.last().map(|tried| tried.operation);
    assert_eq!(last, Some(OperationKind::DeleteQueue));
    assert_eq!(store.volume().await.unwrap().queues, 0);
}

#[tokio::test]
async fn a_full_server_is_reachable_and_not_well() {
    let server = Server::start(&[]);
    let store = store(&server).await;
    store
        .at(START)
        .queue("p", "q")
        .unwrap()
        .post("x")
        .await
        .unwrap();
    let mut connection = server.connection().await;
    for (name, value) in [("maxmemory", "1"), ("maxmemory-policy", "noeviction")] {
        let set = redis::cmd("CONFIG")
            .arg("SET")
            .arg(name)
            .arg(value)
            .to_owned();
        set.exec_async(&mut connection).await.unwrap();
    }
    let health = store.health().await;
    assert!(health.is_reachable && !health.is_good());
    assert_eq!(health.operations[0].operation, OperationKind::CreateQueue);
    let error = health.operations[0].error.as_ref().unwrap();
    assert!(error.to_string().contains("OOM"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_gone_is_not_alive() {
    let mut server = Server::start(&[]);
    let store = store(&server).await.with_deadline(ms(200));
    server.kill();
    assert!(!store.is_alive().await);
    let health = store.health().await;
    assert!(!health.is_reachable && !health.is_good());
    assert!(health.operations.is_empty());
    assert_eq!(health.volume.unwrap_err().word(), "TRANSPORT");
}

#[tokio::test]
async fn the_volume_is_exact_over_all_queues_of_all_projects() {
    let server = Server::start(&[]);
    let store = store(&server).await;
    let queue = |project: &str, name: &str, at| store.at(START + at).queue(project, name).unwrap();
    queue("p", "a", 0).post("free").await.unwrap();
    queue("p", "b", 0)
        .post_many([message("1"), message("2")])
        .await
        .unwrap();
    claim(&queue("p", "b", 0), 1).await;
    queue("", "a", 0).post("short").ttl(ms(50)).await.unwrap();
    queue("", "a", 0).post("later").delay(ms(60)).await.unwrap();
    store
        .at(START)
        .topic("p", "t")
        .unwrap()
        .post("news")
        .await
        .unwrap();
    let volume = async |at| {
        let v = store.at(START + at).volume().await.unwrap();
        (v.queues, v.free, v.claimed, v.delayed, v.total)
    };
    assert_eq!(volume(0).await, (3, 3, 1, 1, 5));
    assert_eq!(volume(50).await, (3, 2, 1, 1, 4));
    assert_eq!(volume(100).await, (3, 4, 0, 0, 4));

    // One that can't be read hides no other.
    let mut connection = server.connection().await;
    let key = queue("p", "a", 0).keys().key(Part::Meta);
    let newer = redis::cmd("HSET").arg(&key).arg("schema").arg(2).to_owned();
    newer.exec_async(&mut connection).await.unwrap();
    let seen = store.at(START + 100).volume().await.unwrap();
    assert_eq!((seen.queues, seen.unreadable, seen.total), (2, 1, 3));
}

#[tokio::test]
async fn a_collection_frees_what_has_expired_in_queues_and_topics_of_the_project() {
    let server = Server::start(&[]);
    let store = store(&server).await;
    let log = async |key: &str| -> u64 {
        let mut connection = server.connection().await;
        let length = redis::cmd("XLEN")
            .arg(key)
            .query_async(&mut connection)
            .await;
        length.unwrap()
    };
    let many = || (0..250).map(|_| message("x"));
    let queue = store.at(START).queue("p", "q").unwrap();
    let topic = store.at(START).topic("p", "t").unwrap();
    let other = store.at(START).queue("other", "q").unwrap();
    for _ in 0..4 {
        queue.post_many(many()).ttl(ms(10)).await.unwrap();
        topic.post_many(many()).ttl(ms(10)).await.unwrap();
    }
    other.post("x").ttl(ms(10)).await.unwrap();
    let collected = store.at(START + 10).gc("p").await.unwrap();
    assert_eq!((collected.queues, collected.unfinished), (2, 0));
    assert_eq!(log(&queue.keys().key(Part::Log)).await, 0);
    assert_eq!(log(&topic.keys().key(Part::Log)).await, 0);
    assert_eq!(log(&other.keys().key(Part::Log)).await, 1);
}

#[tokio::test]
async fn a_collection_brings_letters_on_their_way() {
    let server = Server::start(&[]);
    let store = store(&server).await;
    let queue = |name: &str, at| store.at(START + at).queue("p", name).unwrap();
    let metadata = Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue("dead");
    queue("q", 0).create().metadata(metadata).await.unwrap();
    queue("q", 0).post("x").await.unwrap();
    claim(&queue("q", 0), 1).await;
    store.at(START + 100).gc("p").await.unwrap();
    assert_eq!(queue("dead", 100).list().await.unwrap().messages.len(), 1);
}

#[tokio::test]
async fn a_dropped_trial_goes_on_and_clears_up() {
    let server = Server::start(&[]);
    let store = store(&server).await;
    let mut connection = server.connection().await;
    let pause = redis::cmd("CLIENT")
        .arg("PAUSE")
        .arg(60_000)
        .arg("WRITE")
        .to_owned();
    pause.exec_async(&mut connection).await.unwrap();
    // It is answered that it is alive, and can't create its queue.
    let dropped = tokio::time::timeout(ms(100), store.health()).await;
    assert!(dropped.is_err());
    let unpause = redis::cmd("CLIENT").arg("UNPAUSE").to_owned();
    unpause.exec_async(&mut connection).await.unwrap();
    let is_cleared = async {
        loop {
            let stats = redis::cmd("INFO").arg("commandstats").to_owned();
            let stats: String = stats.query_async(&mut connection).await.unwrap();
            if stats.contains("cmdstat_unlink") && keys(&server).await == 0 {
                break;
            }
        }
    };
    let cleared = tokio::time::timeout(Duration::from_secs(10), is_cleared).await;
    assert!(cleared.is_ok());
}

#[tokio::test]
async fn a_store_says_what_it_can_do() {
    let server = Server::shared();
    let capabilities = store(server).await.capabilities();
    assert!(capabilities.contains(&Capability::Fifo));
    assert!(capabilities.contains(&Capability::AtLeastOnce));
}
