//! Damage done by hand, of each kind: it is found, mended, and the messages are delivered as they should be.
//!
//! Guards what an operator relies on at three in the morning: repair loses no message, and makes no two claims of one.

use std::collections::BTreeSet;

use marconi_redis::keys::Part;
use marconi_redis::{Metadata, Repair};
use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::common::Server;
use crate::stage::{Stage, bodies, message, ms};

/// A queue of twelve messages, some in each state, and a connection to its keys.
struct Ward {
    stage: Stage,
    connection: MultiplexedConnection,
    /// Ids by body.
    ids: Vec<String>,
    claim: String,
    other: String,
}

const BODIES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

impl Ward {
    /// a b: held by `claim`; c: held by `other`, came back before, extended; d: returned; e: nacked, with a delay;
    /// f: posted with a delay; g: with a ttl of its own; the others as usual.
    async fn new() -> Ward {
        let stage = Stage::new().await;
        let metadata = Metadata::new().with_max_claim_count(9);
        stage.at(0).create().metadata(metadata).await.unwrap();
        let mut posts: Vec<_> = BODIES.iter().map(|body| message(body)).collect();
        posts[2] = message("c").ttl(ms(1_000));
        posts[5] = message("f").delay(ms(50_000));
        posts[6] = message("g").ttl(ms(100_000));
        let ids = stage.at(1).post_many(posts).await.unwrap();
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let take = |queue: marconi_redis::Queue, limit| async move {
            let claim = queue.claim().ttl(ms(40_000)).grace(ms(60_000)).limit(limit);
            claim.await.unwrap().expect("something to claim")
        };
        let claim = take(stage.at(2), 2).await;
        let first = take(stage.at(2), 3).await;
        first
            .nack([first.messages()[2].id()])
            .delay(ms(50_000))
            .await
            .unwrap();
        first.release().await.unwrap();
        let other = take(stage.at(3), 1).await;
        stage.at(4).gc().await.unwrap();
        let ward = Ward {
            connection: Server::shared().connection().await,
            ids,
            claim: claim.id().to_string(),
            other: other.id().to_string(),
            stage,
        };
        assert_eq!(ward.stage.at(4).check().await.unwrap(), []);
        ward
    }

    fn key(&self, part: Part) -> String {
        self.stage.at(0).keys().key(part)
    }

    fn id(&self, body: &str) -> String {
        let at = BODIES.iter().position(|other| *other == body);
        self.ids[at.expect("one of the bodies")].clone()
    }

    fn padded(&self, body: &str) -> String {
        let id = self.id(body);
        let (ms, seq) = id.split_once('-').unwrap();
        format!("{ms:0>15}-{seq:0>16}")
    }

    /// A command on the key of a part.
    async fn damage(&mut self, command: &str, part: Part, args: &[&str]) {
        let mut call = redis::cmd(command);
        call.arg(self.key(part)).arg(args);
        call.exec_async(&mut self.connection).await.unwrap();
    }

    async fn held(&mut self, field: &str) -> String {
        let mut call = redis::cmd("HGET");
        call.arg(self.key(Part::Held)).arg(field);
        call.query_async(&mut self.connection).await.unwrap()
    }

    /// What all parts hold, byte for byte.
    async fn dump(&mut self) -> Vec<Value> {
        let mut dump = Vec::new();
        for part in Part::ALL {
            let mut call = redis::cmd("DUMP");
            call.arg(self.key(*part));
            dump.push(call.query_async(&mut self.connection).await.unwrap());
        }
        dump
    }

    /// Check names it, and repair mends it.
    async fn heal(&self, about: &str, sentence: &str) -> Vec<Repair> {
        let found = self.stage.at(5).check().await.unwrap();
        let named = found
            .iter()
            .any(|v| v.about == about && v.sentence.contains(sentence));
        assert!(named, "{about} {sentence}: {found:?}");
        let repairs = self.stage.at(5).repair().await.unwrap();
        assert!(repairs.iter().all(|repair| repair.is_mended), "{repairs:?}");
        assert_eq!(self.stage.at(5).check().await.unwrap(), []);
        repairs
    }

    /// What can be claimed at once; then, when all claims and delays have ended, that all is delivered, each once.
    async fn drain(&self, at_once: &[&str], all: &[&str]) {
        let now = self.take(6).await;
        assert_eq!(now, at_once, "at once");
        let mut rest = self.take(70_000).await;
        rest.extend(now);
        let (count, rest) = (rest.len(), rest.into_iter().collect::<BTreeSet<_>>());
        assert_eq!(rest, all.iter().map(ToString::to_string).collect());
        assert_eq!(count, all.len(), "one came twice");
        let stats = self.stage.at(70_000).stats().await.unwrap();
        assert_eq!((stats.total, stats.claimed, stats.delayed), (0, 0, 0));
        assert_eq!(self.stage.at(70_000).check().await.unwrap(), []);
    }

    async fn take(&self, at: u64) -> Vec<String> {
        let mut taken = Vec::new();
        while let Some(claim) = self
            .stage
            .at(at)
            .claim()
            .ttl(ms(1_000))
            .limit(5)
            .await
            .unwrap()
        {
            taken.extend(bodies(claim.messages()));
            claim.delete_all().await.unwrap();
        }
        taken
    }
}

/// Those that nobody holds and no delay keeps back.
const FREE: [&str; 7] = ["d", "g", "h", "i", "j", "k", "l"];

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

#[tokio::test]
async fn a_claim_without_a_record_or_a_deadline_ends() {
    let mut ward = Ward::new().await;
    let (claim, other) = (ward.claim.clone(), ward.other.clone());
    ward.damage("HDEL", Part::Held, &[&claim]).await;
    ward.damage("ZREM", Part::Claims, &[&other]).await;
    ward.heal(&claim, "has a deadline, and yet no record").await;
    let free = ["a", "b", "c", "d", "g", "h", "i", "j", "k", "l"];
    ward.drain(&free, &BODIES).await;
}

#[tokio::test]
async fn a_claim_that_can_not_be_read_ends() {
    for torn in [
        "",
        "torn",
        "1 2 3 4",
        "99999999999999999999 1 1 1 x ",
        "1 1 1 1 , ",
    ] {
        let mut ward = Ward::new().await;
        let claim = ward.claim.clone();
        ward.damage("HSET", Part::Held, &[&claim, torn]).await;
        ward.heal(
            &claim,
            if torn.contains(',') {
                "holds nothing"
            } else {
                "can not be read"
            },
        )
        .await;
        let free = ["a", "b", "d", "g", "h", "i", "j", "k", "l"];
        ward.drain(&free, &BODIES).await;
    }
    let mut ward = Ward::new().await;
    let claim = ward.claim.clone();
    ward.damage("ZADD", Part::Claims, &["inf", &claim]).await;
    ward.heal(&claim, "has a deadline that is no time").await;
    ward.drain(&["a", "b", "d", "g", "h", "i", "j", "k", "l"], &BODIES)
        .await;
}

#[tokio::test]
async fn a_claim_holds_what_it_lists_where_nobody_else_does() {
    let mut ward = Ward::new().await;
    let (a, claim) = (ward.id("a"), ward.claim.clone());
    ward.damage("HDEL", Part::Held, &[&a]).await;
    ward.heal(&claim, "which it does not hold").await;
    assert_eq!(ward.held(&a).await, claim);
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn of_two_claims_on_a_message_the_one_with_the_larger_fence_keeps_it() {
    for stronger_is_owner in [true, false] {
        let mut ward = Ward::new().await;
        let (a, c) = (ward.id("a"), ward.id("c"));
        let (weak, strong) = (ward.claim.clone(), ward.other.clone());
        // The later claim lists what the earlier one lists, too.
        let record = ward.held(&strong).await;
        let both = record.replace(&c, &format!("{a},{c}"));
        ward.damage("HSET", Part::Held, &[&strong, &both]).await;
        if stronger_is_owner {
            ward.damage("HSET", Part::Held, &[&a, &strong]).await;
        }
        let loser = if stronger_is_owner { &weak } else { &strong };
        ward.heal(loser, "which it does not hold").await;
        assert_eq!(&ward.held(&a).await[..36], strong);
        assert!(!ward.held(&weak).await.contains(&a));
        ward.drain(&FREE, &BODIES).await;
    }
}

#[tokio::test]
async fn a_hold_that_no_claim_lists_is_let_go() {
    let mut ward = Ward::new().await;
    let (h, claim) = (ward.id("h"), ward.claim.clone());
    ward.damage("HSET", Part::Held, &[&h, &claim]).await;
    ward.heal(&h, "is held by a claim that does not list it")
        .await;
    ward.drain(&FREE, &BODIES).await;
}

#[tokio::test]
async fn a_record_that_lists_too_much_lists_what_it_holds() {
    let mut ward = Ward::new().await;
    let (a, claim) = (ward.id("a"), ward.claim.clone());
    let record = ward.held(&claim).await;
    let twice = record.replace(&a, &format!("{a},{a},7-7"));
    ward.damage("HSET", Part::Held, &[&claim, &twice]).await;
    ward.heal(&claim, "twice").await;
    assert_eq!(ward.held(&claim).await, record);
    ward.drain(&FREE, &BODIES).await;
}

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
