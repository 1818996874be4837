//! Claims that are lost: who works is told, and nothing more of them is started.

use std::time::Duration;

use marconi_redis::{Consumer, Delivery, Queue, Store};

use crate::common::Server;
use crate::stage::{Gate, Log, Running, named, post, queue, queue_on, soon};

fn short(queue: &Queue) -> Consumer {
    queue.consumer().ttl(Duration::from_secs(1))
}

#[tokio::test]
async fn a_claim_that_is_taken_away_cancels_its_handlers_and_starts_nothing_more() {
    let queue = queue().await;
    let ids = post(&queue, 3).await;
    let gate = Gate::new();
    let running = Running::start(short(&queue), gate.handler());
    gate.begun.wait(1, |_| true).await;
    let claim = queue.get(ids[0]).await.unwrap().claimed_by().unwrap();
    // Another worker has all of them now.
    queue.release(claim).await.unwrap();
    let other = queue.claim().await.unwrap().unwrap();
    assert_eq!(other.messages().len(), 3);
    gate.cancelled.wait(1, |_| true).await;
    running.events.wait(1, named("ClaimLost")).await;
    running.events.wait(3, named("Lost")).await;
    assert_eq!(gate.begun.all(), [0]);
    let consumed = running.stop().await;
    assert_eq!((consumed.handled, consumed.lost), (0, 3));
    // What the handler returned did nothing to the other's messages.
    assert_eq!(other.get().await.unwrap().messages().len(), 3);
}

#[tokio::test]
async fn what_was_not_started_is_dropped_while_a_handler_still_runs() {
    let queue = queue().await;
    let ids = post(&queue, 3).await;
    let consumer = short(&queue).drain(Duration::ZERO);
    let running = Running::start(consumer, |_| std::future::pending::<Result<(), String>>());
    running.events.wait(1, named("Claimed")).await;
    let claim = queue.get(ids[0]).await.unwrap().claimed_by().unwrap();
    queue.release(claim).await.unwrap();
    let dropped = |event: &String| named("Lost")(event) && event.contains("started: false");
    running.events.wait(2, dropped).await;
    // The handler's message is lost too, when it ends.
    assert_eq!(running.events.count(named("Lost")), 2);
    running.shut_down();
    assert!(running.end().await.unwrap().lost >= 3);
}

#[tokio::test]
async fn a_queue_that_is_deleted_takes_its_claims_along() {
    let queue = queue().await;
    post(&queue, 2).await;
    let gate = Gate::new();
    let running = Running::start(short(&queue), gate.handler());
    gate.begun.wait(1, |_| true).await;
    queue.delete().await.unwrap();
    gate.cancelled.wait(1, |_| true).await;
    running.events.wait(2, named("Lost")).await;
    // It goes on when there is a queue again.
    post(&queue, 1).await;
    gate.let_go(1);
    running.events.wait(1, named("Handled")).await;
    assert_eq!(running.stop().await.lost, 2);
}

#[tokio::test]
async fn a_server_that_falls_silent_for_longer_than_the_ttl_loses_the_claim_by_the_local_clock() {
    let server = Server::start(&[]);
    let queue = queue_on(&server).await;
    post(&queue, 2).await;
    let gate = Gate::new();
    let running = Running::start(short(&queue), gate.handler());
    gate.begun.wait(1, |_| true).await;
    server.pause();
    gate.cancelled.wait(1, |_| true).await;
    running.events.wait(1, named("ClaimLost")).await;
    server.resume();
    gate.let_go(2);
    running.events.wait(2, named("Handled")).await;
    let consumed = running.stop().await;
    assert_eq!((consumed.handled, consumed.lost), (2, 2));
    assert_eq!(queue.stats().await.unwrap().total, 0);
}

#[tokio::test]
async fn a_process_that_was_stopped_starts_nothing_of_what_it_held_before() {
    let queue = queue().await;
    post(&queue, 3).await;
    let (gate, begun) = (Gate::new(), Log::default());
    let (pass, seen) = (gate.handler(), begun.clone());
    let running = Running::start(short(&queue), move |delivery: Delivery| {
        let body: u32 = delivery.body().unwrap();
        seen.push((body, delivery.message().claims()));
        pass(delivery)
    });
    gate.begun.wait(1, |_| true).await;
    gate.let_go(4);
    // The only thread: nothing runs, no timer fires.
    std::thread::sleep(Duration::from_millis(1200));
    running.events.wait(3, named("Handled")).await;
    assert_eq!(begun.all(), [(0, 1), (0, 2), (1, 2), (2, 2)]);
    let consumed = running.stop().await;
    assert_eq!((consumed.handled, consumed.lost), (3, 3));
}

#[tokio::test]
async fn a_renewal_that_is_overtaken_by_the_last_deletion_is_no_loss() {
    let server = Server::start(&[]);
    let queue = queue_on(&server).await;
    let id = post(&queue, 1).await[0];
    let admin = server.connection().await;
    let gate = Gate::new();
    let consumer = queue.consumer().ttl(Duration::from_secs(4));
    let running = Running::start(consumer, gate.handler());
    gate.begun.wait(1, |_| true).await;
    let claim = queue.get(id).await.unwrap().claimed_by().unwrap();
    // A deletion touches keys that a renewal does not: the consumer's deletion is refused for now.
    let acl = async |user: &str, rules: &str| {
        let mut set = redis::cmd("ACL");
        set.arg("SETUSER")
            .arg(user)
            .arg(rules.split(' ').collect::<Vec<_>>());
        set.exec_async(&mut admin.clone()).await.unwrap();
    };
    acl("other", "on nopass ~* &* +@all").await;
    let other = format!(
        "redis+unix://{}?user=other&pass=x",
        server.socket().display()
    );
    let other = Store::connect(&other)
        .await
        .unwrap()
        .queue_at(queue.path().clone());
    acl(
        "default",
        "resetkeys ~*}:log ~*}:meta ~*}:held ~*}:claims ~*}:expiry",
    )
    .await;
    gate.let_go(1);
    running
        .events
        .wait(1, |event| event.contains("Trouble { operation: \"delete\""))
        .await;
    // As if the deletion had been done, and its answer were on its way still.
    assert_eq!(other.delete_many([id]).claim(claim).await.unwrap(), 1);
    let refused = async || {
        let mut stats = redis::cmd("INFO");
        let stats: String = stats
            .arg("errorstats")
            .query_async(&mut admin.clone())
            .await
            .unwrap();
        stats.contains("CLAIMGONE")
    };
    soon("the renewal", async {
        while !refused().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    acl("default", "allkeys").await;
    // In about 2 s, and after longer and longer pauses.
    let tries = running.events.count(|event| event.contains("\"delete\""));
    assert!((2..=9).contains(&tries), "{tries}");
    running.events.wait(1, named("Handled")).await;
    assert_eq!(running.events.count(named("ClaimLost")), 0);
    running.shut_down();
    // Its next claim was refused meanwhile.
    assert!(
        running
            .end()
            .await
            .unwrap_err()
            .to_string()
            .contains("NOPERM")
    );
}

#[tokio::test]
async fn what_no_repetition_mends_ends_the_consumer_after_its_handlers_are_done() {
    let server = Server::start(&[]);
    let queue = queue_on(&server).await;
    post(&queue, 1).await;
    let gate = Gate::new();
    let consumer = queue.consumer().ttl(Duration::from_secs(6));
    let running = Running::start(consumer, gate.handler());
    gate.begun.wait(1, |_| true).await;
    let connection = server.connection().await;
    let acl = async |rule: &str| {
        let mut set = redis::cmd("ACL");
        set.arg("SETUSER").arg("default").arg(rule);
        set.exec_async(&mut connection.clone()).await.unwrap();
    };
    acl("-evalsha").await;
    running
        .events
        .wait(1, |event| event.contains("Trouble { operation: \"renew\""))
        .await;
    acl("+evalsha").await;
    running.events.wait(1, named("Renewed")).await;
    gate.let_go(1);
    running.events.wait(1, named("Handled")).await;
    // The renewal was repeated, and the claim that nobody waited for was not.
    let error = running.end().await.unwrap_err();
    assert!(error.to_string().contains("NOPERM"), "{error}");
    assert_eq!(queue.stats().await.unwrap().total, 0);
}
