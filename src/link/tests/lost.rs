//! Where no answer comes: what is not done, what is unknown, and what is found again.

use super::proxy::Proxy;
use super::*;

#[tokio::test]
async fn nobody_listening_is_not_done_once_the_deadline_is_over() {
    let url = format!("redis://user:hunter2@127.0.0.1:{}", common::free_port());
    let link = open(&url, within(300)).unwrap();
    let begun = Instant::now();
    let error = link.call(add(&keys(), 1), Retry::Always).await.unwrap_err();
    assert_eq!(
        (error.word(), error.outcome()),
        ("TRANSPORT", Outcome::NotDone)
    );
    assert!(
        begun.elapsed() < Duration::from_millis(400),
        "{:?}",
        begun.elapsed()
    );
    assert!(error.to_string().contains("refused"), "{error}");
    // The first attempt alone, for whoever wants to know at once.
    assert_eq!(
        link.connect().await.unwrap_err().outcome(),
        Outcome::NotDone
    );
    for shown in [
        format!("{error} {error:?} {link:?}"),
        format!("{:?}", add(&keys(), 7)),
    ] {
        assert!(
            !shown.contains("hunter2") && !shown.contains("user"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_lost_reply_is_unknown_and_is_not_repeated_where_that_could_double() {
    let server = Server::start_tcp(&[]);
    let proxy = Proxy::before(server.port()).await;
    let link = open(&proxy.url(), within(500)).unwrap();
    let keys = keys();
    assert_eq!(
        number(&link.call(add(&keys, 1), Retry::OnlyIfNotDone).await),
        1
    );

    proxy.swallow_replies(true);
    let error = link
        .call(add(&keys, 1), Retry::OnlyIfNotDone)
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(error.queue(), Some(keys.path()));

    // The silent connection is not used again, and the call had been done once.
    proxy.swallow_replies(false);
    assert_eq!(number(&link.call(add(&keys, 0), Retry::Always).await), 2);
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_again_where_a_repeat_has_the_effect_of_one() {
    let server = Server::start_tcp(&[]);
    let proxy = Proxy::before(server.port()).await;
    let link = open(&proxy.url(), within(10_000)).unwrap();
    let keys = keys();
    link.connect().await.unwrap();
    proxy.drop_after_next_reply();
    assert_eq!(number(&link.call(add(&keys, 1), Retry::Always).await), 1);
    assert_eq!(number(&link.call(add(&keys, 1), Retry::Always).await), 2);
}

/// A token is forgotten one day, and the call would be made a second time.
#[tokio::test]
async fn a_repeat_that_is_safe_for_a_time_only_is_not_made_after_it() {
    let server = Server::start_tcp(&[]);
    let proxy = Proxy::before(server.port()).await;
    let link = open(&proxy.url(), within(10_000)).unwrap();
    let keys = keys();
    let for_a_minute = Retry::Within(Duration::from_secs(60));
    assert_eq!(number(&link.call(add(&keys, 1), for_a_minute).await), 1);
    proxy.drop_after_next_reply();
    assert_eq!(number(&link.call(add(&keys, 1), for_a_minute).await), 3);

    proxy.swallow_replies(true);
    let begun = Instant::now();
    let shortly = Retry::Within(Duration::from_millis(200));
    let error = link.call(add(&keys, 1), shortly).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(begun.elapsed() < Duration::from_secs(5), "the deadline");
    proxy.swallow_replies(false);
    assert_eq!(number(&link.call(add(&keys, 0), Retry::Always).await), 4);
}

#[tokio::test]
async fn what_was_lost_once_stays_unknown_though_the_server_is_gone_by_then() {
    let mut server = Server::start_tcp(&[]);
    let proxy = Proxy::before(server.port()).await;
    let link = open(&proxy.url(), within(3_000)).unwrap();
    link.connect().await.unwrap();
    proxy.swallow_replies(true);
    let keys = keys();
    let call = link.call(add(&keys, 1), Retry::Always);
    let (result, ()) = tokio::join!(call, async {
        proxy.until_swallowed().await;
        server.kill();
        proxy.close();
    });
    assert_eq!(result.unwrap_err().outcome(), Outcome::Unknown);
}

#[tokio::test]
async fn a_restarted_server_is_found_again_by_a_call_that_must_not_run_twice() {
    let mut server = Server::start(&[]);
    let link = open(&server.url(), Limits::default()).unwrap();
    let keys = keys();
    assert_eq!(
        number(&link.call(add(&keys, 1), Retry::OnlyIfNotDone).await),
        1
    );
    server.restart();
    // A call in the instant before the connection sees that it broke would be unknown, rightly.
    while link.shared.source.is_connected() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        number(&link.call(add(&keys, 1), Retry::OnlyIfNotDone).await),
        1
    );
}

#[tokio::test]
async fn a_server_that_is_away_for_a_moment_is_waited_for() {
    let mut server = Server::start(&[]);
    let link = open(&server.url(), Limits::default()).unwrap();
    server.kill();
    let keys = keys();
    let call = link.call(add(&keys, 1), Retry::OnlyIfNotDone);
    // The call is polled first, and finds nobody.
    let (result, ()) = tokio::join!(call, async { server.restart() });
    assert_eq!(number(&result), 1);
}

#[tokio::test]
async fn requests_beyond_the_bound_wait_their_turn_and_are_not_done_if_it_never_comes() {
    let server = Server::start(&[]);
    let link = open(
        &server.url(),
        Limits {
            in_flight: 1,
            ..within(600)
        },
    )
    .unwrap();
    let keys = keys();
    link.call(add(&keys, 1), Retry::Always).await.unwrap();
    server.pause();
    let patient = link.with_deadline(Duration::from_millis(1_200));
    let first = patient.call(add(&keys, 1), Retry::OnlyIfNotDone);
    // Polled second, and so behind the first one.
    let second = link.call(add(&keys, 10), Retry::OnlyIfNotDone);
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap_err().outcome(), Outcome::Unknown);
    assert_eq!(second.unwrap_err().outcome(), Outcome::NotDone);
    server.resume();
    assert_eq!(number(&link.call(add(&keys, 0), Retry::Always).await), 2);
}

#[tokio::test]
async fn a_dropped_future_leaves_the_connection_to_others() {
    let server = Server::start(&[]);
    let link = open(
        &server.url(),
        Limits {
            in_flight: 2,
            ..Limits::default()
        },
    )
    .unwrap();
    let keys = keys();
    link.call(add(&keys, 0), Retry::Always).await.unwrap();
    server.pause();
    for _ in 0..10 {
        let call = link.call(add(&keys, 1), Retry::Always);
        assert!(
            tokio::time::timeout(Duration::from_millis(5), call)
                .await
                .is_err()
        );
    }
    server.resume();
    let done = number(&link.call(add(&keys, 0), Retry::Always).await);
    assert!((0..=10).contains(&done), "{done}");
}
