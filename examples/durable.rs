//! Posts that are acknowledged once a replica has them: docs/durability.md, `cargo run --example durable`.

use std::time::Duration;

use marconi_redis::{Durability, Error, Result, Store};

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::var("MARCONI_REDIS").unwrap_or("redis://127.0.0.1".into());
    let one = Durability::replicas(1).within(Duration::from_millis(500));
    let store = Store::connect(&url).await?.with_durability(one)?;
    let orders = store.queue("shop", "orders")?;
    orders.create().await?;

    for number in 1..=3 {
        // The token makes a repeat safe: it answers the first one's id, and adds nothing.
        let token = format!("order-{number}");
        for _ in 0..10 {
            match orders.post(&number).token(&token).await {
                Ok(ids) => {
                    println!("{} outlives the primary", ids[0]);
                    break;
                }
                Err(error @ Error::Unconfirmed { .. }) => println!("not yet: {error}"),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
