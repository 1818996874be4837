//! When what is kept of subscriptions goes.
//!
//! Guards that it goes, and not before the last of them.

use marconi_redis::Queue;
use marconi_redis::keys::Part;

use crate::common::Server;
use crate::stage::{Stage, ms};

#[tokio::test]
async fn what_is_kept_of_subscriptions_goes_by_itself() {
    const DAY: u64 = 86_400_000;
    let stage = Stage::new().await;
    let queue = stage.at(0);
    queue
        .subscribe("https://shop.example/hook")
        .ttl(ms(1_000))
        .await
        .unwrap();
    gone_after(&queue, DAY).await;
    // Not before the one that lives longest, whenever it was made.
    let longest = queue.subscribe("x:").ttl(ms(10 * DAY)).await.unwrap();
    gone_after(&queue, 11 * DAY).await;
    queue.subscribe("y:").ttl(ms(1_000)).await.unwrap();
    gone_after(&queue, 11 * DAY).await;
    let update = queue.update_subscription(longest.id);
    update.ttl(ms(20 * DAY)).await.unwrap();
    gone_after(&queue, 21 * DAY).await;
}

async fn gone_after(queue: &Queue, time: u64) {
    let mut connection = Server::shared().connection().await;
    for part in [
        Part::Subscriptions,
        Part::Subscribers,
        Part::SubscriptionIds,
        Part::SubscriptionExpiry,
    ] {
        let pttl = redis::cmd("PTTL").arg(queue.keys().key(part)).to_owned();
        let left: u64 = pttl.query_async(&mut connection).await.unwrap();
        assert!(
            (time - 100_000..=time + 1_000).contains(&left),
            "{part}: {left}"
        );
    }
}
