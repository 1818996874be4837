//! A cluster as a pool beside a single server.

use marconi_redis::{PooledStore, Store};

use crate::common::{self, Server};
use crate::stage::{Cluster, PATIENCE};

#[tokio::test]
async fn a_cluster_is_a_pool_like_any_other() {
    let cluster = Cluster::shared().await;
    let (control, single) = (Server::start(&[]), Server::start(&[]));
    let builder = Store::builder().deadline(PATIENCE);
    let store = PooledStore::over(&builder.connect(&control.url()).await.unwrap());
    let plane = store.control();
    plane.create_pool("wide", 1, &cluster.url()).await.unwrap();
    plane.create_pool("narrow", 1, &single.url()).await.unwrap();
    let project = common::a_queue();
    let mut pools = std::collections::BTreeMap::new();
    for n in 0..40 {
        let (queue, is_new) = store
            .create_queue(&project, &format!("{n:02}"))
            .unwrap()
            .await
            .unwrap();
        assert!(is_new);
        queue.post(&n).await.unwrap();
    }
    let page = store.queues(&project).unwrap().limit(100).await.unwrap();
    assert!(page.failed.is_empty());
    let names: Vec<_> = page
        .queues
        .iter()
        .map(|entry| entry.queue.name.to_string())
        .collect();
    let expected: Vec<_> = (0..40).map(|n| format!("{n:02}")).collect();
    assert_eq!(names, expected);
    for entry in &page.queues {
        *pools.entry(entry.pool.clone()).or_insert(0) += 1;
        let queue = store
            .queue(&project, entry.queue.name.as_str())
            .await
            .unwrap();
        let popped = queue.pop().await.unwrap();
        assert_eq!(
            format!("{:02}", popped[0].body::<u32>().unwrap()),
            entry.queue.name.as_str()
        );
    }
    assert!(pools["wide"] > 0 && pools["narrow"] > 0, "{pools:?}");
    assert!(store.health().await.unwrap()["wide"].is_good());
    for name in names {
        assert!(store.delete_queue(&project, &name).await.unwrap());
    }
}
