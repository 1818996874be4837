//! Creating, describing and deleting queues.

use std::time::Duration;

use marconi_redis::Metadata;

use crate::stage::{Stage, bodies, claim, ms, word};

#[tokio::test]
async fn create_says_whether_the_queue_is_new() {
    let stage = Stage::new().await;
    assert!(!stage.at(0).exists().await.unwrap());
    assert!(stage.at(0).create().await.unwrap());
    assert!(!stage.at(0).create().await.unwrap());
    assert!(stage.at(0).exists().await.unwrap());
}

#[tokio::test]
async fn metadata_come_back_as_they_were_given() {
    let stage = Stage::new().await;
    let metadata = Metadata::new()
        .with("team", &["billing", "tax"])
        .unwrap()
        .with_default_message_ttl(Duration::from_secs(60))
        .with_default_message_delay(ms(5))
        .with_max_claim_count(3)
        .with_dead_letter_queue("rest/é")
        .with_dead_letter_queue_messages_ttl(ms(7))
        .with_max_messages_post_size(1_000)
        .with_flavor("fast");
    stage
        .at(0)
        .create()
        .metadata(metadata.clone())
        .await
        .unwrap();
    let read = stage.at(0).metadata().await.unwrap();
    assert_eq!(read, metadata);
    assert_eq!(
        read.get::<Vec<String>>("team").unwrap().unwrap(),
        ["billing", "tax"]
    );
    assert_eq!(read.dead_letter_queue(), Some("rest/é"));
    assert_eq!(read.flavor(), Some("fast"));

    assert!(!stage.at(0).create().await.unwrap());
    assert_eq!(stage.at(0).metadata().await.unwrap(), metadata);
    stage
        .at(0)
        .set_metadata(&read.without("_flavor"))
        .await
        .unwrap();
    assert_eq!(stage.at(0).metadata().await.unwrap().flavor(), None);
    stage
        .at(0)
        .create()
        .metadata(Metadata::new())
        .await
        .unwrap();
    assert!(stage.at(0).metadata().await.unwrap() == Metadata::new());
}

#[tokio::test]
async fn reserved_values_are_the_defaults_of_posts() {
    let stage = Stage::new().await;
    let metadata = Metadata::new()
        .with_default_message_ttl(ms(500))
        .with_default_message_delay(ms(50));
    stage.at(0).create().metadata(metadata).await.unwrap();
    let ids = stage.at(0).post("x").await.unwrap();
    let message = stage.at(0).get(ids[0]).await.unwrap();
    assert_eq!((message.ttl(), message.delay()), (ms(500), ms(50)));
}

#[tokio::test]
async fn a_reserved_value_out_of_its_bounds_is_refused_by_name() {
    let stage = Stage::new().await;
    for (metadata, bad) in [
        (Metadata::new().with_max_claim_count(0), "_max_claim_count"),
        (
            Metadata::new().with_default_message_ttl(ms(0)),
            "_default_message_ttl",
        ),
        (
            Metadata::new().with_dead_letter_queue(""),
            "_dead_letter_queue",
        ),
        (Metadata::new().with_flavor("a\tb"), "_flavor"),
        (
            Metadata::new()
                .with_default_message_ttl(ms(5))
                .with_default_message_delay(ms(5)),
            "_default_message_delay",
        ),
    ] {
        let error = stage.at(0).create().metadata(metadata).await.unwrap_err();
        assert!(error.to_string().starts_with(bad), "{error}");
    }
    assert!(!stage.at(0).exists().await.unwrap());
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 0);
}

#[tokio::test]
async fn a_dead_letter_queue_that_leads_back_is_refused_as_far_as_can_be_seen() {
    let stage = Stage::new().await;
    let to = |name: &str| Metadata::new().with_dead_letter_queue(name);
    let own = stage.named("a", 0).create().metadata(to("a")).await;
    assert_eq!(word(own), "BADARG");
    stage
        .named("a", 0)
        .create()
        .metadata(to("b"))
        .await
        .unwrap();
    stage
        .named("b", 0)
        .create()
        .metadata(to("c"))
        .await
        .unwrap();
    assert_eq!(
        word(stage.named("c", 0).create().metadata(to("a")).await),
        "BADARG"
    );
    stage
        .named("c", 0)
        .create()
        .metadata(to("d"))
        .await
        .unwrap();
    assert_eq!(
        word(stage.named("c", 0).set_metadata(&to("b")).await),
        "BADARG"
    );
    // A circle elsewhere ends the walk all the same.
    let keys = stage
        .named("d", 0)
        .keys()
        .key(marconi_redis::keys::Part::Meta);
    stage.named("d", 0).create().await.unwrap();
    let mut connection = crate::common::Server::shared().connection().await;
    let set = redis::cmd("HSET")
        .arg(&keys)
        .arg("_dead_letter_queue")
        .arg("c")
        .to_owned();
    set.exec_async(&mut connection).await.unwrap();
    stage
        .named("e", 0)
        .create()
        .metadata(to("d"))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_needs_a_queue_says_that_there_is_none() {
    let stage = Stage::new().await;
    assert_eq!(word(stage.at(0).metadata().await), "QUEUEGONE");
    assert_eq!(
        word(stage.at(0).set_metadata(&Metadata::new()).await),
        "QUEUEGONE"
    );
    assert_eq!(word(stage.at(0).stats().await), "QUEUEGONE");
    assert_eq!(word(stage.at(0).purge().await), "QUEUEGONE");
}

#[tokio::test]
async fn purge_takes_messages_and_claims_and_leaves_the_rest() {
    let stage = Stage::new().await;
    let metadata = Metadata::new().with("k", &1).unwrap();
    stage
        .at(0)
        .create()
        .metadata(metadata.clone())
        .await
        .unwrap();
    let before = stage.post(&["a", "b"]).await;
    let held = claim(&stage.at(0), 1).await;
    assert_eq!(stage.at(0).purge().await.unwrap(), 2);
    assert_eq!(word(held.get().await), "CLAIMGONE");
    assert_eq!(stage.at(0).stats().await.unwrap().total, 0);
    assert_eq!(stage.at(0).metadata().await.unwrap(), metadata);
    assert!(stage.post(&["c"]).await[0] > before[1]);
}

#[tokio::test]
async fn delete_says_whether_the_queue_was_there_and_ids_go_on() {
    let stage = Stage::new().await;
    let before = stage.post(&["a"]).await;
    assert!(stage.at(0).delete().await.unwrap());
    assert!(!stage.at(0).delete().await.unwrap());
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 0);
    assert!(stage.at(0).list().await.unwrap().messages.is_empty());
    assert!(stage.post(&["b"]).await[0] > before[0]);
    assert_eq!(bodies(&stage.at(0).pop().limit(9).await.unwrap()), ["b"]);
}
