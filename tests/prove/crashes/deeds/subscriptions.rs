//! Who subscribes to a queue, for how long, and no more.
//!
//! Guards that a subscriber has one subscription, whoever subscribes it again.

use std::time::Duration;

use marconi_redis::{Result, SubscriptionId};

use super::super::stage::{NOW, Stage};
use super::{Deed, Repeat, Step};

const HOOK: &str = "https://shop.example/hook";

const SUBSCRIBED: Step = |on| Box::pin(async { on.work.subscribe(HOOK).await.map(drop) });

pub const DEEDS: &[Deed] = &[
    Deed {
        name: "subscribe",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: |_| Box::pin(async { Ok(()) }),
        during: None,
        act: |on| {
            Box::pin(async {
                let subscribed = on.work.subscribe(HOOK).await?;
                Ok(subscribed.id.to_string())
            })
        },
    },
    Deed {
        name: "confirm a subscription",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: SUBSCRIBED,
        during: None,
        act: |on| {
            Box::pin(async {
                on.work.confirm_subscription(the_first()?, true).await?;
                Ok("confirmed".to_owned())
            })
        },
    },
    Deed {
        name: "update a subscription",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: SUBSCRIBED,
        during: None,
        act: |on| {
            Box::pin(async {
                let update = on.work.update_subscription(the_first()?);
                update.ttl(Duration::from_secs(7200)).await?;
                Ok("updated".to_owned())
            })
        },
    },
    Deed {
        name: "delete a subscription",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: SUBSCRIBED,
        during: None,
        act: |on: &Stage| {
            Box::pin(async {
                let was = on.work.delete_subscription(the_first()?).await?;
                Ok(was.to_string())
            })
        },
    },
];

fn the_first() -> Result<SubscriptionId> {
    format!("{NOW}-0").parse()
}
