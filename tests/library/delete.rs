//! Deleting messages: a test for each row of the table.

use marconi_redis::{ClaimId, MessageId};

use crate::stage::{Stage, claim, ids, word};

const GONE: &str = "1-0";

fn id(text: &str) -> MessageId {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_message_that_is_gone_or_never_was_is_deleted_silently() {
    let stage = Stage::new().await;
    assert_eq!(stage.at(0).delete_many([id(GONE)]).await.unwrap(), 0);
    let posted = stage.post(&["a"]).await;
    stage.at(0).delete_one(posted[0]).await.unwrap();
    stage.at(0).delete_one(posted[0]).await.unwrap();
    let well_formed = ClaimId::random();
    let asked = stage.at(0).delete_many([posted[0], id(GONE)]);
    assert_eq!(asked.claim(well_formed).await.unwrap(), 0);
}

#[tokio::test]
async fn an_unclaimed_message_is_deleted_without_a_claim() {
    let stage = Stage::new().await;
    let posted = stage.post(&["a", "b"]).await;
    assert_eq!(stage.at(0).delete_many([posted[0]]).await.unwrap(), 1);
    assert_eq!(stage.at(0).stats().await.unwrap().total, 1);
}

#[tokio::test]
async fn an_unclaimed_message_is_refused_with_a_claim_that_lapsed() {
    let stage = Stage::new().await;
    stage.post(&["a"]).await;
    let claim = claim(&stage.at(0), 1).await;
    let late = stage
        .at(100)
        .delete_many(ids(claim.messages()))
        .claim(claim.id());
    assert_eq!(word(late.await), "NOTCLAIMED");
    assert_eq!(stage.at(100).stats().await.unwrap().total, 1);
}

#[tokio::test]
async fn a_claim_keeps_what_is_left_of_it_whatever_its_worker_is_called() {
    let stage = Stage::new().await;
    for worker in ["", "a,b", ",", "1-0,2-0 3,4"] {
        let posted = stage.post(&["a", "b", "c"]).await;
        let claim = stage.at(0).claim().limit(3).worker(worker).await.unwrap();
        let claim = claim.expect("three messages");
        let deleted = |ids: &[MessageId]| stage.at(0).delete_many(ids.to_vec()).claim(claim.id());
        assert_eq!(deleted(&posted[..1]).await.unwrap(), 1);
        let left = stage.at(0).get_claim(claim.id()).await.unwrap();
        assert_eq!(ids(left.messages()), posted[1..], "{worker:?}");
        assert_eq!(left.worker().unwrap_or_default(), worker);
        assert_eq!(deleted(&posted[1..]).await.unwrap(), 2);
        let gone = stage.at(0).get_claim(claim.id()).await;
        assert_eq!(word(gone), "CLAIMGONE");
        assert_eq!(stage.at(0).stats().await.unwrap().total, 0);
    }
}

#[tokio::test]
async fn a_claimed_message_is_refused_without_a_claim() {
    let stage = Stage::new().await;
    stage.post(&["a"]).await;
    let claim = claim(&stage.at(0), 1).await;
    let id = claim.messages()[0].id();
    let error = stage.at(0).delete_one(id).await.unwrap_err();
    assert_eq!(
        (error.word(), error.id()),
        ("CLAIMED", Some(&*id.to_string()))
    );
}

#[tokio::test]
async fn a_claimed_message_is_deleted_under_its_claim() {
    let stage = Stage::new().await;
    stage.post(&["a", "b"]).await;
    let claim = claim(&stage.at(0), 2).await;
    claim.delete(claim.messages()[0].id()).await.unwrap();
    let some = [claim.messages()[0].id(), claim.messages()[1].id()];
    assert_eq!(claim.delete_many(some).await.unwrap(), 1);
}

#[tokio::test]
async fn delete_is_refused_while_another_claim_holds_the_message() {
    let stage = Stage::new().await;
    stage.post(&["a", "b"]).await;
    let (mine, other) = (claim(&stage.at(0), 1).await, claim(&stage.at(0), 1).await);
    let error = mine.delete(other.messages()[0].id()).await.unwrap_err();
    assert_eq!(error.word(), "NOTYOURS");
}

#[tokio::test]
async fn delete_is_refused_under_a_claim_that_is_gone_while_another_holds_the_message() {
    let stage = Stage::new().await;
    stage.post(&["a"]).await;
    let first = claim(&stage.at(0), 1).await;
    let second = claim(&stage.at(100), 1).await;
    let late = stage
        .at(100)
        .delete_many(ids(first.messages()))
        .claim(first.id());
    let error = late.await.unwrap_err();
    assert_eq!(
        (error.word(), error.id()),
        ("CLAIMGONE", Some(first.id().as_str()))
    );
    assert_eq!(
        stage
            .at(100)
            .delete_many(ids(second.messages()))
            .claim(second.id())
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn a_malformed_claim_id_is_no_claim_id() {
    assert_eq!(word("nonsense".parse::<ClaimId>()), "BADARG");
}

#[tokio::test]
async fn of_many_all_are_deleted_or_none_and_one_given_twice_counts_once() {
    let stage = Stage::new().await;
    let posted = stage.post(&["a", "b", "c"]).await;
    claim(&stage.at(0), 1).await;
    let error = stage
        .at(0)
        .delete_many(posted.iter().rev().copied())
        .await
        .unwrap_err();
    assert_eq!(
        (error.word(), error.id()),
        ("CLAIMED", Some(&*posted[0].to_string()))
    );
    assert_eq!(stage.at(0).stats().await.unwrap().total, 3);
    let twice = [posted[1], posted[2], posted[1]];
    assert_eq!(stage.at(0).delete_many(twice).await.unwrap(), 2);
}

#[tokio::test]
async fn a_batch_has_at_most_250_ids_and_none_is_no_call() {
    let stage = Stage::new().await;
    let many = |count| (0..count).map(|n| id(&format!("1-{n}")));
    assert_eq!(word(stage.at(0).delete_many(many(251)).await), "TOOLARGE");
    assert_eq!(stage.at(0).delete_many(many(250)).await.unwrap(), 0);
    assert_eq!(stage.at(0).delete_many([]).await.unwrap(), 0);
}
