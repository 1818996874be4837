//! Posts to queues on several pools and works them off: docs/setup.md, `cargo run --example pooled`.

use marconi_redis::{PooledStore, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::var("MARCONI_REDIS").unwrap_or("redis://127.0.0.1".into());
    let store = PooledStore::connect(&url).await?; // where the pools are registered

    for number in 1..=6 {
        let (queue, _) = store
            .create_queue("shop", &format!("orders-{number}"))?
            .await?;
        queue.post(&format!("order {number}")).await?;
    }
    let page = store.queues("shop")?.limit(100).await?;
    for entry in &page.queues {
        println!("{} is on {}", entry.queue.name, entry.pool);
    }
    for (pool, error) in &page.failed {
        println!("{pool} does not answer: {error}");
    }
    let orders = store.queue("shop", "orders-3").await?;
    while let Some(claim) = orders.claim().await? {
        println!("done: {}", claim.messages()[0].body::<String>()?);
        claim.delete_all().await?;
    }
    Ok(())
}
