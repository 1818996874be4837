//! Lost answers: what is safe is asked for again, the rest is called unknown.

use std::time::Duration;

use marconi_redis::{ClaimId, Error, Metadata, Outcome, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::common::{self, Server};
use crate::stage::bodies;
use crate::wire::Wire;

fn unknown<T>(result: Result<T, Error>) {
    let error = result.err().expect("a lost answer");
    assert_eq!(
        (error.word(), error.outcome()),
        ("TRANSPORT", Outcome::Unknown),
        "{error}"
    );
}

#[tokio::test]
async fn a_post_is_repeated_with_a_token_and_unknown_without() {
    let wire = Wire::new().await;
    wire.near.create().await.unwrap();
    unknown(wire.lose_next().await.post("x").await);
    assert_eq!(wire.count().await, 1);
    assert_eq!(
        wire.lose_next()
            .await
            .post("y")
            .token("t")
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(wire.count().await, 2);
}

#[tokio::test]
async fn a_pop_is_repeated_with_a_token_and_unknown_without() {
    let wire = Wire::new().await;
    for body in ["a", "b"] {
        wire.near.post(body).await.unwrap();
    }
    let popped = wire.lose_next().await.pop().token("t").await.unwrap();
    assert_eq!(bodies(&popped), ["a"]);
    unknown(wire.lose_next().await.pop().await);
    assert_eq!(wire.count().await, 0);
}

#[tokio::test]
async fn a_claim_is_made_once_and_what_ends_it_is_safe() {
    let wire = Wire::new().await;
    for body in ["a", "b", "c"] {
        wire.near.post(body).await.unwrap();
    }
    let mut claim = wire
        .lose_next()
        .await
        .claim()
        .limit(2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bodies(claim.messages()), ["a", "b"]);
    assert_eq!(wire.near.stats().await.unwrap().claimed, 2);
    wire.lose_next().await;
    claim
        .renew(Duration::from_secs(90), Duration::ZERO)
        .await
        .unwrap();
    wire.lose_next().await;
    claim.delete(claim.messages()[0].id()).await.unwrap();
    wire.lose_next().await;
    assert_eq!(claim.release().await.unwrap(), 0);
    assert_eq!(wire.near.stats().await.unwrap().free, 2);
}

#[tokio::test]
async fn a_nack_that_was_done_is_never_called_refused() {
    let wire = Wire::new().await;
    wire.near.post("a").await.unwrap();
    wire.near.post("b").await.unwrap();
    for limit in [1, 2] {
        let claim = wire.near.claim().limit(limit).await.unwrap().unwrap();
        let held = claim.messages()[0].id();
        unknown(wire.lose_next().await.nack(claim.id(), [held]).await);
        assert_eq!(wire.near.stats().await.unwrap().free, 3 - limit as u64);
        claim.release().await.unwrap();
    }
    let refused = wire
        .far
        .nack(ClaimId::random(), ["1-0".parse().unwrap()])
        .await;
    assert_eq!(refused.unwrap_err().word(), "CLAIMGONE");
}

#[tokio::test]
async fn what_another_may_have_changed_meanwhile_is_not_repeated() {
    let wire = Wire::new().await;
    wire.near.post("a").await.unwrap();
    unknown(wire.lose_next().await.purge().await);
    assert_eq!(wire.count().await, 0);
    let metadata = Metadata::new().with("k", &1).unwrap();
    unknown(wire.lose_next().await.set_metadata(&metadata).await);
    assert_eq!(wire.near.metadata().await.unwrap(), metadata);
}

#[tokio::test]
async fn what_another_may_have_set_meanwhile_on_the_control_plane_is_not_repeated() {
    let wire = Wire::new().await;
    let far = wire.far.store().control();
    let plane = wire.near.store().control();
    let name = wire.near.path().project().as_str();
    let map = Metadata::new().with("k", &1).unwrap();
    wire.lose_next().await;
    unknown(far.create_flavor(name, "f", &map).await);
    assert_eq!(plane.flavor(name, "f").await.unwrap().capabilities, map);
    wire.lose_next().await;
    unknown(far.update_flavor(name, "f", &Metadata::new()).await);
    assert!(
        plane
            .flavor(name, "f")
            .await
            .unwrap()
            .capabilities
            .is_empty()
    );
    wire.lose_next().await;
    unknown(far.create_pool(name, 1, &format!("unix:///{name}")).await);
    wire.lose_next().await;
    unknown(far.delete_pool(name).await);
    assert_eq!(plane.pool(name).await.unwrap_err().word(), "POOLGONE");
}

#[tokio::test]
async fn a_repeated_creation_without_metadata_can_call_its_own_queue_not_new() {
    let wire = Wire::new().await;
    // The name was entered before; the next answer is that of the script.
    wire.far.create().await.unwrap();
    assert!(!wire.lose_next().await.create().await.unwrap());
    assert!(wire.near.exists().await.unwrap());
}

#[tokio::test]
async fn looking_is_always_repeated() {
    let wire = Wire::new().await;
    let id = wire.near.post("a").await.unwrap()[0];
    assert_eq!(wire.lose_next().await.get(id).await.unwrap().id(), id);
    assert_eq!(
        wire.lose_next().await.list().await.unwrap().messages.len(),
        1
    );
    assert_eq!(wire.lose_next().await.stats().await.unwrap().free, 1);
    assert!(wire.lose_next().await.exists().await.unwrap());
}

#[tokio::test]
async fn a_server_that_falls_silent_is_unknown_and_one_that_is_away_is_not_done() {
    let mut server = Server::start(&[]);
    let store = Store::builder().deadline(Duration::from_millis(200));
    let queue = store
        .connect(&server.url())
        .await
        .unwrap()
        .queue("", "q")
        .unwrap();
    queue.post("a").await.unwrap();
    server.pause();
    unknown(queue.post("b").await);
    server.resume();
    server.kill();
    let error = queue.post("c").await.unwrap_err();
    assert_eq!(error.word(), "TRANSPORT");
}

#[tokio::test]
async fn what_a_replica_refuses_is_not_done() {
    let server = Server::start(&[]);
    let store = Store::builder().deadline(Duration::from_millis(300));
    let store = store.connect(&server.url()).await.unwrap();
    let queue = store.queue("", "q").unwrap();
    for body in ["claimed", "free"] {
        queue.post(body).await.unwrap();
    }
    let claim = queue.claim().limit(1).await.unwrap().unwrap();
    let mut behind = server.connection().await;
    let nobody = common::free_port();
    let mut follow = redis::cmd("REPLICAOF");
    follow.arg("127.0.0.1").arg(nobody);
    let _: () = follow.query_async(&mut behind).await.unwrap();
    for refused in [
        queue.post("b").await.map(drop),
        queue.pop().await.map(drop),
        queue.purge().await.map(drop),
        claim.delete(claim.messages()[0].id()).await.map(drop),
        claim.release().await.map(drop),
        queue.set_metadata(&Metadata::new()).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
        assert!(error.to_string().contains("READONLY"), "{error}");
    }
}

/// Refuses every call as a replica does, on its first connection; those after it hear nothing.
async fn a_replica_that_goes_away(listener: TcpListener) -> std::io::Result<()> {
    let (mut first, _) = listener.accept().await?;
    let (mut buffer, mut silent) = (vec![0; 65_536], Vec::new());
    loop {
        let length = first.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
        for command in asked.split('*').skip(1) {
            let reply = match command {
                hello if hello.contains("HELLO") => "%1\r\n+proto\r\n:3\r\n",
                call if call.contains("EVALSHA") => "-READONLY no writes here\r\n",
                _ => "+OK\r\n",
            };
            first.write_all(reply.as_bytes()).await?;
        }
    }
    loop {
        silent.push(listener.accept().await?);
    }
}

#[tokio::test]
async fn what_the_server_said_last_is_told_where_it_can_not_be_reached_any_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(a_replica_that_goes_away(listener));
    let store = Store::builder().deadline(Duration::from_millis(300));
    let queue = store.open(&url).unwrap().queue("", "q").unwrap();
    let error = queue.purge().await.unwrap_err();
    assert!(error.to_string().contains("READONLY"), "{error}");
    assert_eq!(error.outcome(), Outcome::NotDone);
}

#[tokio::test]
async fn a_line_that_ends_before_the_server_has_greeted_is_dialled_again() {
    let wire = Wire::new().await;
    let fresh = Store::builder().deadline(Duration::from_secs(3));
    let fresh = fresh.open(&wire.proxy.url()).unwrap();
    let before = wire.proxy.connections();
    wire.proxy.drop_after_next_reply();
    let queue = fresh.queue_at(wire.far.path().clone());
    queue.create().await.unwrap();
    assert_eq!(wire.proxy.connections(), before + 2);
    queue.post("a").await.unwrap();
    assert_eq!(wire.count().await, 1);
}
