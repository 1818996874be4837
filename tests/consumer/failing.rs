//! Handlers that fail: the message comes again, later, and the consumer goes on.

use std::future::pending;
use std::time::Duration;

use marconi_redis::{Backoff, Delivery, Metadata, NewMessage};

use crate::stage::{Log, Running, ms, named, post, queue};

fn an_hour() -> Backoff {
    let hour = Duration::from_secs(3600);
    Backoff::new(hour, hour)
}

#[derive(Debug)]
struct Deep(std::num::ParseIntError);

impl std::fmt::Display for Deep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the order has no number")
    }
}

impl std::error::Error for Deep {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test]
async fn an_error_delays_the_message_and_is_told_of_with_its_cause() {
    let queue = queue().await;
    let id = post(&queue, 1).await[0];
    let running = Running::start(queue.consumer().backoff(an_hour()), |_| async {
        Err(Deep("x".parse::<u32>().unwrap_err()))
    });
    running.events.wait(1, named("Failed")).await;
    let told = running.events.all();
    assert!(
        told.iter()
            .any(|event| event.contains("the order has no number: invalid digit")),
        "{told:?}"
    );
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.delayed, stats.total), (1, 1));
    let delay = queue.get(id).await.unwrap().delay();
    assert!(delay > Duration::from_secs(1700), "{delay:?}");
    assert_eq!(running.stop().await.failed, 1);
}

#[tokio::test]
async fn a_panic_is_a_failure_and_the_consumer_survives() {
    let queue = queue().await;
    post(&queue, 3).await;
    let consumer = queue.consumer().backoff(an_hour());
    let running = Running::start(consumer, |delivery: Delivery| {
        let body: u32 = delivery.body().unwrap();
        assert_ne!(body, 0, "not even a future");
        async move {
            assert_ne!(body, 1, "in the middle");
            Ok::<_, String>(())
        }
    });
    running.events.wait(1, named("Handled")).await;
    running
        .events
        .wait(2, |event| event.contains("Panicked"))
        .await;
    running
        .events
        .wait(1, |event| event.contains("in the middle"))
        .await;
    let consumed = running.stop().await;
    assert_eq!((consumed.handled, consumed.failed), (1, 2));
    assert_eq!(queue.stats().await.unwrap().delayed, 2);
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_cancelled_aborted_and_has_failed() {
    let queue = queue().await;
    post(&queue, 2).await;
    let (tokens, ended) = (Log::default(), Log::<()>::default());
    let (given, dropped) = (tokens.clone(), ended.clone());
    struct Ends(Log<()>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.push(());
        }
    }
    let consumer = queue.consumer().backoff(an_hour()).handler_timeout(ms(50));
    let running = Running::start(consumer, move |delivery: Delivery| {
        let (given, ends) = (given.clone(), Ends(dropped.clone()));
        async move {
            let _ends = ends;
            given.push(delivery.token());
            match delivery.body::<u32>().unwrap() {
                0 => pending().await,
                _ => Ok::<_, String>(()),
            }
        }
    });
    running
        .events
        .wait(1, |event| event.contains("TimedOut(50ms)"))
        .await;
    running.events.wait(1, named("Handled")).await;
    assert_eq!(ended.all().len(), 2);
    let cancelled = tokens.count(|token| token.is_cancelled());
    assert_eq!(cancelled, 1);
    assert_eq!(running.stop().await.failed, 1);
    assert_eq!(queue.stats().await.unwrap().delayed, 1);
}

#[tokio::test]
async fn without_a_backoff_it_comes_again_at_once() {
    let queue = queue().await;
    post(&queue, 1).await;
    let consumer = queue.consumer().backoff(Backoff::none());
    let running = Running::start(consumer, |delivery: Delivery| async move {
        match delivery.message().claims() {
            3 => Ok(()),
            _ => Err("not yet"),
        }
    });
    running.events.wait(1, named("Handled")).await;
    let consumed = running.stop().await;
    assert_eq!((consumed.handled, consumed.failed), (1, 2));
}

#[tokio::test]
async fn no_delay_outlives_the_message() {
    let queue = queue().await;
    let message = NewMessage::new(&0).unwrap().ttl(Duration::from_secs(100));
    let id = queue.post_many([message]).await.unwrap()[0];
    let consumer = queue.consumer().backoff(an_hour()).grace(Duration::ZERO);
    let running = Running::start(consumer, |_| async { Err("no") });
    running.events.wait(1, named("Failed")).await;
    running.stop().await;
    let message = queue.get(id).await.unwrap();
    let left = message.ttl() - message.age();
    assert!(message.delay() > Duration::from_secs(20), "{message:?}");
    assert!(
        message.delay() <= left / 2 + Duration::from_secs(1),
        "{message:?}"
    );
}

#[tokio::test]
async fn what_fails_too_often_arrives_in_the_dead_letter_queue() {
    let queue = queue().await;
    let metadata = Metadata::new()
        .with_max_claim_count(2)
        .with_dead_letter_queue("dead");
    queue.create().metadata(metadata).await.unwrap();
    post(&queue, 5).await;
    let consumer = queue.consumer().concurrency(2).backoff(Backoff::none());
    let running = Running::start(consumer, |_| async { Err("never") });
    running.events.wait(10, named("Failed")).await;
    running.stop().await;
    let dead = queue
        .store()
        .queue(queue.path().project().as_str(), "dead")
        .unwrap();
    let letters = dead.claim().await.unwrap().unwrap();
    assert_eq!(letters.messages().len(), 5);
    let origin = letters.messages()[0].origin().unwrap();
    assert_eq!(origin.claims, 2);
    assert_eq!(queue.stats().await.unwrap().total, 0);
}
