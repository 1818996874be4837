//! Order, where ids have more than one digit behind the hyphen, or the clock goes back.

use marconi_redis::{MessageId, Queue};

use crate::raw::sound;
use crate::stage::{Stage, bodies, claim, ids, message, ms};

/// Thousands, all of one ms.
async fn thousands(stage: &Stage) -> Vec<MessageId> {
    let mut posted = Vec::new();
    for batch in 0..10 {
        let messages = (0..250).map(|n| message(&(batch * 250 + n).to_string()));
        posted.extend(stage.at(0).post_many(messages).await.unwrap());
    }
    posted
}

async fn listed(queue: &Queue, marker: MessageId) -> Vec<MessageId> {
    let (mut all, mut marker) = (Vec::new(), Some(marker));
    while let Some(from) = marker {
        let page = queue.list().marker(from).limit(100).claimed(true);
        let page = page.await.unwrap();
        all.extend(ids(&page.messages));
        marker = page.marker;
    }
    all
}

#[tokio::test]
async fn thousands_posted_in_one_ms_are_listed_from_any_marker_in_order() {
    let stage = Stage::new().await;
    let posted = thousands(&stage).await;
    assert!(posted.is_sorted());
    for at in [0, 1, 9, 10, 99, 100, 999, 1000, 1234, 2498, 2499] {
        assert_eq!(listed(&stage.at(0), posted[at]).await, posted[at + 1..]);
    }
}

#[tokio::test]
async fn thousands_that_came_back_are_listed_and_delivered_in_order_again() {
    let stage = Stage::new().await;
    let posted = thousands(&stage).await;
    let mut claims = Vec::new();
    for _ in 0..10 {
        claims.push(claim(&stage.at(0), 250).await);
    }
    // The last first, and one lapses instead.
    for claim in claims[1..].iter().rev() {
        claim.release().await.unwrap();
    }
    let later = stage.at(100);
    for at in [8, 9, 10, 98, 99, 100, 1009] {
        assert_eq!(listed(&later, posted[at]).await, posted[at + 1..]);
    }
    let mut again = Vec::new();
    for _ in 0..10 {
        again.extend(ids(claim(&later, 250).await.messages()));
    }
    assert_eq!(again, posted);
    sound(&later).await;
}

#[tokio::test]
async fn some_that_came_back_go_before_fresh_ones_by_number_and_not_as_text() {
    let stage = Stage::new().await;
    let posted = thousands(&stage).await;
    let held = claim(&stage.at(0), 250).await;
    let back = [100, 10, 2, 99, 20, 9, 11].map(|n| posted[n]);
    held.nack(back).await.unwrap();
    let next = claim(&stage.at(0), 9).await;
    let numbers = ["2", "9", "10", "11", "20", "99", "100", "250", "251"];
    assert_eq!(bodies(next.messages()), numbers);
}

#[tokio::test]
async fn delays_that_end_in_the_same_ms_keep_the_order_of_posting() {
    let stage = Stage::new().await;
    let delayed = (0..120).map(|n| message(&n.to_string()).delay(ms(50)));
    let posted = stage.at(0).post_many(delayed).await.unwrap();
    assert!(stage.at(49).claim().await.unwrap().is_none());
    let held = claim(&stage.at(50), 120).await;
    assert_eq!(ids(held.messages()), posted);
    held.nack(posted.clone()).delay(ms(10)).await.unwrap();
    let again = claim(&stage.at(60), 120).await;
    assert_eq!(ids(again.messages()), posted);
}

#[tokio::test]
async fn what_is_posted_after_the_clock_stepped_back_still_comes_after() {
    let stage = Stage::new().await;
    let mut posted = Vec::new();
    for (n, at) in [1000, 1000, 400, 0, 999, 1001, 5].into_iter().enumerate() {
        posted.extend(stage.at(at).post(&n.to_string()).await.unwrap());
    }
    assert!(posted.is_sorted());
    let queue = stage.at(5);
    assert_eq!(listed(&queue, posted[0]).await, posted[1..]);
    let held = claim(&queue, 4).await;
    assert_eq!(ids(held.messages()), posted[..4]);
    held.release().await.unwrap();
    assert_eq!(ids(claim(&queue, 7).await.messages()), posted);
}

#[tokio::test]
async fn a_dead_letter_keeps_its_turn_after_the_clock_stepped_back() {
    let stage = Stage::new().await;
    let metadata = marconi_redis::Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue("dead");
    let create = stage.at(0).create().metadata(metadata);
    create.await.unwrap();
    for (n, at) in [1000, 400, 0].into_iter().enumerate() {
        let queue = stage.at(at);
        queue.post(&n.to_string()).await.unwrap();
        claim(&queue, 1).await.release().await.unwrap();
    }
    let dead = stage.named("dead", 0).list().await.unwrap();
    assert_eq!(bodies(&dead.messages), ["0", "1", "2"]);
}
