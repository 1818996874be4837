//! Pools, flavors, and which queue is on which pool.
//!
//! Guards the counts: a pool is told to be in use as long as the catalogue has a queue on it, and no longer.

use marconi_redis::{Metadata, Result};

use super::super::stage::Stage;
use super::{Deed, Repeat, Step};

const NOTHING: Step = |_| Box::pin(async { Ok(()) });

const A_POOL: Step = |on| Box::pin(async { pool(on, "fast").await.map(drop) });

const ON_A_POOL: Step = |on| {
    Box::pin(async {
        pool(on, "fast").await?;
        pool(on, "slow").await?;
        on.control.place(&on.mapped(), "fast").await.map(drop)
    })
};

const A_FLAVOR: Step = |on| {
    Box::pin(async {
        pool(on, "fast").await?;
        flavor(on).await.map(drop)
    })
};

pub const DEEDS: &[Deed] = &[
    Deed {
        name: "create a pool",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: NOTHING,
        during: None,
        act: |on| Box::pin(async { pool(on, "fast").await.map(|new| new.to_string()) }),
    },
    Deed {
        name: "update a pool",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: A_POOL,
        during: None,
        act: |on| {
            Box::pin(async {
                let update = on.control.update_pool("fast");
                update.weight(7).uri("redis://faster.example").await?;
                Ok("updated".to_owned())
            })
        },
    },
    Deed {
        name: "delete a pool",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: |on| {
            Box::pin(async {
                pool(on, "fast").await?;
                pool(on, "slow").await.map(drop)
            })
        },
        during: None,
        act: |on| {
            Box::pin(async {
                let was = on.control.delete_pool("slow").await?;
                Ok(was.to_string())
            })
        },
    },
    Deed {
        name: "create a flavor",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: A_POOL,
        during: None,
        act: |on| Box::pin(async { flavor(on).await.map(|new| new.to_string()) }),
    },
    Deed {
        name: "update a flavor",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: A_FLAVOR,
        during: None,
        act: |on| {
            Box::pin(async {
                let with = Metadata::new().with("disk", "ssd")?;
                let update = on.control.update_flavor(on.project(), "gold", &with);
                update.await?;
                Ok("updated".to_owned())
            })
        },
    },
    Deed {
        name: "delete a flavor",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: |on| Box::pin(async { flavor(on).await.map(drop) }),
        during: None,
        act: |on| {
            Box::pin(async {
                let was = on.control.delete_flavor(on.project(), "gold").await?;
                Ok(was.to_string())
            })
        },
    },
    Deed {
        name: "register a queue",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: A_FLAVOR,
        during: None,
        act: |on| {
            Box::pin(async {
                let mapped = on.mapped();
                let (placement, is_new) = on.control.register(&mapped, None).await?;
                Ok(format!("{} {is_new}", placement.pool))
            })
        },
    },
    Deed {
        name: "place a queue",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: A_POOL,
        during: None,
        act: |on| {
            Box::pin(async {
                let was_on_none = on.control.place(&on.mapped(), "fast").await?;
                Ok(was_on_none.to_string())
            })
        },
    },
    Deed {
        name: "move a queue to another pool",
        states: 2,
        done_at: 1,
        repeat: Repeat::Same,
        before: ON_A_POOL,
        during: None,
        act: |on| {
            Box::pin(async {
                on.control.move_entry(&on.mapped(), "slow").await?;
                Ok("moved".to_owned())
            })
        },
    },
    Deed {
        name: "take a queue out of the catalogue",
        states: 2,
        done_at: 1,
        repeat: Repeat::Quiet,
        before: ON_A_POOL,
        during: None,
        act: |on| {
            Box::pin(async {
                let was = on.control.unplace(&on.mapped(), "fast").await?;
                Ok(was.to_string())
            })
        },
    },
];

async fn pool(on: &Stage, name: &str) -> Result<bool> {
    let uri = format!("redis://{name}.example");
    on.control.create_pool(name, 100, &uri).await
}

async fn flavor(on: &Stage) -> Result<bool> {
    let of = on.project();
    on.control.create_flavor(of, "gold", &Metadata::new()).await
}
