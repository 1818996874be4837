//! Handlers at work.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use marconi_redis::{Delivery, Error};

use crate::stage::{Gate, Log, Running, named, post, queue};

#[tokio::test]
async fn what_is_handled_is_deleted_and_counted() {
    let queue = queue().await;
    post(&queue, 40).await;
    let bodies = Log::default();
    let seen = bodies.clone();
    let running = Running::start(
        queue.consumer().concurrency(4),
        move |delivery: Delivery| {
            let seen = seen.clone();
            async move {
                assert_eq!(delivery.message().claims(), 1);
                seen.push(delivery.body::<u32>()?);
                Ok::<_, Error>(())
            }
        },
    );
    running.events.wait(40, named("Handled")).await;
    let consumed = running.stop().await;
    assert_eq!(
        (consumed.handled, consumed.failed, consumed.lost),
        (40, 0, 0)
    );
    let once: BTreeSet<_> = bodies.all().into_iter().collect();
    assert_eq!((once.len(), bodies.all().len()), (40, 40));
    assert_eq!(queue.stats().await.unwrap().total, 0);
}

#[tokio::test]
async fn one_handler_takes_the_messages_in_their_order() {
    let queue = queue().await;
    post(&queue, 30).await;
    let gate = Gate::new();
    gate.let_go(30);
    let running = Running::start(queue.consumer().batch(7), gate.handler());
    running.events.wait(30, named("Handled")).await;
    running.stop().await;
    assert_eq!(gate.begun.all(), Vec::from_iter(0..30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_concurrency_is_reached_and_never_exceeded() {
    let queue = queue().await;
    post(&queue, 200).await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Gate::new();
    let handler = {
        let (gate, now, most) = (gate.clone(), now.clone(), most.clone());
        move |delivery: Delivery| {
            let (gate, now, most) = (gate.clone(), now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let passed = gate.pass(delivery).await;
                now.fetch_sub(1, Ordering::SeqCst);
                passed
            }
        }
    };
    let running = Running::start(queue.consumer().concurrency(8).batch(50), handler);
    gate.begun.wait(8, |_| true).await;
    assert_eq!(now.load(Ordering::SeqCst), 8);
    gate.let_go(200);
    running.events.wait(200, named("Handled")).await;
    assert_eq!(running.stop().await.handled, 200);
    assert_eq!(most.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn messages_that_come_later_are_handled_too() {
    let queue = queue().await;
    let gate = Gate::new();
    gate.let_go(9);
    let running = Running::start(queue.consumer().concurrency(2), gate.handler());
    for round in 1..=3 {
        post(&queue, 3).await;
        running.events.wait(3 * round, named("Handled")).await;
    }
    assert_eq!(running.stop().await.handled, 9);
}

#[tokio::test]
async fn a_delivery_says_what_it_is_under() {
    let queue = queue().await;
    let id = queue.post("umbrella").await.unwrap()[0];
    let worker_queue = queue.clone();
    let consumer = queue.consumer().worker("w-1");
    let running = Running::start(consumer, move |delivery: Delivery| {
        let queue = worker_queue.clone();
        async move {
            assert_eq!(delivery.id(), id);
            let claim = queue.get_claim(delivery.claim()).await?;
            assert_eq!(claim.fence(), delivery.fence());
            assert_eq!(claim.worker(), Some("w-1"));
            assert!(!delivery.token().is_cancelled());
            let shown = format!("{delivery:?}");
            assert!(!shown.contains("umbrella"), "{shown}");
            Ok::<_, Error>(())
        }
    });
    running
        .events
        .wait(1, |event| named("Handled")(event) || named("Failed")(event))
        .await;
    assert_eq!(running.stop().await.failed, 0);
}

#[tokio::test]
async fn a_handler_may_settle_its_delivery_itself() {
    let queue = queue().await;
    post(&queue, 3).await;
    let running = Running::start(queue.consumer(), |delivery: Delivery| async move {
        match delivery.body::<u32>()? {
            0 => delivery.done().await?,
            1 => delivery.nack(std::time::Duration::from_secs(60)).await?,
            _ => drop(delivery.failed("no").await?),
        }
        Err(Error::InvalidArgument {
            queue: None,
            argument: "what comes after it".into(),
            detail: "says nothing".into(),
        })
    });
    running.events.wait(1, named("Handled")).await;
    running.events.wait(1, named("HandedBack")).await;
    running.events.wait(1, named("Failed")).await;
    let consumed = running.stop().await;
    assert_eq!(
        (consumed.handled, consumed.handed_back, consumed.failed),
        (1, 1, 1)
    );
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.delayed, stats.total), (2, 2));
}
