//! Merged posts: fewer calls, and nothing else that a caller could notice.

use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;
use marconi_redis::{Error, Metadata, NewMessage, Outcome, Pending, Post, Queue, Store};

use crate::common::{self, Server};
use crate::proxy::Proxy;
use crate::stage::{bodies, ms, word};

async fn merging(server: &Server) -> Queue {
    let builder = Store::builder().merge_posts(true);
    let store = builder.connect(&server.url()).await.unwrap();
    store.load_scripts().await.unwrap();
    store.queue("", &common::a_queue()).unwrap()
}

/// How many times the script ran, or any other did.
async fn calls(server: &Server) -> u64 {
    let mut connection = server.connection().await;
    let mut info = redis::cmd("INFO");
    let info = info.arg("commandstats").query_async(&mut connection).await;
    let info: String = info.unwrap();
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    let digits = line.and_then(|line| line.split(',').next());
    digits.map_or(0, |digits| digits.parse().unwrap())
}

/// Begins an operation, so that it has done all that it does before it waits.
async fn begin<T>(operation: &mut Pending<T>) {
    poll_fn(|context| {
        assert!(Pin::new(&mut *operation).poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// Posts these at once, each by itself.
async fn post_all(posts: impl IntoIterator<Item = Post>) -> Vec<Result<(), Error>> {
    let answers = posts.into_iter().map(IntoFuture::into_future);
    let answers = join_all(answers).await;
    answers.into_iter().map(|answer| answer.map(drop)).collect()
}

#[tokio::test]
async fn what_is_posted_at_once_takes_few_calls_and_each_has_its_own_id() {
    let server = Server::start(&[]);
    let queue = merging(&server).await;
    queue.create().await.unwrap();
    let before = calls(&server).await;
    let posts = (0..600).map(|n| queue.post(&n).into_future());
    let answers = join_all(posts).await;
    assert!(calls(&server).await - before <= 3);
    for (n, ids) in answers.into_iter().enumerate() {
        let ids = ids.unwrap();
        assert_eq!(ids.len(), 1);
        let message = queue.get(ids[0]).await.unwrap();
        assert_eq!(message.body::<usize>().unwrap(), n);
    }
}

#[tokio::test]
async fn they_keep_the_order_in_which_they_were_posted() {
    let queue = merging(Server::shared()).await;
    let posts = (0..300).map(|n| {
        let client = if n % 7 < 3 { "one" } else { "other" };
        queue.post(&format!("{n}")).client(client)
    });
    assert!(post_all(posts).await.iter().all(Result::is_ok));
    let mut popped = queue.pop().limit(250).await.unwrap();
    popped.extend(queue.pop().limit(250).await.unwrap());
    let expected: Vec<_> = (0..300).map(|n| n.to_string()).collect();
    assert_eq!(bodies(&popped), expected);
    for (n, message) in popped.iter().enumerate() {
        let client = if n % 7 < 3 { "one" } else { "other" };
        assert_eq!(message.client(), client);
    }
}

#[tokio::test]
async fn each_keeps_its_own_ttl_and_delay() {
    let queue = merging(Server::shared()).await;
    let posts = [
        queue.post("a").ttl(ms(90_000)),
        queue.post("b").ttl(ms(80_000)).delay(ms(70_000)),
        queue.post("c"),
    ];
    assert!(post_all(posts).await.iter().all(Result::is_ok));
    let seen = queue.list().delayed(true).await.unwrap().messages;
    let ttls: Vec<_> = seen.iter().map(|m| m.ttl().as_secs()).collect();
    assert_eq!(ttls, [90, 80, 14 * 24 * 3600]);
    assert!(seen[1].delay() > ms(60_000) && seen[2].delay().is_zero());
}

#[tokio::test]
async fn a_refusal_meets_the_message_that_it_is_about_and_no_other() {
    let server = Server::start(&[]);
    let queue = merging(&server).await;
    // Not created: the refusals come first, and the others' queue is made all the same.
    let too_long = Duration::from_secs(11 * 365 * 24 * 3600);
    let posts = (0..40).map(|n| match n {
        3 => queue.post(&n).ttl(too_long),
        17 => queue.post(&n).ttl(ms(5)).delay(ms(5)),
        30 => queue.post(&"x".repeat(300 << 10)),
        _ => queue.post(&n),
    });
    let answers = post_all(posts).await;
    for (n, answer) in answers.into_iter().enumerate() {
        let expected = match n {
            3 | 17 => "BADARG",
            30 => "TOOLARGE",
            _ => "no error",
        };
        assert_eq!(word(answer), expected, "{n}");
    }
    let popped = queue.pop().limit(250).await.unwrap();
    let left: Vec<usize> = popped.iter().map(|m| m.body().unwrap()).collect();
    let expected: Vec<_> = (0..40).filter(|n| ![3, 17, 30].contains(n)).collect();
    assert_eq!(left, expected);
}

#[tokio::test]
async fn posts_that_are_too_large_together_are_not_so_by_themselves() {
    let queue = merging(Server::shared()).await;
    let metadata = Metadata::new()
        .with("_max_messages_post_size", &1000)
        .unwrap();
    queue.create().metadata(metadata).await.unwrap();
    let posts = (0..20).map(|n| queue.post(&"x".repeat(if n == 9 { 2000 } else { 400 })));
    let answers = post_all(posts).await;
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(
            word(answer),
            if n == 9 { "TOOLARGE" } else { "no error" },
            "{n}"
        );
    }
    assert_eq!(queue.stats().await.unwrap().total, 19);
}

#[tokio::test]
async fn large_bodies_make_calls_of_four_mebibytes_at_most() {
    let server = Server::start(&[]);
    let queue = merging(&server).await;
    queue.create().await.unwrap();
    let before = calls(&server).await;
    let posts = (0..40).map(|_| queue.post(&"x".repeat(200 << 10)));
    assert!(post_all(posts).await.iter().all(Result::is_ok));
    assert_eq!(calls(&server).await - before, 2);
}

#[tokio::test]
async fn posts_with_a_token_and_of_several_messages_go_by_themselves() {
    let server = Server::start(&[]);
    let queue = merging(&server).await;
    queue.create().await.unwrap();
    let before = calls(&server).await;
    let two = ["a", "b"].map(|body| NewMessage::new(body).unwrap());
    let posts = [
        queue.post("t").token("t"),
        queue.post("t").token("t"),
        queue.post_many(two),
    ];
    assert!(post_all(posts).await.iter().all(Result::is_ok));
    assert_eq!(calls(&server).await - before, 3);
    assert_eq!(queue.stats().await.unwrap().total, 3);
}

#[tokio::test]
async fn a_caller_that_is_dropped_takes_no_other_along() {
    let server = Server::start(&[]);
    let queue = merging(&server).await;
    queue.create().await.unwrap();
    server.pause();
    let mut posts: Vec<_> = ["first", "dropped", "last"]
        .map(|body| queue.post(body).into_future())
        .into();
    begin(&mut posts[0]).await;
    // The first is on its way, and the others wait for its answer.
    tokio::time::timeout(ms(50), &mut posts[0])
        .await
        .unwrap_err();
    begin(&mut posts[1]).await;
    begin(&mut posts[2]).await;
    let last = posts.pop().unwrap();
    drop(posts);
    server.resume();
    last.await.unwrap();
    assert_eq!(
        bodies(&queue.pop().limit(9).await.unwrap()),
        ["first", "last"]
    );
}

#[tokio::test]
async fn a_full_server_refuses_each_of_them() {
    let server = Server::start(&[]);
    let queue = merging(&server).await;
    queue.create().await.unwrap();
    let mut connection = server.connection().await;
    let mut full = redis::cmd("CONFIG");
    full.arg("SET").arg("maxmemory").arg(1);
    full.exec_async(&mut connection).await.unwrap();
    for answer in post_all((0..5).map(|n| queue.post(&n))).await {
        let error = answer.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
        assert!(error.to_string().contains("OOM"), "{error}");
    }
}

#[tokio::test]
async fn without_creation_a_queue_that_is_not_there_is_said_to_each() {
    let builder = Store::builder().merge_posts(true).create_queues(false);
    let store = builder.connect(&Server::shared().url()).await.unwrap();
    let queue = store.queue("", &common::a_queue()).unwrap();
    for answer in post_all((0..5).map(|n| queue.post(&n))).await {
        assert_eq!(word(answer), "QUEUEGONE");
    }
}

#[tokio::test]
async fn a_lost_answer_is_unknown_to_each_and_the_next_are_posted() {
    let server = Server::start_tcp(&[]);
    let proxy = Proxy::before(server.port()).await;
    let builder = Store::builder().merge_posts(true);
    let store = builder.connect(&proxy.url()).await.unwrap();
    store.load_scripts().await.unwrap();
    let queue = store.queue("", "q").unwrap();
    queue.create().await.unwrap();
    proxy.drop_after_next_reply();
    for answer in post_all((0..5).map(|n| queue.post(&n))).await {
        assert_eq!(answer.unwrap_err().outcome(), Outcome::Unknown);
    }
    for answer in post_all((0..5).map(|n| queue.post(&n))).await {
        answer.unwrap();
    }
    assert_eq!(queue.stats().await.unwrap().total, 10);
}

#[tokio::test]
async fn at_the_deadline_what_was_sent_is_unknown_and_what_waited_is_not_done() {
    let server = Server::start(&[]);
    let queue = merging(&server).await;
    queue.create().await.unwrap();
    let hasty = queue.store().with_deadline(ms(300));
    let queue = hasty.queue_at(queue.path().clone());
    server.pause();
    let mut sent = queue.post("sent").into_future();
    tokio::time::timeout(ms(50), &mut sent).await.unwrap_err();
    let waited = post_all((0..3).map(|n| queue.post(&n)));
    let (sent, waited) = tokio::join!(sent, waited);
    assert_eq!(sent.unwrap_err().outcome(), Outcome::Unknown);
    for answer in waited {
        // Its turn came when the first one's time was over, with 50 ms left to it.
        let outcome = answer.unwrap_err().outcome();
        assert_ne!(outcome, Outcome::Done);
    }
    server.resume();
    queue.post("after").await.unwrap();
}

#[test]
fn a_handle_outlives_the_runtime_that_posted_through_it() {
    let server = Server::start(&[]);
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let first = runtime();
    let queue = first.block_on(async {
        let queue = merging(&server).await;
        queue.create().await.unwrap();
        server.pause();
        let mut lost = queue.post("lost").into_future();
        tokio::time::timeout(ms(50), &mut lost).await.unwrap_err();
        begin(&mut queue.post("waits").into_future()).await;
        queue
    });
    drop(first);
    server.resume();
    runtime().block_on(async {
        // The connection ended with its runtime, which shows when it is used.
        queue.exists().await.unwrap();
        queue.post("next").await.unwrap();
        let popped = bodies(&queue.pop().limit(9).await.unwrap());
        assert_eq!(popped.last().unwrap(), "next");
        assert!(!popped.contains(&"waits".to_owned()));
    });
}
