//! Topics.

use std::time::Duration;

use marconi_redis::keys::{Part, QueueName};
use marconi_redis::{Metadata, NewMessage, Order, Store, Topic, TopicPage};

use crate::common::Server;
use crate::stage::{START, Stage, bodies, message, ms, word};

fn topic(stage: &Stage, name: &str, at: u64) -> Topic {
    let store = stage.store.at(START + at);
    store.topic(&stage.project, name).unwrap()
}

fn names(page: &TopicPage) -> Vec<&str> {
    page.topics.iter().map(|t| t.name.as_str()).collect()
}

#[tokio::test]
async fn a_topic_and_a_queue_of_one_name_have_nothing_in_common() {
    let stage = Stage::new().await;
    let (queue, topic) = (stage.named("news", 0), topic(&stage, "news", 0));
    topic.post("read").await.unwrap();
    assert!(!queue.exists().await.unwrap());
    queue.post("claimed").await.unwrap();
    assert!(queue.delete().await.unwrap());
    assert_eq!(bodies(&topic.list().await.unwrap().messages), ["read"]);
    assert!(topic.keys().key(Part::Log).starts_with("mq.topics:{"));
    let queues = stage.store.queues(&stage.project).unwrap().await.unwrap();
    assert!(queues.queues.is_empty());
}

#[tokio::test]
async fn creating_a_topic_says_whether_it_is_new() {
    let stage = Stage::new().await;
    let topic = topic(&stage, "news", 0);
    assert!(!topic.exists().await.unwrap());
    assert!(topic.create().await.unwrap());
    assert!(!topic.create().await.unwrap());
    let metadata = Metadata::new().with("team", "press").unwrap();
    assert!(!topic.create().metadata(metadata.clone()).await.unwrap());
    assert_eq!(topic.metadata().await.unwrap(), metadata);
    topic.set_metadata(&Metadata::new()).await.unwrap();
    assert!(topic.metadata().await.unwrap().is_empty());
    assert!(topic.delete().await.unwrap());
    assert!(!topic.delete().await.unwrap());
    assert!(!topic.exists().await.unwrap());
}

#[tokio::test]
async fn every_reader_reads_all_messages_after_its_marker() {
    let stage = Stage::new().await;
    let at = |at| topic(&stage, "news", at);
    let ids = at(0).post_many([message("a"), message("b")]).await.unwrap();
    for _reader in 0..2 {
        let page = at(1).list().limit(1).await.unwrap();
        assert_eq!(bodies(&page.messages), ["a"]);
        let rest = at(1).list().marker(page.marker.unwrap()).await.unwrap();
        assert_eq!(
            (bodies(&rest.messages), rest.marker),
            (vec!["b".into()], None)
        );
    }
    let newest = at(1).first(Order::Newest).await.unwrap().unwrap();
    assert_eq!(newest.id(), ids[1]);
    at(2).post("c").await.unwrap();
    let new = at(2).list().marker(newest.id()).await.unwrap();
    assert_eq!(bodies(&new.messages), ["c"]);
    assert_eq!(
        at(2).get(ids[0]).await.unwrap().body::<String>().unwrap(),
        "a"
    );
    assert_eq!(at(2).get_many(ids.clone()).await.unwrap().len(), 2);
    at(2).delete_one(ids[0]).await.unwrap();
    assert_eq!(at(2).delete_many(ids.clone()).await.unwrap(), 1);
    assert_eq!(word(at(2).get(ids[1]).await), "MESSAGEGONE");
    assert_eq!(at(2).purge().await.unwrap(), 1);
}

#[tokio::test]
async fn messages_of_a_topic_go_when_their_time_is_over() {
    let stage = Stage::new().await;
    let at = |at| topic(&stage, "news", at);
    let defaults = Metadata::new().with_default_message_ttl(ms(50));
    at(0).create().metadata(defaults).await.unwrap();
    at(0).post("default").await.unwrap();
    at(0).post("own").ttl(ms(100)).await.unwrap();
    at(0).post("later").delay(ms(20)).await.unwrap();
    assert_eq!(bodies(&at(19).list().await.unwrap().messages).len(), 2);
    assert_eq!(bodies(&at(20).list().await.unwrap().messages).len(), 3);
    assert_eq!(bodies(&at(50).list().await.unwrap().messages), ["own"]);
    let stats = at(50).stats().await.unwrap();
    assert_eq!((stats.free, stats.claimed, stats.total), (1, 0, 1));
}

#[tokio::test]
async fn a_post_by_token_to_a_topic_is_made_once() {
    let stage = Stage::new().await;
    let topic = topic(&stage, "news", 0);
    let first = topic.post("a").token("t").await.unwrap();
    assert_eq!(topic.post("a").token("t").await.unwrap(), first);
    assert_eq!(topic.stats().await.unwrap().total, 1);
    assert_eq!(word(topic.post("b").token("t").await), "TOKENREUSED");
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_said_to_be_no_topic() {
    let stage = Stage::new().await;
    let topic = topic(&stage, "news", 0);
    assert_eq!(word(topic.metadata().await), "TOPICGONE");
    assert_eq!(
        word(topic.set_metadata(&Metadata::new()).await),
        "TOPICGONE"
    );
    assert_eq!(word(topic.purge().await), "TOPICGONE");
    let error = topic.stats().await.unwrap_err();
    assert_eq!(
        (error.word(), error.queue()),
        ("TOPICGONE", Some(topic.path()))
    );
    assert!(
        error.to_string().starts_with("topic \"news\" of"),
        "{error}"
    );
    assert!(topic.list().await.unwrap().messages.is_empty());
}

#[tokio::test]
async fn posting_creates_a_topic_unless_the_store_is_set_not_to() {
    let stage = Stage::new().await;
    let builder = Store::builder().create_queues(false);
    let strict = builder.connect(&Server::shared().url()).await.unwrap();
    let strict = strict.topic(&stage.project, "news").unwrap();
    assert_eq!(word(strict.post("a").await), "TOPICGONE");
    let messages = [NewMessage::new("a").unwrap()];
    assert_eq!(word(strict.post_many(messages).await), "TOPICGONE");
    topic(&stage, "news", 0).post("a").await.unwrap();
    strict.post("b").await.unwrap();
}

#[tokio::test]
async fn topics_are_listed_in_name_order_with_filters() {
    let stage = Stage::new().await;
    for (name, colour) in [("b1", "red"), ("a1", "blue"), ("c1", "red"), ("c2", "blue")] {
        let metadata = Metadata::new().with("colour", colour).unwrap();
        let created = topic(&stage, name, 0).create().metadata(metadata);
        created.await.unwrap();
    }
    stage.named("queue", 0).create().await.unwrap();
    let list = || stage.store.topics(&stage.project).unwrap();
    let page = list().limit(3).await.unwrap();
    assert_eq!(names(&page), ["a1", "b1", "c1"]);
    assert_eq!(page.marker, Some(QueueName::new("c1").unwrap()));
    let page = list().limit(3).marker(page.marker.unwrap()).await.unwrap();
    assert_eq!((names(&page), page.marker.clone()), (vec!["c2"], None));
    let red = list().metadata_is("colour", "red").name_contains("c");
    let red = red.with_metadata().await.unwrap();
    assert_eq!(names(&red), ["c1"]);
    assert!(red.topics[0].metadata.is_some());
    assert_eq!(list().count().await.unwrap(), 4);
    assert_eq!(word(list().limit(0).await), "BADARG");
    topic(&stage, "a1", 0).delete().await.unwrap();
    assert_eq!(names(&list().limit(1).await.unwrap()), ["b1"]);
}

#[tokio::test]
async fn a_topic_has_subscriptions_of_its_own() {
    let stage = Stage::new().await;
    let at = |at| topic(&stage, "news", at);
    let made = at(0).subscribe("mailto:a@b.example").ttl(ms(100)).await;
    let id = made.unwrap().id;
    assert!(
        stage
            .named("news", 0)
            .subscriptions()
            .await
            .unwrap()
            .subscriptions
            .is_empty()
    );
    at(1).confirm_subscription(id, true).await.unwrap();
    at(1).update_subscription(id).ttl(ms(500)).await.unwrap();
    let shown = at(1).subscription(id).await.unwrap();
    assert_eq!((shown.confirmed, shown.ttl), (true, ms(500)));
    assert_eq!(
        at(1).subscription_of("mailto:a@b.example").await.unwrap(),
        Some(shown)
    );
    assert_eq!(at(1).subscriptions().await.unwrap().subscriptions.len(), 1);
    assert!(at(1).delete_subscription(id).await.unwrap());
}

#[tokio::test]
async fn a_prefix_without_room_for_topics_is_refused_when_one_is_asked_for() {
    for (length, refused) in [(57, "no error"), (58, "BADARG")] {
        let builder = Store::builder().prefix(&"x".repeat(length)).unwrap();
        let store = builder.open("redis://127.0.0.1:1").unwrap();
        assert_eq!(word(store.topic("p", "t")), refused);
        assert_eq!(word(store.topics("p")), refused);
    }
}

#[tokio::test]
async fn the_deadline_and_the_client_of_the_store_are_the_topics_too() {
    let stage = Stage::new().await;
    let store = stage.store.with_deadline(Duration::from_secs(9));
    let topic = store.at(START).topic(&stage.project, "news").unwrap();
    topic.post("mine").await.unwrap();
    let others = topic.list().echo(false).await.unwrap();
    assert!(others.messages.is_empty());
    assert!(format!("{topic:?}").contains("9s"), "{topic:?}");
}
