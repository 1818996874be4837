//! A claim is made again under its id after it lapsed, while nobody has swept, and far more lapsed
//! before it than one sweep takes.

use std::collections::BTreeSet;

use marconi_redis::keys::Part;
use marconi_redis::{ClaimId, Queue};

use crate::common::Server;
use crate::raw::{Raw, sound};
use crate::stage::{START, Stage, claim, ids, message, ms};
use crate::words;

const OTHERS: usize = 700;

/// As many claims of one message each, and behind them all the one with this id, of one too. They
/// have lapsed at 1000 and nobody has looked since.
async fn many_lapsed(stage: &Stage, id: ClaimId) -> Raw {
    let queue = stage.at(0);
    for _ in 0..OTHERS / 100 {
        let many = (0..100).map(|n| message(&n.to_string()));
        queue.post_many(many).await.unwrap();
    }
    queue.post("the last").await.unwrap();
    let mut raw = Raw::new(Server::shared(), &queue).await;
    let ids = (0..OTHERS).map(|_| (ClaimId::random(), 500));
    let calls = ids.chain([(id, 1000)]).map(|(id, ttl)| {
        let args = words![START, id.as_str(), ttl, 0, 1, "", "", ""];
        raw.call("claim", &args)
    });
    let calls = calls.collect();
    let _: Vec<redis::Value> = raw.run_all(calls).await;
    raw
}

/// Claims all that is free, in claims that stay, and answers the ids.
async fn drain(queue: &Queue) -> Vec<marconi_redis::MessageId> {
    let mut all = Vec::new();
    while let Some(claim) = queue.claim().limit(250).await.unwrap() {
        all.extend(ids(claim.messages()));
    }
    all
}

#[tokio::test]
async fn a_claim_made_again_after_it_lapsed_unswept_leaves_no_message_stuck() {
    let stage = Stage::new().await;
    let id = ClaimId::random();
    many_lapsed(&stage, id).await;
    let queue = stage.at(1000);
    let again = queue.claim().id(id).limit(5).ttl(ms(60_000));
    let again = again.await.unwrap().expect("something to claim");
    assert_eq!(again.messages().len(), 5);
    sound(&queue).await;
    let held = ids(again.get().await.unwrap().messages());
    assert_eq!(held, ids(again.messages()));
    let rest = drain(&queue).await;
    let all: BTreeSet<_> = rest.iter().chain(&held).collect();
    assert_eq!(
        (rest.len() + held.len(), all.len()),
        (OTHERS + 1, OTHERS + 1)
    );
    sound(&queue).await;
}

#[tokio::test]
async fn one_sweep_ends_the_claim_that_it_is_given_whatever_its_budget() {
    let stage = Stage::new().await;
    let id = ClaimId::random();
    let mut raw = many_lapsed(&stage, id).await;
    let now = START + 1000;
    let create = words![now, id.as_str(), 60_000, 0, 5, "", "1", ""];
    // Forced or not, it waits for its own old messages.
    let refused = raw.run("claim", create.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Some("MORE"));
    let swept = raw.run("sweep", words![now, id.as_str(), 1]).await;
    swept.unwrap();
    let left: usize = raw.command(&["ZCARD", &raw.key(Part::Claims)]).await;
    assert_eq!(left, OTHERS);
    let reply = raw.run("claim", create).await.unwrap();
    assert_ne!(reply, redis::Value::Array(Vec::new()));
    sound(&stage.at(1000)).await;
}

#[tokio::test]
async fn the_old_holder_of_an_id_made_again_holds_only_what_the_new_claim_got() {
    let stage = Stage::new().await;
    stage.post(&["a", "b", "c"]).await;
    let id = ClaimId::random();
    let make = |at, limit| stage.at(at).claim().id(id).limit(limit).ttl(ms(100));
    let old = make(0, 2).await.unwrap().unwrap();
    let other = claim(&stage.at(100), 1).await;
    assert_eq!(other.messages()[0].id(), old.messages()[0].id());
    let new = make(100, 1).await.unwrap().unwrap();
    assert_eq!(new.messages()[0].id(), old.messages()[1].id());
    assert!(new.fence() > other.fence() && other.fence() > old.fence());
    let late = old.delete(old.messages()[0].id()).await.unwrap_err();
    assert_eq!(late.word(), "NOTYOURS");
}
