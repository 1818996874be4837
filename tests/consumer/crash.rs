//! The server killed in the middle of the work.

use std::collections::HashMap;

use marconi_redis::Delivery;

use crate::common::Server;
use crate::stage::{Log, Running, named, post, queue_on};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_comes_back_loses_nothing() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let queue = queue_on(&server).await;
    post(&queue, 600).await;
    let handled = Log::default();
    let seen = handled.clone();
    let running = Running::start(
        queue.consumer().concurrency(4),
        move |delivery: Delivery| {
            let seen = seen.clone();
            async move {
                seen.push((delivery.body::<u32>().unwrap(), delivery.fence()));
                Ok::<_, String>(())
            }
        },
    );
    for from in [100, 300] {
        running.events.wait(from, named("Handled")).await;
        server = tokio::task::spawn_blocking(move || {
            server.restart();
            server
        })
        .await
        .unwrap();
    }
    // More than so many only where a message was lost with its claim and came again.
    running.events.wait(600, named("Handled")).await;
    let consumed = running.stop().await;
    assert_eq!((consumed.handled, consumed.failed), (600, 0));
    assert_eq!(queue.stats().await.unwrap().total, 0);
    let mut last = HashMap::new();
    for (body, fence) in handled.all() {
        if let Some(before) = last.insert(body, fence) {
            assert!(before < fence, "{body} under {before}, then {fence}");
        }
    }
    assert_eq!(last.len(), 600);
}

#[tokio::test]
async fn a_consumer_that_starts_before_its_server_waits_for_it() {
    let mut server = Server::start(&[]);
    let queue = queue_on(&server).await;
    server.kill();
    let running = Running::start(queue.consumer(), |_| async { Ok::<_, String>(()) });
    running.events.wait(1, named("Trouble")).await;
    server.restart();
    post(&queue, 3).await;
    running.events.wait(3, named("Handled")).await;
    assert_eq!(running.stop().await.handled, 3);
}
