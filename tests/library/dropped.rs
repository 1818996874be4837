//! Dropped futures: what is left behind is what the docs say.

use std::future::IntoFuture;
use std::time::Duration;

use marconi_redis::{ClaimId, Metadata, Queue, Store};

use crate::common::Server;
use crate::stage::bodies;

/// Starts an operation while the server takes commands and runs none, and drops it.
async fn begin_and_drop(server: &Server, operation: impl IntoFuture) {
    server.pause();
    let patience = Duration::from_millis(50);
    let dropped = tokio::time::timeout(patience, operation.into_future()).await;
    assert!(dropped.is_err(), "it ended before it was dropped");
    server.resume();
}

async fn queue(server: &Server) -> Queue {
    let store = Store::connect(&server.url()).await.unwrap();
    store.load_scripts().await.unwrap();
    let queue = store.queue("", "q").unwrap();
    queue.create().await.unwrap();
    queue
}

#[tokio::test]
async fn a_dropped_post_left_all_its_messages_or_none_and_a_token_tells() {
    let server = Server::start(&[]);
    let queue = queue(&server).await;
    begin_and_drop(&server, queue.post("once").token("t")).await;
    let ids = queue.post("once").token("t").await.unwrap();
    assert_eq!(queue.stats().await.unwrap().total, 1);
    assert_eq!(
        queue.get(ids[0]).await.unwrap().body::<String>().unwrap(),
        "once"
    );
}

#[tokio::test]
async fn a_post_that_was_never_polled_left_nothing() {
    let server = Server::start(&[]);
    let queue = queue(&server).await;
    drop(queue.post("never").into_future());
    assert_eq!(queue.stats().await.unwrap().total, 0);
}

#[tokio::test]
async fn a_dropped_claim_call_left_a_claim_that_its_id_gets_back() {
    let server = Server::start(&[]);
    let queue = queue(&server).await;
    queue.post("a").await.unwrap();
    let id = ClaimId::random();
    begin_and_drop(&server, queue.claim().id(id)).await;
    assert_eq!(queue.stats().await.unwrap().claimed, 1);
    let claim = queue.claim().id(id).await.unwrap().unwrap();
    assert_eq!(bodies(claim.messages()), ["a"]);
}

#[tokio::test]
async fn dropping_a_claim_releases_nothing() {
    let server = Server::start(&[]);
    let queue = queue(&server).await;
    queue.post("a").await.unwrap();
    let claim = queue.claim().await.unwrap().unwrap();
    let id = claim.id();
    drop(claim);
    assert_eq!(bodies(queue.get_claim(id).await.unwrap().messages()), ["a"]);
}

#[tokio::test]
async fn a_dropped_pop_lost_its_message_but_for_a_token() {
    let server = Server::start(&[]);
    let queue = queue(&server).await;
    queue.post("a").await.unwrap();
    queue.post("b").await.unwrap();
    begin_and_drop(&server, queue.pop().token("t")).await;
    assert_eq!(bodies(&queue.pop().token("t").await.unwrap()), ["a"]);
    begin_and_drop(&server, queue.pop()).await;
    assert_eq!(queue.stats().await.unwrap().total, 0);
}

#[tokio::test]
async fn dropped_deletions_releases_and_nacks_can_be_made_again() {
    let server = Server::start(&[]);
    let queue = queue(&server).await;
    for body in ["a", "b", "c"] {
        queue.post(body).await.unwrap();
    }
    let claim = queue.claim().await.unwrap().unwrap();
    let id = |n: usize| claim.messages()[n].id();
    begin_and_drop(&server, claim.delete_many([id(0)])).await;
    assert_eq!(claim.delete_many([id(0)]).await.unwrap(), 0);
    begin_and_drop(&server, claim.nack([id(1)])).await;
    assert_eq!(claim.nack([id(1)]).await.unwrap_err().word(), "NOTCLAIMED");
    begin_and_drop(&server, claim.release()).await;
    assert_eq!(claim.release().await.unwrap(), 0);
    assert_eq!(queue.stats().await.unwrap().free, 2);
}

#[tokio::test]
async fn a_dropped_creation_leaves_at_most_a_name_that_a_listing_takes_out() {
    let server = Server::start(&[]);
    let store = queue(&server).await.store().clone();
    let other = store.queue("", "other").unwrap();
    begin_and_drop(&server, other.create()).await;
    let there = other.exists().await.unwrap();
    let page = store.queues("").unwrap().await.unwrap();
    assert_eq!(page.queues.len(), 1 + usize::from(there));
}

#[tokio::test]
async fn dropped_housekeeping_and_letters_are_taken_up_by_the_next() {
    let server = Server::start(&[]);
    let queue = queue(&server).await;
    let metadata = Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue("dead");
    queue.set_metadata(&metadata).await.unwrap();
    queue.post("a").await.unwrap();
    let claim = queue.claim().await.unwrap().unwrap();
    begin_and_drop(&server, claim.release()).await;
    // The letter is in transit; the next sweep or deletion carries it.
    queue.carry_dead_letters().await.unwrap();
    let target = queue.store().queue("", "dead").unwrap();
    assert_eq!(bodies(&target.pop().await.unwrap()), ["a"]);
}
