//! Queues and topics made, changed, emptied and deleted.
//!
//! Guards the names: a queue is never there without one, however far its making or deletion came.

use marconi_redis::Metadata;

use super::{Deed, Repeat, post};

pub const DEEDS: &[Deed] = &[
    Deed {
        name: "create a queue",
        // Nothing, its name, its project's name, the queue.
        states: 4,
        done_at: 3,
        repeat: Repeat::Quiet,
        before: |_| Box::pin(async { Ok(()) }),
        during: None,
        act: |on| Box::pin(async { on.work.create().await.map(|new| new.to_string()) }),
    },
    Deed {
        name: "create a queue with metadata",
        states: 4,
        done_at: 3,
        repeat: Repeat::Quiet,
        before: |_| Box::pin(async { Ok(()) }),
        during: None,
        act: |on| {
            Box::pin(async {
                let metadata = Metadata::new()
                    .with_max_claim_count(3)
                    .with("owner", "me")?;
                let made = on.work.create().metadata(metadata).await;
                made.map(|new| new.to_string())
            })
        },
    },
    Deed {
        name: "set metadata",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: |on| Box::pin(async { on.work.create().await.map(drop) }),
        during: None,
        act: |on| {
            Box::pin(async {
                let metadata = Metadata::new().with("owner", "me")?;
                let metadata = metadata.with_dead_letter_queue("dead");
                on.work.set_metadata(&metadata).await?;
                Ok("set".to_owned())
            })
        },
    },
    Deed {
        name: "purge",
        states: 2,
        done_at: 1,
        repeat: Repeat::Double,
        before: |on| {
            Box::pin(async {
                post(on, &["a", "b", "c"]).await?;
                on.work.claim().id(on.claim()).limit(1).await.map(drop)
            })
        },
        during: None,
        act: |on| Box::pin(async { on.work.purge().await.map(|count| count.to_string()) }),
    },
    Deed {
        name: "delete a queue",
        // All, no queue, no name, no project.
        states: 4,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: |on| Box::pin(async { post(on, &["a", "b"]).await.map(drop) }),
        during: None,
        act: |on| Box::pin(async { on.work.delete().await.map(|was| was.to_string()) }),
    },
    Deed {
        name: "create a topic",
        states: 4,
        done_at: 3,
        repeat: Repeat::Quiet,
        before: |_| Box::pin(async { Ok(()) }),
        during: None,
        act: |on| Box::pin(async { on.topic.create().await.map(|new| new.to_string()) }),
    },
    Deed {
        name: "delete a topic",
        // As of a queue.
        states: 4,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: |on| Box::pin(async { on.topic.post("a").await.map(drop) }),
        during: None,
        act: |on| Box::pin(async { on.topic.delete().await.map(|was| was.to_string()) }),
    },
];
