//! Where a new queue goes, and that it is on one pool only.

use marconi_redis::keys::QueuePath;
use marconi_redis::{Error, Metadata};

use crate::stage::{client, stage};

#[tokio::test]
async fn new_queues_are_shared_by_weight_and_weight_zero_takes_none() {
    let stage = stage().await;
    let mut on = [0; 3];
    for n in 0..90 {
        let name = format!("q{n}");
        let (queue, is_new) = stage
            .store
            .create_queue("shop", &name)
            .unwrap()
            .await
            .unwrap();
        assert!(is_new);
        queue.post("a").await.unwrap();
        let [at] = stage.servers_with(&name).await[..] else {
            panic!("{name} is not on one server")
        };
        on[at] += 1;
    }
    assert_eq!(on[2], 0);
    // 60 and 30 are expected; four standard deviations are 18.
    assert!((42..=78).contains(&on[0]), "{on:?}");
    let east = stage.store.control().pool("east").await.unwrap();
    assert_eq!(east.queues, on[0]);
}

#[tokio::test]
async fn a_flavor_is_served_by_its_pools_alone() {
    let stage = stage().await;
    let plane = stage.store.control();
    let wanted = stage.store.create_queue("shop", "q").unwrap().flavor("ssd");
    let refused = wanted.clone().await.unwrap_err();
    assert!(
        matches!(refused, Error::FlavorDoesNotExist { .. }),
        "{refused}"
    );
    plane
        .create_flavor("shop", "ssd", &Metadata::new())
        .await
        .unwrap();
    let refused = wanted.clone().await.unwrap_err();
    assert!(
        matches!(refused, Error::PoolDoesNotExist { .. }),
        "{refused}"
    );
    plane
        .update_pool("cold")
        .flavor(Some("ssd"))
        .weight(1)
        .await
        .unwrap();
    wanted.await.unwrap();
    assert_eq!(stage.servers_with("q").await, [2]);
    // The metadata's flavor counts too.
    let metadata = Metadata::new().with_flavor("ssd");
    stage
        .store
        .create_queue("shop", "r")
        .unwrap()
        .metadata(metadata)
        .await
        .unwrap();
    assert_eq!(stage.servers_with("r").await, [2]);
    let refused = plane.delete_pool("cold").await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("cold holds queues and topics: 2"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_create_one_queue_at_once_end_on_one_pool() {
    let stage = stage().await;
    for n in 0..20 {
        let name = format!("q{n}");
        let mut creations = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let store = client(&stage.control).await;
            let creation = store.create_queue("shop", &name).unwrap();
            creations.spawn(async move { creation.await.unwrap() });
        }
        let made = creations.join_all().await;
        assert_eq!(
            made.iter().filter(|(_, is_new)| *is_new).count(),
            1,
            "{name}"
        );
        for (queue, _) in made {
            queue.post("a").await.unwrap();
        }
        assert_eq!(stage.servers_with(&name).await.len(), 1, "{name}");
        let queue = stage.store.queue("shop", &name).await.unwrap();
        assert_eq!(queue.stats().await.unwrap().total, 6);
    }
}

#[tokio::test]
async fn a_crash_between_catalogue_and_pool_is_mended_by_creating_or_deleting_again() {
    let stage = stage().await;
    let path = QueuePath::new("shop", "q").unwrap();
    let (placement, is_new) = stage.store.control().register(&path, None).await.unwrap();
    assert!(is_new);
    // The client that registered is gone. The queue is listed nowhere, and is an empty one.
    assert!(
        stage
            .store
            .queues("shop")
            .unwrap()
            .await
            .unwrap()
            .queues
            .is_empty()
    );
    let (queue, is_new) = stage
        .store
        .create_queue("shop", "q")
        .unwrap()
        .await
        .unwrap();
    assert!(is_new && queue.exists().await.unwrap());
    assert_eq!(
        stage.store.control().placement(&path).await.unwrap(),
        placement
    );

    // One that had deleted the queue, and died before the catalogue.
    assert!(queue.delete().await.unwrap());
    assert!(!stage.store.delete_queue("shop", "q").await.unwrap());
    let refused = stage.store.queue("shop", "q").await.unwrap_err();
    assert!(matches!(refused, Error::QueueNotMapped { .. }), "{refused}");
    assert_eq!(
        stage
            .store
            .control()
            .pool(&placement.pool)
            .await
            .unwrap()
            .queues,
        0
    );
}

#[tokio::test]
async fn what_a_client_believes_is_asked_anew_when_it_is_told_to() {
    let stage = stage().await;
    let path = QueuePath::new("shop", "q").unwrap();
    stage.store.control().place(&path, "east").await.unwrap();
    stage
        .store
        .queue("shop", "q")
        .await
        .unwrap()
        .post("a")
        .await
        .unwrap();
    stage.store.control().place(&path, "west").await.unwrap();
    assert!(
        stage
            .store
            .queue("shop", "q")
            .await
            .unwrap()
            .exists()
            .await
            .unwrap()
    );
    stage.store.forget(&path);
    assert!(
        !stage
            .store
            .queue("shop", "q")
            .await
            .unwrap()
            .exists()
            .await
            .unwrap()
    );
    let doubting = stage.store.clone().believe_for(std::time::Duration::ZERO);
    stage.store.control().place(&path, "east").await.unwrap();
    assert!(
        doubting
            .queue("shop", "q")
            .await
            .unwrap()
            .exists()
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_queue_that_is_posted_to_gets_a_pool_and_a_waiter_there_is_woken() {
    let stage = stage().await;
    let queue = stage.store.queue_or_new("shop", "q").await.unwrap();
    let claim = queue.claim().wait(std::time::Duration::from_secs(30));
    let waiter = tokio::spawn(async move { claim.await.unwrap().unwrap() });
    let elsewhere = client(&stage.control).await;
    elsewhere
        .queue_or_new("shop", "q")
        .await
        .unwrap()
        .post("a")
        .await
        .unwrap();
    assert_eq!(
        waiter.await.unwrap().messages()[0]
            .body::<String>()
            .unwrap(),
        "a"
    );
    assert!(stage.store.delete_queue("shop", "q").await.unwrap());
    assert!(stage.servers_with("q").await.is_empty());
}
