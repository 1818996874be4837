//! Housekeeping: callers never see it, however much there is.

use marconi_redis::script::{CLAIM, QUEUE_PURGE, SWEEP};
use marconi_redis::{ClaimId, Outcome, Queue};

use crate::dead::to;
use crate::dead_kept::there;
use crate::proxy::Fate;
use crate::stage::{START, Stage, bodies, claim, message, ms};
use crate::wire::Wire;

/// So many messages of one ttl, in posts of 250.
async fn fill(stage: &Stage, count: usize, ttl: u64) {
    for at in 0..count / 250 {
        let messages = (0..250).map(|n| message(&n.to_string()).ttl(ms(ttl + n % 2)));
        stage.at(at as u64).post_many(messages).await.unwrap();
    }
}

#[tokio::test]
async fn a_claim_finds_the_one_message_behind_thousands_that_expired() {
    let stage = Stage::new().await;
    fill(&stage, 10_000, 1_000).await;
    stage.at(100).post("last").await.unwrap();
    let claim = claim(&stage.at(50_000), 10).await;
    assert_eq!(bodies(claim.messages()), ["last"]);
    assert_eq!(stage.at(50_000).stats().await.unwrap().total, 1);
    assert_eq!(stage.at(50_000).check().await.unwrap(), []);
}

#[tokio::test]
async fn messages_of_thousands_of_lapsed_claims_come_back_in_order() {
    let stage = Stage::new().await;
    fill(&stage, 2_000, 9_000_000).await;
    for _ in 0..200 {
        claim(&stage.at(100), 10).await;
    }
    assert!(stage.at(199).claim().await.unwrap().is_none());
    let queue = stage.at(200);
    let mut last = None;
    for _ in 0..8 {
        for message in queue.pop().limit(250).await.unwrap() {
            assert!(Some(message.id()) > last);
            last = Some(message.id());
        }
    }
    assert_eq!(queue.stats().await.unwrap().total, 0);
}

#[tokio::test]
async fn every_verb_that_meets_housekeeping_gets_its_answer() {
    for verb in 0..5 {
        let stage = Stage::new().await;
        let metadata = marconi_redis::Metadata::new()
            .with_max_claim_count(2)
            .with_dead_letter_queue("dead");
        stage
            .at(0)
            .create()
            .metadata(metadata.clone())
            .await
            .unwrap();
        fill(&stage, 1_000, 1_000_000).await;
        for _ in 0..4 {
            claim(&stage.at(100), 250).await;
        }
        let queue = stage.at(5_000);
        match verb {
            0 => assert_eq!(queue.stats().await.unwrap().free, 1_000),
            1 => assert_eq!(queue.purge().await.unwrap(), 1_000),
            2 => assert!(queue.delete().await.unwrap()),
            3 => queue.set_metadata(&metadata).await.unwrap(),
            _ => assert!(!queue.create().metadata(metadata).await.unwrap()),
        }
    }
}

#[tokio::test]
async fn a_repeated_claim_with_a_lapsed_id_is_answered_whatever_else_has_lapsed() {
    let stage = Stage::new().await;
    fill(&stage, 1_000, 1_000_000).await;
    let id = ClaimId::random();
    for _ in 0..100 {
        claim(&stage.at(100), 9).await;
    }
    stage
        .at(150)
        .claim()
        .id(id)
        .ttl(ms(50))
        .limit(100)
        .await
        .unwrap();
    let again = stage
        .at(200)
        .claim()
        .id(id)
        .limit(5)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(again.messages().len(), 5);
}

/// A queue whose one message is dead, which nobody has seen yet, on a server without scripts; and the one where it goes.
async fn unswept(wire: &Wire) -> (Queue, Queue) {
    let at = |queue: &Queue, ms| {
        let store = queue.store().at(START + ms);
        store.queue_at(queue.path().clone())
    };
    let begin = at(&wire.near, 0);
    begin.create().metadata(to("dead")).await.unwrap();
    begin.post("x").await.unwrap();
    claim(&begin, 1).await;
    let dead = begin.store().queue("", "dead").unwrap();
    dead.create().await.unwrap();
    let mut connection = wire.connection().await;
    let flush = redis::cmd("SCRIPT").arg("FLUSH").to_owned();
    flush.exec_async(&mut connection).await.unwrap();
    (at(&wire.far, 100), dead)
}

#[tokio::test]
async fn a_sweep_that_is_lost_is_made_again_and_what_it_buried_is_carried() {
    let wire = Wire::new().await;
    let (queue, dead) = unswept(&wire).await;
    // The sweep goes out alone once its script is loaded, when the purge is answered already.
    wire.proxy.fates([
        (QUEUE_PURGE.sha1(), Fate::Passed),
        (SWEEP.sha1(), Fate::Passed),
        ("LOAD", Fate::Passed),
        (SWEEP.sha1(), Fate::Lost),
    ]);
    assert_eq!(queue.purge().await.unwrap(), 0);
    assert_eq!(wire.proxy.fates_left(), []);
    assert_eq!(bodies(&there(&dead).await), ["x"]);
}

#[tokio::test]
async fn a_sweep_that_is_refused_ends_the_call_that_waits_for_it() {
    let wire = Wire::new().await;
    let (queue, dead) = unswept(&wire).await;
    wire.proxy.fates([
        ("LOAD", Fate::Passed),
        (SWEEP.sha1(), Fate::Passed),
        ("LOAD", Fate::Passed),
        (SWEEP.sha1(), Fate::Refused),
    ]);
    let error = queue.purge().await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone);
    assert!(error.to_string().contains("OOM"), "{error}");
    assert_eq!(wire.proxy.fates_left(), [], "one sweep, and no more");
    assert_eq!(there(&dead).await.len(), 0);
}

#[tokio::test]
async fn what_was_lost_before_it_had_to_wait_for_a_sweep_is_unknown() {
    let wire = Wire::new().await;
    let (queue, _) = unswept(&wire).await;
    wire.proxy.fates([
        ("LOAD", Fate::Passed),
        (CLAIM.sha1(), Fate::Lost),
        (SWEEP.sha1(), Fate::Passed),
        ("LOAD", Fate::Passed),
        (SWEEP.sha1(), Fate::Refused),
    ]);
    let error = queue.claim().await.unwrap_err();
    assert!(error.to_string().contains("OOM"), "{error}");
    assert_eq!(wire.proxy.fates_left(), []);
    // For all that is known here, the first one has claimed.
    assert_eq!(error.outcome(), Outcome::Unknown);
}
