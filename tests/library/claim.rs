//! Claiming, renewing, looking at claims.

use marconi_redis::{ClaimId, Metadata};

use crate::stage::{START, Stage, bodies, claim, ids, ms, word};

#[tokio::test]
async fn a_claim_takes_the_oldest_messages_and_says_its_terms() {
    let stage = Stage::new().await;
    stage.post(&["a", "b", "c"]).await;
    let asked = stage.at(5).claim().ttl(ms(100)).grace(ms(20)).limit(2);
    let claim = asked.worker("cart-3").await.unwrap().unwrap();
    assert_eq!(bodies(claim.messages()), ["a", "b"]);
    assert_eq!(
        (claim.ttl(), claim.grace(), claim.age()),
        (ms(100), ms(20), ms(0))
    );
    assert_eq!(claim.lease().deadline.as_millis(), START + 105);
    assert_eq!(claim.worker(), Some("cart-3"));
    for message in claim.messages() {
        assert_eq!((message.claims(), message.age()), (1, ms(5)));
        assert_eq!(message.claimed_by(), Some(claim.id()));
    }
}

#[tokio::test]
async fn nothing_to_claim_is_no_claim() {
    let stage = Stage::new().await;
    assert!(stage.at(0).claim().await.unwrap().is_none());
    assert!(!stage.at(0).exists().await.unwrap());
    stage.post(&["a"]).await;
    claim(&stage.at(0), 1).await;
    assert!(stage.at(99).claim().await.unwrap().is_none());
}

#[tokio::test]
async fn a_claim_asked_for_twice_is_one_claim() {
    let stage = Stage::new().await;
    stage.post(&["a", "b", "c"]).await;
    let id = ClaimId::random();
    let first = stage.at(0).claim().id(id).limit(2).await.unwrap().unwrap();
    let again = stage
        .at(9)
        .claim()
        .id(id)
        .limit(250)
        .ttl(ms(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ids(first.messages()), ids(again.messages()));
    assert_eq!((first.fence(), first.ttl()), (again.fence(), again.ttl()));
    assert_eq!(again.age(), ms(9));
}

#[tokio::test]
async fn the_id_of_a_lapsed_claim_makes_a_new_one_in_one_call() {
    let stage = Stage::new().await;
    stage.post(&["a"]).await;
    let first = claim(&stage.at(0), 1).await;
    let again = stage.at(100).claim().id(first.id()).await.unwrap().unwrap();
    assert_eq!(bodies(again.messages()), ["a"]);
    assert_eq!(again.messages()[0].claims(), 2);
    assert!(again.fence() > first.fence());
}

#[tokio::test]
async fn fences_grow_over_purge_and_deletion() {
    let stage = Stage::new().await;
    let mut last = 0;
    for round in 0..4 {
        stage.post(&["a"]).await;
        let fence = claim(&stage.at(0), 1).await.fence();
        assert!(fence > last, "{fence} after {last}");
        last = fence;
        match round {
            0 => _ = stage.at(0).purge().await.unwrap(),
            1 => _ = stage.at(0).delete().await.unwrap(),
            _ => _ = stage.at(0).pop().await.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_claim_can_be_looked_up() {
    let stage = Stage::new().await;
    stage.post(&["a", "b"]).await;
    let asked = stage.at(0).claim().ttl(ms(100)).worker("w w");
    let claim = asked.await.unwrap().unwrap();
    claim.delete(claim.messages()[0].id()).await.unwrap();
    let seen = stage.at(40).get_claim(claim.id()).await.unwrap();
    assert_eq!(bodies(seen.messages()), ["b"]);
    assert_eq!((seen.worker(), seen.age()), (Some("w w"), ms(40)));
    assert_eq!(seen.lease().left(), ms(60));
    assert_eq!(bodies(claim.get().await.unwrap().messages()), ["b"]);
    let gone = stage.at(100).get_claim(claim.id()).await.unwrap_err();
    assert_eq!(
        (gone.word(), gone.id()),
        ("CLAIMGONE", Some(claim.id().as_str()))
    );
}

#[tokio::test]
async fn a_claim_ends_with_its_last_message() {
    let stage = Stage::new().await;
    stage.post(&["a", "b"]).await;
    let claim = claim(&stage.at(0), 2).await;
    assert_eq!(claim.delete_all().await.unwrap(), 2);
    assert_eq!(word(claim.get().await), "CLAIMGONE");
}

#[tokio::test]
async fn a_renewed_claim_counts_from_now() {
    let stage = Stage::new().await;
    stage.post(&["a"]).await;
    let first = claim(&stage.at(0), 1).await;
    let lease = stage
        .at(60)
        .renew(first.id(), ms(100), ms(7))
        .await
        .unwrap();
    assert_eq!(
        (lease.left(), lease.grace, lease.fence),
        (ms(100), ms(7), first.fence())
    );
    let mut known = stage.at(159).get_claim(first.id()).await.unwrap();
    known.renew(ms(50), ms(0)).await.unwrap();
    assert_eq!((known.ttl(), known.lease().left()), (ms(50), ms(50)));
    assert_eq!(
        word(stage.at(209).renew(first.id(), ms(1), ms(1)).await),
        "CLAIMGONE"
    );
    assert_eq!(bodies(claim(&stage.at(209), 1).await.messages()), ["a"]);
}

#[tokio::test]
async fn a_message_lives_as_long_as_its_claim_and_the_grace() {
    let stage = Stage::new().await;
    stage.at(0).post("a").ttl(ms(50)).await.unwrap();
    let asked = stage.at(10).claim().ttl(ms(100)).grace(ms(30));
    let claim = asked.await.unwrap().unwrap();
    assert_eq!(claim.messages()[0].ttl(), ms(140));
    let id = claim.messages()[0].id();
    assert_eq!(word(stage.at(139).get(id).await), "no error");
    assert_eq!(word(stage.at(140).get(id).await), "MESSAGEGONE");
}

#[tokio::test]
async fn a_claim_skips_what_is_claimed_delayed_expired_or_dead() {
    let stage = Stage::new().await;
    let one_try = Metadata::new().with_max_claim_count(1);
    stage.at(0).create().metadata(one_try).await.unwrap();
    stage.post(&["dead", "claimed"]).await;
    claim(&stage.at(0), 1).await.release().await.unwrap();
    claim(&stage.at(0), 1).await;
    stage.at(0).post("expired").ttl(ms(10)).await.unwrap();
    stage.at(0).post("delayed").delay(ms(60)).await.unwrap();
    stage.at(1).post("free").await.unwrap();
    assert_eq!(bodies(claim(&stage.at(50), 10).await.messages()), ["free"]);
    assert_eq!(
        bodies(claim(&stage.at(60), 10).await.messages()),
        ["delayed"]
    );
}

#[tokio::test]
async fn bad_arguments_are_named() {
    let stage = Stage::new().await;
    let queue = stage.at(0);
    for (claim, bad) in [
        (queue.claim().ttl(ms(0)), "ttl"),
        (queue.claim().grace(ms(315_360_000_001)), "grace"),
        (queue.claim().limit(0), "limit"),
        (queue.claim().limit(251), "limit"),
        (queue.claim().worker("a\nb"), "worker"),
    ] {
        let error = claim.await.unwrap_err();
        assert!(error.to_string().starts_with(bad), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_spoils_no_claim() {
    let stage = Stage::new().await;
    stage.post(&["text"]).await;
    stage.at(1).post(&17).await.unwrap();
    let claim = claim(&stage.at(1), 10).await;
    assert_eq!(word(claim.messages()[0].body::<u64>()), "CODEC");
    assert_eq!(claim.messages()[1].body::<u64>().unwrap(), 17);
    assert_eq!(claim.delete_all().await.unwrap(), 2);
}
