//! apalis-redis, as its documentation shows it: push, and a worker with a function.
//!
//! Guards that it is measured at its best: many tasks of one batch, a worker that works on as many at once as are asked
//! for. What it has done it keeps, as it does by default.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};
use serde_json::json;

use super::{locked, text};
use crate::outside::serve;

/// Until there is no order any more.
pub async fn run(url: &str) -> anyhow::Result<()> {
    let connection = apalis_redis::connect(url).await?;
    let versions = json!({"apalis": locked("apalis"), "apalis-redis": locked("apalis-redis")});
    let config = Config::default().queue("bench").batch_size(100);
    let storage = RedisStorage::<String>::new(connection).with_config(config);
    let mut workers = 0;
    serve(versions, async |verb, count, each, at_once| {
        if verb == "post" {
            return Ok((count, post(&storage, count, each, at_once).await?));
        }
        workers += 1;
        let done = work(&storage, &format!("bench-{workers}"), count, at_once).await?;
        Ok((done, Vec::new()))
    })
    .await
}

/// us of each push.
async fn post(
    storage: &RedisStorage<String>,
    count: usize,
    each: usize,
    at_once: usize,
) -> anyhow::Result<Vec<f64>> {
    let share = count.div_ceil(at_once);
    let tasks: Vec<_> = (0..at_once)
        .map(|task| {
            let mut storage = storage.clone();
            let count = share.min(count.saturating_sub(task * share));
            tokio::spawn(async move {
                let (mut done, mut calls) = (0, Vec::new());
                while done < count {
                    let each = each.min(count - done);
                    let begun = Instant::now();
                    if each == 1 {
                        storage.push(text()).await?;
                    } else {
                        storage.push_bulk(vec![text(); each]).await?;
                    }
                    calls.push(begun.elapsed().as_secs_f64() * 1e6);
                    done += each;
                }
                anyhow::Ok(calls)
            })
        })
        .collect();
    let mut calls = Vec::new();
    for task in tasks {
        calls.extend(task.await??);
    }
    Ok(calls)
}

/// How many a worker has done when it stopped: as many as were asked for, and what it had at hand then.
async fn work(
    storage: &RedisStorage<String>,
    name: &str,
    count: usize,
    at_once: usize,
) -> anyhow::Result<usize> {
    let done = Arc::new(AtomicUsize::new(0));
    let worker = WorkerBuilder::new(name)
        .backend(storage.clone())
        .concurrency(at_once)
        .data(done.clone())
        .build(
            move |_: String, done: Data<Arc<AtomicUsize>>, worker: WorkerContext| async move {
                if done.fetch_add(1, Ordering::Relaxed) + 1 == count {
                    worker.stop()?;
                }
                Ok::<(), BoxDynError>(())
            },
        );
    worker.run().await?;
    Ok(done.load(Ordering::Relaxed))
}
