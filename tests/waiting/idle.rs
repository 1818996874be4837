//! What waiting costs the server: nothing.

use marconi_redis::Store;

use crate::common::Server;
use crate::stage::{Behind, PATIENCE, Waiter, ms};

#[tokio::test]
async fn a_hundred_idle_waiters_cause_no_command_in_ten_seconds_but_keep_alive() {
    let server = Server::start(&[]);
    let mut behind = Behind::of(&server).await;
    let store = Store::builder()
        .keep_alive(ms(500))
        .connect(&server.url())
        .await
        .unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    // One that is held and one that is delayed, so that there is something to wait for in time.
    queue.post("held").await.unwrap();
    queue.claim().ttl(PATIENCE * 9).await.unwrap().unwrap();
    let delayed = marconi_redis::NewMessage::new("delayed")
        .unwrap()
        .delay(PATIENCE * 9);
    queue.post_many([delayed]).await.unwrap();
    let waiters: Vec<_> = (0..100).map(|_| Waiter::on(&queue)).collect();
    behind.until_heard(&queue, 1).await;
    behind.settled().await;
    let before = behind.all_calls().await;
    let pings = behind.calls("ping").await;
    while behind.calls("ping").await < pings + 20 {}
    assert_eq!(
        behind.all_calls().await,
        before,
        "something ran in the time of 20 keep-alives"
    );
    waiters.into_iter().for_each(Waiter::abort);
}

#[tokio::test]
async fn a_line_that_nobody_waits_on_is_closed_and_made_anew_when_needed() {
    let server = Server::start(&[]);
    let mut behind = Behind::of(&server).await;
    let store = Store::builder()
        .keep_alive(ms(50))
        .connect(&server.url())
        .await
        .unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    for body in ["a", "b"] {
        let waiter = Waiter::on(&queue);
        behind.until_heard(&queue, 1).await;
        queue.post(body).await.unwrap();
        assert_eq!(waiter.body().await, body);
        behind.until_heard(&queue, 0).await;
        loop {
            let clients: String = behind.ask(&["CLIENT", "LIST"]).await;
            if clients.lines().count() == 2 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_is_dropped_leaves_no_line_behind() {
    let server = Server::start(&[]);
    let mut behind = Behind::of(&server).await;
    let store = Store::connect(&server.url()).await.unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    assert!(queue.claim().wait(ms(1)).await.unwrap().is_none());
    drop((queue, store));
    loop {
        let clients: String = behind.ask(&["CLIENT", "LIST"]).await;
        if clients.lines().count() == 1 {
            break;
        }
        tokio::task::yield_now().await;
    }
}
