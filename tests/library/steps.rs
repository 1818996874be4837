//! Operations of many steps over a wire that fails: what is said holds for all that was done.

use marconi_redis::keys::Part;
use marconi_redis::script::{
    CHECK, DEAD_DELIVER, DEAD_LIST, DEAD_REDRIVE, DEAD_SETTLE, DEAD_TRANSIT, REPAIR, SWEEP,
};
use marconi_redis::{Error, Metadata, Outcome, Queue};

use crate::dead_kept::{die, kept, there};
use crate::proxy::Fate;
use crate::stage::bodies;
use crate::wire::Wire;

/// Another queue, without the wire.
fn near(wire: &Wire, name: &str) -> Queue {
    wire.near.store().queue("", name).unwrap()
}

/// One letter for each of these queues, which wait in another one to be carried; another program crashed between.
async fn waits(wire: &Wire, from: &str, targets: &[&str]) -> Queue {
    let queue = near(wire, from);
    let metadata = Metadata::new().with_max_claim_count(1);
    queue.create().metadata(metadata).await.unwrap();
    die(&queue, targets).await;
    let mut connection = wire.connection().await;
    for (letter, target) in kept(&queue).await.iter().zip(targets) {
        let target = near(wire, target);
        target.create().await.unwrap();
        let mut call = redis::cmd("EVALSHA");
        call.arg(DEAD_REDRIVE.sha1()).arg(DEAD_REDRIVE.keys().len());
        for part in DEAD_REDRIVE.keys() {
            call.arg(queue.keys().key(*part));
        }
        let to = target.path().tag();
        call.arg("").arg(to).arg(letter.id().to_string());
        call.exec_async(&mut connection).await.unwrap();
    }
    wire.far.store().queue("", from).unwrap()
}

fn unknown<T>(wire: &Wire, result: Result<T, Error>) -> String {
    assert_eq!(wire.proxy.fates_left(), []);
    let error = result.err().expect("a step that failed");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    error.to_string()
}

fn not_done<T>(wire: &Wire, result: Result<T, Error>) -> String {
    assert_eq!(wire.proxy.fates_left(), []);
    let error = result.err().expect("a step that failed");
    assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
    error.to_string()
}

#[tokio::test]
async fn letters_that_arrived_and_were_counted_by_nobody_are_not_called_not_done() {
    let wire = Wire::new().await;
    let from = waits(&wire, "orders", &["dead"]).await;
    // The second delivery finds nothing new, and then there is no looking for more.
    wire.proxy.fates([
        (DEAD_DELIVER.sha1(), Fate::Lost),
        (DEAD_SETTLE.sha1(), Fate::Passed),
        (DEAD_TRANSIT.sha1(), Fate::Foreign),
    ]);
    let said = unknown(&wire, from.carry_dead_letters().await);
    assert!(said.contains("a reply that is no list"), "{said}");
    assert_eq!(bodies(&there(&near(&wire, "dead")).await), ["dead"]);
    assert_eq!(from.carry_dead_letters().await.unwrap(), 0);
}

#[tokio::test]
async fn a_target_that_may_have_its_letters_is_not_hidden_by_one_that_has_none() {
    let wire = Wire::new().await;
    let from = waits(&wire, "orders", &["first", "second"]).await;
    wire.proxy.fates([
        (DEAD_DELIVER.sha1(), Fate::Refused),
        (DEAD_DELIVER.sha1(), Fate::Foreign),
    ]);
    let said = unknown(&wire, from.carry_dead_letters().await);
    assert!(said.contains("OOM"), "the first failure: {said}");
    assert_eq!(there(&near(&wire, "first")).await.len(), 0);
    assert_eq!(bodies(&there(&near(&wire, "second")).await), ["second"]);
    // What was left behind is carried by the same call.
    assert_eq!(from.carry_dead_letters().await.unwrap(), 1);
    assert_eq!(bodies(&there(&near(&wire, "first")).await), ["first"]);
}

#[tokio::test]
async fn letters_of_which_none_was_delivered_are_not_done() {
    let wire = Wire::new().await;
    let from = waits(&wire, "orders", &["dead"]).await;
    wire.proxy.fates([(DEAD_TRANSIT.sha1(), Fate::Foreign)]);
    not_done(&wire, from.carry_dead_letters().await);
    wire.proxy.fates([(DEAD_DELIVER.sha1(), Fate::Refused)]);
    not_done(&wire, from.carry_dead_letters().await);
    assert_eq!(from.carry_dead_letters().await.unwrap(), 1);
}

#[tokio::test]
async fn what_one_queue_of_a_project_may_have_done_counts_for_all() {
    let wire = Wire::new().await;
    waits(&wire, "a", &["first"]).await;
    waits(&wire, "b", &["second"]).await;
    let store = wire.far.store();
    wire.proxy.fates([
        (DEAD_DELIVER.sha1(), Fate::Refused),
        (DEAD_DELIVER.sha1(), Fate::Foreign),
    ]);
    let said = unknown(&wire, store.carry_dead_letters("").await);
    assert!(said.contains("OOM"), "the first failure: {said}");
    assert_eq!(store.carry_dead_letters("").await.unwrap(), 1);

    wire.proxy
        .fates([(SWEEP.sha1(), Fate::Passed), (SWEEP.sha1(), Fate::Refused)]);
    unknown(&wire, store.gc("").await);
    wire.proxy
        .fates([(SWEEP.sha1(), Fate::Passed), (SWEEP.sha1(), Fate::Refused)]);
    unknown(&wire, store.gc_all().await);
    wire.proxy.fates([(SWEEP.sha1(), Fate::Refused); 4]);
    not_done(&wire, store.gc("").await);
}

#[tokio::test]
async fn letters_that_set_out_and_were_counted_by_nobody_are_not_called_not_done() {
    let wire = Wire::new().await;
    let metadata = Metadata::new().with_max_claim_count(1);
    wire.near.create().metadata(metadata).await.unwrap();
    die(&wire.near, &vec!["x"; 250]).await;
    die(&wire.near, &["y"]).await;
    wire.proxy.fates([
        (DEAD_REDRIVE.sha1(), Fate::Lost),
        (DEAD_LIST.sha1(), Fate::Foreign),
    ]);
    unknown(&wire, wire.far.dead_letters().redrive_all().await);
    assert_eq!(wire.count().await, 250);
    wire.proxy.fates([(DEAD_LIST.sha1(), Fate::Foreign)]);
    not_done(&wire, wire.far.dead_letters().redrive_all().await);
    let redriven = wire.far.dead_letters().redrive_all().await.unwrap();
    assert_eq!(redriven.set_out, 1);
}

#[tokio::test]
async fn a_repair_is_not_done_where_nothing_was_mended_and_unknown_where_something_was() {
    let wire = Wire::new().await;
    let id = wire.near.post("a").await.unwrap()[0].to_string();
    wire.near.claim().await.unwrap().unwrap();
    let key = wire.near.keys().key(Part::Held);
    let mut connection = wire.connection().await;
    let damage = redis::cmd("HSET").arg(key).arg(id).arg("nobody").to_owned();
    let () = damage.query_async(&mut connection).await.unwrap();

    wire.proxy.fates([(CHECK.sha1(), Fate::Foreign)]);
    not_done(&wire, wire.far.repair().await);
    assert!(!wire.near.check().await.unwrap().is_empty());
    wire.proxy
        .fates([(REPAIR.sha1(), Fate::Passed), (CHECK.sha1(), Fate::Foreign)]);
    unknown(&wire, wire.far.repair().await);
    wire.far.repair().await.unwrap();
    assert_eq!(wire.near.check().await.unwrap(), []);
}
