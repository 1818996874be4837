//! Each call goes to the node that serves its queue.

use std::collections::BTreeSet;

use marconi_redis::{Error, Store};

use crate::common;
use crate::stage::{Cluster, ask, errors};

#[tokio::test]
async fn queues_of_all_slots_are_used_by_one_store() {
    let cluster = Cluster::shared().await;
    let store = cluster.store().await;
    let project = common::a_queue();
    for n in 0..30 {
        let queue = store.queue(&project, &format!("queue-{n:02}")).unwrap();
        queue.post(&n).await.unwrap();
        let claim = queue.claim().await.unwrap().unwrap();
        assert_eq!(claim.messages()[0].body::<u32>().unwrap(), n);
        claim.delete_all().await.unwrap();
        assert_eq!(queue.stats().await.unwrap().total, 0);
    }
    // They are everywhere, and listed as one, page by page.
    assert!(cluster.sizes().await.iter().all(|keys| *keys > 0));
    let mut names = Vec::new();
    let mut marker = None;
    loop {
        let mut listing = store.queues(&project).unwrap().limit(7);
        if let Some(marker) = marker {
            listing = listing.marker(marker);
        }
        let page = listing.await.unwrap();
        names.extend(page.queues.iter().map(|entry| entry.name.to_string()));
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..30).map(|n| format!("queue-{n:02}")).collect();
    assert_eq!(names, expected);
    let health = store.health().await;
    assert!(health.is_good(), "{health:?}");
    for n in 0..30 {
        let queue = store.queue(&project, &format!("queue-{n:02}")).unwrap();
        assert!(queue.delete().await.unwrap());
    }
    let page = store.queues(&project).unwrap().await.unwrap();
    assert!(page.queues.is_empty());
}

#[tokio::test]
async fn a_call_goes_to_its_node_without_being_sent_about() {
    let cluster = Cluster::start(0).await;
    let store = cluster.store().await;
    store.load_scripts().await.unwrap();
    let project = common::a_queue();
    for n in 0..30 {
        let queue = store.queue(&project, &format!("{n}")).unwrap();
        queue.post(&n).await.unwrap();
    }
    for server in &cluster.primaries {
        let errors = errors(server).await;
        assert!(!errors.contains_key("MOVED"), "{errors:?}");
        assert!(!errors.contains_key("NOSCRIPT"), "{errors:?}");
    }
}

#[tokio::test]
async fn a_node_that_has_forgotten_its_scripts_is_given_them_again() {
    let cluster = Cluster::start(0).await;
    let store = cluster.store().await;
    assert!(
        store
            .scripts()
            .await
            .unwrap()
            .iter()
            .all(|script| !script.loaded)
    );
    store.load_scripts().await.unwrap();
    assert!(
        store
            .scripts()
            .await
            .unwrap()
            .iter()
            .all(|script| script.loaded)
    );
    let () = ask(&cluster.primaries[1], &["SCRIPT", "FLUSH"]).await;
    assert!(
        store
            .scripts()
            .await
            .unwrap()
            .iter()
            .all(|script| !script.loaded)
    );
    let queue = cluster.queue_on(&store, 1).await;
    queue.post("a").await.unwrap();
    assert_eq!(queue.stats().await.unwrap().free, 1);
}

#[tokio::test]
async fn dead_letters_go_from_node_to_node() {
    let cluster = Cluster::shared().await;
    let store = cluster.store().await;
    let project = common::a_queue();
    let mut served = BTreeSet::new();
    for n in 0..8 {
        let (queue, dead) = (format!("queue-{n}"), format!("dead-{n}"));
        let metadata = marconi_redis::Metadata::new()
            .with_max_claim_count(1)
            .with_dead_letter_queue(&dead);
        let queue = store.queue(&project, &queue).unwrap();
        queue.create().metadata(metadata).await.unwrap();
        queue.post(&n).await.unwrap();
        queue
            .claim()
            .await
            .unwrap()
            .unwrap()
            .release()
            .await
            .unwrap();
        let letters = store.queue(&project, &dead).unwrap();
        let letter = letters.claim().await.unwrap().unwrap();
        assert_eq!(letter.messages()[0].body::<u32>().unwrap(), n);
        for name in [queue.path().tag(), letters.path().tag()] {
            let slot: u16 = ask(&cluster.primaries[0], &["CLUSTER", "KEYSLOT", &name]).await;
            served.insert(slot / 5462);
        }
    }
    assert_eq!(served.len(), 3, "queues on all nodes");
}

#[tokio::test]
async fn a_url_of_one_server_that_is_part_of_a_cluster_is_refused_with_what_to_write() {
    let cluster = Cluster::shared().await;
    let port = cluster.primaries[0].port();
    let queue = cluster.queue_on(&cluster.store().await, 2).await;
    let store = Store::connect(&format!("redis://127.0.0.1:{port}"))
        .await
        .unwrap();
    let queue = store.queue_at(queue.path().clone());
    let error = queue.stats().await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("?cluster=true") && text.contains("MOVED"),
        "{text}"
    );
    assert!(matches!(error, Error::Transport { .. }));
}

#[tokio::test]
async fn a_server_that_is_no_cluster_is_refused() {
    let server = common::Server::start_tcp(&[]);
    let url = format!("{}?cluster=true", server.tcp_url());
    let error = Store::connect(&url).await.unwrap_err();
    assert!(
        error.to_string().contains("cluster support disabled"),
        "{error}"
    );
}
