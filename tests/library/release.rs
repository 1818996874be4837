//! Giving messages back: release and nack.

use marconi_redis::{ClaimId, Metadata};

use crate::stage::{Stage, bodies, claim, ids, ms, word};

#[tokio::test]
async fn released_messages_are_free_at_once_in_their_places() {
    let stage = Stage::new().await;
    stage.post(&["a", "b", "c"]).await;
    let first = claim(&stage.at(0), 2).await;
    assert_eq!(first.release().await.unwrap(), 2);
    let again = claim(&stage.at(0), 10).await;
    assert_eq!(bodies(again.messages()), ["a", "b", "c"]);
    let claims: Vec<_> = again.messages().iter().map(|m| m.claims()).collect();
    assert_eq!(claims, [2, 2, 1]);
}

#[tokio::test]
async fn releasing_a_claim_that_is_gone_is_silent() {
    let stage = Stage::new().await;
    assert_eq!(stage.at(0).release(ClaimId::random()).await.unwrap(), 0);
    stage.post(&["a"]).await;
    let claim = claim(&stage.at(0), 1).await;
    claim.release().await.unwrap();
    assert_eq!(claim.release().await.unwrap(), 0);
}

#[tokio::test]
async fn an_untried_release_hands_the_try_back() {
    let stage = Stage::new().await;
    stage.post(&["a"]).await;
    claim(&stage.at(0), 1)
        .await
        .release()
        .untried(true)
        .await
        .unwrap();
    assert_eq!(claim(&stage.at(0), 1).await.messages()[0].claims(), 1);
}

#[tokio::test]
async fn single_messages_are_given_back_now_or_after_a_delay() {
    let stage = Stage::new().await;
    stage.post(&["a", "b", "c"]).await;
    let held = claim(&stage.at(0), 3).await;
    let [a, b, _] = ids(held.messages())[..] else {
        panic!()
    };
    assert_eq!(held.nack([a]).await.unwrap(), 1);
    assert_eq!(
        held.nack([b, b]).delay(ms(40)).untried(true).await.unwrap(),
        1
    );
    let now = claim(&stage.at(0), 10).await;
    assert_eq!(
        (bodies(now.messages()), now.messages()[0].claims()),
        (vec!["a".into()], 2)
    );
    assert!(stage.at(39).claim().await.unwrap().is_none());
    let later = claim(&stage.at(40), 10).await;
    assert_eq!(
        (bodies(later.messages()), later.messages()[0].claims()),
        (vec!["b".into()], 1)
    );
    assert_eq!(bodies(held.get().await.unwrap().messages()), ["c"]);
}

#[tokio::test]
async fn nack_is_all_or_none_and_says_what_is_in_the_way() {
    let stage = Stage::new().await;
    let posted = stage.post(&["a", "b", "c"]).await;
    let mine = claim(&stage.at(0), 1).await;
    let other = claim(&stage.at(0), 1).await;
    assert_eq!(word(mine.nack([posted[0], posted[1]]).await), "NOTYOURS");
    assert_eq!(word(mine.nack([posted[0], posted[2]]).await), "NOTCLAIMED");
    assert_eq!(
        word(mine.nack([posted[0], "1-0".parse().unwrap()]).await),
        "MESSAGEGONE"
    );
    assert_eq!(
        word(stage.at(0).nack(ClaimId::random(), [posted[0]]).await),
        "CLAIMGONE"
    );
    let too_long = ms(14 * 24 * 3_600_000);
    assert_eq!(word(mine.nack([posted[0]]).delay(too_long).await), "BADARG");
    assert_eq!(bodies(mine.get().await.unwrap().messages()), ["a"]);
    assert_eq!(mine.nack([]).await.unwrap(), 0);
    assert_eq!(bodies(other.get().await.unwrap().messages()), ["b"]);
}

#[tokio::test]
async fn a_message_given_back_too_often_is_dead_and_kept() {
    let stage = Stage::new().await;
    let metadata = Metadata::new().with_max_claim_count(2);
    stage.at(0).create().metadata(metadata).await.unwrap();
    stage.post(&["a"]).await;
    claim(&stage.at(0), 1).await.release().await.unwrap();
    let last = claim(&stage.at(0), 1).await;
    last.nack(ids(last.messages())).await.unwrap();
    let stats = stage.at(0).stats().await.unwrap();
    assert_eq!((stats.free, stats.dead, stats.total), (0, 1, 0));
    assert_eq!(
        word(stage.at(0).get(last.messages()[0].id()).await),
        "MESSAGEGONE"
    );
}
