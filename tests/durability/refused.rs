//! What is refused where it is asked for, before anything is sent.

use std::time::Duration;

use marconi_redis::{Durability, Store};

use crate::common::Server;

#[tokio::test]
async fn what_every_write_would_fulfil_is_refused() {
    let store = Store::builder().open(&Server::shared().url()).unwrap();
    for nothing in [
        Durability::replicas(0),
        Durability::replica_fsyncs(0),
        Durability::replicas(1).within(Duration::ZERO),
    ] {
        let error = store.with_durability(nothing).unwrap_err();
        assert_eq!(error.word(), "BADARG");
        assert!(error.to_string().starts_with("durability: "), "{error}");
    }
}

/// It may connect anew between a write and its receipt, and nobody could tell.
#[tokio::test]
async fn the_callers_own_connection_or_pool_is_refused() {
    let connection = Server::shared().connection().await;
    let one = Durability::replicas(1);
    let store = Store::from_connection(connection);
    assert_eq!(store.with_durability(one).unwrap_err().word(), "BADARG");
    let store = Store::from_pool(|| async {
        Ok::<_, std::fmt::Error>(Server::shared().connection().await)
    });
    assert_eq!(store.with_durability(one).unwrap_err().word(), "BADARG");
}

#[tokio::test]
async fn a_server_without_replicas_confirms_nothing() {
    let store = Store::connect(&Server::shared().url()).await.unwrap();
    let name = crate::common::a_queue();
    store.queue("shop", &name).unwrap().create().await.unwrap();
    let short = Durability::replicas(1).within(Duration::from_millis(20));
    let queue = store
        .with_durability(short)
        .unwrap()
        .queue("shop", &name)
        .unwrap();
    let error = queue.post("x").await.unwrap_err();
    assert_eq!(error.word(), "UNCONFIRMED");
    assert!(error.to_string().contains("0 of 1 replica"), "{error}");
}
