//! Dead letters: from the last claim to the queue they are addressed to, once each.

use marconi_redis::script::{DEAD_DELIVER, DEAD_TRANSIT, Script};
use marconi_redis::{Metadata, Queue};
use redis::Value;

use crate::common::Server;
use crate::stage::{START, Stage, bodies, claim, ids, ms, word};

/// One claim is enough to be dead.
pub fn to(name: &str) -> Metadata {
    Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue(name)
}

pub async fn source(stage: &Stage, name: &str, target: &str) -> Queue {
    let queue = stage.named(name, 0);
    queue.create().metadata(to(target)).await.unwrap();
    queue
}

/// Runs a script as another program would.
pub async fn run(script: &Script, queue: &Queue, arguments: &[Vec<u8>]) -> Vec<Value> {
    let mut call = redis::cmd("EVAL");
    call.arg(script.source()).arg(script.keys().len());
    for part in script.keys() {
        call.arg(queue.keys().key(*part));
    }
    call.arg(arguments);
    match call
        .query_async(&mut Server::shared().connection().await)
        .await
        .unwrap()
    {
        Value::Array(reply) => reply,
        other => vec![other],
    }
}

/// A mover that crashed: it delivered what waits in the outbox, and did not settle.
async fn deliver_and_crash(source: &Queue, target: &Queue) {
    let letters = run(&DEAD_TRANSIT, source, &[vec![], b"250".to_vec()]).await;
    let mut arguments = vec![
        START.to_string().into_bytes(),
        source.path().tag().into_bytes(),
    ];
    for letter in letters.chunks(3) {
        let [Value::BulkString(id), _, Value::BulkString(letter)] = letter else {
            panic!()
        };
        arguments.extend([id.clone(), letter.clone()]);
    }
    run(&DEAD_DELIVER, target, &arguments).await;
}

/// Makes deliveries to a queue fail, or not.
pub async fn block(queue: &Queue, blocked: bool) {
    let key = queue.keys().key(marconi_redis::keys::Part::Meta);
    let hidden = format!("hidden:{key}");
    let (from, into) = if blocked {
        (&key, &hidden)
    } else {
        (&hidden, &key)
    };
    let mut connection = Server::shared().connection().await;
    redis::cmd("RENAME")
        .arg(from)
        .arg(into)
        .exec_async(&mut connection)
        .await
        .unwrap();
    if blocked {
        redis::cmd("SET")
            .arg(&key)
            .arg("x")
            .exec_async(&mut connection)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_message_whose_claims_are_used_up_arrives_with_a_note_of_where_it_comes_from() {
    let stage = Stage::new().await;
    let metadata = Metadata::new()
        .with_max_claim_count(2)
        .with_dead_letter_queue("dead");
    let metadata = metadata.with_dead_letter_queue_messages_ttl(ms(9_000));
    stage.at(0).create().metadata(metadata).await.unwrap();
    let posted = stage.post(&["x"]).await;
    claim(&stage.at(0), 1).await.release().await.unwrap();
    claim(&stage.at(5), 1).await.release().await.unwrap();

    assert_eq!(stage.at(5).stats().await.unwrap().dead, 0);
    let letters = stage.named("dead", 6).pop().limit(9).await.unwrap();
    assert_eq!(bodies(&letters), ["x"]);
    assert_eq!(letters[0].ttl(), ms(9_000));
    assert_eq!(letters[0].client(), stage.store.client());
    let origin = letters[0].origin().unwrap();
    assert_eq!(origin.from, [stage.at(0).path().tag()]);
    assert_eq!((origin.id, origin.claims), (Some(posted[0]), 2));
    assert_eq!(origin.died.unwrap().as_millis(), START + 5);
}

#[tokio::test]
async fn letters_of_a_lapsed_claim_and_of_a_nack_arrive_too() {
    let stage = Stage::new().await;
    let queue = source(&stage, "orders", "dead").await;
    stage.post(&["nacked", "lapsed"]).await;
    let held = claim(&queue, 2).await;
    held.nack([held.messages()[0].id()]).await.unwrap();
    assert_eq!(
        bodies(&stage.named("dead", 50).list().await.unwrap().messages),
        ["nacked"]
    );
    assert!(stage.at(100).claim().await.unwrap().is_none());
    assert_eq!(
        bodies(&stage.named("dead", 100).pop().limit(9).await.unwrap()),
        ["nacked", "lapsed"]
    );
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 2);
}

#[tokio::test]
async fn a_crash_between_delivery_and_settling_doubles_nothing() {
    let stage = Stage::new().await;
    let queue = source(&stage, "orders", "dead").await;
    let target = stage.named("dead", 0);
    target.create().await.unwrap();
    block(&target, true).await;
    stage.post(&["a", "b"]).await;
    claim(&queue, 2).await.release().await.unwrap();
    assert_eq!(queue.stats().await.unwrap().dead, 2);
    block(&target, false).await;

    deliver_and_crash(&queue, &target).await;
    assert_eq!(queue.stats().await.unwrap().dead, 2);
    // A day later.
    let later = stage.named("orders", 86_400_000);
    assert_eq!(later.carry_dead_letters().await.unwrap(), 0);
    assert_eq!(later.stats().await.unwrap().dead, 0);
    assert_eq!(bodies(&target.pop().limit(9).await.unwrap()), ["a", "b"]);
}

#[tokio::test]
async fn letters_that_can_not_be_delivered_fail_no_caller_and_go_when_they_can() {
    let stage = Stage::new().await;
    let queue = source(&stage, "orders", "dead").await;
    let target = stage.named("dead", 0);
    target.create().await.unwrap();
    block(&target, true).await;
    stage.post(&["a", "b"]).await;
    assert_eq!(claim(&queue, 1).await.release().await.unwrap(), 1);
    assert_eq!(word(queue.carry_dead_letters().await), "BADARG");
    block(&target, false).await;
    // The next one who sees the outbox carries what is in it.
    assert_eq!(claim(&queue, 1).await.release().await.unwrap(), 1);
    assert_eq!(bodies(&target.pop().limit(9).await.unwrap()), ["a", "b"]);
}

#[tokio::test]
async fn a_target_that_fails_holds_up_no_other_and_keeps_its_order() {
    let stage = Stage::new().await;
    let queue = source(&stage, "orders", "blocked").await;
    let (blocked, open) = (stage.named("blocked", 0), stage.named("open", 0));
    blocked.create().await.unwrap();
    block(&blocked, true).await;
    for at in 0..3 {
        for target in ["blocked", "open"] {
            queue.set_metadata(&to(target)).await.unwrap();
            let messages = (0..100).map(|n| crate::stage::message(&format!("{at} {n}")));
            queue.post_many(messages).await.unwrap();
            claim(&queue, 250).await.release().await.unwrap();
        }
    }
    assert_eq!(open.stats().await.unwrap().total, 300);
    assert_eq!(queue.stats().await.unwrap().dead, 300);
    block(&blocked, false).await;
    assert_eq!(queue.carry_dead_letters().await.unwrap(), 300);
    let letters = [
        blocked.pop().limit(250).await.unwrap(),
        blocked.pop().limit(250).await.unwrap(),
    ];
    let sorted = (0..3).flat_map(|at| (0..100).map(move |n| format!("{at} {n}")));
    assert_eq!(bodies(&letters.concat()), sorted.collect::<Vec<_>>());
}

#[tokio::test]
async fn neither_purge_nor_deletion_of_the_source_loses_what_is_in_transit() {
    let stage = Stage::new().await;
    let queue = source(&stage, "orders", "dead").await;
    let target = stage.named("dead", 0);
    target.create().await.unwrap();
    block(&target, true).await;
    stage.post(&["a", "b"]).await;
    claim(&queue, 1).await.release().await.unwrap();
    claim(&queue, 1).await;
    // Held by a claim that has lapsed by then: dead, and not there to be purged.
    assert_eq!(stage.at(100).purge().await.unwrap(), 0);
    assert!(stage.at(100).delete().await.unwrap());
    block(&target, false).await;
    let store = stage.store.at(START + 200);
    let carried = store.carry_dead_letters(&stage.project).await;
    assert_eq!(carried.unwrap(), 2);
    assert_eq!(
        bodies(&stage.named("dead", 200).pop().limit(9).await.unwrap()),
        ["a", "b"]
    );
}

#[tokio::test]
async fn two_sources_of_one_target_do_not_collide() {
    let stage = Stage::new().await;
    for name in ["one", "two"] {
        let queue = source(&stage, name, "dead").await;
        queue
            .post_many(["a", "b"].map(|body| crate::stage::message(&format!("{name} {body}"))))
            .await
            .unwrap();
        claim(&queue, 9).await.release().await.unwrap();
    }
    let letters = stage.named("dead", 0).pop().limit(9).await.unwrap();
    assert_eq!(bodies(&letters), ["one a", "one b", "two a", "two b"]);
}

#[tokio::test]
async fn more_letters_than_one_round_carries_all_arrive_in_order() {
    let stage = Stage::new().await;
    let queue = source(&stage, "orders", "dead").await;
    let target = stage.named("dead", 0);
    target.create().await.unwrap();
    block(&target, true).await;
    for _ in 0..3 {
        let messages = (0..250).map(|n| crate::stage::message(&n.to_string()));
        queue.post_many(messages).await.unwrap();
        claim(&queue, 250).await.release().await.unwrap();
    }
    block(&target, false).await;
    assert_eq!(queue.carry_dead_letters().await.unwrap(), 750);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend(target.pop().limit(250).await.unwrap());
    }
    let expected: Vec<_> = (0..750).map(|n| (n % 250).to_string()).collect();
    assert_eq!(bodies(&seen), expected);
    assert!(ids(&seen).is_sorted());
}

#[tokio::test]
async fn a_letter_that_dies_again_goes_on_and_one_that_comes_round_is_kept() {
    let stage = Stage::new().await;
    let first = source(&stage, "a", "b").await;
    let second = source(&stage, "b", "c").await;
    first.post("x").await.unwrap();
    claim(&first, 1).await.release().await.unwrap();
    claim(&second, 1).await.release().await.unwrap();
    let third = stage.named("c", 0);
    let letter = &third.list().await.unwrap().messages[0];
    let tags = [first.path().tag(), second.path().tag()];
    assert_eq!(letter.origin().unwrap().from, tags);
    // The library would refuse this circle; another program made it.
    let key = third.keys().key(marconi_redis::keys::Part::Meta);
    let circle = redis::cmd("HSET")
        .arg(&key)
        .arg(&["_max_claim_count", "1", "_dead_letter_queue", "a"])
        .to_owned();
    circle
        .exec_async(&mut Server::shared().connection().await)
        .await
        .unwrap();
    claim(&third, 1).await.release().await.unwrap();
    assert_eq!(third.stats().await.unwrap().dead, 1);
    assert_eq!(first.stats().await.unwrap().total, 0);
}

#[tokio::test]
async fn letters_go_to_a_queue_with_an_awkward_name() {
    let stage = Stage::new().await;
    let name = "to/{the}%2Fend 🦀";
    let queue = source(&stage, "from/{here}", name).await;
    queue.post("x").await.unwrap();
    claim(&queue, 1).await.release().await.unwrap();
    let letters = stage.named(name, 0).pop().await.unwrap();
    assert_eq!(letters[0].origin().unwrap().from, [queue.path().tag()]);
}
