//! Messages that are named and not there, are there and not named, or stand in two places.
//!
//! Guards that each is in one place afterwards, and delivered from there.

use marconi_redis::keys::Part;
use redis::Value;

use super::{BODIES, FREE, Ward};

#[tokio::test]
async fn a_sound_queue_is_left_as_it_is_byte_for_byte() {
    let mut ward = Ward::new().await;
    let before = ward.dump().await;
    assert_eq!(ward.stage.at(5).repair().await.unwrap(), []);
    // Asked for by name, too.
    let script = marconi_redis::script::Script::by_name("repair").unwrap();
    let keys: Vec<_> = script.keys().iter().map(|part| ward.key(*part)).collect();
    let abouts = [&ward.ids[..], &[ward.claim.clone(), ward.other.clone()]].concat();
    for part in script.keys() {
        let mut call = redis::cmd("EVAL");
        call.arg(script.source()).arg(keys.len()).arg(&keys);
        call.arg("").arg(part.as_str()).arg(&abouts);
        let reply: Vec<Value> = call.query_async(&mut ward.connection).await.unwrap();
        assert_eq!(reply, [Value::Int(14)], "{part}");
    }
    assert_eq!(ward.dump().await, before);
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn what_names_a_message_that_is_not_there_is_dropped() {
    let mut ward = Ward::new().await;
    let gone = "7-7";
    ward.damage("HSET", Part::Tries, &[gone, "3"]).await;
    ward.damage("ZADD", Part::Expiry, &["9000000000000", gone])
        .await;
    ward.damage("ZADD", Part::Delayed, &["9000000000000", gone])
        .await;
    ward.damage("ZADD", Part::Returned, &["0", "no id"]).await;
    ward.damage(
        "ZADD",
        Part::Returned,
        &["0", "000000000000007-0000000000000007"],
    )
    .await;
    let claim = ward.claim.clone();
    ward.damage("HSET", Part::Held, &[gone, &claim]).await;
    ward.damage("HSET", Part::Held, &["neither id nor claim", &claim])
        .await;
    ward.damage("ZADD", Part::Claims, &["1", "no claim"]).await;
    let repairs = ward.heal(gone, "not in the log").await;
    for about in [
        "no id",
        "no claim",
        "neither id nor claim",
        "000000000000007-0000000000000007",
    ] {
        assert!(
            repairs.iter().any(|repair| repair.violation.about == about),
            "{about}: {repairs:?}"
        );
    }
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn a_message_that_was_taken_out_of_the_log_leaves_nothing_behind() {
    let mut ward = Ward::new().await;
    for body in ["a", "d", "e", "g"] {
        let id = ward.id(body);
        ward.damage("XDEL", Part::Log, &[&id]).await;
    }
    ward.heal(&ward.id("a"), "is held, and yet not in the log")
        .await;
    let record = ward.held(&ward.claim.clone()).await;
    assert!(record.ends_with(&format!(" {} ", ward.id("b"))), "{record}");
    let left = ["b", "c", "f", "h", "i", "j", "k", "l"];
    ward.drain(&["h", "i", "j", "k", "l"], &left).await;
}

#[tokio::test]
async fn a_message_before_the_cursor_that_stands_nowhere_is_claimable_again() {
    let mut ward = Ward::new().await;
    let (d, e) = (ward.padded("d"), ward.id("e"));
    ward.damage("ZREM", Part::Returned, &[&d]).await;
    ward.damage("ZREM", Part::Delayed, &[&e]).await;
    ward.heal(&e, "is in 0 of held, returned and delayed").await;
    let free = ["d", "e", "g", "h", "i", "j", "k", "l"];
    ward.drain(&free, &BODIES).await;
}

#[tokio::test]
async fn a_message_that_stands_in_two_places_stays_in_one() {
    let mut ward = Ward::new().await;
    let (a, b, d) = (ward.id("a"), ward.id("b"), ward.id("d"));
    let padded = ward.padded("a");
    ward.damage("ZADD", Part::Returned, &["0", &padded]).await;
    ward.damage(
        "ZADD",
        Part::Delayed,
        &["1700000050000", &b, "1700000050000", &d],
    )
    .await;
    ward.heal(&a, "is in 2 of held").await;
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn a_cursor_that_went_astray_is_put_right() {
    let mut ward = Ward::new().await;
    let far = "1800000000000-0".to_owned();
    for (cursor, sentence) in [
        ("x", "cursor is no id"),
        (&far, "cursor is after the last id"),
    ] {
        ward.damage("HSET", Part::Meta, &["cursor", cursor]).await;
        ward.heal("meta", sentence).await;
    }
    ward.drain(&FREE, &BODIES).await;

    let mut ward = Ward::new().await;
    ward.damage("HSET", Part::Meta, &["cursor", "0-0"]).await;
    ward.heal(
        &ward.id("c"),
        "is after the cursor, and yet held or returned",
    )
    .await;
    ward.drain(&FREE, &BODIES).await;
}
