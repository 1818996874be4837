//! What handles and futures are to a program in many threads, and where connections come from.

use std::future::IntoFuture;
use std::time::Duration;

use marconi_redis::*;

use crate::common::{self, Server};
use crate::stage::{Stage, bodies};

fn handle<T: Clone + Send + Sync + 'static>() {}
fn shared<T: Send + Sync + 'static>() {}
fn sent<T: Send>(_: T) {}
fn spawned<T: Send + 'static>(_: T) {}

#[test]
fn handles_are_send_sync_static_and_clone() {
    handle::<Store>();
    handle::<Queue>();
    handle::<Claim>();
    handle::<Message>();
    handle::<Metadata>();
    shared::<Builder>();
    shared::<Error>();
    shared::<Lease>();
    shared::<Post>();
}

#[allow(dead_code, clippy::let_underscore_future)]
fn futures_are_send(store: Store, queue: Queue, mut claim: Claim, id: MessageId) {
    let second = Duration::from_secs(1);
    sent(Store::connect(""));
    sent(store.count("p"));
    sent(store.carry_dead_letters("p"));
    sent(store.scripts());
    sent(store.load_scripts());
    sent(queue.exists());
    sent(queue.metadata());
    sent(queue.set_metadata(&Metadata::new()));
    sent(queue.stats());
    sent(queue.purge());
    sent(queue.delete());
    sent(queue.delete_one(id));
    sent(queue.get(id));
    sent(queue.get_many([id]));
    sent(queue.first(Order::Oldest));
    sent(queue.check());
    sent(queue.carry_dead_letters());
    sent(queue.get_claim(claim.id()));
    sent(queue.renew(claim.id(), second, second));
    sent(claim.get());
    sent(claim.delete(id));
    // Builders own all they need, so they can be spawned.
    spawned(store.queues("p").unwrap().into_future());
    spawned(store.projects().into_future());
    spawned(queue.create().into_future());
    spawned(queue.post("").into_future());
    spawned(queue.pop().into_future());
    spawned(queue.list().into_future());
    spawned(queue.claim().into_future());
    spawned(queue.delete_many([id]).into_future());
    spawned(claim.release().into_future());
    spawned(claim.nack([id]).into_future());
    sent(claim.renew(second, second));
}

#[tokio::test]
async fn a_connection_of_the_callers_serves() {
    let connection = Server::shared().connection().await;
    let store = Store::from_connection(connection);
    let queue = store.queue("", &common::a_queue()).unwrap();
    queue.post("hello").await.unwrap();
    assert_eq!(bodies(&queue.pop().await.unwrap()), ["hello"]);
}

#[tokio::test]
async fn a_pool_of_the_callers_serves_and_a_dry_one_is_not_done() {
    let lend = || async { Ok::<_, std::fmt::Error>(Server::shared().connection().await) };
    let queue = Store::from_pool(lend)
        .queue("", &common::a_queue())
        .unwrap();
    queue.post("hello").await.unwrap();
    assert_eq!(bodies(&queue.pop().await.unwrap()), ["hello"]);

    let dry = || async { Err::<redis::aio::MultiplexedConnection, _>("the pool is dry") };
    let store = Store::builder()
        .deadline(Duration::from_millis(50))
        .pooled(dry);
    let error = store
        .queue("", "q")
        .unwrap()
        .post("hello")
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone);
    assert!(error.to_string().contains("the pool is dry"), "{error}");
}

#[tokio::test]
async fn installations_with_different_prefixes_do_not_see_each_other() {
    let url = Server::shared().url();
    let name = common::a_queue();
    let other = Store::builder()
        .prefix("other")
        .unwrap()
        .open(&url)
        .unwrap();
    let here = Store::connect(&url).await.unwrap();
    other.queue("", &name).unwrap().post("hello").await.unwrap();
    assert!(!here.queue("", &name).unwrap().exists().await.unwrap());
    assert!(Store::builder().prefix("{mq}").is_err());
}

#[tokio::test]
async fn a_clock_of_the_callers_is_the_time_of_every_operation() {
    let clock = || Timestamp::from(1_234_567);
    let store = Store::builder()
        .clock(clock)
        .open(&Server::shared().url())
        .unwrap();
    let queue = store.queue("", &common::a_queue()).unwrap();
    let ids = queue.post("hello").await.unwrap();
    assert_eq!(ids[0].to_string(), "1234567-0");
    let later = store
        .at(1_235_567)
        .queue("", queue.path().name().as_str())
        .unwrap();
    assert_eq!(
        later.get(ids[0]).await.unwrap().age(),
        Duration::from_secs(1)
    );
}

#[tokio::test]
async fn all_scripts_can_be_loaded_ahead() {
    let server = Server::start(&[]);
    let store = Store::connect(&server.url()).await.unwrap();
    let scripts = store.scripts().await.unwrap();
    assert_eq!(scripts.len(), script::ALL.len());
    assert!(scripts.iter().all(|script| !script.loaded));
    store.load_scripts().await.unwrap();
    assert!(
        store
            .scripts()
            .await
            .unwrap()
            .iter()
            .all(|script| script.loaded)
    );
}

#[tokio::test]
async fn nothing_shows_a_body_or_a_password() {
    let stage = Stage::new().await;
    let store = Store::builder()
        .open("redis://:hunter2@127.0.0.1:1")
        .unwrap();
    let post = stage.at(0).post("a secret");
    let shown = format!("{store:?} {post:?}");
    assert!(
        !shown.contains("secret") && !shown.contains("hunter2"),
        "{shown}"
    );
    post.await.unwrap();
    let shown = format!("{:?}", stage.at(0).pop().await.unwrap());
    assert!(!shown.contains("secret"), "{shown}");
}
