//! Ids come once: a stream that is unlinked would hand out the same again.

use marconi_redis::MessageId;

use crate::common::Server;
use crate::raw::{BODY, Raw};
use crate::stage::{START, Stage, message};
use crate::words;

const ROUNDS: usize = 300;

fn strictly_growing(ids: &[MessageId]) {
    for pair in ids.windows(2) {
        assert!(pair[0] < pair[1], "{} and then {}", pair[0], pair[1]);
    }
}

#[tokio::test]
async fn an_id_never_comes_again_after_a_purge_in_the_same_ms() {
    let stage = Stage::new().await;
    let mut ids = Vec::new();
    for _ in 0..ROUNDS {
        let queue = stage.at(0);
        ids.extend(queue.post_many([message("a"), message("b")]).await.unwrap());
        assert_eq!(queue.purge().await.unwrap(), 2);
    }
    strictly_growing(&ids);
}

#[tokio::test]
async fn an_id_never_comes_again_after_delete_and_creation_in_the_same_ms() {
    let stage = Stage::new().await;
    let mut ids = Vec::new();
    for _ in 0..ROUNDS {
        let queue = stage.at(0);
        ids.extend(queue.post_many([message("a"), message("b")]).await.unwrap());
        assert!(queue.delete().await.unwrap());
    }
    strictly_growing(&ids);
}

#[tokio::test]
async fn an_id_never_comes_again_by_the_servers_clock_either() {
    let stage = Stage::new().await;
    let queue = stage.store.queue(&stage.project, "orders").unwrap();
    let mut raw = Raw::new(Server::shared(), &queue).await;
    let post = words!["", "me", "", "", "", "", "", BODY];
    for emptied in [vec!["queue/purge"], vec!["queue/delete", "queue/create"]] {
        let mut calls = vec![raw.call("queue/create", &words!["", ""])];
        for _ in 0..ROUNDS {
            calls.push(raw.call("post", &post));
            for script in &emptied {
                let args = match *script {
                    "queue/create" => words!["", ""],
                    _ => words![""],
                };
                calls.push(raw.call(script, &args));
            }
        }
        let replies: Vec<redis::Value> = raw.run_all(calls).await;
        let ids = replies.into_iter().filter_map(|reply| {
            let ids: Vec<String> = redis::from_redis_value(reply).ok()?;
            ids.first()?.parse().ok()
        });
        let ids: Vec<MessageId> = ids.collect();
        assert_eq!(ids.len(), ROUNDS);
        strictly_growing(&ids);
    }
}

#[tokio::test]
async fn a_purge_of_what_is_empty_already_forgets_no_id() {
    let stage = Stage::new().await;
    let mut ids = stage.post(&["a"]).await;
    stage.at(0).delete_one(ids[0]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(stage.at(0).purge().await.unwrap(), 0);
    }
    ids.extend(stage.post(&["b"]).await);
    assert!(stage.at(0).delete().await.unwrap());
    // Made again and deleted again without a message in between.
    stage.at(0).create().await.unwrap();
    assert!(stage.at(0).delete().await.unwrap());
    ids.extend(stage.post(&["c"]).await);
    strictly_growing(&ids);
}

#[tokio::test]
async fn an_id_of_a_deleted_queue_names_nothing_in_the_one_made_after_it() {
    let stage = Stage::new().await;
    let old = stage.post(&["old"]).await[0];
    stage.at(0).delete().await.unwrap();
    // The clock has stepped back meanwhile.
    let store = stage.store.at(START - 60_000);
    let queue = store.queue(&stage.project, "orders").unwrap();
    let new = queue.post("new").await.unwrap()[0];
    assert!(new > old);
    assert_eq!(queue.delete_many([old]).await.unwrap(), 0);
    assert_eq!(queue.stats().await.unwrap().free, 1);
}
