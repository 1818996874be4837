//! Times, counts, marks and fields of `meta` that are wrong.
//!
//! Guards that what is left lapses, matures and expires when it should, and fences only grow.

use marconi_redis::keys::Part;
use redis::Value;

use super::{BODIES, FREE, Ward};

#[tokio::test]
async fn expiry_is_known_again_and_lies_after_the_claim() {
    let mut ward = Ward::new().await;
    let (a, c, g, h) = (ward.id("a"), ward.id("c"), ward.id("g"), ward.id("h"));
    // c was extended by its claim, and g has a ttl of its own.
    ward.damage("ZREM", Part::Expiry, &[&c, &g]).await;
    ward.damage("ZADD", Part::Expiry, &["1700000000500", &a, "inf", &h])
        .await;
    ward.heal(&g, "has a ttl of its own").await;
    let mut score = redis::cmd("ZMSCORE");
    score.arg(ward.key(Part::Expiry)).arg(&[c, g, a]);
    let scores: Vec<u64> = score.query_async(&mut ward.connection).await.unwrap();
    let deadline = 1_700_000_040_000;
    assert_eq!(
        scores,
        [deadline + 60_003, 1_700_000_100_001, deadline + 60_002]
    );
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn what_is_due_is_due_no_later_than_what_it_counts() {
    let mut ward = Ward::new().await;
    ward.damage("HSET", Part::Meta, &["due", "1800000000000"])
        .await;
    ward.heal(&ward.claim, "lapses before `due`").await;
    ward.drain(&FREE, &BODIES).await;
    let mut ward = Ward::new().await;
    ward.damage("HDEL", Part::Meta, &["due"]).await;
    ward.heal(&ward.id("e"), "matures before `due`").await;
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn marks_flags_scores_and_tries_are_put_right() {
    let mut ward = Ward::new().await;
    let (c, d, h, other) = (ward.id("c"), ward.id("d"), ward.id("h"), ward.other.clone());
    let padded = ward.padded("d");
    ward.damage("HSET", Part::Held, &[&c, &other]).await;
    ward.damage("HDEL", Part::Meta, &["returned"]).await;
    ward.damage("ZADD", Part::Returned, &["7", &padded]).await;
    ward.damage("HSET", Part::Tries, &[&d, "many", &h, "2"])
        .await;
    let found = ward.stage.at(5).check().await.unwrap();
    for sentence in [
        "meta says that none is",
        "has a score",
        "tries that are no number",
        "yet has tries",
    ] {
        assert!(
            found.iter().any(|v| v.sentence.contains(sentence)),
            "{sentence}: {found:?}"
        );
    }
    ward.heal(&c, "without the mark").await;
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn a_fresh_message_is_not_delayed_by_what_its_envelope_does_not_say() {
    let mut ward = Ward::new().await;
    let h = ward.id("h");
    ward.damage("ZADD", Part::Delayed, &["1700000050000", &h])
        .await;
    ward.heal(&h, "is delayed, and yet was posted without a delay")
        .await;
    let e = ward.id("e");
    ward.damage("ZADD", Part::Delayed, &["inf", &e]).await;
    ward.heal(&e, "is delayed until it has expired").await;
    ward.drain(&["d", "e", "g", "h", "i", "j", "k", "l"], &BODIES)
        .await;
}

#[tokio::test]
async fn fences_only_grow() {
    let mut ward = Ward::new().await;
    ward.damage("HSET", Part::Meta, &["fence", "5"]).await;
    ward.heal(&ward.other, "has a fence above the last one given")
        .await;
    let fence = ward.held(&ward.other.clone()).await;
    let mut call = redis::cmd("HGET");
    call.arg(ward.key(Part::Meta)).arg("fence");
    let last: String = call.query_async(&mut ward.connection).await.unwrap();
    assert!(fence.starts_with(&format!("{last} ")), "{last}: {fence}");
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn fields_of_meta_that_are_no_numbers_fall_back() {
    let mut ward = Ward::new().await;
    for field in [
        "due",
        "fence",
        "waiting_until",
        "tokens_since",
        "base_ttl",
        "since",
        "reaped",
    ] {
        ward.damage("HSET", Part::Meta, &[field, "x"]).await;
        ward.heal("meta", &format!("{field} is no")).await;
    }
    ward.damage("HSET", Part::Meta, &["reaped", "1800000000000-0"])
        .await;
    let h = ward.id("h");
    let has_base = ward.stage.at(5).check().await.unwrap();
    assert!(
        has_base.is_empty(),
        "without a base ttl all stands in expiry: {has_base:?}"
    );
    let expiry: Option<u64> = redis::cmd("ZSCORE")
        .arg(ward.key(Part::Expiry))
        .arg(&h)
        .query_async(&mut ward.connection)
        .await
        .unwrap();
    assert_eq!(expiry, Some(1_700_000_000_001 + 1_209_600_000));
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn what_was_passed_over_by_the_reaper_expires_all_the_same() {
    let mut ward = Ward::new().await;
    ward.damage("HSET", Part::Meta, &["reaped", "1800000000000-0"])
        .await;
    ward.heal(&ward.id("h"), "is before `reaped`").await;
    let end = 1_700_000_000_001 + 1_209_600_000;
    let stats = ward
        .stage
        .at(end - 1_700_000_000_000)
        .stats()
        .await
        .unwrap();
    assert_eq!(stats.total, 0);
}

#[tokio::test]
async fn a_queue_that_lost_its_meta_is_made_anew_around_its_messages() {
    let mut ward = Ward::new().await;
    ward.damage("DEL", Part::Meta, &[]).await;
    let repairs = ward.heal("log", "stands without meta").await;
    assert!(
        repairs
            .iter()
            .any(|repair| repair.done.contains("set them again")),
        "{repairs:?}"
    );
    ward.drain(&FREE, &BODIES).await;

    let mut ward = Ward::new().await;
    ward.damage("DEL", Part::Meta, &[]).await;
    ward.damage("DEL", Part::Log, &[]).await;
    ward.heal("held", "stands without meta").await;
    assert!(!ward.stage.at(5).exists().await.unwrap());
    assert_eq!(ward.dump().await[..8], [const { Value::Nil }; 8]);
}

#[tokio::test]
async fn what_can_not_be_mended_is_left_and_said_with_what_to_do() {
    let mut ward = Ward::new().await;
    ward.damage("XADD", Part::Log, &["1700000000002-0", "m", "no envelope"])
        .await;
    ward.damage("HSET", Part::Meta, &["_max_claim_count", "x"])
        .await;
    let before = ward.dump().await;
    let repairs = ward.stage.at(5).repair().await.unwrap();
    let left: Vec<_> = repairs
        .iter()
        .map(|r| (&*r.violation.about, r.is_mended, &*r.done))
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[0].2.contains("set the metadata"), "{left:?}");
    assert!(
        left[1].0 == "1700000000002-0" && left[1].2.contains("XDEL"),
        "{left:?}"
    );
    assert!(left.iter().all(|(_, is_mended, _)| !is_mended));
    assert_eq!(ward.dump().await, before);
    // Another type of key is refused, as by every script.
    ward.damage("DEL", Part::Tries, &[]).await;
    ward.damage("SET", Part::Tries, &["x"]).await;
    let refused = ward.stage.at(5).repair().await.unwrap_err();
    assert_eq!(refused.word(), "BADARG", "{refused}");
}
