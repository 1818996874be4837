//! One pool of three is killed, and comes back.

use marconi_redis::keys::QueuePath;

use crate::stage::stage;

#[tokio::test]
async fn a_pool_that_is_down_fails_its_own_queues_by_its_name_and_works_again_when_it_is_back() {
    let mut stage = stage().await;
    let plane = stage.store.control();
    for (name, pool) in [("a", "east"), ("b", "west"), ("c", "east"), ("d", "cold")] {
        plane
            .place(&QueuePath::new("shop", name).unwrap(), pool)
            .await
            .unwrap();
        stage
            .store
            .queue("shop", name)
            .await
            .unwrap()
            .post(name)
            .await
            .unwrap();
    }
    stage.pools[0].kill();
    let error = stage
        .store
        .queue("shop", "a")
        .await
        .unwrap()
        .post("x")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("pool east"), "{error}");
    assert_eq!(error.word(), "TRANSPORT");
    for name in ["b", "d"] {
        stage
            .store
            .queue("shop", name)
            .await
            .unwrap()
            .post("y")
            .await
            .unwrap();
    }
    // Those that can be are listed in order; the page says who failed.
    let page = stage.store.queues("shop").unwrap().await.unwrap();
    let names: Vec<_> = page
        .queues
        .iter()
        .map(|entry| entry.queue.name.as_str())
        .collect();
    assert_eq!(names, ["b", "d"]);
    assert_eq!(page.failed.keys().collect::<Vec<_>>(), ["east"]);
    assert!(stage.store.count("shop").await.is_err());

    let health = stage.store.health().await.unwrap();
    let up = |pool: &str| health[pool].is_reachable;
    assert_eq!((up("east"), up("west"), up("cold")), (false, true, true));

    stage.pools[0].restart();
    let page = stage.store.queues("shop").unwrap().await.unwrap();
    assert_eq!((page.queues.len(), page.failed.len()), (4, 0));
    let queue = stage.store.queue("shop", "a").await.unwrap();
    assert_eq!(queue.pop().await.unwrap()[0].body::<String>().unwrap(), "a");
}

#[tokio::test]
async fn a_pool_that_moved_is_found_at_its_new_place_and_one_taken_out_is_named() {
    let stage = stage().await;
    let plane = stage.store.control();
    let path = QueuePath::new("shop", "a").unwrap();
    plane.place(&path, "west").await.unwrap();
    stage
        .store
        .queue("shop", "a")
        .await
        .unwrap()
        .post("old")
        .await
        .unwrap();
    let other = crate::common::Server::start(&[]);
    plane.update_pool("west").uri(&other.url()).await.unwrap();
    stage.store.forget(&path);
    assert!(
        !stage
            .store
            .queue("shop", "a")
            .await
            .unwrap()
            .exists()
            .await
            .unwrap()
    );

    plane
        .drop_all(marconi_redis::ControlKind::Pools)
        .await
        .unwrap();
    stage.store.forget(&path);
    let error = stage.store.queue("shop", "a").await.unwrap_err();
    assert_eq!(error.word(), "POOLGONE");
    assert!(error.to_string().contains("west"), "{error}");
}
