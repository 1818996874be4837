//! Expiry counts from the id, not from a clock that was read beside it; and what a claim added to a
//! life stays added.

use std::collections::BTreeMap;

use marconi_redis::MessageId;
use marconi_redis::keys::Part;

use crate::common::Server;
use crate::raw::{Raw, sound};
use crate::stage::{Stage, bodies, claim, message, ms, word};

async fn lives(stage: &Stage, id: MessageId, at: u64) -> bool {
    let found = word(stage.at(at).get(id).await);
    assert!(["no error", "MESSAGEGONE"].contains(&found));
    // One that is not seen is not delivered or counted either.
    let counted = stage.at(at).stats().await.unwrap().total > 0;
    assert_eq!(found == "no error", counted, "at {at}");
    counted
}

#[tokio::test]
async fn a_message_whose_id_is_ahead_of_the_clock_lives_its_ttl_from_its_id() {
    let stage = Stage::new().await;
    for ttl in [1000, 700] {
        // The first sets the queue's usual ttl; the second way stands in an index.
        let first = stage.at(10_000).post("a").ttl(ms(1000)).await.unwrap()[0];
        let late = stage.at(5000).post("b").ttl(ms(ttl)).await.unwrap()[0];
        assert_eq!(late.posted(), first.posted());
        stage.at(5000).delete_one(first).await.unwrap();
        assert!(lives(&stage, late, 10_000 + ttl - 1).await);
        assert!(!lives(&stage, late, 10_000 + ttl).await);
        stage.at(0).delete().await.unwrap();
        stage.at(0).create().await.unwrap();
    }
}

#[tokio::test]
async fn a_delay_counts_from_the_id_too() {
    let stage = Stage::new().await;
    stage.at(10_000).post("a").await.unwrap();
    stage.at(5000).post("b").delay(ms(100)).await.unwrap();
    assert_eq!(claim(&stage.at(10_099), 9).await.messages().len(), 1);
    assert_eq!(bodies(claim(&stage.at(10_100), 9).await.messages()), ["b"]);
}

#[tokio::test]
async fn every_expiry_of_a_long_post_by_the_servers_clock_is_its_ids_ms_and_the_ttl() {
    let stage = Stage::new().await;
    let queue = stage.store.queue(&stage.project, "orders").unwrap();
    queue.post("base").await.unwrap();
    let body = "x".repeat(10_000);
    let many = (0..250).map(|_| message(&body).ttl(ms(60_000)));
    let posted = queue.post_many(many).await.unwrap();
    let mut raw = Raw::new(Server::shared(), &queue).await;
    let key = raw.key(Part::Expiry);
    let range = ["ZRANGE", &key, "0", "-1", "WITHSCORES"];
    let stored: BTreeMap<String, u64> = raw.command(&range).await;
    assert_eq!(stored.len(), posted.len());
    for id in posted {
        let posted = id.posted().as_millis();
        assert_eq!(stored[&id.to_string()], posted + 60_000);
    }
}

/// What one of the extensions did: the message lives until 7000.
async fn extended(stage: &Stage, own_ttl: bool, by_renewal: bool) -> MessageId {
    stage
        .at(0)
        .post("base")
        .ttl(ms(if own_ttl { 900 } else { 1000 }))
        .await
        .unwrap();
    let id = stage.at(0).post("a").ttl(ms(1000)).await.unwrap()[0];
    let base = claim(&stage.at(0), 1).await;
    base.delete_all().await.unwrap();
    let long = stage.at(0).claim().grace(ms(2000));
    if by_renewal {
        let held = long.ttl(ms(10)).await.unwrap().unwrap();
        let renewed = stage.at(0).renew(held.id(), ms(5000), ms(2000)).await;
        renewed.unwrap();
        held.release().await.unwrap();
    } else {
        let held = long.ttl(ms(5000)).await.unwrap().unwrap();
        held.release().await.unwrap();
    }
    id
}

#[tokio::test]
async fn a_message_extended_by_a_long_claim_is_not_lost_by_a_shorter_one() {
    for (own_ttl, by_renewal) in [(false, false), (false, true), (true, false), (true, true)] {
        let stage = Stage::new().await;
        let id = extended(&stage, own_ttl, by_renewal).await;
        // Shorter claims: one released, one that lapses, one given back after a delay.
        claim(&stage.at(20), 1).await.release().await.unwrap();
        claim(&stage.at(20), 1).await;
        let held = claim(&stage.at(120), 1).await;
        held.nack([id]).delay(ms(10)).await.unwrap();
        // And one that lapses beyond the message's own end.
        let held = claim(&stage.at(950), 1).await;
        assert_eq!(held.messages()[0].ttl(), ms(7000));
        sound(&stage.at(950)).await;
        for at in [1000, 1050, 6000, 6999] {
            assert!(lives(&stage, id, at).await, "at {at}");
        }
        assert_eq!(bodies(claim(&stage.at(6800), 1).await.messages()), ["a"]);
        assert!(lives(&stage, id, 6999).await);
        sound(&stage.at(6999)).await;
        assert!(!lives(&stage, id, 7000).await);
        sound(&stage.at(7000)).await;
    }
}

#[tokio::test]
async fn the_reaper_passes_over_what_a_claim_extended_and_takes_its_neighbours() {
    let stage = Stage::new().await;
    let messages = ["a", "b", "c", "d"].map(|body| message(body).ttl(ms(1000)));
    let posted = stage.at(0).post_many(messages).await.unwrap();
    let held = claim(&stage.at(0), 3).await;
    held.nack([posted[0], posted[2]]).await.unwrap();
    let renewed = stage.at(0).renew(held.id(), ms(5000), ms(2000)).await;
    renewed.unwrap();
    let stats = stage.at(1000).stats().await.unwrap();
    assert_eq!((stats.free, stats.claimed), (0, 1));
    sound(&stage.at(1000)).await;
    // Its own claim lapses at 5000, and others have until 7000.
    let again = claim(&stage.at(5000), 9).await;
    assert_eq!(bodies(again.messages()), ["b"]);
    again.delete_all().await.unwrap();
    let mut raw = Raw::new(Server::shared(), &stage.at(0)).await;
    for part in [Part::Expiry, Part::Tries, Part::Held, Part::Returned] {
        let left: u64 = raw.command(&["EXISTS", &raw.key(part)]).await;
        assert_eq!(left, 0, "{part}");
    }
}
