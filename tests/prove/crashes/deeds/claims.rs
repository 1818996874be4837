//! Claims from their making to their end, pops, and a consumer in the middle of its batch.
//!
//! Guards that a claim is found again under its id, that a pop is answered again under its token, and that what a dead
//! worker held comes back.

use std::time::Duration;

use marconi_redis::{CancellationToken, Claim, Delivery, Error, Result};

use super::super::stage::{LATE, LEASE, NOW, Stage};
use super::{Deed, Repeat, bodies, post, posted};

/// Far longer than anything takes: the message that is waited for comes.
const PATIENCE: Duration = Duration::from_secs(25);

pub const DEEDS: &[Deed] = &[
    Deed {
        name: "claim",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: |on| Box::pin(async { post(on, &["a", "b", "c"]).await.map(drop) }),
        during: None,
        act: |on| {
            Box::pin(async {
                let claim = on.work.claim().id(on.claim()).ttl(LEASE).limit(2).await?;
                Ok(shown(claim))
            })
        },
    },
    Deed {
        name: "claim of what another's lapsed claim held",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: |on| {
            Box::pin(async {
                let earlier = on.work_at(NOW - 120_000);
                earlier.post("a").await?;
                earlier.claim().ttl(LEASE).await.map(drop)
            })
        },
        during: None,
        act: |on| {
            Box::pin(async {
                let claim = on.work.claim().id(on.claim()).ttl(LEASE).await?;
                Ok(shown(claim))
            })
        },
    },
    Deed {
        name: "claim that waits",
        // Nothing, a message, a claim.
        states: 3,
        done_at: 2,
        repeat: Repeat::Same,
        before: |on| Box::pin(async { on.work.create().await.map(drop) }),
        during: Some((2, |on| {
            Box::pin(async { post(on, &["late"]).await.map(drop) })
        })),
        act: |on| {
            Box::pin(async {
                let claim = on.work.claim().id(on.claim()).ttl(LEASE);
                claim.wait(PATIENCE).await.map(shown)
            })
        },
    },
    Deed {
        name: "renew",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: claimed,
        during: None,
        act: |on| {
            Box::pin(async {
                let lease = on.work.renew(on.claim(), 2 * LEASE, LEASE).await?;
                Ok(format!("{} {}", lease.fence, lease.deadline))
            })
        },
    },
    Deed {
        name: "release",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: claimed,
        during: None,
        act: |on| {
            Box::pin(async {
                let released = on.work.release(on.claim()).await?;
                Ok(released.to_string())
            })
        },
    },
    Deed {
        name: "nack",
        states: 2,
        done_at: 1,
        repeat: Repeat::Refused,
        before: claimed,
        during: None,
        act: |on| {
            Box::pin(async {
                let nack = on.work.nack(on.claim(), [posted(0)?]);
                Ok(nack.delay(Duration::from_secs(5)).await?.to_string())
            })
        },
    },
    Deed {
        name: "delete under a claim",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: claimed,
        during: None,
        act: |on| {
            Box::pin(async {
                let held = [posted(0)?, posted(1)?, posted(2)?];
                let delete = on.work.delete_many(held);
                Ok(delete.claim(on.claim()).await?.to_string())
            })
        },
    },
    Deed {
        name: "delete without a claim",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: claimed,
        during: None,
        act: |on| {
            Box::pin(async {
                let free = on.work.delete_many([posted(3)?]);
                Ok(free.await?.to_string())
            })
        },
    },
    Deed {
        name: "pop",
        states: 2,
        done_at: 1,
        repeat: Repeat::Double,
        before: |on| Box::pin(async { post(on, &["a", "b", "c"]).await.map(drop) }),
        during: None,
        act: |on| Box::pin(async { Ok(bodies(&on.work.pop().limit(2).await?)) }),
    },
    Deed {
        name: "pop with a token",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: |on| Box::pin(async { post(on, &["a", "b", "c"]).await.map(drop) }),
        during: None,
        act: |on| Box::pin(async { Ok(bodies(&on.work.pop().limit(2).token("pop-4").await?)) }),
    },
    Deed {
        name: "pop with a token that waits",
        states: 3,
        done_at: 2,
        repeat: Repeat::Same,
        before: |on| Box::pin(async { on.work.create().await.map(drop) }),
        during: Some((2, |on| {
            Box::pin(async { post(on, &["late"]).await.map(drop) })
        })),
        act: |on| {
            Box::pin(async {
                let pop = on.work.pop().token("pop-5").wait(PATIENCE);
                Ok(bodies(&pop.await?))
            })
        },
    },
    Deed {
        name: "consumer in the middle of its batch",
        // Three free, three held, and one less each time.
        states: 5,
        done_at: 4,
        repeat: Repeat::Later,
        before: |on| Box::pin(async { post(on, &["a", "b", "c"]).await.map(drop) }),
        during: None,
        act: |on| Box::pin(consume(on)),
    },
];

fn claimed(on: &Stage) -> super::Done<'_, ()> {
    Box::pin(async {
        post(on, &["a", "b", "c", "d"]).await?;
        let claim = on.work.claim().id(on.claim()).ttl(LEASE).limit(3);
        claim.await.map(drop)
    })
}

fn shown(claim: Option<Claim>) -> String {
    claim.map_or_else(String::new, |claim| {
        let lease = claim.lease();
        let (fence, deadline) = (lease.fence, lease.deadline);
        format!("{fence} {deadline} {}", bodies(claim.messages()))
    })
}

/// Until nothing is left.
async fn consume(on: &Stage) -> Result<String> {
    let left = on.work.list().claimed(true).await?.messages.len();
    let enough = CancellationToken::new();
    let told = enough.clone();
    let begun = std::sync::atomic::AtomicUsize::new(0);
    let handler = move |_: Delivery| {
        if begun.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == left {
            told.cancel();
        }
        async { Ok::<(), Error>(()) }
    };
    if left == 0 {
        enough.cancel();
    }
    let consumer = on.work.consumer().batch(3).ttl(LEASE);
    let consumer = consumer.until(enough.cancelled_owned());
    consumer.run(handler).await?;
    Ok(left.to_string())
}

const _: () = assert!(LATE > NOW + 2 * LEASE.as_millis() as u64);
