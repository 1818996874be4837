//! Moves of dead letters that stop at any step, and the next who comes by.

use std::future::IntoFuture;
use std::task::Poll;
use std::time::Duration;

use marconi_redis::script::{
    DEAD_DELIVER, DEAD_REDRIVE, DEAD_SEND_BACK, DEAD_SETTLE, DEAD_TRANSIT, QUEUE_DELETE,
};
use marconi_redis::{MessageId, Metadata, Outcome, Pending, Queue, Store};
use redis::Value;

use crate::common::Server;
use crate::dead::{run, source};
use crate::dead_kept::{die, keeping, kept, there};
use crate::proxy::Proxy;
use crate::stage::{START, Stage, bodies, claim, ids};

const DAY: u64 = 86_400_000;

/// After which script the first process dies. To look at what is in transit changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Stop {
    BeforeItSetsOut,
    AfterItSetOut,
    AfterDeliveryOfOne,
    AfterDelivery,
    AfterSettlingOfOne,
    AfterSettling,
}

/// What happens before the next process comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meanwhile {
    Nothing,
    ADay,
    TheTargetIsDeleted,
    TheSourceIsDeleted,
}

const STOPS: [Stop; 6] = [
    Stop::BeforeItSetsOut,
    Stop::AfterItSetOut,
    Stop::AfterDeliveryOfOne,
    Stop::AfterDelivery,
    Stop::AfterSettlingOfOne,
    Stop::AfterSettling,
];

const MEANWHILES: [Meanwhile; 4] = [
    Meanwhile::Nothing,
    Meanwhile::ADay,
    Meanwhile::TheTargetIsDeleted,
    Meanwhile::TheSourceIsDeleted,
];

fn now() -> Vec<u8> {
    START.to_string().into_bytes()
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

/// Letters from one queue to another, as a process moves them that stops in the middle. Each call is
/// one script, so this is all that a process can have done when it dies.
async fn move_until(stop: Stop, from: &Queue, to: &Queue, letters: &[MessageId], is_kept: bool) {
    if stop == Stop::BeforeItSetsOut {
        return;
    }
    let script = match is_kept {
        true => &DEAD_REDRIVE,
        false => &DEAD_SEND_BACK,
    };
    let mut arguments = vec![now(), to.path().tag().into_bytes()];
    arguments.extend(letters.iter().map(|id| id.to_string().into_bytes()));
    let count = letters.len() as i64;
    let set_out = run(script, from, &arguments).await;
    assert_eq!(set_out, [Value::Int(count), Value::Int(count)]);

    let transit = run(&DEAD_TRANSIT, from, &[vec![], b"250".to_vec()]).await;
    let (mut deliver, mut settle) = (vec![now(), from.path().tag().into_bytes()], Vec::new());
    for letter in transit.chunks(3) {
        deliver.extend([bytes(&letter[0]), bytes(&letter[2])]);
        settle.push(bytes(&letter[0]));
    }
    if stop == Stop::AfterDeliveryOfOne {
        run(&DEAD_DELIVER, to, &deliver[..4]).await;
    } else if stop > Stop::AfterDeliveryOfOne {
        run(&DEAD_DELIVER, to, &deliver).await;
    }
    if stop == Stop::AfterSettlingOfOne {
        run(&DEAD_SETTLE, from, &settle[..1]).await;
    } else if stop == Stop::AfterSettling {
        run(&DEAD_SETTLE, from, &settle).await;
    }
}

/// A deletion by a program that carries nothing.
async fn delete(queue: &Queue) {
    assert_eq!(run(&QUEUE_DELETE, queue, &[now()]).await, [Value::Int(1)]);
}

/// Which letters are to be in the target in the end: those that were deleted with a queue are not.
fn expected(stop: Stop, meanwhile: Meanwhile) -> Vec<&'static str> {
    match (stop, meanwhile) {
        (Stop::BeforeItSetsOut, Meanwhile::TheSourceIsDeleted) => vec![],
        (Stop::AfterDeliveryOfOne, Meanwhile::TheTargetIsDeleted) => vec!["b"],
        (stop, Meanwhile::TheTargetIsDeleted) if stop >= Stop::AfterDelivery => vec![],
        _ => vec!["a", "b"],
    }
}

/// The next process: it carries what it finds, and makes the same call again, to its end.
async fn taken_up(stage: &Stage, stop: Stop, meanwhile: Meanwhile, is_kept: bool) {
    let at = if meanwhile == Meanwhile::ADay { DAY } else { 0 };
    let other = Store::connect(&Server::shared().url()).await.unwrap();
    let other = other.at(START + at);
    let queue = |name: &str| other.queue(&stage.project, name).unwrap();
    let from = queue(if is_kept { "orders" } else { "dead" });
    other.carry_dead_letters(&stage.project).await.unwrap();
    match is_kept {
        true => from.dead_letters().redrive_all().to("target").await,
        false => from.send_back_all().to("target").await,
    }
    .unwrap();

    let what = format!("{stop:?}, {meanwhile:?}, kept: {is_kept}");
    let arrived = bodies(&there(&queue("target")).await);
    assert_eq!(arrived, expected(stop, meanwhile), "{what}");
    for name in ["orders", "dead", "target"] {
        let queue = queue(name);
        assert_eq!(kept(&queue).await.len(), 0, "{what}");
        let waiting = queue.letters_in_transit().await.unwrap();
        assert_eq!(waiting.letters.len(), 0, "{what}");
        if name != "target" {
            assert_eq!(there(&queue).await.len(), 0, "{what}");
        }
    }
}

async fn all_ways(is_kept: bool) {
    for stop in STOPS {
        for meanwhile in MEANWHILES {
            let stage = Stage::new().await;
            let from = match is_kept {
                true => keeping(&stage).await,
                false => {
                    source(&stage, "orders", "dead").await;
                    stage.named("dead", 0)
                }
            };
            die(&stage.at(0), &["a", "b"]).await;
            let target = stage.named("target", 0);
            target.create().await.unwrap();
            let letters = match is_kept {
                true => ids(&kept(&from).await),
                false => ids(&there(&from).await),
            };
            assert_eq!(letters.len(), 2);
            move_until(stop, &from, &target, &letters, is_kept).await;
            match meanwhile {
                Meanwhile::TheTargetIsDeleted => delete(&target).await,
                Meanwhile::TheSourceIsDeleted => delete(&from).await,
                Meanwhile::Nothing | Meanwhile::ADay => {}
            }
            taken_up(&stage, stop, meanwhile, is_kept).await;
        }
    }
}

#[tokio::test]
async fn a_redrive_that_stops_anywhere_is_finished_by_the_next_and_doubles_and_loses_nothing() {
    all_ways(true).await;
}

#[tokio::test]
async fn letters_that_stop_anywhere_on_their_way_back_are_finished_by_the_next() {
    all_ways(false).await;
}

#[tokio::test]
async fn a_redrive_to_the_queue_itself_stops_anywhere_and_is_finished() {
    for stop in STOPS {
        let stage = Stage::new().await;
        let queue = keeping(&stage).await;
        die(&queue, &["a", "b"]).await;
        let letters = ids(&kept(&queue).await);
        move_until(stop, &queue, &queue, &letters, true).await;
        let later = stage.at(DAY);
        later.carry_dead_letters().await.unwrap();
        later.dead_letters().redrive(letters).await.unwrap();
        assert_eq!(bodies(&there(&later).await), ["a", "b"], "{stop:?}");
        assert_eq!(later.stats().await.unwrap().dead, 0, "{stop:?}");
    }
}

#[tokio::test]
async fn a_redrive_that_is_dropped_before_its_end_leaves_each_letter_in_one_place() {
    for most in 0.. {
        let stage = Stage::new().await;
        let queue = keeping(&stage).await;
        die(&queue, &["a", "b"]).await;
        let is_done = dropped_after(queue.dead_letters().redrive_all().into_future(), most).await;
        // On the same connection: what was handed over before has run when this is answered.
        assert!(queue.exists().await.unwrap());
        let other = Store::connect(&Server::shared().url()).await.unwrap();
        let other = other.at(START).queue(&stage.project, "orders").unwrap();
        other.carry_dead_letters().await.unwrap();
        other.dead_letters().redrive_all().await.unwrap();
        assert_eq!(bodies(&there(&other).await), ["a", "b"], "{most} polls");
        assert_eq!(other.stats().await.unwrap().dead, 0);
        if is_done {
            assert!(most > 5, "each of its calls waits for an answer: {most}");
            break;
        }
    }
}

/// Polls it so often, each time when it is woken; answers whether it was ready by then.
async fn dropped_after<T>(mut future: Pending<T>, most: u32) -> bool {
    let mut polls = 0;
    std::future::poll_fn(|context| {
        if polls == most {
            return Poll::Ready(false);
        }
        polls += 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[tokio::test]
async fn a_full_server_leaves_letters_where_they_are_and_those_in_transit_arrive_later() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let store = Store::connect(&server.url()).await.unwrap();
    store.load_scripts().await.unwrap();
    let orders = store.queue("", "orders").unwrap();
    let metadata = Metadata::new().with_max_claim_count(1);
    orders.create().metadata(metadata).await.unwrap();
    die(&orders, &["a", "b"]).await;
    let mut connection = server.connection().await;
    let mut limit = async |bytes: &str| {
        let set = redis::cmd("CONFIG")
            .arg(&["SET", "maxmemory", bytes])
            .to_owned();
        set.exec_async(&mut connection).await.unwrap();
    };
    limit("1").await;
    let refused = orders.dead_letters().redrive_all().await.unwrap_err();
    assert_eq!(refused.outcome(), marconi_redis::Outcome::NotDone);
    assert!(refused.to_string().contains("OOM"), "{refused}");
    assert_eq!(bodies(&kept(&orders).await), ["a", "b"]);

    limit("0").await;
    let letters = ids(&kept(&orders).await);
    let to = orders.path().tag();
    let mut call = redis::cmd("EVALSHA");
    call.arg(DEAD_REDRIVE.sha1()).arg(DEAD_REDRIVE.keys().len());
    for part in DEAD_REDRIVE.keys() {
        call.arg(orders.keys().key(*part));
    }
    call.arg("").arg(to).arg(letters[0].to_string());
    call.exec_async(&mut server.connection().await)
        .await
        .unwrap();
    limit("1").await;
    let refused = orders.carry_dead_letters().await.unwrap_err();
    assert!(refused.to_string().contains("OOM"), "{refused}");
    assert_eq!(orders.letters_in_transit().await.unwrap().letters.len(), 1);
    limit("0").await;
    assert_eq!(orders.carry_dead_letters().await.unwrap(), 1);
    assert_eq!(bodies(&there(&orders).await), ["a"]);
    assert_eq!(bodies(&kept(&orders).await), ["b"]);
    // A full server can be emptied of letters.
    limit("1").await;
    assert_eq!(orders.dead_letters().purge_all().await.unwrap(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_but_for_the_purge_of_all() {
    let server = Server::start_tcp(&[]);
    let proxy = Proxy::before(server.port()).await;
    let near = Store::connect(&server.url()).await.unwrap();
    near.load_scripts().await.unwrap();
    let far = Store::builder().deadline(Duration::from_secs(3));
    let far = far.connect(&proxy.url()).await.unwrap();
    let near = near.queue("", "orders").unwrap();
    let far = far.queue("", "orders").unwrap();
    let metadata = Metadata::new().with_max_claim_count(1);
    near.create().metadata(metadata).await.unwrap();
    let lose_next = async || {
        far.exists().await.unwrap();
        proxy.drop_after_next_reply();
        far.dead_letters()
    };

    die(&near, &["a", "b"]).await;
    let letters = ids(&kept(&near).await);
    let redriven = lose_next().await.redrive(letters).await.unwrap();
    // Both set out in the first try, and the second did not find them.
    assert_eq!((redriven.set_out, redriven.arrived), (0, 0));
    assert_eq!(bodies(&there(&near).await), ["a", "b"]);

    assert_eq!(claim(&near, 9).await.release().await.unwrap(), 2);
    let letters = ids(&kept(&near).await);
    let purged = lose_next().await.purge([letters[0]]).await.unwrap();
    assert_eq!((purged, bodies(&kept(&near).await)), (0, vec!["b".into()]));
    let unknown = lose_next().await.purge_all().await.unwrap_err();
    assert_eq!(unknown.outcome(), Outcome::Unknown);
    assert_eq!(kept(&near).await.len(), 0);
}
