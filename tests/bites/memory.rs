//! A straggler holds a node of the log, and lets go of it when it goes.

use marconi_redis::keys::Part;

use crate::common::Server;
use crate::raw::Raw;
use crate::stage::{Stage, ids, message};

const MESSAGES: usize = 10_000;
/// A node of the log has fewer than this.
const NODE: usize = 30;

async fn size(raw: &mut Raw) -> u64 {
    let key = raw.key(Part::Log);
    let usage = ["MEMORY", "USAGE", &key, "SAMPLES", "0"];
    raw.command(&usage).await
}

#[tokio::test]
async fn the_memory_that_stragglers_hold_comes_back_when_they_go() {
    let stage = Stage::new().await;
    let queue = stage.at(0);
    let body = "x".repeat(100);
    for _ in 0..MESSAGES / 250 {
        let batch = (0..250).map(|_| message(&body));
        queue.post_many(batch).await.unwrap();
    }
    let mut raw = Raw::new(Server::shared(), &queue).await;
    let full = size(&mut raw).await;
    let mut stragglers = Vec::new();
    while let Some(claim) = queue.claim().limit(NODE).await.unwrap() {
        let all = ids(claim.messages());
        claim.delete_many(all[1..].to_vec()).await.unwrap();
        stragglers.push(claim);
    }
    let held = size(&mut raw).await;
    println!(
        "{full} bytes full, {held} with {} stragglers",
        stragglers.len()
    );
    for claim in stragglers {
        claim.delete_all().await.unwrap();
    }
    let left = size(&mut raw).await;
    assert!(left * 20 < full, "{left} of {full} bytes are left");
}
