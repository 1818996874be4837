//! Posts orders, one after the other: `cargo run --example producer -- 100`.
//!
//! Guards against doubles: each order is posted with a token of its own, so that repeating a post
//! whose answer was lost adds nothing.

use std::time::Duration;

use marconi_redis::{Error, Outcome, Queue, Result, Store};
use serde::Serialize;

#[derive(Serialize)]
struct Order {
    number: u64,
    article: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::var("MARCONI_REDIS").unwrap_or("redis://127.0.0.1".into());
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let orders = Store::connect(&url).await?.queue("shop", "orders")?;
    for number in 1..=count.unwrap_or(10) {
        let article = "umbrella".to_owned();
        post(&orders, &Order { number, article }).await?;
    }
    Ok(())
}

/// A token is good for 60 s: so long the same post can be repeated.
async fn post(orders: &Queue, order: &Order) -> Result<()> {
    let token = format!("{}-{}", orders.store().client(), order.number);
    for _ in 0..5 {
        match orders.post(order).token(token.as_str()).await {
            Err(Error::Transport { outcome, .. }) if outcome != Outcome::Done => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            posted => return posted.map(drop),
        }
    }
    orders.post(order).token(token.as_str()).await.map(drop)
}
