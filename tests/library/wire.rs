//! A queue of a test's own, behind a wire that can lose answers, and the same without it.

use std::time::Duration;

use marconi_redis::{Queue, Store};
use redis::aio::MultiplexedConnection;

use crate::common::{self, Server};
use crate::proxy::Proxy;

pub struct Wire {
    pub proxy: Proxy,
    pub far: Queue,
    pub near: Queue,
    server: Server,
}

impl Wire {
    pub async fn new() -> Self {
        let server = Server::start_tcp(&[]);
        let proxy = Proxy::before(server.port()).await;
        let near = Store::connect(&server.url()).await.unwrap();
        near.load_scripts().await.unwrap();
        let far = Store::builder().deadline(Duration::from_secs(3));
        let far = far.connect(&proxy.url()).await.unwrap();
        let name = common::a_queue();
        let queue = |store: &Store| store.queue("", &name).unwrap();
        Wire {
            far: queue(&far),
            near: queue(&near),
            proxy,
            server,
        }
    }

    /// The far queue, whose next answer is going to be lost.
    pub async fn lose_next(&self) -> &Queue {
        // An answer was lost before, and the connection with it; the next is not to be the greeting
        // on a new one.
        self.far.exists().await.unwrap();
        self.proxy.drop_after_next_reply();
        &self.far
    }

    /// To the keys themselves.
    pub async fn connection(&self) -> MultiplexedConnection {
        self.server.connection().await
    }

    pub async fn count(&self) -> u64 {
        self.near.stats().await.unwrap().total
    }
}
