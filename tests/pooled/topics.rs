//! Topics over pools: where a new one goes, and that it meets no queue of its name.

use std::time::Duration;

use marconi_redis::keys::QueuePath;
use marconi_redis::{ControlKind, Error, Metadata, PooledStore, Store};

use crate::stage::{client, stage};

fn path(name: &str) -> QueuePath {
    QueuePath::new("shop", name).unwrap()
}

#[tokio::test]
async fn a_topic_and_a_queue_of_one_name_are_on_pools_of_their_own() {
    let stage = stage().await;
    let plane = stage.store.control();
    plane.place(&path("news"), "east").await.unwrap();
    let topics = plane.of_topics();
    topics.place(&path("news"), "west").await.unwrap();
    let queue = stage.store.queue("shop", "news").await.unwrap();
    let topic = stage.store.topic("shop", "news").await.unwrap();
    queue.post("claimed").await.unwrap();
    topic.post("read").await.unwrap();
    assert_eq!(stage.servers_with("news").await, [0]);
    assert_eq!(stage.servers_with_topic("news").await, [1]);

    // Neither is lost by the other's end, in what this client believes as in the catalogue.
    assert!(stage.store.delete_topic("shop", "news").await.unwrap());
    assert!(!stage.store.delete_topic("shop", "news").await.unwrap());
    let refused = stage.store.topic("shop", "news").await.unwrap_err();
    assert!(matches!(refused, Error::QueueNotMapped { .. }), "{refused}");
    let elsewhere = client(&stage.control).await;
    let queue = elsewhere.queue("shop", "news").await.unwrap();
    assert_eq!(queue.stats().await.unwrap().total, 1);

    let topic = elsewhere.topic_or_new("shop", "news").await.unwrap();
    topic.post("again").await.unwrap();
    assert!(stage.store.delete_queue("shop", "news").await.unwrap());
    assert_eq!(topic.stats().await.unwrap().total, 1);
    assert_eq!(stage.servers_with_topic("news").await.len(), 1);
    assert!(stage.servers_with("news").await.is_empty());
}

#[tokio::test]
async fn new_topics_are_shared_by_weight_and_by_flavor_as_queues_are() {
    let stage = stage().await;
    let plane = stage.store.control();
    let mut on = [0; 3];
    for n in 0..60 {
        let name = format!("t{n}");
        let creation = stage.store.create_topic("shop", &name).unwrap();
        assert!(creation.await.unwrap().1);
        let [at] = stage.servers_with_topic(&name).await[..] else {
            panic!("{name} is not on one server")
        };
        on[at] += 1;
    }
    assert_eq!(on[2], 0);
    // 40 and 20 are expected; five standard deviations are 18.
    assert!((22..=58).contains(&on[0]), "{on:?}");
    assert_eq!(plane.pool("east").await.unwrap().queues, on[0]);

    let wanted = stage.store.create_topic("shop", "fast").unwrap();
    let wanted = wanted.flavor("ssd");
    let refused = wanted.clone().await.unwrap_err();
    assert_eq!(refused.word(), "FLAVORGONE", "{refused}");
    let none = Metadata::new();
    plane.create_flavor("shop", "ssd", &none).await.unwrap();
    let update = plane.update_pool("cold").flavor(Some("ssd")).weight(1);
    update.await.unwrap();
    wanted.await.unwrap();
    let metadata = Metadata::new().with_flavor("ssd");
    let creation = stage.store.create_topic("shop", "faster").unwrap();
    creation.metadata(metadata).await.unwrap();
    for name in ["fast", "faster"] {
        assert_eq!(stage.servers_with_topic(name).await, [2], "{name}");
    }
}

#[tokio::test]
async fn a_pool_with_topics_is_in_use_and_nothing_is_wrong_with_that() {
    let stage = stage().await;
    let plane = stage.store.control();
    let topics = plane.of_topics();
    topics.place(&path("news"), "east").await.unwrap();
    plane.place(&path("news"), "east").await.unwrap();
    plane.place(&path("orders"), "west").await.unwrap();
    assert_eq!(plane.check().await.unwrap(), []);
    assert!(plane.unplace(&path("news"), "east").await.unwrap());
    let refused = plane.delete_pool("east").await.unwrap_err();
    assert_eq!(refused.word(), "POOLINUSE");
    let told = refused.to_string();
    assert!(told.contains("east holds queues and topics: 1"), "{told}");
    assert_eq!(plane.check().await.unwrap(), []);

    // All that is placed goes together, and the counts with it.
    let dropped = plane.drop_all(ControlKind::Catalogue).await.unwrap();
    assert_eq!(dropped, 2);
    assert_eq!(plane.check().await.unwrap(), []);
    assert!(plane.delete_pool("east").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_create_one_topic_at_once_end_on_one_pool() {
    let stage = stage().await;
    for n in 0..15 {
        let name = format!("t{n}");
        let mut creations = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let store = client(&stage.control).await;
            let creation = store.create_topic("shop", &name).unwrap();
            creations.spawn(async move { creation.await.unwrap() });
        }
        let made = creations.join_all().await;
        let new = made.iter().filter(|(_, is_new)| *is_new).count();
        assert_eq!(new, 1, "{name}");
        for (topic, _) in made {
            topic.post("a").await.unwrap();
        }
        assert_eq!(stage.servers_with_topic(&name).await.len(), 1, "{name}");
        let topic = stage.store.topic("shop", &name).await.unwrap();
        assert_eq!(topic.list().await.unwrap().messages.len(), 6);
    }
}

#[tokio::test]
async fn a_crash_between_catalogue_and_topic_is_mended_by_creating_or_deleting_again() {
    let stage = stage().await;
    let plane = stage.store.control().of_topics();
    let (placement, is_new) = plane.register(&path("t"), None).await.unwrap();
    assert!(is_new);
    let page = stage.store.topics("shop").unwrap().await.unwrap();
    assert!(page.topics.is_empty());
    let creation = stage.store.create_topic("shop", "t").unwrap();
    let (topic, is_new) = creation.await.unwrap();
    assert!(is_new && topic.exists().await.unwrap());
    assert_eq!(plane.placement(&path("t")).await.unwrap(), placement);

    assert!(topic.delete().await.unwrap());
    assert!(!stage.store.delete_topic("shop", "t").await.unwrap());
    let refused = stage.store.topic("shop", "t").await.unwrap_err();
    assert_eq!(refused.word(), "NOTMAPPED");
    assert_eq!(plane.pool(&placement.pool).await.unwrap().queues, 0);
}

#[tokio::test]
async fn where_a_topic_is_is_believed_apart_from_the_queue_and_forgotten_with_it() {
    let stage = stage().await;
    let plane = stage.store.control();
    let topics = plane.of_topics();
    topics.place(&path("t"), "east").await.unwrap();
    plane.place(&path("t"), "cold").await.unwrap();
    let topic = || async { stage.store.topic("shop", "t").await.unwrap() };
    topic().await.post("a").await.unwrap();
    let queue = stage.store.queue("shop", "t").await.unwrap();
    assert!(!queue.exists().await.unwrap());
    topics.place(&path("t"), "west").await.unwrap();
    assert!(topic().await.exists().await.unwrap());
    stage.store.forget(&path("t"));
    assert!(!topic().await.exists().await.unwrap());

    plane.drop_all(ControlKind::Pools).await.unwrap();
    stage.store.forget(&path("t"));
    let error = stage.store.topic("shop", "t").await.unwrap_err();
    assert_eq!(error.word(), "POOLGONE");
    let told = error.to_string();
    assert!(told.contains("topic") && told.contains("west"), "{told}");
}

#[tokio::test]
async fn a_prefix_without_room_for_topics_is_refused_before_one_is_placed() {
    let stage = stage().await;
    let builder = Store::builder().prefix(&"x".repeat(58)).unwrap();
    let builder = builder.deadline(Duration::from_secs(2));
    let control = builder.connect(&stage.control.url()).await.unwrap();
    let store = PooledStore::over(&control);
    let plane = store.control();
    let created = plane.create_pool("east", 1, &stage.pools[0].url());
    created.await.unwrap();
    let words = [
        store.topic("shop", "t").await.map(drop),
        store.topic_or_new("shop", "t").await.map(drop),
        store.create_topic("shop", "t").map(drop),
        store.delete_topic("shop", "t").await.map(drop),
        store.topics("shop").map(drop),
    ];
    for refused in words {
        assert_eq!(refused.unwrap_err().word(), "BADARG");
    }
    assert_eq!(plane.pool("east").await.unwrap().queues, 0);
}
