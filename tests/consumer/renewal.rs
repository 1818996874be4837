//! Claims live while there is work under them.

use std::time::Duration;

use marconi_redis::NewMessage;

use crate::stage::{Gate, Running, named, post, queue};

#[tokio::test]
async fn a_slow_handler_keeps_its_claim() {
    let queue = queue().await;
    let id = post(&queue, 1).await[0];
    let gate = Gate::new();
    let ttl = Duration::from_secs(1);
    let running = Running::start(queue.consumer().ttl(ttl), gate.handler());
    gate.begun.wait(1, |_| true).await;
    let claim = queue.get(id).await.unwrap().claimed_by().unwrap();
    let before = queue.get_claim(claim).await.unwrap();
    running.events.wait(3, named("Renewed")).await;
    let after = queue.get_claim(claim).await.unwrap();
    assert!(after.lease().deadline.since(before.lease().deadline) > ttl);
    gate.let_go(1);
    running.events.wait(1, named("Handled")).await;
    let consumed = running.stop().await;
    assert_eq!((consumed.handled, consumed.lost), (1, 0));
    assert_eq!(gate.begun.all(), [0]);
}

#[tokio::test]
async fn what_waits_for_a_handler_keeps_its_claim_too() {
    let queue = queue().await;
    post(&queue, 3).await;
    let gate = Gate::new();
    let consumer = queue.consumer().ttl(Duration::from_secs(1));
    let running = Running::start(consumer, gate.handler());
    running.events.wait(3, named("Renewed")).await;
    gate.let_go(3);
    running.events.wait(3, named("Handled")).await;
    running.stop().await;
    assert_eq!(gate.begun.all(), [0, 1, 2]);
}

#[tokio::test]
async fn a_message_that_comes_after_a_long_wait_is_under_a_whole_claim() {
    let queue = queue().await;
    // The claim waits for it longer than it is to live.
    let message = NewMessage::new(&0)
        .unwrap()
        .delay(Duration::from_millis(700));
    queue.post_many([message]).await.unwrap();
    let gate = Gate::new();
    gate.let_go(1);
    let consumer = queue.consumer().ttl(Duration::from_millis(400));
    let running = Running::start(consumer, gate.handler());
    running.events.wait(1, named("Handled")).await;
    let consumed = running.stop().await;
    assert_eq!((consumed.handled, consumed.lost), (1, 0));
}
