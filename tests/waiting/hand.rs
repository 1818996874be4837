//! Waiting as a program in another language does it, by docs/contract.md and nothing else.

use marconi_redis::Queue;
use marconi_redis::script::{CLAIM, POST, Script};
use redis::{ProtocolVersion, PushInfo, PushKind, Value};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::common::{self, Server};
use crate::stage::{Behind, PATIENCE, Waiter, a_queue};

/// A connection that listens for a queue, and one that calls.
struct Hand {
    line: redis::aio::MultiplexedConnection,
    pushes: UnboundedReceiver<PushInfo>,
    calls: redis::aio::MultiplexedConnection,
}

impl Hand {
    async fn new() -> Hand {
        let server = Server::shared();
        let (sender, pushes) = unbounded_channel();
        let info: redis::ConnectionInfo = server.url().parse().unwrap();
        let resp3 = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let client = redis::Client::open(info.set_redis_settings(resp3)).unwrap();
        let config = redis::AsyncConnectionConfig::new().set_push_sender(sender);
        let line = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .unwrap();
        let calls = server.connection().await;
        Hand {
            line,
            pushes,
            calls,
        }
    }

    async fn listen(&mut self, queue: &Queue) {
        let channel = queue.keys().key(marconi_redis::keys::Part::Log);
        let command = if common::version() >= (7, 0) {
            "SSUBSCRIBE"
        } else {
            "SUBSCRIBE"
        };
        let _: Value = redis::cmd(command)
            .arg(channel)
            .query_async(&mut self.line)
            .await
            .unwrap();
    }

    /// What was published next.
    async fn told(&mut self) -> String {
        loop {
            let push = timeout(PATIENCE, self.pushes.recv())
                .await
                .expect("a push")
                .expect("a line");
            if matches!(push.kind, PushKind::Message | PushKind::SMessage) {
                return redis::from_redis_value(push.data[1].clone()).unwrap();
            }
        }
    }

    async fn call(&mut self, script: &Script, queue: &Queue, args: &[&str]) -> Vec<Value> {
        let mut call = redis::cmd("EVAL");
        call.arg(script.source()).arg(script.keys().len());
        for part in script.keys() {
            call.arg(queue.keys().key(*part));
        }
        call.arg(args).query_async(&mut self.calls).await.unwrap()
    }

    async fn claim(&mut self, queue: &Queue) -> Vec<Value> {
        let id = marconi_redis::ClaimId::random();
        self.call(
            &CLAIM,
            queue,
            &["", id.as_str(), "60000", "0", "1", "by hand", "", "30000"],
        )
        .await
    }
}

#[tokio::test]
async fn a_program_that_listens_looks_and_waits_is_woken_by_the_library() {
    let queue = a_queue().await;
    queue.create().await.unwrap();
    let mut hand = Hand::new().await;
    hand.listen(&queue).await;
    assert_eq!(
        hand.claim(&queue).await.len(),
        2,
        "now, and when something comes by itself"
    );
    queue.post("a").await.unwrap();
    assert_eq!(hand.told().await, "0");
    assert_eq!(hand.claim(&queue).await.len(), 5 + 4);
}

#[tokio::test]
async fn a_waiter_of_the_library_is_woken_by_a_program_that_calls_the_scripts() {
    let queue = a_queue().await;
    queue.create().await.unwrap();
    let waiter = Waiter::on(&queue);
    Behind::shared().await.until_waited_on(&queue).await;
    let body = "\u{c4}\u{2}\u{a1}a"
        .chars()
        .map(|c| c as u8)
        .collect::<Vec<_>>();
    let mut hand = Hand::new().await;
    let mut call = redis::cmd("EVAL");
    call.arg(POST.source()).arg(POST.keys().len());
    for part in POST.keys() {
        call.arg(queue.keys().key(*part));
    }
    call.arg(&["", "by hand", "", "", "", "", ""]).arg(body);
    let _: Value = call.query_async(&mut hand.calls).await.unwrap();
    assert_eq!(waiter.body().await, "a");
}

#[tokio::test]
async fn an_empty_handed_claim_says_when_something_comes_by_itself() {
    let queue = a_queue().await;
    let mut hand = Hand::new().await;
    let number = |value: &Value| redis::from_redis_value::<u64>(value.clone()).unwrap();
    let reply = hand.claim(&queue).await;
    assert_eq!(
        number(&reply[1]),
        0,
        "a queue that is not there foretells nothing"
    );
    queue.post("a").await.unwrap();
    let held = queue.claim().await.unwrap().unwrap();
    let reply = hand.claim(&queue).await;
    assert_eq!(number(&reply[1]), held.lease().deadline.as_millis());
}
