//! The example of README.md, word for word; a test holds the two to each other.
#![cfg_attr(rustfmt, rustfmt_skip)]

use std::time::Duration;

use marconi_redis::Store;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Order { number: u64, article: String }

#[tokio::main]
async fn main() -> marconi_redis::Result<()> {
    let url = std::env::var("MARCONI_REDIS").unwrap_or("redis://127.0.0.1".into());
    let orders = Store::connect(&url).await?.queue("shop", "orders")?;
    orders.post(&Order { number: 1, article: "umbrella".into() }).await?;

    while let Some(claim) = orders.claim().ttl(Duration::from_secs(30)).limit(10).await? {
        for message in claim.messages() {
            let order: Order = message.body()?;
            println!("{order:?}, claimed {} times, fence {}", message.claims(), claim.fence());
            claim.delete(message.id()).await?; // refused if the claim has lapsed: someone else has it
        }
    }
    Ok(())
}
