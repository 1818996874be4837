//! The example at the top of the library's documentation, run.

use std::time::Duration;

use marconi_redis::Store;
use serde::{Deserialize, Serialize};

use crate::common::Server;

#[rustfmt::skip]
mod shown {
use super::*;
// Begin.
#[derive(Serialize, Deserialize)]
struct Order {
    number: u64,
    article: String,
}

pub async fn example(url: &str) -> marconi_redis::Result<()> {
let store = Store::connect(url).await?;
let orders = store.queue("shop", "orders")?;
for number in 1..=3 {
    let article = "umbrella".to_owned();
    orders.post(&Order { number, article }).await?;
}

// A worker: what it does not delete within 30 s is another's again.
while let Some(claim) = orders.claim().ttl(Duration::from_secs(30)).await? {
    for message in claim.messages() {
        let order: Order = message.body()?;
        println!("order {}: one {}", order.number, order.article);
        claim.delete(message.id()).await?;
    }
}
Ok(()) }
// End.
}

#[tokio::test]
async fn the_example_does_what_it_says() {
    let server = Server::start(&[]);
    shown::example(&server.url()).await.unwrap();
    let store = Store::connect(&server.url()).await.unwrap();
    let stats = store.queue("shop", "orders").unwrap().stats().await;
    assert_eq!(stats.unwrap().total, 0);
}

#[test]
fn the_example_that_runs_is_the_one_that_is_shown() {
    let run = include_str!("example.rs").split("// Begin.\n").nth(1);
    let run = run.and_then(|rest| rest.split("// End.").next()).unwrap();
    let docs = include_str!("../../src/lib.rs")
        .split("```")
        .nth(1)
        .unwrap();
    let shown = docs.lines().filter_map(|line| line.strip_prefix("//!"));
    let plain = |line: &str| {
        let line = line.strip_prefix(' ').unwrap_or(line);
        let line = line.strip_prefix("# ").unwrap_or(line);
        line.strip_prefix("pub ").unwrap_or(line).to_owned()
    };
    let shown: Vec<_> = shown
        .map(plain)
        .filter(|line| !line.starts_with("use "))
        .collect();
    let run: Vec<_> = run
        .lines()
        .map(|line| line.strip_prefix("pub ").unwrap_or(line))
        .collect();
    assert_eq!(shown.join("\n").trim(), run.join("\n").trim());
}
