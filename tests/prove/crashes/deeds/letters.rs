//! Dead letters: on their way, kept, and setting out again.
//!
//! Guards that each arrives once, whoever died carrying it.

use marconi_redis::keys::Part;
use marconi_redis::redis::Cmd;
use marconi_redis::{Metadata, Result};

use super::super::stage::{LEASE, NOW, Stage};
use super::{Deed, Done, Repeat, post, posted};

pub const DEEDS: &[Deed] = &[
    Deed {
        name: "release of a last try, to the dead-letter queue",
        // Held, on their way, in both places, arrived.
        states: 4,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: |on| Box::pin(tried(on, Some("dead"))),
        during: None,
        act: |on| Box::pin(async { Ok(on.work.release(on.claim()).await?.to_string()) }),
    },
    Deed {
        name: "release of a last try, kept",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: |on| Box::pin(tried(on, None)),
        during: None,
        act: |on| Box::pin(async { Ok(on.work.release(on.claim()).await?.to_string()) }),
    },
    Deed {
        name: "nack of a last try, to the dead-letter queue",
        states: 4,
        done_at: 1,
        repeat: Repeat::Refused,
        before: |on| Box::pin(tried(on, Some("dead"))),
        during: None,
        act: |on| {
            Box::pin(async {
                let nack = on.work.nack(on.claim(), [posted(0)?]);
                Ok(nack.await?.to_string())
            })
        },
    },
    Deed {
        name: "gc of what has lapsed and is dead",
        states: 4,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: |on| {
            Box::pin(async {
                queues(on, Some("dead")).await?;
                let earlier = on.work_at(NOW - 120_000);
                earlier.post("a").await?;
                earlier.claim().ttl(LEASE).await.map(drop)
            })
        },
        during: None,
        act: |on| {
            Box::pin(async {
                while !on.work.gc().await? {}
                Ok("swept".to_owned())
            })
        },
    },
    Deed {
        name: "carry dead letters",
        states: 3,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: stranded,
        during: None,
        act: |on| Box::pin(async { Ok(on.work.carry_dead_letters().await?.to_string()) }),
    },
    Deed {
        name: "redrive",
        // Kept, on their way, in both places, back.
        states: 4,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: |on| {
            Box::pin(async {
                tried(on, None).await?;
                on.work.release(on.claim()).await.map(drop)
            })
        },
        during: None,
        act: |on| {
            Box::pin(async {
                let redriven = on.work.dead_letters().redrive_all().await?;
                Ok(redriven.set_out.to_string())
            })
        },
    },
    Deed {
        name: "send back",
        states: 4,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: |on| {
            Box::pin(async {
                tried(on, Some("dead")).await?;
                on.work.release(on.claim()).await.map(drop)
            })
        },
        during: None,
        act: |on| {
            Box::pin(async {
                let redriven = on.dead.send_back_all().await?;
                Ok(redriven.set_out.to_string())
            })
        },
    },
    Deed {
        name: "purge kept letters",
        states: 2,
        done_at: 1,
        repeat: Repeat::Double,
        before: |on| {
            Box::pin(async {
                tried(on, None).await?;
                on.work.release(on.claim()).await.map(drop)
            })
        },
        during: None,
        act: |on| Box::pin(async { Ok(on.work.dead_letters().purge_all().await?.to_string()) }),
    },
];

async fn queues(on: &Stage, to: Option<&str>) -> Result<()> {
    let metadata = Metadata::new().with_max_claim_count(1);
    let metadata = match to {
        Some(to) => metadata.with_dead_letter_queue(to),
        None => metadata,
    };
    on.dead.create().await?;
    on.work.create().metadata(metadata).await.map(drop)
}

/// Three under a claim that was their last.
async fn tried(on: &Stage, to: Option<&str>) -> Result<()> {
    queues(on, to).await?;
    post(on, &["a", "b", "c"]).await?;
    let claim = on.work.claim().id(on.claim()).ttl(LEASE).limit(3);
    claim.await.map(drop)
}

/// Letters on their way, because their target would not have them for a while.
fn stranded(on: &Stage) -> Done<'_, ()> {
    Box::pin(async {
        tried(on, Some("dead")).await?;
        let meta = on.dead.keys().key(Part::Meta);
        let mut schema = Cmd::new();
        schema.arg("HSET").arg(meta).arg("schema");
        on.raw(schema.clone().arg("2")).await;
        let released = on.work.release(on.claim()).await;
        on.raw(schema.arg("1")).await;
        released.map(drop)
    })
}
