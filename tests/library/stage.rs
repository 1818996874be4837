//! A queue of a test's own, with the time in the test's hands.

use std::time::Duration;

use marconi_redis::{Claim, Error, Message, MessageId, Queue, Store};

use crate::common::{self, Server};

/// When every test begins: some moment, in ms.
pub const START: u64 = 1_700_000_000_000;

pub struct Stage {
    pub store: Store,
    pub project: String,
}

impl Stage {
    pub async fn new() -> Self {
        let server = Server::shared();
        Stage {
            store: Store::connect(&server.url()).await.unwrap(),
            project: common::a_queue(),
        }
    }

    /// The queue of the test, `ms` after the start.
    pub fn at(&self, ms: u64) -> Queue {
        self.named("orders", ms)
    }

    /// Another one of the same project.
    pub fn named(&self, name: &str, ms: u64) -> Queue {
        let store = self.store.at(START + ms);
        store.queue(&self.project, name).unwrap()
    }

    /// Posts these at the start.
    pub async fn post(&self, bodies: &[&str]) -> Vec<MessageId> {
        let messages = bodies.iter().map(|body| message(body));
        self.at(0).post_many(messages).await.unwrap()
    }
}

pub fn message(body: &str) -> marconi_redis::NewMessage {
    marconi_redis::NewMessage::new(body).unwrap()
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub fn bodies(messages: &[Message]) -> Vec<String> {
    let body = |message: &Message| message.body().unwrap();
    messages.iter().map(body).collect()
}

pub fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(Message::id).collect()
}

/// A claim of up to so many messages, for 100 ms and no grace.
pub async fn claim(queue: &Queue, limit: usize) -> Claim {
    let claim = queue.claim().ttl(ms(100)).grace(ms(0)).limit(limit).await;
    claim.unwrap().expect("something to claim")
}

pub fn word<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "no error",
        Err(error) => error.word(),
    }
}
