//! Posting.

use marconi_redis::{Error, Metadata, NewMessage, Outcome, Store};

use crate::common::Server;
use crate::stage::{START, Stage, bodies, message, ms, word};

#[tokio::test]
async fn messages_come_out_in_the_order_they_were_posted() {
    let stage = Stage::new().await;
    let ids = stage.post(&["a", "b", "c"]).await;
    assert!(ids.is_sorted());
    stage.at(1).post("d").await.unwrap();
    let popped = stage.at(2).pop().limit(10).await.unwrap();
    assert_eq!(bodies(&popped), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_message_says_all_about_itself() {
    let stage = Stage::new().await;
    let queue = stage.at(0);
    let asked = queue.post(&vec![1_u8, 2]).ttl(ms(5_000)).client("me");
    let id = asked.await.unwrap()[0];
    assert_eq!(id.posted().as_millis(), START);
    let message = stage.at(250).get(id).await.unwrap();
    assert_eq!(message.body::<Vec<u8>>().unwrap(), [1, 2]);
    assert_eq!(message.raw_body(), b"\x92\x01\x02");
    assert_eq!((message.ttl(), message.age()), (ms(5_000), ms(250)));
    assert_eq!((message.client(), message.claims()), ("me", 0));
    assert!(message.delay().is_zero() && message.claimed_by().is_none());
    assert!(message.origin().is_none());
}

#[tokio::test]
async fn a_body_of_another_type_says_which_message_and_stays() {
    let stage = Stage::new().await;
    let id = stage.post(&["text"]).await[0];
    let message = stage.at(0).get(id).await.unwrap();
    let error = message.body::<u64>().unwrap_err();
    assert_eq!(
        (error.word(), error.id()),
        ("CODEC", Some(&*id.to_string()))
    );
    assert_eq!(error.queue(), Some(stage.at(0).path()));
    assert_eq!(message.body::<String>().unwrap(), "text");
}

#[tokio::test]
async fn a_body_can_be_read_without_a_copy() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Order<'a> {
        article: &'a str,
    }
    let stage = Stage::new().await;
    let order = Order {
        article: "umbrella",
    };
    let id = stage.at(0).post(&order).await.unwrap()[0];
    let message = stage.at(0).get(id).await.unwrap();
    let order: Order<'_> = message.body().unwrap();
    assert_eq!(order.article, "umbrella");
    let stored = message.raw_body().as_ptr_range();
    assert!(stored.contains(&order.article.as_ptr()));
}

#[tokio::test]
async fn raw_messagepack_goes_through_as_it_is() {
    let stage = Stage::new().await;
    let ext = b"\xd4\x05x";
    let message = NewMessage::from_msgpack(ext).unwrap();
    stage.at(0).post_many([message]).await.unwrap();
    assert_eq!(stage.at(0).pop().await.unwrap()[0].raw_body(), ext);
}

#[tokio::test]
async fn the_options_of_a_post_are_for_messages_without_their_own() {
    let stage = Stage::new().await;
    let messages = [message("own").ttl(ms(100)).delay(ms(0)), message("post's")];
    let asked = stage.at(0).post_many(messages).ttl(ms(200)).delay(ms(50));
    let ids = asked.await.unwrap();
    let found = stage.at(10).get_many(ids).await.unwrap();
    assert_eq!((found[0].ttl(), found[0].delay()), (ms(100), ms(0)));
    assert_eq!((found[1].ttl(), found[1].delay()), (ms(200), ms(40)));
}

#[tokio::test]
async fn a_message_ends_at_its_ttl() {
    let stage = Stage::new().await;
    stage.at(0).post("short").ttl(ms(100)).await.unwrap();
    assert_eq!(stage.at(99).stats().await.unwrap().free, 1);
    assert_eq!(stage.at(100).stats().await.unwrap().free, 0);
    assert!(stage.at(100).claim().await.unwrap().is_none());
}

#[tokio::test]
async fn a_repeat_with_a_token_answers_the_first_ids_whoever_makes_it() {
    let stage = Stage::new().await;
    let first = stage.at(0).post("once").token("t").await.unwrap();
    let elsewhere = Store::connect(&Server::shared().url())
        .await
        .unwrap()
        .at(START + 59_999);
    let elsewhere = elsewhere.queue(&stage.project, "orders").unwrap();
    assert_eq!(elsewhere.post("once").token("t").await.unwrap(), first);
    assert_eq!(stage.at(0).stats().await.unwrap().total, 1);
    for post in [
        elsewhere.post("other"),
        elsewhere.post("once").ttl(ms(7)),
        elsewhere.post("once").delay(ms(7)),
        elsewhere.post_many([message("once"), message("once")]),
    ] {
        assert_eq!(word(post.token("t").await), "TOKENREUSED");
    }
    assert_eq!(word(elsewhere.pop().token("t").await), "TOKENREUSED");
    assert_eq!(word(elsewhere.post("x").token("").await), "BADARG");
}

#[tokio::test]
async fn nothing_to_post_is_nothing_done() {
    let stage = Stage::new().await;
    assert_eq!(stage.at(0).post_many([]).await.unwrap(), []);
    assert!(!stage.at(0).exists().await.unwrap());
}

#[tokio::test]
async fn what_is_too_large_is_refused_whole() {
    let stage = Stage::new().await;
    let many = |count| std::iter::repeat_with(|| message("x")).take(count);
    assert_eq!(stage.at(0).post_many(many(250)).await.unwrap().len(), 250);
    assert_eq!(word(stage.at(0).post_many(many(251)).await), "TOOLARGE");
    let big = "x".repeat(262_144);
    assert_eq!(word(stage.at(0).post(&big).await), "TOOLARGE");
    assert_eq!(word(stage.at(0).post(&big[10..]).await), "no error");
    let small = Metadata::new().with_max_messages_post_size(20);
    stage.at(0).create().metadata(small).await.unwrap();
    assert_eq!(word(stage.at(0).post_many(many(11)).await), "TOOLARGE");
    assert_eq!(stage.at(0).stats().await.unwrap().total, 251);

    let store = Store::builder()
        .max_body(10)
        .open(&Server::shared().url())
        .unwrap();
    let queue = store.at(START).queue(&stage.project, "orders").unwrap();
    assert_eq!(word(queue.post("123456789").await), "no error");
    assert_eq!(word(queue.post("1234567890").await), "TOOLARGE");
}

#[tokio::test]
async fn a_bad_argument_is_named() {
    let stage = Stage::new().await;
    let queue = stage.at(0);
    for (post, bad) in [
        (queue.post("x").ttl(ms(0)), "ttl"),
        (queue.post("x").ttl(ms(315_360_000_001)), "ttl"),
        (queue.post("x").ttl(std::time::Duration::MAX), "ttl"),
        (queue.post("x").ttl(ms(5)).delay(ms(5)), "delay"),
        (queue.post("x").client("c".repeat(257)), "client"),
        (queue.post("x").token("a\nb"), "token"),
    ] {
        let Err(Error::InvalidArgument { argument, .. }) = post.await else {
            panic!("{bad} was taken")
        };
        assert_eq!(argument, bad);
    }
    let unserialisable = std::collections::BTreeMap::from([((), f64::NAN)]);
    let _ = queue.post(&unserialisable).await;
    let error = queue.post(&Unserialisable).await.unwrap_err();
    assert_eq!((error.word(), error.outcome()), ("CODEC", Outcome::NotDone));
}

struct Unserialisable;

impl serde::Serialize for Unserialisable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not today"))
    }
}

#[tokio::test]
async fn a_post_creates_its_queue_and_enters_its_name() {
    let stage = Stage::new().await;
    assert_eq!(word(stage.at(0).stats().await), "QUEUEGONE");
    stage.post(&["a"]).await;
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 1);
}

#[tokio::test]
async fn a_post_that_is_refused_leaves_no_queue_behind() {
    let stage = Stage::new().await;
    let queue = stage.at(0);
    let day = ms(24 * 3600 * 1000);
    assert_eq!(word(queue.post("a").ttl(ms(0)).await), "BADARG");
    assert_eq!(word(queue.post("a").ttl(day).delay(day).await), "BADARG");
    let large = "a".repeat(300 << 10);
    assert_eq!(word(queue.post(&large).await), "TOOLARGE");
    let many = (0..20).map(|_| message(&"a".repeat(250 << 10)));
    assert_eq!(word(queue.post_many(many).await), "TOOLARGE");
    assert!(!queue.exists().await.unwrap());
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 0);
}

#[tokio::test]
async fn a_store_can_refuse_to_create_queues() {
    let stage = Stage::new().await;
    let store = Store::builder()
        .create_queues(false)
        .open(&Server::shared().url())
        .unwrap();
    let queue = store.queue(&stage.project, "orders").unwrap();
    assert_eq!(word(queue.post("x").await), "QUEUEGONE");
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 0);
    queue.create().await.unwrap();
    assert_eq!(word(queue.post("x").await), "no error");
}
