//! Posts: with tokens and without, of one message and of several, to queues and topics.
//!
//! Guards that all of a post is there or nothing, and that one with a token is there once.

use futures_util::future::join_all;

use super::{Deed, Repeat, ids, post};

pub const DEEDS: &[Deed] = &[
    Deed {
        name: "post",
        states: 2,
        done_at: 1,
        repeat: Repeat::Double,
        before: |on| Box::pin(async { on.work.create().await.map(drop) }),
        during: None,
        act: |on| Box::pin(async { post(on, &["a", "b", "c"]).await.map(|all| ids(&all)) }),
    },
    Deed {
        name: "post with a token",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: |on| Box::pin(async { on.work.create().await.map(drop) }),
        during: None,
        act: |on| {
            Box::pin(async {
                let posted = on.work.post("order").token("order-17").await?;
                Ok(ids(&posted))
            })
        },
    },
    Deed {
        name: "post to a queue that is not there",
        // Nothing, its name, its project's name, the queue, the message.
        states: 5,
        done_at: 4,
        repeat: Repeat::Same,
        before: |_| Box::pin(async { Ok(()) }),
        during: None,
        act: |on| {
            Box::pin(async {
                let posted = on.work.post("order").token("order-17").await?;
                Ok(ids(&posted))
            })
        },
    },
    Deed {
        name: "merged posts",
        states: 2,
        done_at: 1,
        repeat: Repeat::Never,
        before: |on| Box::pin(async { on.work.create().await.map(drop) }),
        during: None,
        act: |on| {
            Box::pin(async {
                let work = on.merging()?;
                let posts = ["a", "b", "c", "d"].map(|body| work.post(body).into_future());
                let posted: Result<Vec<_>, _> = join_all(posts).await.into_iter().collect();
                Ok(ids(&posted?.concat()))
            })
        },
    },
    Deed {
        name: "post to a topic",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: |on| Box::pin(async { on.topic.create().await.map(drop) }),
        during: None,
        act: |on| {
            Box::pin(async {
                let posted = on.topic.post("umbrellas").token("news-3").await?;
                Ok(ids(&posted))
            })
        },
    },
];
