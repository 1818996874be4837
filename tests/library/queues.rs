//! Listing queues, and the names by which they are found.

use std::collections::BTreeMap;

use marconi_redis::keys::{Part, Prefix, ProjectName, QueueName};
use marconi_redis::{Metadata, QueuePage};

use crate::common::Server;
use crate::stage::{Stage, claim, word};

fn names(page: &QueuePage) -> Vec<&str> {
    page.queues
        .iter()
        .map(|queue| queue.name.as_str())
        .collect()
}

async fn create(stage: &Stage, names: &[&str]) {
    for name in names {
        stage.named(name, 0).create().await.unwrap();
    }
}

/// Enters a name, as one is left by a program that crashed before it made the queue.
async fn enter(stage: &Stage, name: &str) {
    let project = ProjectName::new(&stage.project).unwrap();
    let key = Prefix::default().queues_of(&project);
    let mut connection = Server::shared().connection().await;
    let zadd = redis::cmd("ZADD").arg(&key).arg(0).arg(name).to_owned();
    zadd.exec_async(&mut connection).await.unwrap();
    let key = Prefix::default().projects();
    let zadd = redis::cmd("ZADD")
        .arg(&key)
        .arg(0)
        .arg(&stage.project)
        .to_owned();
    zadd.exec_async(&mut connection).await.unwrap();
}

async fn entered(stage: &Stage) -> Vec<String> {
    let project = ProjectName::new(&stage.project).unwrap();
    let key = Prefix::default().queues_of(&project);
    let mut connection = Server::shared().connection().await;
    let range = redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).to_owned();
    range.query_async(&mut connection).await.unwrap()
}

async fn projects(stage: &Stage) -> Vec<String> {
    let (mut all, mut asked) = (Vec::new(), stage.store.projects().limit(3));
    loop {
        let page = asked.await.unwrap();
        all.extend(page.projects.iter().map(|project| project.to_string()));
        let Some(marker) = page.marker else {
            return all;
        };
        asked = stage.store.projects().limit(3).marker(marker);
    }
}

#[tokio::test]
async fn queues_are_listed_in_name_order_page_by_page() {
    let stage = Stage::new().await;
    create(&stage, &["b", "é", "a", "Z", "a/b"]).await;
    let list = || stage.store.queues(&stage.project).unwrap();
    let page = list().limit(2).await.unwrap();
    assert_eq!(names(&page), ["Z", "a"]);
    let page = list().limit(2).marker(page.marker.unwrap()).await.unwrap();
    assert_eq!(names(&page), ["a/b", "b"]);
    let page = list().limit(2).marker(page.marker.unwrap()).await.unwrap();
    assert_eq!((names(&page), &page.marker), (vec!["é"], &None));
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 5);
    assert_eq!(word(list().limit(0).await), "BADARG");
    assert_eq!(word(list().limit(251).await), "BADARG");
}

#[tokio::test]
async fn queues_are_filtered_by_name_and_metadata_and_pages_are_filled() {
    let stage = Stage::new().await;
    for (name, colour) in [("x1", "red"), ("x2", "blue"), ("y1", "red"), ("x3", "red")] {
        let metadata = Metadata::new().with("colour", colour).unwrap();
        let metadata = metadata
            .with("n", &BTreeMap::from([("a", 1), ("b", 2)]))
            .unwrap();
        stage
            .named(name, 0)
            .create()
            .metadata(metadata)
            .await
            .unwrap();
    }
    create(&stage, &["x0"]).await;
    let list = || stage.store.queues(&stage.project).unwrap();
    assert_eq!(
        names(&list().name_contains("x").await.unwrap()),
        ["x0", "x1", "x2", "x3"]
    );
    let red = list()
        .name_contains("x")
        .metadata_is("colour", "red")
        .limit(2)
        .await
        .unwrap();
    assert_eq!(names(&red), ["x1", "x3"]);
    let map = BTreeMap::from([("b", 2_u64), ("a", 1)]);
    let both = list()
        .metadata_is("n", &map)
        .metadata_is("colour", "blue")
        .await
        .unwrap();
    assert_eq!(names(&both), ["x2"]);
    assert!(both.queues[0].metadata.is_none());
    let none = list().metadata_is("colour", &1).await.unwrap();
    assert_eq!((names(&none), &none.marker), (vec![], &None));
    let full = list().with_metadata().await.unwrap();
    let colour = full.queues[1]
        .metadata
        .as_ref()
        .unwrap()
        .get::<String>("colour");
    assert_eq!(colour.unwrap().as_deref(), Some("red"));
    assert!(full.queues[0].metadata.as_ref().unwrap().is_empty());
}

#[tokio::test]
async fn a_name_without_a_queue_is_passed_over_and_taken_out() {
    let stage = Stage::new().await;
    create(&stage, &["b", "d"]).await;
    for name in ["a", "c", "e"] {
        enter(&stage, name).await;
    }
    let page = stage
        .store
        .queues(&stage.project)
        .unwrap()
        .limit(2)
        .await
        .unwrap();
    assert_eq!(names(&page), ["b", "d"]);
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 2);
    assert_eq!(entered(&stage).await, ["b", "d"]);
}

#[tokio::test]
async fn a_project_is_listed_while_it_has_queues() {
    let stage = Stage::new().await;
    create(&stage, &["a", "b"]).await;
    assert!(projects(&stage).await.contains(&stage.project));
    stage.named("a", 0).delete().await.unwrap();
    assert!(projects(&stage).await.contains(&stage.project));
    stage.named("b", 0).delete().await.unwrap();
    assert!(!projects(&stage).await.contains(&stage.project));
    // One that never came to have a queue.
    enter(&stage, "never").await;
    assert!(projects(&stage).await.contains(&stage.project));
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 0);
    assert!(!projects(&stage).await.contains(&stage.project));
}

#[tokio::test]
async fn a_deleted_queue_keeps_its_name_while_letters_wait_in_it() {
    let stage = Stage::new().await;
    let metadata = Metadata::new()
        .with_max_claim_count(1)
        .with_dead_letter_queue("dead");
    stage
        .named("src", 0)
        .create()
        .metadata(metadata)
        .await
        .unwrap();
    stage.named("src", 0).post("x").await.unwrap();
    // A target that nothing can be delivered to.
    let key = stage.named("dead", 0).keys().key(Part::Meta);
    let mut connection = Server::shared().connection().await;
    let block = redis::cmd("SET").arg(&key).arg("x").to_owned();
    block.exec_async(&mut connection).await.unwrap();
    claim(&stage.named("src", 0), 1)
        .await
        .release()
        .await
        .unwrap();
    assert_eq!(stage.named("src", 0).stats().await.unwrap().dead, 1);

    assert!(stage.named("src", 0).delete().await.unwrap());
    let page = stage.store.queues(&stage.project).unwrap().await.unwrap();
    assert!(!names(&page).contains(&"src"));
    assert!(entered(&stage).await.contains(&"src".to_owned()));
    assert_eq!(
        word(stage.store.carry_dead_letters(&stage.project).await),
        "BADARG"
    );

    redis::cmd("DEL")
        .arg(&key)
        .exec_async(&mut connection)
        .await
        .unwrap();
    let store = stage.store.at(crate::stage::START);
    let carried = store.carry_dead_letters(&stage.project).await;
    assert_eq!(carried.unwrap(), 1);
    let page = stage.store.queues(&stage.project).unwrap().await.unwrap();
    assert_eq!(names(&page), ["dead"]);
    assert_eq!(entered(&stage).await, ["dead"]);
}

#[tokio::test]
async fn one_queue_that_cannot_be_read_hides_no_other() {
    let stage = Stage::new().await;
    create(&stage, &["a", "b", "c"]).await;
    let key = stage.named("b", 0).keys().key(Part::Meta);
    let mut connection = Server::shared().connection().await;
    let newer = redis::cmd("HSET").arg(&key).arg("schema").arg(2).to_owned();
    newer.exec_async(&mut connection).await.unwrap();
    let key = stage.named("c", 0).keys().key(Part::Meta);
    let junk = redis::cmd("HSET")
        .arg(&key)
        .arg("metadata")
        .arg("junk")
        .to_owned();
    junk.exec_async(&mut connection).await.unwrap();
    let page = stage
        .store
        .queues(&stage.project)
        .unwrap()
        .with_metadata()
        .await
        .unwrap();
    assert_eq!(names(&page), ["a", "b", "c"]);
    assert_eq!(word(stage.named("b", 0).exists().await), "NEWERSCHEMA");
    let error = stage.named("c", 0).metadata().await.unwrap_err();
    assert_eq!(
        (error.word(), error.queue()),
        ("CORRUPT", Some(stage.named("c", 0).path()))
    );
}

#[tokio::test]
async fn a_listing_during_a_creation_leaves_the_name_in() {
    let stage = Stage::new().await;
    // Names come and go while others list: in the end each queue has its name.
    let rounds = (0..40).map(|n| {
        let (queue, listing) = (
            stage.named(&format!("q{}", n % 4), n),
            stage.store.queues(&stage.project).unwrap(),
        );
        tokio::spawn(async move {
            match n % 3 {
                0 => _ = queue.post("x").await.unwrap(),
                1 => _ = queue.delete().await.unwrap(),
                _ => _ = listing.await.unwrap(),
            }
        })
    });
    let rounds: Vec<_> = rounds.collect();
    for round in rounds {
        round.await.unwrap();
    }
    let mut there = Vec::new();
    for n in 0..4 {
        let name = format!("q{n}");
        if stage.named(&name, 0).exists().await.unwrap() {
            there.push(QueueName::new(&name).unwrap());
        }
    }
    let page = stage.store.queues(&stage.project).unwrap().await.unwrap();
    let listed: Vec<_> = page.queues.into_iter().map(|queue| queue.name).collect();
    assert_eq!(listed, there);
}
