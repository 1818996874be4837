//! Works off what `producer` posts, until it gets ctrl-c or SIGTERM: `cargo run --example worker`.
//!
//! Guards the shutdown: what is in work is finished within 20 s, what is not started goes to the
//! next worker at once.

use std::time::Duration;

use marconi_redis::{Backoff, Delivery, Result, Store};
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Deserialize)]
struct Order {
    number: u64,
    article: String,
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("MARCONI_REDIS").unwrap_or("redis://127.0.0.1".into());
    let orders = Store::builder().open(&url)?.queue("shop", "orders")?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    let consumed = orders
        .consumer()
        .concurrency(4)
        .batch(20)
        .handler_timeout(Duration::from_secs(10))
        .backoff(Backoff::new(
            Duration::from_secs(1),
            Duration::from_secs(60),
        ))
        .on_event(|event| eprintln!("{event}"))
        .until(shutdown)
        .drain(Duration::from_secs(20))
        .run(ship)
        .await?;
    eprintln!("{consumed:?}");
    Ok(())
}

/// The same order can come twice: after a crash, or where the deletion did not get through.
async fn ship(delivery: Delivery) -> Result<()> {
    let order: Order = delivery.body()?;
    // A store that keeps the largest fence of each order can refuse a worker that is too late.
    println!("{} {} {}", order.number, order.article, delivery.fence());
    Ok(())
}
