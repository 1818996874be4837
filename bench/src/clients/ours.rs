//! This project's library: one connection, and as many tasks as are asked for.
//!
//! Guards that every message goes through post, claim and delete as users call them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use marconi_redis::{NewMessage, Queue, Store};
use serde_json::json;

use super::{locked, text};
use crate::outside::serve;

const TTL: Duration = Duration::from_secs(3600);

/// Until there is no order any more.
pub async fn run(url: &str) -> anyhow::Result<()> {
    let store = Store::connect(url).await?;
    store.load_scripts().await?;
    let queue = store.queue("bench", "clients")?;
    queue.create().await?;
    // The same queue, of a program that lets its single posts share calls.
    let merging = Store::builder().merge_posts(true).connect(url).await?;
    let merging = merging.queue("bench", "clients")?;
    let versions = json!({"marconi-redis": locked("marconi-redis"), "redis-rs": locked("redis")});
    serve(versions, async |verb, count, each, at_once| {
        let job = Arc::new(Job {
            queue: match verb {
                "post_merged" => merging.clone(),
                _ => queue.clone(),
            },
            left: AtomicUsize::new(count),
            each,
        });
        let tasks: Vec<_> = (0..at_once)
            .map(|_| match verb {
                "post" | "post_merged" => tokio::spawn(job.clone().post()),
                "work" => tokio::spawn(job.clone().work()),
                _ => tokio::spawn(job.clone().hold()),
            })
            .collect();
        let (mut messages, mut calls) = (0, Vec::new());
        for task in tasks {
            let (done, took) = task.await??;
            messages += done;
            calls.extend(took);
        }
        Ok((messages, calls))
    })
    .await
}

/// What the tasks share.
struct Job {
    queue: Queue,
    left: AtomicUsize,
    each: usize,
}

/// Messages, and us of each call.
type Done = marconi_redis::Result<(usize, Vec<f64>)>;

impl Job {
    /// The next piece of work, or 0.
    fn next(&self) -> usize {
        let take = |left: usize| (left > 0).then(|| left.saturating_sub(self.each));
        let before = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        before.map_or(0, |left| left.min(self.each))
    }

    async fn post(self: Arc<Self>) -> Done {
        let body = text();
        let (mut done, mut calls) = (0, Vec::new());
        loop {
            let count = self.next();
            let begun = Instant::now();
            match count {
                0 => return Ok((done, calls)),
                1 => drop(self.queue.post(&body).await?),
                _ => {
                    let messages: Result<Vec<_>, _> =
                        (0..count).map(|_| NewMessage::new(&body)).collect();
                    drop(self.queue.post_many(messages?).await?);
                }
            }
            calls.push(begun.elapsed().as_secs_f64() * 1e6);
            done += count;
        }
    }

    /// Claims and deletes; the time of a call is that of the claim.
    async fn work(self: Arc<Self>) -> Done {
        self.claims(true).await
    }

    async fn hold(self: Arc<Self>) -> Done {
        self.claims(false).await
    }

    async fn claims(&self, delete: bool) -> Done {
        let (mut done, mut calls) = (0, Vec::new());
        loop {
            let count = self.next();
            if count == 0 {
                return Ok((done, calls));
            }
            let begun = Instant::now();
            let claim = self.queue.claim().ttl(TTL).limit(count).await?;
            calls.push(begun.elapsed().as_secs_f64() * 1e6);
            if let Some(claim) = claim {
                done += claim.messages().len();
                if delete {
                    claim.delete_all().await?;
                }
            }
        }
    }
}
