//! Somebody else's key stands where a part should be.
//!
//! Guards that it is noticed before the first write, in the usual case and in the one that touches
//! every part.

use marconi_redis::keys::Part;
use marconi_redis::script::Script;
use marconi_redis::{Claim, MessageId, Queue};
use redis::Value;

use crate::common::Server;
use crate::raw::{BODY, Raw, stage_on};
use crate::stage::{START, claim, message, ms};
use crate::words;

const NEW: &str = "33333333-3333-4333-8333-333333333333";
const HOT: [&str; 4] = ["claim", "post", "delete", "pop"];

/// A claim, what it holds, and what came back from another one.
struct Claimed {
    by: String,
    held: Vec<MessageId>,
    back: Vec<MessageId>,
}

/// How a hot script is called.
#[derive(Clone, Copy, PartialEq)]
enum Call {
    /// As usual.
    Plain,
    /// So that it touches all that it names.
    Whole,
    /// A delete of what its claim extended.
    Extended,
}

/// The arguments of a hot script for such a call.
fn args(script: &str, claimed: &Claimed, call: Call) -> Vec<Vec<u8>> {
    let texts = |ids: &[MessageId]| -> Vec<_> { ids.iter().map(MessageId::to_string).collect() };
    match (script, call == Call::Plain) {
        ("claim", _) => words![START, NEW, 60_000, 0, 2, "", "", ""],
        ("delete", _) if call == Call::Whole => words![START, "", texts(&claimed.back)],
        ("delete", _) => words![START, &claimed.by, texts(&claimed.held)],
        ("post", true) => words!["", "", "", "", "", "", "", BODY],
        ("post", false) => words![START, "", "u", "digest", "", 7000, 10, BODY],
        (_, true) => words![START, 2, "", "", ""],
        (_, false) => words![START, 2, "p", "", ""],
    }
}

/// A claim of two, and as many free ones, all alike.
async fn as_usual(queue: &Queue) -> Claimed {
    let messages = ["a", "b", "c", "d"].map(message);
    let posted = queue.post_many(messages).await.unwrap();
    let held = claim(queue, 2).await;
    Claimed {
        by: held.id().to_string(),
        held: posted[..2].to_vec(),
        back: Vec::new(),
    }
}

/// Something in every part: tokens, what came back, and a held one that the claim extended.
async fn unusual(queue: &Queue) -> Claimed {
    queue.post("base").token("t").await.unwrap();
    queue.pop().token("q").await.unwrap();
    let short = ["a", "b", "c"].map(|body| message(body).ttl(ms(50)));
    queue.post_many(short).await.unwrap();
    queue.post("late").delay(ms(9000)).await.unwrap();
    let back = claim(queue, 2).await;
    let held = claim(queue, 1).await;
    let ids = |claim: &Claim| {
        claim
            .messages()
            .iter()
            .map(|message| message.id())
            .collect()
    };
    let claimed = Claimed {
        by: held.id().to_string(),
        held: ids(&held),
        back: ids(&back),
    };
    back.release().await.unwrap();
    claimed
}

/// The parts of which each hot script noticed that they are not ours.
async fn noticed(call: Call) -> Vec<(&'static str, Part)> {
    let server = Server::start(&[]);
    let stage = stage_on(&server).await;
    let mut noticed = Vec::new();
    for name in HOT {
        for part in Script::by_name(name).unwrap().keys() {
            let queue = stage.named(&format!("{name} {part}"), 0);
            let claimed = match call {
                Call::Plain => as_usual(&queue).await,
                Call::Whole | Call::Extended => unusual(&queue).await,
            };
            let mut raw = Raw::new(&server, &queue).await;
            let key = raw.key(*part);
            let _: u64 = raw.command(&["DEL", &key]).await;
            let _: Value = raw.command(&["SET", &key, "theirs"]).await;
            let before = raw.digest().await;
            let Err(refused) = raw.run(name, args(name, &claimed, call)).await else {
                continue;
            };
            assert_eq!(refused.code(), Some("BADARG"), "{name}, {part}: {refused}");
            let detail = refused.detail().unwrap_or_default();
            assert!(detail.starts_with(&format!("{part}: ")), "{name}: {detail}");
            assert_eq!(
                raw.digest().await,
                before,
                "{name} wrote, {part} is not ours"
            );
            noticed.push((name, *part));
        }
    }
    noticed
}

#[tokio::test]
async fn a_call_that_touches_every_part_notices_each_foreign_one_before_it_writes() {
    let noticed = noticed(Call::Whole).await;
    for name in HOT {
        for part in Script::by_name(name).unwrap().keys() {
            assert!(
                noticed.contains(&(name, *part)),
                "{name} passes over {part}"
            );
        }
    }
}

#[tokio::test]
async fn a_call_as_usual_notices_a_foreign_part_that_it_touches_before_it_writes() {
    let noticed = noticed(Call::Plain).await;
    for name in HOT {
        for part in [Part::Log, Part::Meta] {
            assert!(noticed.contains(&(name, part)), "{name} passes over {part}");
        }
    }
    for part in [Part::Held, Part::Claims] {
        assert!(noticed.contains(&("claim", part)) && noticed.contains(&("delete", part)));
    }
}

#[tokio::test]
async fn a_delete_of_what_its_claim_extended_notices_each_foreign_part_that_it_touches() {
    let noticed = noticed(Call::Extended).await;
    for part in [
        Part::Log,
        Part::Meta,
        Part::Held,
        Part::Claims,
        Part::Expiry,
        Part::Tries,
    ] {
        assert!(
            noticed.contains(&("delete", part)),
            "delete passes over {part}"
        );
    }
}
