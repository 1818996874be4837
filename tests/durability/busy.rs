//! Many writes at once, a server that is full, consumers, merged posts.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use marconi_redis::{Durability, NewMessage, Outcome, Store};

use crate::common::Server;
use crate::stage::{Pair, ask, calls};

fn one() -> Durability {
    Durability::replicas(1).within(Duration::from_secs(20))
}

/// How many connections a server has taken so far.
async fn made(server: &Server) -> u64 {
    let info: String = ask(server, &["INFO", "stats"]).await;
    let of = |line: &str| {
        line.strip_prefix("total_connections_received:")?
            .trim()
            .parse()
            .ok()
    };
    info.lines().find_map(of).expect("a number")
}

#[tokio::test]
async fn many_writes_at_once_share_no_connection_and_no_more_than_there_may_be() {
    let pair = Pair::start(1).await;
    let builder = Store::builder()
        .deadline(Duration::from_secs(30))
        .max_receipts(4);
    let store = builder.connect(&pair.primary.tcp_url()).await.unwrap();
    let queue = store
        .with_durability(one())
        .unwrap()
        .queue("shop", "orders")
        .unwrap();
    queue.create().await.unwrap();
    let connections = made(&pair.primary).await;
    let posts = (0..100).map(|n| {
        let queue = queue.clone();
        async move { queue.post(&n).await }
    });
    let ids: BTreeSet<_> = join_all(posts)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    assert_eq!(ids.len(), 100);
    let connections = made(&pair.primary).await - connections;
    assert!(
        connections <= 5,
        "{connections} connections were made for them"
    );
    let clients: String = ask(&pair.primary, &["CLIENT", "LIST", "TYPE", "normal"]).await;
    let ours = clients
        .lines()
        .filter(|line| !line.contains("cmd=client"))
        .count();
    assert!(
        (2..=5).contains(&ours),
        "4 and the one that reads go on:\n{clients}"
    );
}

#[tokio::test]
async fn reads_go_on_while_all_connections_wait_and_more_writes_are_not_done() {
    let pair = Pair::start(1).await;
    let builder = Store::builder()
        .deadline(Duration::from_millis(400))
        .max_receipts(2);
    let store = builder
        .max_in_flight(2)
        .connect(&pair.primary.tcp_url())
        .await
        .unwrap();
    let queue = store
        .with_durability(one())
        .unwrap()
        .queue("shop", "orders")
        .unwrap();
    queue.create().await.unwrap();
    pair.replicas[0].pause();
    let late = queue.store().with_deadline(Duration::from_millis(200));
    let late = late.queue("shop", "orders").unwrap();
    let (first, second, third, stats) = tokio::join!(
        async { queue.post("1").await },
        async { queue.post("2").await },
        async { late.post("3").await },
        queue.stats(),
    );
    stats.unwrap();
    assert_eq!(first.unwrap_err().word(), "UNCONFIRMED");
    assert_eq!(second.unwrap_err().word(), "UNCONFIRMED");
    let third = third.unwrap_err();
    assert_eq!(third.outcome(), Outcome::NotDone, "{third}");
    assert!(
        third.to_string().contains("2 requests waited for receipts"),
        "{third}"
    );
    assert_eq!(queue.stats().await.unwrap().free, 2);
    pair.replicas[0].resume();
}

#[tokio::test]
async fn what_goes_in_one_call_has_one_receipt() {
    let pair = Pair::start(1).await;
    let builder = Store::builder()
        .merge_posts(true)
        .deadline(Duration::from_secs(30));
    let store = builder.connect(&pair.primary.tcp_url()).await.unwrap();
    let queue = store
        .with_durability(one())
        .unwrap()
        .queue("shop", "orders")
        .unwrap();
    queue.create().await.unwrap();
    let before = calls(&pair.primary, "wait").await;
    let many = (0..250).map(|n| NewMessage::new(&n).unwrap());
    queue.post_many(many).await.unwrap();
    assert_eq!(calls(&pair.primary, "wait").await, before + 1);
    let posts = (0..200).map(|n| {
        let queue = queue.clone();
        async move { queue.post(&n).await }
    });
    for post in join_all(posts).await {
        post.unwrap();
    }
    let receipts = calls(&pair.primary, "wait").await - before - 1;
    assert!(receipts < 20, "{receipts} for 200 posts");
    assert_eq!(queue.stats().await.unwrap().free, 450);

    pair.replicas[0].pause();
    let short = one().within(Duration::from_millis(50));
    let queue = queue
        .store()
        .with_durability(short)
        .unwrap()
        .queue("shop", "orders")
        .unwrap();
    let (a, b) = tokio::join!(async { queue.post("a").await }, async {
        queue.post("b").await
    });
    assert_eq!(a.unwrap_err().word(), "UNCONFIRMED");
    assert_eq!(b.unwrap_err().word(), "UNCONFIRMED");
    pair.replicas[0].resume();
}

/// The mark is a write too, and must not be refused where the operation was not.
#[tokio::test]
async fn a_full_server_is_drained_and_what_drains_it_is_confirmed() {
    let pair = Pair::start(1).await;
    let queue = pair.durable(10_000).await.queue("shop", "orders").unwrap();
    queue
        .post_many((0..10).map(|n| NewMessage::new(&n).unwrap()))
        .await
        .unwrap();
    let () = ask(&pair.primary, &["CONFIG", "SET", "maxmemory", "1"]).await;
    let claim = queue.claim().limit(3).await.unwrap().unwrap();
    claim.delete_all().await.unwrap();
    assert_eq!(queue.pop().limit(7).await.unwrap().len(), 7);
    let full = queue.post("x").await.unwrap_err();
    assert_eq!(full.outcome(), Outcome::NotDone, "{full}");
}

#[tokio::test]
async fn a_consumer_has_each_message_deleted_for_sure_once_the_replica_is_back() {
    let pair = Pair::start(1).await;
    let queue = pair.durable(100).await.queue("shop", "orders").unwrap();
    queue
        .post_many((0..5).map(|n| NewMessage::new(&n).unwrap()))
        .await
        .unwrap();
    let (sender, mut handled) = tokio::sync::mpsc::unbounded_channel();
    let (teller, mut told) = tokio::sync::mpsc::unbounded_channel();
    let stop = marconi_redis::CancellationToken::new();
    let consumer = queue.consumer().concurrency(1).batch(5);
    let consumer = consumer.until(stop.clone().cancelled_owned());
    let consumer = consumer.on_event(move |event: &marconi_redis::Event| {
        // Nobody listens any more once the test has seen what it waits for.
        let _ = teller.send(format!("{event:?}"));
    });
    let (go_on, gate) = tokio::sync::watch::channel(false);
    let run = tokio::spawn(consumer.run(move |delivery| {
        let (sender, mut gate) = (sender.clone(), gate.clone());
        async move {
            sender.send(delivery.body::<u32>().unwrap()).unwrap();
            gate.wait_for(|open| *open).await.map(drop)
        }
    }));
    let mut seen = vec![handled.recv().await.unwrap()];
    pair.replicas[0].pause();
    go_on.send(true).unwrap();
    while !told.recv().await.unwrap().contains("Unconfirmed") {}
    pair.replicas[0].resume();
    while seen.len() < 5 {
        seen.push(handled.recv().await.unwrap());
    }
    stop.cancel();
    let consumed = run.await.unwrap().unwrap();
    assert_eq!((consumed.handled, consumed.lost), (5, 0));
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    let log = queue.keys().key(marconi_redis::keys::Part::Log);
    let there: u64 = ask(&pair.replicas[0], &["XLEN", &log]).await;
    assert_eq!(there, 0);
}
