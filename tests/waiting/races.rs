//! Posting, releasing and lapsing against waiting, many times over: no call is lost.

use std::collections::BTreeSet;
use std::sync::Arc;

use marconi_redis::Queue;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::stage::{PATIENCE, a_queue, elsewhere, ms};

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_races_the_beginning_of_a_wait_is_never_missed() {
    let queue = a_queue().await;
    queue.create().await.unwrap();
    let poster = elsewhere(&queue).await;
    for n in 0..400_u32 {
        let claim = queue.claim().wait(PATIENCE);
        let waiter = tokio::spawn(async move { claim.await.unwrap() });
        // The post comes before, between and after the steps of the waiter.
        for _ in 0..n % 8 {
            tokio::task::yield_now().await;
        }
        poster.post(&n).await.unwrap();
        let claim = waiter.await.unwrap().expect("a waiter was told");
        assert_eq!(claim.messages()[0].body::<u32>().unwrap(), n);
        claim.delete_all().await.unwrap();
    }
}

/// Works until it has seen nothing for a while; some of what it claims it lets lapse, releases or nacks.
async fn work(queue: Queue, seed: usize, done: Arc<Mutex<BTreeSet<u32>>>, all: usize) {
    let mut turn = seed;
    loop {
        let claim = queue
            .claim()
            .limit(3)
            .ttl(ms(400))
            .wait(ms(300))
            .await
            .unwrap();
        if done.lock().await.len() == all {
            return;
        }
        let Some(claim) = claim else { continue };
        turn += 1;
        let first = claim.messages()[0].id();
        match turn % 9 {
            0 => {}
            1 => _ = claim.release().await.unwrap(),
            2 => _ = claim.nack([first]).await.unwrap(),
            3 => _ = claim.nack([first]).delay(ms(15)).await.unwrap(),
            _ => {
                let bodies: Vec<u32> = claim.messages().iter().map(|m| m.body().unwrap()).collect();
                if claim.delete_all().await.is_ok() {
                    done.lock().await.extend(bodies);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiters_that_lapse_release_and_nack_get_all_messages_done() {
    const ALL: usize = 400;
    let queue = a_queue().await;
    queue.create().await.unwrap();
    let done = Arc::new(Mutex::new(BTreeSet::new()));
    let mut workers = JoinSet::new();
    for seed in 0..8 {
        // Two processes with four workers each.
        let queue = if seed % 2 == 0 {
            queue.clone()
        } else {
            elsewhere(&queue).await
        };
        workers.spawn(work(queue, seed, Arc::clone(&done), ALL));
    }
    let poster = elsewhere(&queue).await;
    for n in 0..u32::try_from(ALL).unwrap() {
        let message = marconi_redis::NewMessage::new(&n).unwrap();
        let delay = ms(u64::from(n % 5) * 3);
        poster.post_many([message.delay(delay)]).await.unwrap();
        if n % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    tokio::time::timeout(PATIENCE * 2, workers.join_all())
        .await
        .expect("all done");
    assert_eq!(done.lock().await.len(), ALL);
}
