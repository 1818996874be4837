//! How far ahead of the handlers messages are claimed.

use marconi_redis::NewMessage;

use crate::stage::{Events, Gate, Running, named, post, queue};

/// How many messages were claimed and not finished, after each claim.
fn in_hand(events: &Events) -> Vec<usize> {
    let (mut claimed, mut handled) = (0, 0);
    let mut after = Vec::new();
    for event in events.all() {
        if named("Handled")(&event) {
            handled += 1;
        }
        if let Some((_, count)) = event.rsplit_once("messages: ")
            && named("Claimed")(&event)
        {
            claimed += count.trim_end_matches(" }").parse::<usize>().unwrap();
            after.push(claimed - handled);
        }
    }
    after
}

#[tokio::test]
async fn a_batch_is_claimed_ahead_and_not_more() {
    let queue = queue().await;
    post(&queue, 100).await;
    let gate = Gate::new();
    let consumer = queue.consumer().concurrency(2).batch(5);
    let running = Running::start(consumer, gate.handler());
    gate.begun.wait(2, |_| true).await;
    assert_eq!(queue.stats().await.unwrap().claimed, 5);
    // Nothing is left then, and both handlers are busy.
    gate.let_go(3);
    running.events.wait(2, named("Claimed")).await;
    assert_eq!(queue.stats().await.unwrap().claimed, 7);
    gate.let_go(97);
    running.events.wait(100, named("Handled")).await;
    let in_hand = in_hand(&running.events);
    running.stop().await;
    assert!(in_hand.iter().all(|count| *count <= 7), "{in_hand:?}");
    // Not one message at a time under load.
    assert_eq!(in_hand.len(), 20, "{in_hand:?}");
}

#[tokio::test]
async fn several_batches_ahead_are_claimed_where_that_is_asked_for() {
    let queue = queue().await;
    post(&queue, 60).await;
    let gate = Gate::new();
    let running = Running::start(queue.consumer().batch(10).ahead(25), gate.handler());
    // 9 are left after the start of the first, and 19 after the second claim: no room for a third.
    running.events.wait(2, named("Claimed")).await;
    gate.let_go(60);
    running.events.wait(60, named("Handled")).await;
    let in_hand = in_hand(&running.events);
    running.stop().await;
    let most = in_hand.iter().max().unwrap();
    assert!((20..=26).contains(most), "{in_hand:?}");
}

#[tokio::test]
async fn with_nothing_ahead_messages_are_claimed_for_free_handlers_only() {
    let queue = queue().await;
    post(&queue, 30).await;
    let gate = Gate::new();
    let consumer = queue.consumer().concurrency(3).ahead(0);
    let running = Running::start(consumer, gate.handler());
    gate.begun.wait(3, |_| true).await;
    assert_eq!(queue.stats().await.unwrap().claimed, 3);
    gate.let_go(30);
    running.events.wait(30, named("Handled")).await;
    let in_hand = in_hand(&running.events);
    running.stop().await;
    assert!(in_hand.iter().all(|count| *count <= 3), "{in_hand:?}");
}

#[tokio::test]
async fn large_bodies_are_not_claimed_ahead_without_end() {
    let queue = queue().await;
    let large = |_| NewMessage::new(&"x".repeat(100 << 10)).unwrap();
    queue.post_many((0..35).map(large)).await.unwrap();
    let consumer = queue.consumer().batch(5).ahead(100).ahead_bytes(300 << 10);
    let running = Running::start(consumer, |_| async { Ok::<_, String>(()) });
    running.events.wait(35, named("Handled")).await;
    let in_hand = in_hand(&running.events);
    running.stop().await;
    // One in work, two that leave room, and one claim on top.
    assert!(
        in_hand.iter().all(|count| *count <= 1 + 2 + 5),
        "{in_hand:?}"
    );
}
