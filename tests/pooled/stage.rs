//! Three pools and a control plane.

use std::time::Duration;

use marconi_redis::{PooledStore, Store};

use crate::common::Server;

pub struct Stage {
    pub control: Server,
    pub pools: Vec<Server>,
    pub store: PooledStore,
}

/// `east` and `west` share the new queues 2 to 1, `cold` takes none, and serves the flavor that is given.
pub async fn stage() -> Stage {
    let control = Server::start(&[]);
    let options = ["--appendonly", "yes", "--appendfsync", "always"];
    let pools: Vec<_> = (0..3).map(|_| Server::start(&options)).collect();
    let store = client(&control).await;
    let plane = store.control();
    plane
        .create_pool("east", 200, &pools[0].url())
        .await
        .unwrap();
    plane
        .create_pool("west", 100, &pools[1].url())
        .await
        .unwrap();
    plane.create_pool("cold", 0, &pools[2].url()).await.unwrap();
    Stage {
        control,
        pools,
        store,
    }
}

/// Another client of the same.
pub async fn client(control: &Server) -> PooledStore {
    let builder = Store::builder().deadline(Duration::from_secs(2));
    PooledStore::over(&builder.connect(&control.url()).await.unwrap())
}

impl Stage {
    /// The pools that have a queue, by looking at the servers.
    pub async fn servers_with(&self, name: &str) -> Vec<usize> {
        self.servers_that_have(&format!("mq:{{shop/{name}}}:meta"))
            .await
    }

    /// The pools that have a topic.
    pub async fn servers_with_topic(&self, name: &str) -> Vec<usize> {
        self.servers_that_have(&format!("mq.topics:{{shop/{name}}}:meta"))
            .await
    }

    async fn servers_that_have(&self, key: &str) -> Vec<usize> {
        let mut with = Vec::new();
        for (at, server) in self.pools.iter().enumerate() {
            let mut connection = server.connection().await;
            let there: bool = redis::cmd("EXISTS")
                .arg(key)
                .query_async(&mut connection)
                .await
                .unwrap();
            if there {
                with.push(at);
            }
        }
        with
    }
}
