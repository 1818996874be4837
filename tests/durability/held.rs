//! What is held up until a replica has it, and what is not.

use std::time::Duration;

use marconi_redis::{
    ClaimId, Durability, Error, Metadata, NewMessage, Order, Outcome, Pending, Queue, Store,
};

use crate::stage::{Pair, ask, calls};

/// Each bears the queue that it is about, prepared while the replica was there.
type Verb = fn(Queue) -> Pending<Result<String, Error>>;

/// What an operation answered, as far as it matters here.
fn done<T: std::fmt::Debug + Send + 'static>(
    operation: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Pending<Result<String, Error>> {
    Box::pin(async move { operation.await.map(|answer| format!("{answer:?}")) })
}

fn id_of(text: &str) -> ClaimId {
    text.parse().unwrap()
}

const CLAIM: &str = "00000000-0000-4000-8000-000000000001";
const OTHER: &str = "00000000-0000-4000-8000-000000000002";
const MINUTE: Duration = Duration::from_secs(60);

fn held(queue: &Queue) -> Pending<marconi_redis::MessageId> {
    let queue = queue.clone();
    Box::pin(async move {
        let claim = queue.get_claim(id_of(CLAIM)).await.unwrap();
        claim.messages()[0].id()
    })
}

const WRITES: &[(&str, Verb)] = &[
    ("post", |q| done(async move { q.post("x").await })),
    ("post with a token", |q| {
        done(async move { q.post("x").token("t").await })
    }),
    ("post_many", |q| {
        done(async move {
            q.post_many([NewMessage::new("x")?, NewMessage::new("y")?])
                .await
        })
    }),
    ("post to a new queue", |q| {
        let new = q.store().queue("shop", "new").unwrap();
        done(async move { new.post("x").await })
    }),
    ("claim", |q| {
        done(async move { q.claim().id(id_of(OTHER)).limit(1).await })
    }),
    ("claim again", |q| {
        done(async move { q.claim().id(id_of(CLAIM)).await })
    }),
    ("waiting claim", |q| {
        done(async move { q.claim().limit(1).wait(MINUTE).await })
    }),
    ("renew", |q| {
        done(async move { q.renew(id_of(CLAIM), MINUTE, MINUTE).await })
    }),
    ("nack", |q| {
        done(async move {
            let held = held(&q).await;
            q.nack(id_of(CLAIM), [held]).await
        })
    }),
    ("delete of a message that is gone", |q| {
        let gone = "1-0".parse().unwrap();
        done(async move { q.delete_one(gone).await })
    }),
    ("delete_many", |q| {
        done(async move {
            let held = held(&q).await;
            q.delete_many([held]).claim(id_of(CLAIM)).await
        })
    }),
    ("release", |q| {
        done(async move { q.release(id_of(CLAIM)).await })
    }),
    ("pop", |q| done(async move { q.pop().await })),
    ("queue create", |q| {
        let new = q.store().queue("shop", "created").unwrap();
        done(async move { new.create().await })
    }),
    ("queue set", |q| {
        done(async move { q.set_metadata(&Metadata::new()).await })
    }),
    ("subscribe", |q| {
        done(async move { q.subscribe("http://there").await })
    }),
    ("topic post", |q| {
        let topic = q.store().topic("shop", "news").unwrap();
        done(async move { topic.post("x").await })
    }),
    ("pool create", |q| {
        let control = q.store().control();
        done(async move { control.create_pool("one", 1, "redis://there").await })
    }),
    ("redrive", |q| {
        let letters = q.store().queue("shop", "failed").unwrap().dead_letters();
        done(async move { letters.redrive_all().await })
    }),
    ("dead letters purged", |q| {
        let letters = q.store().queue("shop", "failed").unwrap().dead_letters();
        done(async move { letters.purge_all().await })
    }),
    ("purge", |q| done(async move { q.purge().await })),
    ("queue delete", |q| done(async move { q.delete().await })),
];

const READS: &[(&str, Verb)] = &[
    ("get", |q| {
        done(async move { q.get_many(["1-0".parse().unwrap()]).await })
    }),
    ("list", |q| {
        done(async move { q.list().claimed(true).await })
    }),
    ("first", |q| {
        done(async move { q.first(Order::Oldest).await })
    }),
    ("stats", |q| done(async move { q.stats().await })),
    ("metadata", |q| done(async move { q.metadata().await })),
    ("get_claim", |q| {
        done(async move { q.get_claim(id_of(CLAIM)).await })
    }),
    ("queues", |q| {
        let store = q.store().clone();
        done(async move { store.queues("shop")?.await })
    }),
    ("count", |q| {
        let store = q.store().clone();
        done(async move { store.count("shop").await })
    }),
    ("check", |q| done(async move { q.check().await })),
    ("claim of nothing", |q| {
        let empty = q.store().queue("shop", "empty").unwrap();
        done(async move { empty.claim().await })
    }),
    ("waiting claim of nothing", |q| {
        let empty = q.store().queue("shop", "empty").unwrap();
        done(async move { empty.claim().wait(Duration::from_millis(30)).await })
    }),
    ("pop of nothing", |q| {
        let empty = q.store().queue("shop", "empty").unwrap();
        done(async move { empty.pop().await })
    }),
];

/// A queue with a message that is claimed and some that are not; one that keeps a dead letter.
async fn furnish(store: &Store) {
    let queue = store.queue("shop", "orders").unwrap();
    for number in 0..10 {
        queue.post(&number).await.unwrap();
    }
    queue.claim().id(id_of(CLAIM)).limit(3).await.unwrap();
    let failed = store.queue("shop", "failed").unwrap();
    let metadata = Metadata::new().with_max_claim_count(1);
    failed.create().metadata(metadata).await.unwrap();
    failed.post("dead").await.unwrap();
    let claim = failed.claim().await.unwrap().unwrap();
    claim.release().await.unwrap();
    assert_eq!(failed.stats().await.unwrap().dead, 1);
    store.topic("shop", "news").unwrap().create().await.unwrap();
    store
        .queue("shop", "empty")
        .unwrap()
        .create()
        .await
        .unwrap();
}

#[tokio::test]
async fn everything_that_writes_is_answered_once_the_replica_has_it() {
    let pair = Pair::start(1).await;
    furnish(&pair.store().await).await;
    let queue = pair.durable(10_000).await.queue("shop", "orders").unwrap();
    for (name, verb) in WRITES {
        let before = calls(&pair.primary, "wait").await;
        verb(queue.clone())
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(calls(&pair.primary, "wait").await > before, "{name}");
        // It is there at once, and not only soon.
        for database in ["DBSIZE", "DEBUG DIGEST"] {
            let words: Vec<_> = database.split(' ').collect();
            let here: redis::Value = ask(&pair.primary, &words).await;
            let there: redis::Value = ask(&pair.replicas[0], &words).await;
            assert_eq!(here, there, "{name}: {database}");
        }
    }
}

#[tokio::test]
async fn everything_that_writes_is_unknown_while_the_replica_is_away_and_is_done_here() {
    let pair = Pair::start(1).await;
    furnish(&pair.store().await).await;
    let names = pair.durable(25).await;
    let queue = names.queue("shop", "orders").unwrap();
    pair.replicas[0].pause();
    for (name, verb) in WRITES {
        let error = verb(queue.clone()).await.expect_err(name);
        let first_step = ["post to a new queue", "queue create"].contains(name);
        match &error {
            // Its name could not be entered for sure, so the queue was not made.
            Error::Transport { outcome, .. } if first_step => {
                assert_eq!(*outcome, Outcome::NotDone, "{name}: {error}");
            }
            Error::Unconfirmed { .. } if !first_step => {
                assert_eq!(error.outcome(), Outcome::Unknown, "{name}");
                assert_eq!(error.word(), "UNCONFIRMED");
                let said = error.to_string();
                assert!(said.contains("0 of 1 replica"), "{name}: {said}");
                assert!(said.starts_with("done on the primary"), "{name}: {said}");
            }
            _ => panic!("{name}: {error:?}"),
        }
    }
    let gone = !pair
        .store()
        .await
        .queue("shop", "orders")
        .unwrap()
        .exists()
        .await
        .unwrap();
    assert!(gone, "what is unknown was done on the primary");
    pair.replicas[0].resume();
}

#[tokio::test]
async fn nothing_else_is_held_up() {
    let pair = Pair::start(1).await;
    let store = pair.store().await;
    furnish(&store).await;
    let queue = pair.durable(60_000).await.queue("shop", "orders").unwrap();
    pair.replicas[0].pause();
    for (name, verb) in READS {
        verb(queue.clone())
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let refused = queue.renew(ClaimId::random(), MINUTE, MINUTE).await;
    assert_eq!(refused.unwrap_err().word(), "CLAIMGONE");
    let refused = queue.post("x").ttl(Duration::ZERO).await;
    assert_eq!(refused.unwrap_err().word(), "BADARG");
    assert!(queue.gc().await.unwrap());
    assert_eq!(calls(&pair.primary, "wait").await, 1, "that of the stage");
    // Other handles of the same store don't know of it.
    store
        .queue("shop", "orders")
        .unwrap()
        .post("x")
        .await
        .unwrap();
    pair.replicas[0].resume();
}

#[tokio::test]
async fn two_replicas_are_asked_for_and_one_is_there() {
    let mut pair = Pair::start(1).await;
    let two = Durability::replicas(2).within(Duration::from_millis(50));
    let store = pair.store().await.with_durability(two).unwrap();
    let queue = store.queue("shop", "orders").unwrap();
    let create = queue.create().await.unwrap_err();
    assert!(create.to_string().contains("1 of 2 replicas"), "{create}");
    pair.store()
        .await
        .queue("shop", "orders")
        .unwrap()
        .create()
        .await
        .unwrap();
    let post = queue.post("x").token("t").await.unwrap_err();
    assert_eq!(post.word(), "UNCONFIRMED");
    assert!(post.to_string().contains("1 of 2 replicas"), "{post}");
    pair.join(&[]).await;
    let patient = two.within(Duration::from_secs(10));
    let queue = store
        .with_durability(patient)
        .unwrap()
        .queue("shop", "orders")
        .unwrap();
    assert_eq!(queue.post("x").token("t").await.unwrap().len(), 1);
    assert_eq!(queue.stats().await.unwrap().free, 1);
}
