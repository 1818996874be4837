//! Where the server answers, but not with what was hoped for.

use super::*;

#[tokio::test]
async fn a_flushed_script_cache_is_noticed_and_filled_again() {
    let server = Server::start(&[]);
    let link = open(&server.url(), Limits::default()).unwrap();
    let keys = keys();
    for expected in 1..=3 {
        assert_eq!(
            number(&link.call(add(&keys, 1), Retry::OnlyIfNotDone).await),
            expected
        );
        redis::cmd("SCRIPT")
            .arg("FLUSH")
            .exec_async(&mut server.connection().await)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn only_those_calls_of_a_pipeline_run_again_whose_script_was_missing() {
    let server = Server::start(&[]);
    let link = open(&server.url(), Limits::default()).unwrap();
    let keys = keys();
    let load = redis::cmd("SCRIPT")
        .arg("LOAD")
        .arg(count().source())
        .to_owned();
    load.exec_async(&mut server.connection().await)
        .await
        .unwrap();

    let calls = [
        add(&keys, 1),
        Call::new(refuse(), &keys),
        add(&keys, 10),
        Call::new(more(), &keys),
    ];
    let replies = link.calls(&calls, Retry::OnlyIfNotDone).await;
    assert_eq!(number(&replies[0]), 1);
    assert_eq!(replies[1].as_ref().unwrap_err().word(), "NOTYOURS");
    assert_eq!(replies[1].as_ref().unwrap_err().id(), Some("1700-0"));
    assert_eq!(number(&replies[2]), 11);
    assert_eq!(
        replies[3].as_ref().unwrap(),
        &Reply::More { after_loss: false }
    );
    assert_eq!(number(&link.call(add(&keys, 0), Retry::Always).await), 11);
}

#[tokio::test]
async fn a_wrong_password_is_not_done_at_once_and_shows_no_secret() {
    let server = Server::start_tcp(&["--requirepass", "right"]);
    let url = format!("redis://:hunter2@127.0.0.1:{}", server.port());
    let link = open(&url, Limits::default()).unwrap();
    let begun = Instant::now();
    let error = link.call(add(&keys(), 1), Retry::Always).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "no repetition makes it right"
    );
    let shown = format!("{error} {error:?} {link:?}");
    assert!(
        shown.contains("WRONGPASS") && !shown.contains("hunter2"),
        "{shown}"
    );

    let nameless = open(&server.tcp_url(), Limits::default()).unwrap();
    assert_eq!(
        nameless
            .call(add(&keys(), 1), Retry::Always)
            .await
            .unwrap_err()
            .outcome(),
        Outcome::NotDone
    );
}

#[tokio::test]
async fn a_replica_and_a_full_server_refuse_before_anything_is_done() {
    let server = Server::start(&[]);
    let link = open(&server.url(), within(200)).unwrap();
    let mut connection = server.connection().await;
    let keys = keys();
    link.call(add(&keys, 1), Retry::Always).await.unwrap();

    let set = |name, value| {
        redis::cmd("CONFIG")
            .arg("SET")
            .arg(name)
            .arg(value)
            .to_owned()
    };
    set("maxmemory", "1")
        .exec_async(&mut connection)
        .await
        .unwrap();
    let error = link
        .call(add(&keys, 1), Retry::OnlyIfNotDone)
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
    assert!(error.to_string().contains("OOM"), "{error}");
    set("maxmemory", "0")
        .exec_async(&mut connection)
        .await
        .unwrap();

    let replica = redis::cmd("REPLICAOF").arg("127.0.0.1").arg(1).to_owned();
    replica.exec_async(&mut connection).await.unwrap();
    let error = link
        .call(add(&keys, 1), Retry::OnlyIfNotDone)
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
    assert!(error.to_string().contains("READONLY"), "{error}");
}

#[tokio::test]
async fn an_error_from_the_middle_of_a_script_is_unknown() {
    let broken = script!(
        "broken",
        "redis.call('HSET', KEYS[1], 'n', 7) return redis.call('LPOP', KEYS[1])"
    );
    let link = open(&Server::shared().url(), Limits::default()).unwrap();
    let error = link
        .call(Call::new(broken, &keys()), Retry::Always)
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
}

#[tokio::test]
async fn a_connection_or_a_pool_of_the_callers_serves_as_well() {
    let server = Server::shared();
    let keys = keys();
    let borrowed = Link::over(server.connection().await, Limits::default());
    assert_eq!(
        number(&borrowed.call(add(&keys, 1), Retry::Always).await),
        1
    );
    let pooled = Link::pooled(
        || async { Ok::<_, std::fmt::Error>(Server::shared().connection().await) },
        Limits::default(),
    );
    assert_eq!(number(&pooled.call(add(&keys, 1), Retry::Always).await), 2);

    let dry = Link::pooled(
        || async { Err::<redis::aio::MultiplexedConnection, _>("the pool is dry") },
        within(100),
    );
    let error = dry
        .call(add(&keys, 1), Retry::OnlyIfNotDone)
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone);
    assert!(error.to_string().contains("the pool is dry"));
}

#[test]
fn a_url_that_is_none_is_a_bad_argument_without_its_secret() {
    for url in [
        "",
        "http://user:hunter2@host",
        "redis://:hunter2@host/notanumber",
        "not a url: hunter2",
    ] {
        let error = open(url, Limits::default()).unwrap_err();
        assert_eq!(error.word(), "BADARG");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_needs_no_choice_of_the_program() {
    let server = Server::start_tcp(&[]);
    let url = server.tcp_url().replace("redis:", "rediss:");
    // The server speaks no TLS on this port: an error, where without a choice it were a panic.
    let error = open(&url, within(300))
        .unwrap()
        .call(add(&keys(), 1), Retry::Always)
        .await;
    assert_eq!(error.unwrap_err().outcome(), Outcome::NotDone);
}
