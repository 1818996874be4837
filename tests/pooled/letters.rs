//! Dead letters from one pool to another.

use marconi_redis::Metadata;
use marconi_redis::keys::QueuePath;

use crate::stage::stage;

#[tokio::test]
async fn letters_go_to_the_pool_that_their_target_is_on() {
    let stage = stage().await;
    let plane = stage.store.control();
    for (name, pool) in [("orders", "east"), ("failed", "west")] {
        plane
            .place(&QueuePath::new("shop", name).unwrap(), pool)
            .await
            .unwrap();
    }
    let metadata = Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue("failed");
    let creation = stage.store.create_queue("shop", "orders").unwrap();
    let (orders, _) = creation.metadata(metadata).await.unwrap();
    for n in 0..5 {
        orders.post(&n).await.unwrap();
        orders
            .claim()
            .await
            .unwrap()
            .unwrap()
            .release()
            .await
            .unwrap();
    }
    assert_eq!(stage.servers_with("failed").await, [1]);
    let failed = stage.store.queue("shop", "failed").await.unwrap();
    let letters = failed.list().await.unwrap().messages;
    let bodies: Vec<u32> = letters
        .iter()
        .map(|letter| letter.body().unwrap())
        .collect();
    assert_eq!(bodies, [0, 1, 2, 3, 4]);
    // And back.
    let redriven = failed.send_back_all().await.unwrap();
    assert_eq!((redriven.set_out, redriven.arrived), (5, 5));
    assert_eq!(orders.stats().await.unwrap().free, 5);
}

#[tokio::test]
async fn letters_for_a_pool_that_is_down_wait_and_are_carried_when_it_is_back() {
    let mut stage = stage().await;
    let plane = stage.store.control();
    for (name, pool) in [("orders", "east"), ("failed", "west")] {
        plane
            .place(&QueuePath::new("shop", name).unwrap(), pool)
            .await
            .unwrap();
    }
    let metadata = Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue("failed");
    let creation = stage.store.create_queue("shop", "orders").unwrap();
    let (orders, _) = creation.metadata(metadata).await.unwrap();
    orders.post("a").await.unwrap();
    let claim = orders.claim().await.unwrap().unwrap();
    stage.pools[1].kill();
    assert_eq!(
        claim.release().await.unwrap(),
        1,
        "the release is done all the same"
    );
    assert_eq!(orders.stats().await.unwrap().dead, 1);
    let error = stage.store.carry_dead_letters("shop").await.unwrap_err();
    assert!(error.to_string().contains("pool west"), "{error}");
    stage.pools[1].restart();
    assert_eq!(stage.store.carry_dead_letters("shop").await.unwrap(), 1);
    let failed = stage.store.queue("shop", "failed").await.unwrap();
    assert_eq!(
        failed.pop().await.unwrap()[0].body::<String>().unwrap(),
        "a"
    );
}
