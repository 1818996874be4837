//! Scripts are loaded by SCRIPT LOAD, which no server evicts, and may be gone at any time.

use std::collections::BTreeMap;

use marconi_redis::Store;
use redis::Value;

use crate::common::Server;
use crate::raw::{Raw, sound, stage_on};
use crate::stage::{bodies, claim};

async fn loaded(store: &Store) -> Vec<&'static str> {
    let scripts = store.scripts().await.unwrap();
    let loaded = scripts.iter().filter(|state| state.loaded);
    loaded.map(|state| state.name).collect()
}

#[tokio::test]
async fn what_was_used_is_loaded_and_was_never_sent_by_eval() {
    let server = Server::start(&[]);
    let stage = stage_on(&server).await;
    assert!(loaded(&stage.store).await.is_empty());
    stage.post(&["a"]).await;
    claim(&stage.at(0), 1).await.delete_all().await.unwrap();
    let mut used = loaded(&stage.store).await;
    used.sort_unstable();
    assert_eq!(used, ["claim", "delete", "post", "queue/create"]);

    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    // Newer servers keep 500 of what EVAL brought.
    for n in 0..600 {
        let mut eval = redis::cmd("EVAL");
        eval.arg(format!("return {n}")).arg(0);
        let _: u64 = eval.query_async(&mut connection).await.unwrap();
    }
    assert_eq!(loaded(&stage.store).await.len(), 4);
    let mut raw = Raw::new(&server, &stage.at(0)).await;
    let shown: String = raw.command(&["INFO", "commandstats"]).await;
    let evals = shown.lines().find(|line| line.starts_with("cmdstat_eval:"));
    assert!(
        evals.is_some_and(|line| line.contains("calls=600,")),
        "{evals:?}"
    );
}

#[tokio::test]
async fn a_flush_between_any_two_calls_is_survived() {
    let server = Server::start(&[]);
    let stage = stage_on(&server).await;
    let queue = stage.at(0);
    let mut raw = Raw::new(&server, &queue).await;
    macro_rules! flushed {
        ($call:expr) => {{
            let _: Value = raw.command(&["SCRIPT", "FLUSH"]).await;
            $call.await.unwrap()
        }};
    }
    flushed!(queue.post_many(["a", "b", "c", "d"].map(crate::stage::message)));
    let held = flushed!(queue.claim().limit(2)).unwrap();
    flushed!(held.get());
    flushed!(held.delete(held.messages()[0].id()));
    flushed!(held.nack([held.messages()[1].id()]));
    assert_eq!(bodies(&flushed!(queue.pop())), ["b"]);
    assert_eq!(flushed!(queue.list()).messages.len(), 2);
    assert_eq!(flushed!(queue.stats()).free, 2);
    assert_eq!(flushed!(queue.purge()), 2);
    assert!(flushed!(queue.delete()));
}

#[tokio::test]
async fn flushes_beside_busy_workers_lose_and_double_nothing() {
    let server = Server::start(&[]);
    let stage = stage_on(&server).await;
    let queue = stage.store.queue(&stage.project, "busy").unwrap();
    queue.create().await.unwrap();
    let raw = Raw::new(&server, &queue).await;
    let posters = (0..8).map(|poster| {
        let (queue, mut connection) = (queue.clone(), raw.connection.clone());
        tokio::spawn(async move {
            for n in 0..50_u32 {
                if n % 10 == 0 {
                    let flush = redis::cmd("SCRIPT").arg("FLUSH").to_owned();
                    flush.exec_async(&mut connection).await.unwrap();
                }
                queue.post(&(poster * 1000 + n)).await.unwrap();
            }
        })
    });
    let workers = (0..8).map(|_| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let mut done = Vec::new();
            for _ in 0..100 {
                let Some(claim) = queue.claim().limit(7).await.unwrap() else {
                    continue;
                };
                for message in claim.messages() {
                    done.push(message.body::<u32>().unwrap());
                    claim.delete(message.id()).await.unwrap();
                }
            }
            done
        })
    });
    let (posters, workers): (Vec<_>, Vec<_>) = (posters.collect(), workers.collect());
    for poster in posters {
        poster.await.unwrap();
    }
    let mut times = BTreeMap::new();
    for worker in workers {
        for body in worker.await.unwrap() {
            *times.entry(body).or_insert(0) += 1;
        }
    }
    // Two pops take all 400, if no worker came to see one.
    for _ in 0..2 {
        for message in queue.pop().limit(250).await.unwrap() {
            *times.entry(message.body::<u32>().unwrap()).or_insert(0) += 1;
        }
    }
    assert_eq!(times.len(), 400);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    sound(&queue).await;
}
