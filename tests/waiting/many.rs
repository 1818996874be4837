//! Many waiters of one process, and of several.

use std::future::IntoFuture;

use tokio::sync::mpsc;

use crate::common::Server;
use crate::stage::{Behind, PATIENCE, Waiter, elsewhere_on, ms};

async fn queue_on(server: &Server) -> marconi_redis::Queue {
    let store = marconi_redis::Store::builder().keep_alive(ms(100));
    let store = store.connect(&server.url()).await.unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    queue.create().await.unwrap();
    queue
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_waiters_share_one_line_and_a_post_costs_at_most_two_claims() {
    let server = Server::start(&[]);
    let queue = queue_on(&server).await;
    let (sender, mut told) = mpsc::channel(1000);
    for _ in 0..1000 {
        let (queue, sender) = (queue.clone(), sender.clone());
        tokio::spawn(async move {
            let claim = queue.claim().limit(1).wait(PATIENCE).await.unwrap();
            sender
                .send(claim.expect("something to claim"))
                .await
                .unwrap();
        });
    }
    let mut behind = Behind::of(&server).await;
    behind.until_heard(&queue, 1).await;
    let before = behind.settled().await;
    assert!(before >= 1000, "each looks before it waits");
    let clients: String = behind.ask(&["CLIENT", "LIST"]).await;
    assert_eq!(
        clients.lines().count(),
        3,
        "operations, the line, and this test: {clients}"
    );

    let poster = elsewhere_on(&server, &queue).await;
    // A call of a script that is not loaded yet would count twice.
    poster.store().load_scripts().await.unwrap();
    let posts = 20;
    for n in 0..posts {
        poster.post(&n).await.unwrap();
        told.recv().await.unwrap();
    }
    let claims = behind.settled().await - before - posts;
    assert!(claims <= 2 * posts, "{posts} posts caused {claims} claims");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_post_of_many_messages_serves_as_many_waiters() {
    let server = Server::start(&[]);
    let queue = queue_on(&server).await;
    let waiters: Vec<_> = (0..30).map(|_| Waiter::on(&queue)).collect();
    let mut behind = Behind::of(&server).await;
    behind.until_waited_on(&queue).await;
    let bodies: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    let messages = bodies
        .iter()
        .map(|body| marconi_redis::NewMessage::new(body).unwrap());
    elsewhere_on(&server, &queue)
        .await
        .post_many(messages)
        .await
        .unwrap();
    let mut got = Vec::new();
    for waiter in waiters {
        got.push(waiter.body().await);
    }
    got.sort_by_key(|body| body.parse::<u32>().unwrap());
    assert_eq!(got, bodies);
}

#[tokio::test]
async fn who_is_woken_and_dies_leaves_the_message_to_others_who_wait() {
    let server = Server::start(&[]);
    let queue = queue_on(&server).await;
    let far = elsewhere_on(&server, &queue).await;
    // All of them let the claim lapse; the message goes from one to the next, here and there.
    let ttl = ms(50);
    let mut waiters: Vec<_> = (0..3).map(|_| Waiter::with_ttl(&queue, ttl)).collect();
    waiters.extend((0..3).map(|_| Waiter::with_ttl(&far, ttl)));
    let mut behind = Behind::of(&server).await;
    behind.until_heard(&queue, 2).await;
    far.post("a").await.unwrap();
    let mut fences = Vec::new();
    for waiter in waiters {
        let claim = waiter.claim().await;
        assert_eq!(claim.messages()[0].body::<String>().unwrap(), "a");
        fences.push(claim.fence());
    }
    fences.sort_unstable();
    fences.dedup();
    assert_eq!(fences.len(), 6);
}

#[tokio::test]
async fn a_waiter_that_goes_away_when_it_is_called_passes_the_call_on() {
    let server = Server::start(&[]);
    let queue = queue_on(&server).await;
    let mut behind = Behind::of(&server).await;
    let poster = elsewhere_on(&server, &queue).await;
    for _ in 0..50 {
        let first = Waiter::on(&queue);
        behind.until_waited_on(&queue).await;
        let second = Waiter::on(&queue);
        let posted = poster.post("a");
        // Whichever of the two is called: one is gone, maybe in the middle of its look.
        let (posted, ()) = tokio::join!(posted.into_future(), async { first.abort() });
        posted.unwrap();
        second.claim().await.delete_all().await.unwrap();
        queue.purge().await.unwrap();
    }
}
