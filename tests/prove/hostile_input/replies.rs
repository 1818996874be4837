//! The library's operations against a server that lies.
//!
//! Guards the caller against whatever answers on the server's port: no panic, no success that the reply does not bear,
//! an answer by the deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use marconi_redis::{Result, Store};
use tokio::task::JoinSet;

use super::case::{Area, Ledger, Wanted};
use super::liar::{Liar, Record};
use super::library::{ill_said, outcome};
use super::lies::{self, May};
use super::operations::{ALL, Hands, Operation, Seen};
use super::resp::Reply;
use super::stage::Stage;
use crate::rng::Rng;

/// Of every call against a liar.
const DEADLINE: Duration = Duration::from_millis(250);
/// An operation is many calls at times, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(15);
const AT_ONCE: usize = 64;
/// What counts the operations that were recorded with the truth.
pub const RECORDED: &str = "operations whose true replies were recorded";

/// What an operation does where nobody lies.
struct Truth {
    operation: &'static Operation,
    /// The choices that it made.
    seed: u64,
    replies: Vec<Reply>,
    seen: Seen,
}

pub fn run(wanted: &Wanted, stage: &mut Stage) -> Ledger {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut ledger = Ledger::default();
    let numbers = wanted.numbers(Area::Replies);
    if numbers.is_empty() {
        return ledger;
    }
    let (truths, now, ids) = runtime.block_on(truths(wanted.seed, stage));
    *ledger.counts.entry(RECORDED.to_owned()).or_default() += truths.len() as u64;
    let truths = Arc::new(truths);
    runtime.block_on(async {
        let mut running = JoinSet::new();
        for number in numbers {
            if running.len() >= AT_ONCE
                && let Some(done) = running.join_next().await
            {
                ledger.absorb(done.expect("a case that ends"));
            }
            let rng = wanted.rng(Area::Replies, number);
            running.spawn(one(number, rng, Arc::clone(&truths), now, Arc::clone(&ids)));
        }
        while let Some(done) = running.join_next().await {
            ledger.absorb(done.expect("a case that ends"));
        }
    });
    ledger
}

type Ids = Arc<std::collections::BTreeMap<&'static str, String>>;

fn hands(url: &str, deadline: Duration, now: u64, ids: Ids) -> Hands {
    let opened = Store::builder()
        .deadline(deadline)
        .client("me")
        .and_then(|builder| builder.open(url));
    let store = opened.expect("a good url").at(now);
    Hands {
        queue: store.queue("p", "hostile").expect("a good name"),
        topic: store.topic("p", "hostile").expect("a good name"),
        store,
        ids,
    }
}

/// Each operation as it goes on a queue that nobody has damaged, with choices with which it succeeds.
async fn truths(seed: u64, stage: &mut Stage) -> (Vec<Truth>, u64, Ids) {
    let mut all = Vec::new();
    let now = stage.set_undamaged();
    let ids: Ids = Arc::new(stage.rig.ids.clone());
    for (at, operation) in ALL.iter().enumerate() {
        for attempt in 0..60 {
            stage.set_undamaged();
            let choices = Rng::of_stream(seed, (at as u64) << 32 | attempt).next();
            let record = Record::default();
            let liar = Liar::truthful(stage.server.socket(), Arc::clone(&record)).await;
            let hands = hands(&liar.url, Duration::from_secs(5), now, Arc::clone(&ids));
            let came = (operation.run)(hands, Rng::new(choices)).await;
            let replies = std::mem::take(&mut *record.lock().expect("nobody panics here"));
            if let Ok(seen) = came
                && !replies.is_empty()
                && (attempt > 40 || !seen.text.is_empty())
            {
                all.push(Truth {
                    operation,
                    seed: choices,
                    replies,
                    seen,
                });
                break;
            }
        }
    }
    (all, now, ids)
}

async fn one(number: u64, mut rng: Rng, truths: Arc<Vec<Truth>>, now: u64, ids: Ids) -> Ledger {
    let mut ledger = Ledger::default();
    let truth = &truths[rng.below(truths.len())];
    let (name, lie) = lies::KINDS[rng.below(lies::KINDS.len())];
    let at = rng.below(truth.replies.len());
    let lie = lie(&mut rng, truth.replies[at].clone());
    let may = lie.may;
    let told: Vec<u8> = lie.pieces.concat().into_iter().take(120).collect();
    let liar = Liar::lying(truth.replies.clone(), at, lie).await;
    let hands = hands(&liar.url, DEADLINE, now, ids);
    ledger.try_one();
    let begun = Instant::now();
    let run = tokio::spawn((truth.operation.run)(hands, Rng::new(truth.seed)));
    let came = tokio::time::timeout(PATIENCE, run).await;
    let took = begun.elapsed();
    let told = format!(
        "{} reply {at} of {} is {name}: {:?}",
        truth.operation.name,
        truth.replies.len(),
        String::from_utf8_lossy(&told)
    );
    match came {
        Ok(Ok(answer)) => {
            ledger.meet(Area::Replies, name, truth.operation.name, answer.is_ok());
            ledger.count(match &answer {
                Ok(_) => "library, to a false server: a success".to_owned(),
                Err(error) => format!(
                    "library, to a false server: {}, {}",
                    error.word(),
                    outcome(error)
                ),
            });
            if let Some(what) = judge(truth, may, &answer) {
                let told = format!("{told}, {took:?}: {answer:?}, not {:?}", truth.seen);
                ledger.violation(Area::Replies, number, &what, &told);
            }
        }
        Ok(Err(failed)) if failed.is_panic() => {
            ledger.violation(Area::Replies, number, "a panic", &told)
        }
        _ => ledger.violation(Area::Replies, number, "no answer by its deadline", &told),
    }
    ledger
}

fn judge(truth: &Truth, may: May, answer: &Result<Seen>) -> Option<String> {
    if let Err(error) = answer
        && let Some(what) = ill_said(error)
    {
        return Some(what);
    }
    // Of many calls some can fail, and the whole still be an answer.
    if !truth.operation.is_one_step || truth.replies.len() > 1 {
        return None;
    }
    match (may, answer) {
        (May::BeTheSame, Ok(seen)) if *seen != truth.seen => {
            Some("not the answer that was sent".to_owned())
        }
        (May::BeTheSame, Err(error)) if !error.to_string().contains("in time") => {
            Some("an error for a good reply".to_owned())
        }
        (May::OnlyFail, Ok(_)) => Some("a success that can't be".to_owned()),
        _ => None,
    }
}
