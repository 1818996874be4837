//! XTRIM by MINID empties a node that the border runs through, on 6.2.

use marconi_redis::keys::Part;
use marconi_redis::{MessageId, Metadata};

use crate::common::Server;
use crate::raw::{Raw, sound};
use crate::stage::{Stage, claim, ids, message, ms};

const TTL: u64 = 1000;
const MOMENTS: u64 = 24;

/// Ten a ms: a node of the log ends amid most of them.
async fn over_some_ms(stage: &Stage, queue: &str) -> Vec<MessageId> {
    let mut posted = Vec::new();
    for at in 0..MOMENTS {
        let batch = (0..10).map(|_| message(&"x".repeat(60)).ttl(ms(TTL)));
        let post = stage.named(queue, at).post_many(batch);
        posted.extend(post.await.unwrap());
    }
    posted
}

/// What the log still has once everybody has swept.
async fn stored(stage: &Stage, queue: &str, at: u64) -> Vec<String> {
    let queue = stage.named(queue, at);
    queue.stats().await.unwrap();
    sound(&queue).await;
    let mut raw = Raw::new(Server::shared(), &queue).await;
    let key = raw.key(Part::Log);
    let entries: Vec<(String, Vec<Vec<u8>>)> = raw.command(&["XRANGE", &key, "-", "+"]).await;
    entries.into_iter().map(|(id, _)| id).collect()
}

fn from(posted: &[MessageId], first: u64) -> Vec<String> {
    let first = (first * 10) as usize;
    posted[first..].iter().map(MessageId::to_string).collect()
}

#[tokio::test]
async fn exactly_what_has_expired_goes_step_by_step() {
    let stage = Stage::new().await;
    let posted = over_some_ms(&stage, "orders").await;
    assert_eq!(stored(&stage, "orders", TTL - 1).await, from(&posted, 0));
    for at in 0..MOMENTS {
        let left = stored(&stage, "orders", TTL + at).await;
        assert_eq!(left, from(&posted, at + 1), "at {at}");
    }
}

#[tokio::test]
async fn exactly_what_has_expired_goes_at_one_stroke() {
    let stage = Stage::new().await;
    for at in 0..MOMENTS {
        let queue = format!("q{at}");
        let posted = over_some_ms(&stage, &queue).await;
        let left = stored(&stage, &queue, TTL + at).await;
        assert_eq!(left, from(&posted, at + 1), "at {at}");
    }
}

#[tokio::test]
async fn exactly_what_has_expired_goes_where_much_of_it_came_back() {
    let stage = Stage::new().await;
    for at in [0, 3, 7, 12, MOMENTS - 1] {
        let queue = format!("q{at}");
        let posted = over_some_ms(&stage, &queue).await;
        // A claim of everything that is given back, another that holds what would expire.
        let all = claim(&stage.named(&queue, MOMENTS), 250).await;
        assert_eq!(ids(all.messages()), posted);
        all.release().await.unwrap();
        let left = stored(&stage, &queue, TTL + at).await;
        assert_eq!(left, from(&posted, at + 1), "at {at}");
    }
}

#[tokio::test]
async fn a_held_message_in_a_node_that_has_expired_stays() {
    let stage = Stage::new().await;
    let posted = over_some_ms(&stage, "orders").await;
    let queue = stage.named("orders", MOMENTS);
    let held = queue.claim().limit(15).ttl(ms(5 * TTL)).await;
    let held = held.unwrap().unwrap();
    held.delete_many(posted[..14].to_vec()).await.unwrap();
    let left = stored(&stage, "orders", TTL + 12).await;
    let mut expected = vec![posted[14].to_string()];
    expected.extend(from(&posted, 13));
    assert_eq!(left, expected);
}

#[tokio::test]
async fn exactly_the_kept_letters_that_are_over_their_ttl_go() {
    let stage = Stage::new().await;
    let rules = Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue_messages_ttl(ms(TTL));
    let create = stage.at(0).create().metadata(rules);
    create.await.unwrap();
    stage.post(&["x"; 240]).await;
    for at in 0..MOMENTS {
        let dead = claim(&stage.at(at), 10).await;
        assert_eq!(dead.release().await.unwrap(), 10);
    }
    for at in 0..MOMENTS {
        let dead = stage.at(TTL + at).stats().await.unwrap().dead;
        assert_eq!(dead, (MOMENTS - at - 1) * 10, "at {at}");
    }
}
