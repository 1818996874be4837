//! Waiting while lines break, servers go and come back, and rights are missing.

use marconi_redis::{Outcome, Store};

use crate::common::{self, Server};
use crate::proxy::Proxy;
use crate::stage::{Behind, PATIENCE, Waiter, a_queue, elsewhere_on, ms};

#[tokio::test]
async fn a_line_that_is_cut_is_made_anew_and_what_was_said_meanwhile_is_looked_for() {
    let server = Server::start(&[]);
    let store = Store::connect(&server.url()).await.unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    queue.create().await.unwrap();
    let mut behind = Behind::of(&server).await;
    for n in 0..20 {
        let waiter = Waiter::on(&queue);
        behind.until_waited_on(&queue).await;
        behind.until_heard(&queue, 1).await;
        // The message comes in the same breath, when nobody listens.
        let poster = elsewhere_on(&server, &queue).await;
        let killed: u64 = behind.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        assert_eq!(killed, 1);
        poster.post(&format!("{n}")).await.unwrap();
        assert_eq!(waiter.body().await, format!("{n}"));
    }
}

#[tokio::test]
async fn a_server_that_restarts_finds_its_waiters_again() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = Store::connect(&server.url()).await.unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    queue.create().await.unwrap();
    let waiters: Vec<_> = (0..5).map(|_| Waiter::on(&queue)).collect();
    Behind::of(&server).await.until_heard(&queue, 1).await;
    server.restart();
    // One comes before they are back, the others after.
    let poster = elsewhere_on(&server, &queue).await;
    poster.post("first").await.unwrap();
    Behind::of(&server).await.until_heard(&queue, 1).await;
    for body in ["b", "c", "d", "e"] {
        poster.post(body).await.unwrap();
    }
    for waiter in waiters {
        waiter.claim().await;
    }
}

#[tokio::test]
async fn a_server_that_comes_back_empty_wakes_by_the_queue_that_is_made_there() {
    let mut server = Server::start(&[]);
    let store = Store::connect(&server.url()).await.unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    queue.create().await.unwrap();
    let waiter = Waiter::on(&queue);
    Behind::of(&server).await.until_heard(&queue, 1).await;
    server.restart();
    Behind::of(&server).await.until_heard(&queue, 1).await;
    elsewhere_on(&server, &queue).await.post("a").await.unwrap();
    assert_eq!(waiter.body().await, "a");
}

#[tokio::test]
async fn a_line_that_falls_silent_is_noticed_and_made_anew() {
    let server = Server::start_tcp(&[]);
    let proxy = Proxy::before(server.port()).await;
    // Operations have a line of their own, which stays.
    let store = Store::builder()
        .keep_alive(ms(100))
        .wake_url(&proxy.url())
        .unwrap();
    let store = store.connect(&server.url()).await.unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    queue.create().await.unwrap();
    let waiter = Waiter::on(&queue);
    Behind::of(&server).await.until_waited_on(&queue).await;
    proxy.silence();
    elsewhere_on(&server, &queue).await.post("a").await.unwrap();
    assert_eq!(waiter.body().await, "a");
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn who_cannot_be_told_is_told_so() {
    let server = Server::start_tcp(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = Store::builder()
        .deadline(ms(300))
        .wake_url(&proxy.url())
        .unwrap();
    let store = store.connect(&server.url()).await.unwrap();
    proxy.close();
    let queue = store.queue("shop", "orders").unwrap();
    let error = queue.claim().wait(PATIENCE).await.unwrap_err();
    assert_eq!(
        (error.word(), error.outcome()),
        ("TRANSPORT", Outcome::NotDone),
        "{error}"
    );
    // What is there already needs nobody to tell of it.
    queue.post("a").await.unwrap();
    assert!(queue.claim().wait(PATIENCE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_user_without_the_right_to_listen_is_refused_at_once() {
    if common::version() < (7, 0) {
        // 6.2 lets every user at every channel unless it is told otherwise.
        return;
    }
    let server = Server::start_tcp(&[]);
    let mut behind = Behind::of(&server).await;
    let rights = [
        "ACL",
        "SETUSER",
        "worker",
        "on",
        ">secret",
        "~*",
        "+@all",
        "resetchannels",
    ];
    behind.ask::<()>(&rights).await;
    let url = format!("redis://worker:secret@127.0.0.1:{}", server.port());
    let queue = Store::connect(&url)
        .await
        .unwrap()
        .queue("shop", "orders")
        .unwrap();
    let error = queue.claim().wait(PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("NOPERM"), "{error}");
    assert_eq!(error.outcome(), Outcome::NotDone);
    // And a post by such a user is done, though it can wake nobody.
    queue.post("a").await.unwrap();
    assert!(queue.claim().wait(PATIENCE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_store_over_the_callers_connection_waits_where_it_is_told_where_to_listen() {
    let server = Server::shared();
    let mine = server.connection().await;
    let (project, name) = (common::a_queue(), "orders");
    let deaf = Store::from_connection(mine.clone());
    let error = deaf
        .queue(&project, name)
        .unwrap()
        .claim()
        .wait(PATIENCE)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("wake_url"), "{error}");

    let store = Store::builder().wake_url(&server.url()).unwrap().over(mine);
    let queue = store.queue(&project, name).unwrap();
    let waiter = Waiter::on(&queue);
    Behind::shared().await.until_heard(&queue, 1).await;
    deaf.queue(&project, name).unwrap().post("a").await.unwrap();
    assert_eq!(waiter.body().await, "a");
}

#[tokio::test]
async fn a_full_server_lets_wait_and_wakes() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let queue = a_queue().await;
    let queue = elsewhere_on(&server, &queue).await;
    queue.post("a").await.unwrap();
    let held = queue.claim().await.unwrap().unwrap();
    let mut behind = Behind::of(&server).await;
    behind.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let waiter = Waiter::on(&queue);
    behind.until_waited_on(&queue).await;
    held.release().await.unwrap();
    assert_eq!(waiter.body().await, "a");
}
