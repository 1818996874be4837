//! Dead letters that have arrived in a dead-letter queue, and go back to where they died.

use std::future::IntoFuture;

use marconi_redis::keys::Part;
use marconi_redis::{Metadata, Queue};

use crate::common::Server;
use crate::dead::{block, source};
use crate::dead_kept::{die, there};
use crate::stage::{Stage, bodies, claim, ids, message, ms, word};

#[tokio::test]
async fn a_letter_goes_back_to_where_it_died_as_a_new_message() {
    let stage = Stage::new().await;
    let orders = source(&stage, "orders", "dead").await;
    orders
        .post_many([message("x").ttl(ms(60_000))])
        .await
        .unwrap();
    claim(&orders, 1).await.release().await.unwrap();
    let dead = stage.named("dead", 50);
    let letters = there(&dead).await;
    let sent = dead.send_back(ids(&letters)).await.unwrap();
    assert_eq!((sent.set_out, sent.arrived), (1, 1));
    assert_eq!(there(&dead).await.len(), 0);
    let messages = there(&stage.at(50)).await;
    assert_eq!(bodies(&messages), ["x"]);
    assert_eq!((messages[0].ttl(), messages[0].age()), (ms(60_000), ms(0)));
    assert_eq!((messages[0].redriven(), messages[0].claims()), (1, 0));
    assert_eq!(messages[0].origin(), None);
    let repeat = dead.send_back(ids(&letters)).await.unwrap();
    assert_eq!((repeat.set_out, repeat.arrived), (0, 0));
}

#[tokio::test]
async fn two_queues_that_share_a_dead_letter_queue_get_their_own_back_although_ids_are_the_same() {
    let stage = Stage::new().await;
    let mut posted = Vec::new();
    for name in ["one", "two"] {
        let queue = source(&stage, name, "dead").await;
        let texts = ["a", "b"].map(|body| format!("{name} {body}"));
        let messages = texts.iter().map(|body| message(body));
        posted.push(queue.post_many(messages).await.unwrap());
        claim(&queue, 9).await.release().await.unwrap();
    }
    assert_eq!(posted[0], posted[1]);
    let dead = stage.named("dead", 0);
    let (one, two) = (stage.named("one", 0), stage.named("two", 0));
    let sent = dead.send_back_all().from(two.path()).await.unwrap();
    assert_eq!((sent.set_out, sent.arrived), (2, 2));
    assert_eq!(bodies(&there(&two).await), ["two a", "two b"]);
    assert_eq!(bodies(&there(&dead).await), ["one a", "one b"]);
    let left = ids(&there(&dead).await);
    let none = dead.send_back(left.clone()).from(two.path()).await.unwrap();
    assert_eq!(none.set_out, 0);
    let sent = dead.send_back(left).from(one.path()).await.unwrap();
    assert_eq!(sent.arrived, 2);
    assert_eq!(bodies(&there(&one).await), ["one a", "one b"]);
}

#[tokio::test]
async fn ordinary_messages_and_claimed_letters_stay_and_delayed_ones_go() {
    let stage = Stage::new().await;
    let orders = source(&stage, "orders", "dead").await;
    die(&orders, &["claimed", "delayed", "free"]).await;
    let dead = stage.named("dead", 0);
    let own = dead.post("own").await.unwrap();
    let held = claim(&dead, 2).await;
    let delayed = held.messages()[1].id();
    let nack = held.nack([delayed]).delay(ms(1_000));
    nack.await.unwrap();
    let by_id = dead.send_back([held.messages()[0].id(), own[0]]).await;
    assert_eq!(by_id.unwrap().set_out, 0);

    let sent = dead.send_back_all().await.unwrap();
    assert_eq!((sent.set_out, sent.arrived), (2, 2));
    assert_eq!(bodies(&there(&orders).await), ["delayed", "free"]);
    assert_eq!(bodies(&there(&dead).await), ["claimed", "own"]);
    assert_eq!(dead.check().await.unwrap(), []);
    // When its claim has lapsed it is free to go.
    let later = stage.named("dead", 100);
    assert_eq!(later.send_back_all().await.unwrap().set_out, 1);
    assert_eq!(bodies(&there(&later).await), ["own"]);
}

#[tokio::test]
async fn letters_go_to_another_queue_but_not_to_the_one_they_are_in() {
    let stage = Stage::new().await;
    let orders = source(&stage, "orders", "dead").await;
    die(&orders, &["a", "b"]).await;
    let dead = stage.named("dead", 0);
    assert_eq!(word(dead.send_back_all().to("dead").await), "BADARG");
    let letters = ids(&there(&dead).await);
    assert_eq!(word(dead.send_back(letters).to("dead").await), "BADARG");
    assert_eq!(bodies(&there(&dead).await), ["a", "b"]);
    let sent = dead.send_back_all().to("elsewhere").await.unwrap();
    assert_eq!(sent.arrived, 2);
    assert_eq!(
        bodies(&there(&stage.named("elsewhere", 0)).await),
        ["a", "b"]
    );
    assert_eq!(there(&orders).await.len(), 0);
}

#[tokio::test]
async fn sent_back_and_dead_again_each_is_there_exactly_once_each_time() {
    let stage = Stage::new().await;
    let orders = source(&stage, "orders", "dead").await;
    die(&orders, &["a", "b", "c"]).await;
    let dead = stage.named("dead", 0);
    for round in 1..=4 {
        let letters = there(&dead).await;
        assert_eq!(bodies(&letters), ["a", "b", "c"], "round {round}");
        // It has died here once since it set out, however often before.
        let from = |n: usize| letters[n].origin().unwrap().from.clone();
        assert_eq!(from(2), [orders.path().tag()]);
        assert_eq!(dead.send_back_all().await.unwrap().arrived, 3);
        assert_eq!(there(&dead).await.len(), 0);
        let messages = there(&orders).await;
        assert_eq!(bodies(&messages), ["a", "b", "c"], "round {round}");
        assert!(messages.iter().all(|message| message.redriven() == round));
        assert_eq!(claim(&orders, 9).await.release().await.unwrap(), 3);
    }
}

#[tokio::test]
async fn a_letter_that_died_in_two_queues_goes_back_to_the_later() {
    let stage = Stage::new().await;
    let first = source(&stage, "a", "b").await;
    let second = source(&stage, "b", "c").await;
    die(&first, &["x"]).await;
    claim(&second, 1).await.release().await.unwrap();
    let third = stage.named("c", 0);
    let none = third.send_back_all().from(first.path()).await.unwrap();
    assert_eq!(none.set_out, 0);
    assert_eq!(third.send_back_all().await.unwrap().arrived, 1);
    assert_eq!(bodies(&there(&second).await), ["x"]);
}

#[tokio::test]
async fn all_come_to_an_end_while_each_comes_back_at_once() {
    let stage = Stage::new().await;
    let orders = source(&stage, "orders", "dead").await;
    let all: Vec<String> = (0..600).map(|n| n.to_string()).collect();
    for some in all.chunks(200) {
        die(
            &orders,
            &some.iter().map(String::as_str).collect::<Vec<_>>(),
        )
        .await;
    }
    let dead = stage.named("dead", 0);
    let failing = async {
        loop {
            if let Some(claim) = orders.claim().limit(250).await.unwrap() {
                claim.release().await.unwrap();
            }
        }
    };
    let sent = tokio::select! {
        sent = dead.send_back_all().into_future() => sent.unwrap(),
        () = failing => unreachable!("it works for ever"),
    };
    assert_eq!(sent.set_out, 600);
    let mut seen = Vec::new();
    for queue in [stage.at(100_000), stage.named("dead", 100_000)] {
        queue.stats().await.unwrap();
        queue.carry_dead_letters().await.unwrap();
        seen.extend(bodies(&all_of(&queue).await));
    }
    seen.sort_by_key(|body| body.parse::<u64>().unwrap());
    assert_eq!(seen, all);
}

async fn all_of(queue: &Queue) -> Vec<marconi_redis::Message> {
    let mut messages = Vec::new();
    loop {
        let popped = queue.pop().limit(250).await.unwrap();
        if popped.is_empty() {
            return messages;
        }
        messages.extend(popped);
    }
}

#[tokio::test]
async fn a_page_of_ordinary_messages_hides_no_letter_behind_it() {
    let stage = Stage::new().await;
    let dead = stage.named("dead", 0);
    for _ in 0..2 {
        let messages = (0..250).map(|n| message(&n.to_string()));
        dead.post_many(messages).await.unwrap();
    }
    let orders = source(&stage, "orders", "dead").await;
    die(&orders, &["behind"]).await;
    assert_eq!(dead.send_back_all().await.unwrap().arrived, 1);
    assert_eq!(bodies(&there(&orders).await), ["behind"]);
    assert_eq!(dead.stats().await.unwrap().total, 500);
    let empty = stage.named("empty", 0).send_back_all().await.unwrap();
    assert_eq!((empty.set_out, empty.arrived), (0, 0));
}

#[tokio::test]
async fn letters_of_one_target_that_is_blocked_wait_and_the_others_arrive() {
    let stage = Stage::new().await;
    let one = source(&stage, "one", "dead").await;
    let two = source(&stage, "two", "dead").await;
    die(&one, &["1"]).await;
    die(&two, &["2"]).await;
    block(&one, true).await;
    let dead = stage.named("dead", 0);
    let sent = dead.send_back_all().await.unwrap();
    assert_eq!((sent.set_out, sent.arrived), (2, 1));
    assert_eq!(bodies(&there(&two).await), ["2"]);
    block(&one, false).await;
    assert_eq!(dead.carry_dead_letters().await.unwrap(), 1);
    assert_eq!(bodies(&there(&one).await), ["1"]);
}

#[tokio::test]
async fn the_parts_of_a_dead_letter_queue_still_agree_after_letters_left() {
    let stage = Stage::new().await;
    let orders = source(&stage, "orders", "dead").await;
    die(&orders, &["a", "b", "c", "d"]).await;
    let dead = stage.named("dead", 0);
    // Back, with tries: in `returned` and `tries`; and one with a ttl of its own in `expiry`.
    claim(&dead, 2).await.release().await.unwrap();
    orders
        .set_metadata(&crate::dead::to("dead").with_dead_letter_queue_messages_ttl(ms(9_000)))
        .await
        .unwrap();
    die(&orders, &["e"]).await;
    assert_eq!(dead.send_back_all().await.unwrap().arrived, 5);
    assert_eq!(dead.check().await.unwrap(), []);
    let mut connection = Server::shared().connection().await;
    for part in [
        Part::Held,
        Part::Returned,
        Part::Delayed,
        Part::Expiry,
        Part::Tries,
    ] {
        let key = dead.keys().key(part);
        let exists = redis::cmd("EXISTS").arg(&key).to_owned();
        let there: u64 = exists.query_async(&mut connection).await.unwrap();
        assert_eq!(there, 0, "{part}");
    }
    assert_eq!(dead.stats().await.unwrap().total, 0);
    let metadata = Metadata::new();
    dead.set_metadata(&metadata).await.unwrap();
    dead.post("new").await.unwrap();
    assert_eq!(bodies(&there(&dead).await), ["new"]);
}
