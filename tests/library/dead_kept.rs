//! Dead letters that a queue keeps itself: looked at, set out again, purged.

use std::future::IntoFuture;

use marconi_redis::script::DEAD_DELIVER;
use marconi_redis::{Message, MessageId, Metadata, Queue};

use crate::dead::{block, run};
use crate::stage::{START, Stage, bodies, claim, ids, message, ms, word};

/// One claim is enough to be dead, and no dead-letter queue is named.
pub async fn keeping(stage: &Stage) -> Queue {
    let queue = stage.at(0);
    let metadata = Metadata::new().with_max_claim_count(1);
    queue.create().metadata(metadata).await.unwrap();
    queue
}

/// Posts these to the queue and uses up their claim.
pub async fn die(queue: &Queue, bodies: &[&str]) {
    queue
        .post_many(bodies.iter().map(|body| message(body)))
        .await
        .unwrap();
    let held = claim(queue, bodies.len()).await;
    assert_eq!(held.release().await.unwrap(), bodies.len() as u64);
}

pub async fn kept(queue: &Queue) -> Vec<Message> {
    let page = queue.dead_letters().list().limit(250).await.unwrap();
    assert_eq!(page.marker, None);
    page.messages
}

pub async fn there(queue: &Queue) -> Vec<Message> {
    let page = queue.list().claimed(true).delayed(true).limit(250).await;
    page.unwrap().messages
}

#[tokio::test]
async fn a_kept_letter_says_what_it_was_and_how_long_it_is_kept() {
    let stage = Stage::new().await;
    let queue = stage.at(0);
    let metadata = Metadata::new()
        .with_max_claim_count(2)
        .with_dead_letter_queue_messages_ttl(ms(5_000));
    queue.create().metadata(metadata).await.unwrap();
    let posted = queue
        .post_many([message("x").ttl(ms(60_000))])
        .await
        .unwrap();
    claim(&queue, 1).await.release().await.unwrap();
    claim(&stage.at(10), 1).await.release().await.unwrap();

    let letters = kept(&stage.at(30)).await;
    assert_eq!(bodies(&letters), ["x"]);
    let letter = &letters[0];
    assert_eq!((letter.ttl(), letter.age()), (ms(5_000), ms(20)));
    assert_eq!((letter.claims(), letter.redriven()), (2, 0));
    assert_eq!(letter.client(), stage.store.client());
    let origin = letter.origin().unwrap();
    assert_eq!(origin.queue().as_ref(), Some(queue.path()));
    assert_eq!((origin.id, origin.ttl), (Some(posted[0]), Some(ms(60_000))));

    let found = stage.at(30).dead_letters().get(letter.id()).await.unwrap();
    assert_eq!(found.body::<String>().unwrap(), "x");
    let late = stage.at(10 + 5_000).dead_letters();
    assert_eq!(word(late.get(letter.id()).await), "MESSAGEGONE");
    assert_eq!(kept(&stage.at(10 + 5_000)).await.len(), 0);
}

#[tokio::test]
async fn kept_letters_come_page_by_page_and_the_last_page_says_so() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    die(&queue, &["a", "b", "c"]).await;
    let letters = queue.dead_letters();
    let first = letters.list().limit(2).await.unwrap();
    assert_eq!(bodies(&first.messages), ["a", "b"]);
    // The marker is good when its letter is gone.
    letters.purge(ids(&first.messages)).await.unwrap();
    let marker = first.marker.unwrap();
    let last = letters.list().limit(2).marker(marker).await.unwrap();
    assert_eq!(
        (bodies(&last.messages), last.marker),
        (vec!["c".into()], None)
    );
    let none = stage.named("no such queue", 0).dead_letters();
    assert_eq!(none.list().await.unwrap().messages.len(), 0);
    assert_eq!(word(letters.list().limit(0).await), "BADARG");
}

#[tokio::test]
async fn letters_are_got_in_the_order_asked_and_those_that_are_gone_are_left_out() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    die(&queue, &["a", "b"]).await;
    let known = ids(&kept(&queue).await);
    let gone: MessageId = "7-7".parse().unwrap();
    let letters = queue.dead_letters();
    let found = letters.get_many([known[1], gone, known[0]]).await.unwrap();
    assert_eq!(bodies(&found), ["b", "a"]);
    assert_eq!(word(letters.get(gone).await), "MESSAGEGONE");
    assert_eq!(word(letters.get_many(vec![gone; 251]).await), "TOOLARGE");
}

#[tokio::test]
async fn a_redriven_letter_is_a_new_message_with_its_old_body_ttl_and_client() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    let old = queue
        .post_many([message("x").ttl(ms(60_000)).delay(ms(1))])
        .await
        .unwrap();
    claim(&stage.at(5), 1).await.release().await.unwrap();
    let later = stage.at(100);
    let letters = ids(&kept(&later).await);
    let redriven = later.dead_letters().redrive(letters.clone()).await.unwrap();
    assert_eq!((redriven.set_out, redriven.arrived), (1, 1));

    assert_eq!(kept(&later).await.len(), 0);
    let messages = there(&later).await;
    assert_eq!(bodies(&messages), ["x"]);
    let again = &messages[0];
    assert!(again.id() > old[0]);
    assert_eq!((again.ttl(), again.age()), (ms(60_000), ms(0)));
    assert_eq!((again.claims(), again.redriven()), (0, 1));
    assert_eq!(
        (again.client(), again.origin()),
        (stage.store.client(), None)
    );
    assert_eq!(again.delay(), ms(0));
    // A repeat finds nothing to move.
    let repeat = later.dead_letters().redrive(letters).await.unwrap();
    assert_eq!((repeat.set_out, repeat.arrived), (0, 0));
}

#[tokio::test]
async fn a_letter_that_is_redriven_and_dies_again_is_there_exactly_once_each_time() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    die(&queue, &["a", "b", "c"]).await;
    for round in 1..=4 {
        let letters = kept(&queue).await;
        assert_eq!(bodies(&letters), ["a", "b", "c"], "round {round}");
        let redriven = queue.dead_letters().redrive_all().await.unwrap();
        assert_eq!((redriven.set_out, redriven.arrived), (3, 3));
        let messages = there(&queue).await;
        assert_eq!(bodies(&messages), ["a", "b", "c"], "round {round}");
        assert!(messages.iter().all(|message| message.redriven() == round));
        assert!(
            messages
                .iter()
                .all(|message| message.ttl() == ms(14 * 86_400_000))
        );
        assert_eq!(claim(&queue, 9).await.release().await.unwrap(), 3);
        let letters = kept(&queue).await;
        assert!(letters.iter().all(|letter| letter.redriven() == round));
        assert_eq!(queue.stats().await.unwrap().dead, 3);
    }
}

#[tokio::test]
async fn letters_are_redriven_to_another_queue_which_is_made_where_it_is_missing() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    die(&queue, &["a", "b"]).await;
    let by_hand = stage.named("by/hand", 0);
    assert!(!by_hand.exists().await.unwrap());
    let letters = kept(&queue).await;
    let redrive = queue.dead_letters().redrive([letters[1].id()]);
    assert_eq!(redrive.to("by/hand").await.unwrap().arrived, 1);
    let all = queue.dead_letters().redrive_all().to("by/hand").await;
    assert_eq!(all.unwrap().arrived, 1);
    assert_eq!(bodies(&there(&by_hand).await), ["b", "a"]);
    assert_eq!(there(&queue).await.len(), 0);
    assert_eq!(stage.store.count(&stage.project).await.unwrap(), 2);
}

#[tokio::test]
async fn redrive_takes_what_has_died_unseen_and_only_from_the_queue_named() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    queue.post("x").await.unwrap();
    claim(&queue, 1).await;
    let later = stage.at(100);
    let elsewhere = stage.named("elsewhere", 0);
    let letters = later.dead_letters();
    let none = letters.redrive_all().from(elsewhere.path()).await.unwrap();
    assert_eq!(none.set_out, 0);
    let by_id = ids(&kept(&later).await);
    let none = letters.redrive(by_id).from(elsewhere.path()).await.unwrap();
    assert_eq!(none.set_out, 0);
    let here = letters.redrive_all().from(queue.path()).await.unwrap();
    assert_eq!(here.arrived, 1);
    let missing = elsewhere.dead_letters().redrive_all().await.unwrap();
    assert_eq!((missing.set_out, missing.arrived), (0, 0));
}

#[tokio::test]
async fn all_come_to_an_end_while_each_dies_again_at_once() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    let all: Vec<String> = (0..600).map(|n| n.to_string()).collect();
    for some in all.chunks(200) {
        die(&queue, &some.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    // A worker that fails with everything, a moment later by the clock.
    let worker = stage.at(1);
    let failing = async {
        loop {
            if let Some(claim) = worker.claim().limit(250).await.unwrap() {
                claim.release().await.unwrap();
            }
        }
    };
    let redrive = queue.dead_letters().redrive_all();
    let redriven = tokio::select! {
        redriven = redrive.into_future() => redriven.unwrap(),
        () = failing => unreachable!("it works for ever"),
    };
    assert_eq!((redriven.set_out, redriven.arrived), (600, 600));
    // What the worker held when it was dropped has lapsed by then.
    let mut seen = bodies(&drained(&stage.at(100_000)).await);
    seen.sort_by_key(|body| body.parse::<u64>().unwrap());
    assert_eq!(seen, all);
}

/// All that a queue has, kept or not, once what is held has lapsed.
async fn drained(queue: &Queue) -> Vec<Message> {
    queue.stats().await.unwrap();
    queue.dead_letters().redrive_all().await.unwrap();
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
async fn purge_deletes_some_or_all_of_what_is_kept_and_nothing_else() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    die(&queue, &["a", "b", "c"]).await;
    queue.post("alive").await.unwrap();
    let known = ids(&kept(&queue).await);
    let letters = queue.dead_letters();
    assert_eq!(letters.purge([known[1]]).await.unwrap(), 1);
    assert_eq!(letters.purge([known[1]]).await.unwrap(), 0);
    assert_eq!(bodies(&kept(&queue).await), ["a", "c"]);
    assert_eq!(letters.purge_all().await.unwrap(), 2);
    assert_eq!(letters.purge_all().await.unwrap(), 0);
    assert_eq!(bodies(&there(&queue).await), ["alive"]);
    assert_eq!(word(letters.purge(vec![known[0]; 251]).await), "TOOLARGE");
    // Ids go on, so that an old one never means a new letter.
    die(&queue, &["d"]).await;
    assert!(ids(&kept(&queue).await)[0] > known[2]);
}

#[tokio::test]
async fn purge_of_messages_leaves_letters_and_deletion_of_the_queue_takes_them() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    die(&queue, &["a"]).await;
    queue.purge().await.unwrap();
    assert_eq!(bodies(&kept(&queue).await), ["a"]);
    queue.delete().await.unwrap();
    assert_eq!(kept(&queue).await.len(), 0);
}

#[tokio::test]
async fn what_can_not_be_carried_has_set_out_all_the_same_and_is_listed_on_its_way() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    die(&queue, &["a", "b"]).await;
    let target = stage.named("other", 0);
    target.create().await.unwrap();
    block(&target, true).await;
    let redriven = queue.dead_letters().redrive_all().to("other").await;
    let redriven = redriven.unwrap();
    assert_eq!((redriven.set_out, redriven.arrived), (2, 0));

    let page = queue.letters_in_transit().limit(1).await.unwrap();
    let letter = &page.letters[0];
    assert_eq!(letter.body::<String>().unwrap(), "a");
    assert_eq!((letter.to(), letter.redriven()), (&*target.path().tag(), 1));
    assert_eq!(letter.id().posted().as_millis(), START);
    let next = queue.letters_in_transit().limit(1);
    let next = next.marker(page.marker.unwrap()).await.unwrap();
    assert_eq!(next.letters[0].body::<String>().unwrap(), "b");
    let end = queue.letters_in_transit().await.unwrap();
    assert_eq!((end.letters.len(), end.marker), (2, None));

    assert_eq!(word(queue.carry_dead_letters().await), "BADARG");
    block(&target, false).await;
    assert_eq!(queue.carry_dead_letters().await.unwrap(), 2);
    assert_eq!(bodies(&there(&target).await), ["a", "b"]);
}

#[tokio::test]
async fn what_is_no_queue_is_refused_as_a_target() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    die(&queue, &["a"]).await;
    let letters = queue.dead_letters();
    assert_eq!(word(letters.redrive_all().to("").await), "BADARG");
    assert_eq!(word(letters.redrive_all().to("a\nb").await), "BADARG");
    let many = vec![ids(&kept(&queue).await)[0]; 251];
    assert_eq!(word(letters.redrive(many).await), "TOOLARGE");
    assert_eq!(bodies(&kept(&queue).await), ["a"]);
    // Back to the queue itself is what a redrive usually is.
    let here = letters.redrive_all().to(queue.path().name().as_str()).await;
    assert_eq!(here.unwrap().arrived, 1);
}

#[tokio::test]
async fn a_letter_whose_extras_no_script_writes_is_refused_at_the_door() {
    let stage = Stage::new().await;
    let queue = keeping(&stage).await;
    // `from` is a text, has no tag in it, or is empty; `ttl` and `redriven` are no numbers.
    let extras: [&[u8]; 6] = [
        b"\x81\xa4from\xa3p/q",
        b"\x81\xa4from\x91\x01",
        b"\x81\xa4from\x91\xa1q",
        b"\x81\xa4from\x90",
        b"\x81\xa3ttl\xa1x",
        b"\x81\xa8redriven\xa1x",
    ];
    for extra in extras {
        let letter = [b"\x94\xcd\x03\xe8\xa2me".as_slice(), extra, b"\xc4\x01\x2a"].concat();
        let arguments = [
            b"".to_vec(),
            b"p/elsewhere".to_vec(),
            b"1-1".to_vec(),
            letter,
        ];
        let refused = tokio::spawn({
            let queue = queue.clone();
            async move { run(&DEAD_DELIVER, &queue, &arguments).await }
        });
        let refused = refused.await.unwrap_err().into_panic();
        let said = refused.downcast::<String>().unwrap();
        assert!(
            said.contains("letter: 1-1 is not as an outbox has it"),
            "{said}"
        );
    }
    assert_eq!(there(&queue).await.len(), 0);
}

#[tokio::test]
async fn letters_are_kept_and_expire_by_a_clock_that_began_a_moment_ago() {
    let stage = Stage::new().await;
    let at = |ms: u64| stage.store.at(ms).queue(&stage.project, "orders").unwrap();
    let metadata = Metadata::new().with_max_claim_count(1);
    at(0).create().metadata(metadata).await.unwrap();
    die(&at(5), &["x"]).await;
    let lifetime = 14 * 86_400_000;
    for (now, dead) in [
        (5, 1),
        (lifetime - 1, 1),
        (lifetime + 4, 1),
        (lifetime + 5, 0),
    ] {
        assert_eq!(at(now).stats().await.unwrap().dead, dead, "{now}");
        assert_eq!(kept(&at(now)).await.len() as u64, dead, "{now}");
    }
}
