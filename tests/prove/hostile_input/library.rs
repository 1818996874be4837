//! The library's operations on keys that were damaged before.
//!
//! Guards the caller: no panic, an answer within the deadline, "not done" only where nothing was done, and no message
//! that the keys do not have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use marconi_redis::keys::Part;
use marconi_redis::{Error, Outcome, Result, Store};

use super::case::{Area, Ledger, Wanted};
use super::operations::{ALL, Hands, Operation, Seen};
use super::stage::{Setting, Stage};
use crate::rng::Rng;

/// Of every call; what the library promises is an answer by then.
const DEADLINE: Duration = Duration::from_secs(1);

/// After this it hangs: some operations are many calls, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn run(wanted: &Wanted, stage: &mut Stage) -> Ledger {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut ledger = Ledger::default();
    let opened = runtime.block_on(async {
        Store::builder()
            .deadline(DEADLINE)
            .open(&stage.server.url())
    });
    let store = opened.expect("the server's own url");
    for number in wanted.numbers(Area::Library) {
        let mut rng = wanted.rng(Area::Library, number);
        let setting = stage.set(&mut rng);
        let store = store.at(setting.now);
        let hands = Hands {
            queue: store.queue("p", "hostile").expect("a good name"),
            topic: store.topic("p", "hostile").expect("a good name"),
            store,
            ids: Arc::new(stage.rig.ids.clone()),
        };
        let mut before = setting.digest.clone();
        for _ in 0..Area::Library.calls() {
            let operation = &ALL[rng.below(ALL.len())];
            let stored = stored(stage);
            let rng = Rng::new(rng.next());
            let run = runtime.spawn((operation.run)(hands.clone(), rng));
            ledger.try_one();
            let came = runtime.block_on(async { tokio::time::timeout(PATIENCE, run).await });
            let after = stage.digest();
            let mut wrong = Vec::new();
            let answer = match came {
                Ok(Ok(answer)) => answer,
                Ok(Err(failed)) if failed.is_panic() => {
                    ledger.violation(Area::Library, number, "a panic", operation.name);
                    break;
                }
                _ => {
                    ledger.violation(
                        Area::Library,
                        number,
                        "no answer by its deadline",
                        operation.name,
                    );
                    break;
                }
            };
            judge(
                operation,
                &setting,
                &answer,
                after != before,
                &stored,
                &mut wrong,
            );
            note(&mut ledger, operation, &setting, &answer);
            for what in wrong {
                let told = format!(
                    "{} {:?} {:?} {answer:?}",
                    operation.name, setting.case, setting.damages
                );
                ledger.violation(Area::Library, number, &what, &told);
            }
            before = after;
        }
    }
    ledger
}

/// What the streams hold, by id: before an operation, so that what it took is there.
fn stored(stage: &mut Stage) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut all: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut pipeline = redis::pipe();
    for part in [Part::Log, Part::Dead, Part::Outbox] {
        pipeline
            .cmd("XRANGE")
            .arg(stage.rig.key(part))
            .arg("-")
            .arg("+");
    }
    pipeline.ignore_errors();
    let replies: Vec<redis::RedisResult<redis::Value>> = pipeline
        .query(&mut stage.rig.connection)
        .expect("what the streams hold");
    for reply in replies.into_iter().flatten() {
        let entries: Vec<(String, Vec<Vec<u8>>)> =
            redis::from_redis_value(reply).unwrap_or_default();
        for (id, fields) in entries {
            all.entry(id).or_default().extend(fields);
        }
    }
    all
}

fn judge(
    operation: &Operation,
    setting: &Setting,
    answer: &Result<Seen>,
    changed: bool,
    stored: &BTreeMap<String, Vec<Vec<u8>>>,
    wrong: &mut Vec<String>,
) {
    match answer {
        Err(error) => {
            let not_done = error.outcome() == Outcome::NotDone;
            if not_done && changed && operation.is_one_step {
                wrong.push("not done, and something was changed".to_owned());
            }
            if let Some(what) = ill_said(error) {
                wrong.push(what);
            }
        }
        Ok(seen) => {
            // What is popped again under its token may be gone by now.
            let is_kept = operation.name != "pop" && operation.name != "claim";
            let mut known: Vec<&str> = Vec::new();
            for (id, body) in &seen.messages {
                match stored.get(id) {
                    Some(fields) if fields.iter().any(|field| field.ends_with(body)) => {}
                    None if !is_kept => {}
                    _ if operation.name.contains("topic") => {}
                    _ => wrong.push(format!("message {id} is none that was stored")),
                }
                // To ask for an id twice is to get it twice; and an index can be made to name a message twice.
                let may_repeat = operation.name.starts_with("get")
                    || setting.damages.contains(&"a member that is none");
                if known.contains(&&**id) && !may_repeat {
                    wrong.push(format!("message {id} came twice"));
                }
                known.push(id);
            }
        }
    }
}

/// What is wrong with the text of an error.
pub fn ill_said(error: &Error) -> Option<String> {
    let text = error.to_string();
    if text.chars().any(char::is_control) {
        return Some("an error with control characters in its text".to_owned());
    }
    if text.trim().is_empty() {
        return Some("an error without a text".to_owned());
    }
    None
}

/// Whether it was done.
pub fn outcome(error: &Error) -> &'static str {
    match error.outcome() {
        Outcome::NotDone => "not done",
        Outcome::Done => "done",
        Outcome::Unknown => "unknown whether done",
    }
}

fn note(ledger: &mut Ledger, operation: &Operation, setting: &Setting, answer: &Result<Seen>) {
    for damage in &setting.damages {
        ledger.meet(Area::Library, damage, operation.name, answer.is_ok());
    }
    if setting.damages.is_empty() {
        ledger.meet(Area::Library, "none", operation.name, answer.is_ok());
    }
    match answer {
        Err(error) => ledger.count(format!(
            "library, on damaged keys: {}, {}",
            error.word(),
            outcome(error)
        )),
        Ok(seen) => {
            for (_, body) in &seen.messages {
                ledger.count(match body.is_empty() {
                    true => "messages delivered that can't be read",
                    false => "messages delivered",
                });
            }
        }
    }
}
