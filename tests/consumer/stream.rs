//! The same as a stream of deliveries.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use marconi_redis::{Backoff, CancellationToken, Deliveries, Delivery, Metadata};

use crate::stage::{ms, named, post, queue, recorded, soon};

async fn next(deliveries: &mut Deliveries) -> Delivery {
    let next = poll_fn(|context| Pin::new(&mut *deliveries).poll_next(context));
    soon("a delivery", next).await.unwrap().unwrap()
}

async fn has_ended(deliveries: &mut Deliveries) -> bool {
    let next = poll_fn(|context| Pin::new(&mut *deliveries).poll_next(context));
    soon("the end", next).await.is_none()
}

#[tokio::test]
async fn deliveries_come_in_order_and_end_with_the_shutdown() {
    let queue = queue().await;
    post(&queue, 25).await;
    let stop = CancellationToken::new();
    let consumer = queue.consumer().until(stop.clone().cancelled_owned());
    let (consumer, events) = recorded(consumer);
    let mut deliveries = consumer.stream();
    for body in 0..20 {
        let delivery = next(&mut deliveries).await;
        assert_eq!(delivery.body::<u32>().unwrap(), body);
        delivery.done().await.unwrap();
    }
    let held = next(&mut deliveries).await;
    stop.cancel();
    events.wait(4, named("HandedBack")).await;
    assert!(has_ended(&mut deliveries).await);
    assert!(has_ended(&mut deliveries).await);
    // What it yielded is good after its end.
    held.done().await.unwrap();
    assert_eq!(queue.stats().await.unwrap().free, 4);
}

#[tokio::test]
async fn nothing_is_claimed_before_it_is_polled() {
    let queue = queue().await;
    post(&queue, 1).await;
    let deliveries = queue.consumer().stream();
    tokio::task::yield_now().await;
    assert_eq!(queue.stats().await.unwrap().free, 1);
    assert!(format!("{deliveries:?}").contains("new"));
    drop(deliveries);
    assert_eq!(queue.stats().await.unwrap().free, 1);
}

#[tokio::test]
async fn a_delivery_can_fail_be_delayed_and_be_handed_back() {
    let queue = queue().await;
    let ids = post(&queue, 3).await;
    let hour = Duration::from_secs(3600);
    let consumer = queue
        .consumer()
        .backoff(Backoff::new(hour, hour).jitter(0.0));
    let mut deliveries = consumer.stream();
    let delay = next(&mut deliveries).await.failed("no").await.unwrap();
    assert_eq!(delay, hour);
    next(&mut deliveries).await.nack(ms(60_000)).await.unwrap();
    next(&mut deliveries).await.hand_back().await.unwrap();
    let again = next(&mut deliveries).await;
    assert_eq!((again.id(), again.message().claims()), (ids[2], 1));
    assert!(queue.get(ids[0]).await.unwrap().delay() > ms(3_500_000));
    let delay = queue.get(ids[1]).await.unwrap().delay();
    assert!(delay > ms(30_000) && delay <= ms(60_000), "{delay:?}");
}

#[tokio::test]
async fn a_delivery_that_is_dropped_is_given_back_as_tried() {
    let queue = queue().await;
    let ids = post(&queue, 1).await;
    let mut deliveries = queue.consumer().stream();
    drop(next(&mut deliveries).await);
    let again = next(&mut deliveries).await;
    assert_eq!((again.id(), again.message().claims()), (ids[0], 2));
}

#[tokio::test]
async fn a_delivery_that_is_not_settled_is_kept_and_one_whose_claim_is_lost_says_so() {
    let queue = queue().await;
    post(&queue, 2).await;
    let (consumer, events) = recorded(queue.consumer().ttl(Duration::from_secs(1)).ahead(0));
    let mut deliveries = consumer.stream();
    let kept = next(&mut deliveries).await;
    events.wait(3, named("Renewed")).await;
    kept.done().await.unwrap();
    let lost = next(&mut deliveries).await;
    queue.release(lost.claim()).await.unwrap();
    soon("the loss", lost.cancelled()).await;
    assert_eq!(lost.done().await.unwrap_err().word(), "CLAIMGONE");
    assert_eq!(next(&mut deliveries).await.body::<u32>().unwrap(), 1);
    assert_eq!(events.count(named("Lost")), 1);
}

#[tokio::test]
async fn a_dropped_stream_hands_back_what_it_did_not_yield_and_leaves_what_it_did() {
    let queue = queue().await;
    let metadata = Metadata::new().with_max_claim_count(1);
    queue.create().metadata(metadata).await.unwrap();
    post(&queue, 5).await;
    let (consumer, events) = recorded(queue.consumer());
    let mut deliveries = consumer.stream();
    let held = next(&mut deliveries).await;
    drop(deliveries);
    events.wait(4, named("HandedBack")).await;
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.free, stats.claimed, stats.dead), (4, 1, 0));
    held.done().await.unwrap();
}

#[tokio::test]
async fn what_no_repetition_mends_is_the_last_item() {
    let queue = queue().await;
    for consumer in [queue.consumer().batch(0), queue.consumer().worker("a\nb")] {
        let mut deliveries = consumer.stream();
        let next = poll_fn(|context| Pin::new(&mut deliveries).poll_next(context));
        let error = soon("the refusal", next).await.unwrap().unwrap_err();
        assert_eq!(error.word(), "BADARG");
        assert!(has_ended(&mut deliveries).await);
    }
}
