//! The end of a consumer: nothing is lost, no try is spent on what was not tried.

use std::future::pending;
use std::time::Duration;

use marconi_redis::{Delivery, Metadata, Outcome, Queue, Store};

use crate::common::{self, Server};
use crate::stage::{Gate, Log, Running, ms, named, post, queue, queue_on, soon};

/// One claim that counts is enough to be dead.
async fn brittle(queue: &Queue) {
    let metadata = Metadata::new().with_max_claim_count(1);
    queue.create().metadata(metadata).await.unwrap();
}

/// How often each message was claimed, this time counted.
async fn claims(queue: &Queue) -> Vec<u64> {
    let claim = queue.claim().limit(250).await.unwrap().unwrap();
    claim
        .messages()
        .iter()
        .map(|message| message.claims())
        .collect()
}

#[tokio::test]
async fn what_was_not_started_is_handed_back_with_its_try() {
    let queue = queue().await;
    brittle(&queue).await;
    post(&queue, 40).await;
    let gate = Gate::new();
    // Some of the first claim are in work, all of the second are not.
    let consumer = queue.consumer().concurrency(2).batch(10).ahead(20);
    let running = Running::start(consumer, gate.handler());
    gate.begun.wait(2, |_| true).await;
    running.events.wait(2, named("Claimed")).await;
    running.shut_down();
    running.events.wait(18, named("HandedBack")).await;
    assert_eq!(queue.stats().await.unwrap().claimed, 2);
    gate.let_go(2);
    let consumed = running.end().await.unwrap();
    assert_eq!(
        (consumed.handled, consumed.handed_back, consumed.lost),
        (2, 18, 0)
    );
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.free, stats.dead), (38, 0));
    assert_eq!(claims(&queue).await, [1; 38]);
}

#[tokio::test]
async fn handlers_that_run_are_let_finish_under_their_claims() {
    let queue = queue().await;
    post(&queue, 1).await;
    let gate = Gate::new();
    let consumer = queue.consumer().ttl(Duration::from_secs(1));
    let running = Running::start(consumer, gate.handler());
    gate.begun.wait(1, |_| true).await;
    running.shut_down();
    running.events.wait(3, named("Renewed")).await;
    gate.let_go(1);
    assert_eq!(running.end().await.unwrap().handled, 1);
}

#[tokio::test]
async fn at_the_end_of_the_drain_handlers_are_cancelled_aborted_and_their_messages_given_back() {
    let queue = queue().await;
    let id = post(&queue, 1).await[0];
    let tokens = Log::default();
    let given = tokens.clone();
    let running = Running::start(queue.consumer().drain(ms(50)), move |delivery: Delivery| {
        given.push(delivery.token());
        pending::<Result<(), String>>()
    });
    tokens.wait(1, |_| true).await;
    running.shut_down();
    let consumed = running.end().await.unwrap();
    assert_eq!((consumed.handed_back, consumed.handled), (1, 0));
    assert!(tokens.all()[0].is_cancelled());
    assert!(queue.get(id).await.unwrap().delay().is_zero());
    assert_eq!(claims(&queue).await, [2]);
}

#[tokio::test]
async fn a_claim_that_is_under_way_at_the_shutdown_is_released() {
    let server = Server::start(&[]);
    let queue = queue_on(&server).await;
    brittle(&queue).await;
    post(&queue, 5).await;
    queue.store().load_scripts().await.unwrap();
    // It sweeps, so that the claim is made at its first call.
    assert_eq!(queue.stats().await.unwrap().free, 5);
    server.pause();
    let running = Running::start(queue.consumer(), |_| async { Ok::<_, String>(()) });
    // All there is to do without an answer is done after so many turns: the claim is sent.
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    running.shut_down();
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    server.resume();
    let consumed = running.end().await.unwrap();
    assert_eq!((consumed.handled, consumed.lost), (0, 0));
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.free, stats.claimed, stats.dead), (5, 0, 0));
    assert_eq!(claims(&queue).await, [1; 5]);
}

#[tokio::test]
async fn an_idle_consumer_ends_at_once() {
    let queue = queue().await;
    let running = Running::start(queue.consumer(), |_| async { Ok::<_, String>(()) });
    assert_eq!(running.stop().await, Default::default());
    post(&queue, 1).await;
    assert_eq!(queue.stats().await.unwrap().free, 1);
}

#[tokio::test]
async fn a_server_that_is_away_does_not_hold_up_the_end() {
    let mut server = Server::start(&[]);
    let store = Store::builder().deadline(ms(300));
    let store = store.connect(&server.url()).await.unwrap();
    let queue = store.queue("", &common::a_queue()).unwrap();
    post(&queue, 5).await;
    let gate = Gate::new();
    let consumer = queue.consumer().concurrency(2).drain(ms(100));
    let running = Running::start(consumer, gate.handler());
    gate.begun.wait(2, |_| true).await;
    server.kill();
    running.shut_down();
    soon("the end", async {
        let consumed = running.end().await.unwrap();
        assert_eq!(consumed.handled, 0);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_run_aborts_its_handlers_and_hands_back_in_the_background() {
    let queue = queue().await;
    let metadata = Metadata::new().with_max_claim_count(2);
    queue.create().metadata(metadata).await.unwrap();
    post(&queue, 6).await;
    let gate = Gate::new();
    let running = Running::start(queue.consumer().concurrency(2), gate.handler());
    gate.begun.wait(2, |_| true).await;
    let events = running.abort().await;
    events.wait(6, named("HandedBack")).await;
    assert_eq!(events.count(|event| event.contains("untried: true")), 4);
    assert_eq!(queue.stats().await.unwrap().free, 6);
    let mut claims = claims(&queue).await;
    claims.sort_unstable();
    assert_eq!(claims, [1, 1, 1, 1, 2, 2]);
}

#[tokio::test]
async fn settings_out_of_their_bounds_end_it_before_it_begins() {
    let queue = queue().await;
    let cases = [
        (queue.consumer().concurrency(0), "concurrency"),
        (queue.consumer().batch(0), "batch"),
        (queue.consumer().batch(251), "batch"),
        (queue.consumer().ttl(ms(99)), "ttl"),
        (
            queue
                .consumer()
                .ttl(Duration::from_secs(11 * 365 * 24 * 3600)),
            "ttl",
        ),
        (queue.consumer().worker("a\nb"), "worker"),
    ];
    for (consumer, argument) in cases {
        let run = consumer.run(|_| async { Ok::<_, String>(()) });
        let error = soon("the refusal", run).await.unwrap_err();
        assert_eq!(error.word(), "BADARG");
        assert!(error.to_string().starts_with(argument), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_newer_schema_end_it() {
    let server = Server::start_tcp(&["--requirepass", "right"]);
    let url = format!("redis://:wrong@127.0.0.1:{}", server.port());
    let locked = Store::builder().open(&url).unwrap().queue("", "q").unwrap();
    let run = locked.consumer().run(|_| async { Ok::<_, String>(()) });
    let error = soon("the refusal", run).await.unwrap_err();
    assert_eq!(
        (error.word(), error.outcome()),
        ("TRANSPORT", Outcome::NotDone),
        "{error}"
    );

    let queue = queue().await;
    queue.create().await.unwrap();
    let meta = queue.keys().key(marconi_redis::keys::Part::Meta);
    let mut connection = Server::shared().connection().await;
    let mut set = redis::cmd("HSET");
    set.arg(meta).arg("schema").arg("2");
    set.exec_async(&mut connection).await.unwrap();
    let run = queue.consumer().run(|_| async { Ok::<_, String>(()) });
    let error = soon("the refusal", run).await.unwrap_err();
    assert_eq!(error.word(), "NEWERSCHEMA");
}
