//! What a waiter is woken by: everything that brings or frees a message, and time.

use marconi_redis::Metadata;

use crate::stage::{Behind, PATIENCE, Waiter, a_queue, elsewhere, ms};

#[tokio::test]
async fn a_waiter_gets_what_is_there_already() {
    let queue = a_queue().await;
    queue.post("a").await.unwrap();
    assert_eq!(Waiter::on(&queue).body().await, "a");
}

#[tokio::test]
async fn a_post_by_another_process_wakes_a_claim() {
    let queue = a_queue().await;
    queue.create().await.unwrap();
    let waiter = Waiter::on(&queue);
    Behind::shared().await.until_waited_on(&queue).await;
    elsewhere(&queue).await.post("a").await.unwrap();
    assert_eq!(waiter.body().await, "a");
}

#[tokio::test]
async fn a_post_wakes_a_pop_with_and_without_a_token() {
    let queue = a_queue().await;
    queue.create().await.unwrap();
    for token in [None, Some("t")] {
        let mut pop = queue.pop().wait(PATIENCE);
        if let Some(token) = token {
            pop = pop.token(token);
        }
        let waiter = tokio::spawn(async move { pop.await.unwrap() });
        Behind::shared().await.until_waited_on(&queue).await;
        elsewhere(&queue).await.post("a").await.unwrap();
        assert_eq!(waiter.await.unwrap()[0].body::<String>().unwrap(), "a");
    }
}

#[tokio::test]
async fn the_first_post_to_a_queue_that_did_not_exist_wakes() {
    let queue = a_queue().await;
    let waiter = Waiter::on(&queue);
    Behind::shared().await.until_heard(&queue, 1).await;
    elsewhere(&queue).await.post("a").await.unwrap();
    assert_eq!(waiter.body().await, "a");
}

#[tokio::test]
async fn a_waiter_outlives_the_deletion_of_its_queue_and_hears_of_the_next() {
    let queue = a_queue().await;
    queue.create().await.unwrap();
    let waiter = Waiter::on(&queue);
    Behind::shared().await.until_waited_on(&queue).await;
    let elsewhere = elsewhere(&queue).await;
    assert!(elsewhere.delete().await.unwrap());
    elsewhere.post("a").await.unwrap();
    assert_eq!(waiter.body().await, "a");
}

#[tokio::test]
async fn a_release_wakes() {
    let queue = a_queue().await;
    queue.post("a").await.unwrap();
    let held = elsewhere(&queue).await.claim().await.unwrap().unwrap();
    let waiter = Waiter::on(&queue);
    Behind::shared().await.until_waited_on(&queue).await;
    held.release().await.unwrap();
    assert_eq!(waiter.body().await, "a");
}

#[tokio::test]
async fn a_nack_wakes_at_once_or_after_its_delay() {
    for delay in [ms(0), ms(60)] {
        let queue = a_queue().await;
        queue.post("a").await.unwrap();
        let held = elsewhere(&queue)
            .await
            .claim()
            .ttl(PATIENCE * 9)
            .await
            .unwrap()
            .unwrap();
        let waiter = Waiter::on(&queue);
        Behind::shared().await.until_waited_on(&queue).await;
        held.nack([held.messages()[0].id()])
            .delay(delay)
            .await
            .unwrap();
        assert_eq!(waiter.body().await, "a", "{delay:?}");
    }
}

#[tokio::test]
async fn a_claim_that_lapses_wakes_without_anyone_saying_so() {
    let queue = a_queue().await;
    queue.post("a").await.unwrap();
    elsewhere(&queue)
        .await
        .claim()
        .ttl(ms(80))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(Waiter::on(&queue).body().await, "a");
}

#[tokio::test]
async fn a_delay_that_ends_wakes_without_anyone_saying_so() {
    let queue = a_queue().await;
    let message = marconi_redis::NewMessage::new("a").unwrap();
    queue.post_many([message.delay(ms(80))]).await.unwrap();
    assert_eq!(Waiter::on(&queue).body().await, "a");
}

#[tokio::test]
async fn a_post_with_a_shorter_delay_than_the_one_waited_for_wakes_in_time() {
    let queue = a_queue().await;
    let delayed = |body: &str, delay| marconi_redis::NewMessage::new(body).unwrap().delay(delay);
    queue
        .post_many([delayed("late", PATIENCE * 9)])
        .await
        .unwrap();
    let waiter = Waiter::on(&queue);
    Behind::shared().await.until_waited_on(&queue).await;
    elsewhere(&queue)
        .await
        .post_many([delayed("soon", ms(60))])
        .await
        .unwrap();
    assert_eq!(waiter.body().await, "soon");
}

#[tokio::test]
async fn a_claim_renewed_to_an_earlier_deadline_wakes_then() {
    let queue = a_queue().await;
    queue.post("a").await.unwrap();
    let mut held = elsewhere(&queue)
        .await
        .claim()
        .ttl(PATIENCE * 9)
        .await
        .unwrap()
        .unwrap();
    let waiter = Waiter::on(&queue);
    Behind::shared().await.until_waited_on(&queue).await;
    held.renew(ms(60), ms(0)).await.unwrap();
    assert_eq!(waiter.body().await, "a");
}

#[tokio::test]
async fn a_claim_that_is_renewed_does_not_come_before_its_new_deadline() {
    let queue = a_queue().await;
    queue.post("a").await.unwrap();
    let mut held = elsewhere(&queue)
        .await
        .claim()
        .ttl(ms(60))
        .await
        .unwrap()
        .unwrap();
    let waiter = Waiter::on(&queue);
    held.renew(ms(200), ms(0)).await.unwrap();
    let deadline = held.lease().deadline;
    let claim = waiter.claim().await;
    assert!(claim.lease().now >= deadline);
}

#[tokio::test]
async fn a_dead_letter_that_arrives_wakes_who_waits_on_its_queue() {
    let dead = a_queue().await;
    dead.create().await.unwrap();
    let orders = dead
        .store()
        .queue(dead.path().project().as_str(), "source")
        .unwrap();
    let to_dead = Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue(dead.path().name().as_str());
    orders.create().metadata(to_dead).await.unwrap();
    orders.post("a").await.unwrap();
    let waiter = Waiter::on(&dead);
    Behind::shared().await.until_waited_on(&dead).await;
    let orders = elsewhere(&orders).await;
    orders
        .claim()
        .await
        .unwrap()
        .unwrap()
        .release()
        .await
        .unwrap();
    assert_eq!(waiter.body().await, "a");
}

#[tokio::test]
async fn a_time_that_is_over_answers_nothing() {
    let queue = a_queue().await;
    queue.create().await.unwrap();
    assert!(queue.claim().wait(ms(50)).await.unwrap().is_none());
    assert!(queue.pop().wait(ms(0)).await.unwrap().is_empty());
    let nowhere = a_queue().await;
    assert!(nowhere.claim().wait(ms(50)).await.unwrap().is_none());
    assert!(!nowhere.exists().await.unwrap());
}
