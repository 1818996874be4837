//! A pool that sentinels look after, before and after a failover.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use marconi_redis::{PooledStore, Store};
use tokio::time::timeout;

use crate::common::{self, Server};

const PATIENCE: Duration = Duration::from_secs(60);

/// A sentinel; it ends with this, or with the primary that it watches being gone for good.
struct Sentinel {
    child: Child,
    dir: PathBuf,
    port: u16,
}

impl Sentinel {
    fn watching(primary: &Server) -> Sentinel {
        let port = common::free_port();
        let dir =
            std::env::temp_dir().join(format!("marconi-sentinel-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let config = dir.join("sentinel.conf");
        let lines = format!(
            "port {port}\nbind 127.0.0.1\ndir {dir}\nsentinel monitor main 127.0.0.1 {primary} 1\n\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
            dir = dir.display(),
            primary = primary.port()
        );
        std::fs::write(&config, lines).unwrap();
        let mut sentinel = Command::new(common::server());
        sentinel.arg(&config).arg("--sentinel").stdin(Stdio::null());
        let child = sentinel
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Sentinel { child, dir, port }
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Until a server says this of its replication. Sentinel cuts connections when it changes a server's role.
async fn until(server: &Server, says: &str) {
    let client = redis::Client::open(server.url()).unwrap();
    let said = async {
        loop {
            let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
                continue;
            };
            let mut ask = redis::cmd("INFO");
            ask.arg("replication");
            let info: redis::RedisResult<String> = ask.query_async(&mut connection).await;
            if info.is_ok_and(|info| info.contains(says)) {
                return;
            }
        }
    };
    timeout(PATIENCE, said).await.expect(says);
}

/// Until the replica has all that the primary has.
async fn until_replicated(primary: &Server) {
    let mut connection = primary.connection().await;
    let replicated = async {
        loop {
            let mut ask = redis::cmd("INFO");
            ask.arg("replication");
            let info: String = ask.query_async(&mut connection).await.unwrap();
            let after = |label: &str| -> Option<u64> {
                let (_, rest) = info.split_once(label)?;
                let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
                digits.parse().ok()
            };
            let (all, there) = (after("master_repl_offset:"), after(",offset="));
            if all.is_some() && all == there {
                return;
            }
        }
    };
    timeout(PATIENCE, replicated).await.expect("replication");
}

#[tokio::test]
async fn a_pool_is_followed_to_the_primary_that_its_sentinels_choose() {
    let mut primary = Server::start_tcp(&[]);
    let replica = Server::start_tcp(&[]);
    let mut connection = replica.connection().await;
    let port = primary.port().to_string();
    redis::cmd("REPLICAOF")
        .arg("127.0.0.1")
        .arg(port)
        .exec_async(&mut connection)
        .await
        .unwrap();
    until(&replica, "master_link_status:up").await;
    until(&primary, "state=online").await;
    let sentinel = Sentinel::watching(&primary);
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", sentinel.port)).unwrap();
    // It knows of the replica when it can fail over to it.
    let knows = async {
        loop {
            if let Ok(mut asked) = client.get_multiplexed_async_connection().await {
                let replicas: redis::RedisResult<Vec<redis::Value>> = redis::cmd("SENTINEL")
                    .arg("REPLICAS")
                    .arg("main")
                    .query_async(&mut asked)
                    .await;
                if replicas.is_ok_and(|replicas| !replicas.is_empty()) {
                    return;
                }
            }
        }
    };
    timeout(PATIENCE, knows)
        .await
        .expect("the sentinel knows of the replica");

    let control = Server::start(&[]);
    let builder = Store::builder().deadline(Duration::from_secs(30));
    let store = PooledStore::over(&builder.connect(&control.url()).await.unwrap());
    let uri = format!("redis://127.0.0.1:{}/0?master=main", sentinel.port);
    store
        .control()
        .create_pool("watched", 1, &uri)
        .await
        .unwrap();
    let queue = store.queue_or_new("shop", "orders").await.unwrap();
    queue.post("before").await.unwrap();
    let claim = queue.claim().await.unwrap().unwrap();
    let fence = claim.fence();
    claim.release().await.unwrap();
    until_replicated(&primary).await;

    primary.kill();
    until(&replica, "role:master").await;
    // The same handle goes on there, as soon as the sentinel says so.
    queue.post("after").token("t").await.unwrap();
    let mut bodies = Vec::new();
    while let Some(claim) = queue.claim().limit(1).await.unwrap() {
        assert!(claim.fence() > fence);
        bodies.push(claim.messages()[0].body::<String>().unwrap());
        claim.delete_all().await.unwrap();
    }
    assert_eq!(bodies, ["before", "after"]);
}
