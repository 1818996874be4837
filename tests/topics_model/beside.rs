//! The queue of a topic's name: posted to, worked off, purged and deleted at the same time.
//!
//! Guards that neither is ever seen in the other.

use std::collections::VecDeque;

use marconi_redis::{Metadata, NewMessage, Queue, Result};

use crate::common::Server;
use crate::world::{World, ms};

/// A queue in memory: its bodies, and an own word in its metadata.
#[derive(Default)]
pub struct Beside {
    word: Option<u64>,
    bodies: VecDeque<String>,
}

impl Beside {
    pub fn exists(&self) -> bool {
        self.word.is_some()
    }
}

impl World {
    pub async fn beside(&mut self, at: usize) {
        let store = self.stores[self.rng.below(2)].at(self.now);
        let queue = store.queue_at(self.path(at));
        let which = self.rng.below(12);
        self.note(at, format!("queue {which}"));
        match which {
            0..=2 => self.post_beside(at, &queue).await,
            3..=4 => self.pop_beside(at, &queue).await,
            5 => self.claim_beside(at, &queue).await,
            6 => self.make_beside(at, &queue).await,
            7 => self.purge_beside(at, &queue).await,
            8 if self.rng.percent(40) => self.delete_beside(at, &queue).await,
            9 => self.list_queues(at).await,
            _ => self.look_beside(at, &queue).await,
        }
    }

    async fn post_beside(&mut self, at: usize, queue: &Queue) {
        let many = 1 + self.rng.below(3);
        let bodies: Vec<String> = (0..many).map(|_| self.rng.next().to_string()).collect();
        let messages = bodies.iter().map(|body| NewMessage::new(body).unwrap());
        queue.post_many(messages).await.unwrap();
        let beside = &mut self.places[at].queue;
        beside.bodies.extend(bodies);
        beside.word.get_or_insert(0);
    }

    async fn pop_beside(&mut self, at: usize, queue: &Queue) {
        let limit = 1 + self.rng.below(3);
        let popped = queue.pop().limit(limit).await.unwrap();
        let beside = &mut self.places[at].queue;
        let many = limit.min(beside.bodies.len());
        let expected: Vec<String> = beside.bodies.drain(..many).collect();
        let told: Vec<String> = popped.iter().map(|one| one.body().unwrap()).collect();
        assert_eq!(told, expected);
        for _ in 0..many {
            self.saw("queue popped");
        }
    }

    async fn claim_beside(&mut self, at: usize, queue: &Queue) {
        let claim = queue.claim().limit(1).await.unwrap();
        let oldest = self.places[at].queue.bodies.pop_front();
        let Some(claim) = claim else {
            assert_eq!(oldest, None);
            return;
        };
        let message = &claim.messages()[0];
        assert_eq!(message.body::<String>().ok(), oldest);
        claim.delete_all().await.unwrap();
    }

    async fn make_beside(&mut self, at: usize, queue: &Queue) {
        let word = 1 + self.rng.next() % 1_000_000;
        let metadata = Metadata::new().with("word", &word).unwrap();
        // Nothing expires there, whatever time passes here.
        let metadata = metadata.with_default_message_ttl(ms(300_000_000_000));
        let is_new = queue.create().metadata(metadata).await.unwrap();
        let before = self.places[at].queue.word.replace(word);
        assert_eq!(is_new, before.is_none());
    }

    async fn purge_beside(&mut self, at: usize, queue: &Queue) {
        let purged = queue.purge().await;
        let beside = &mut self.places[at].queue;
        match beside.word {
            Some(_) => assert_eq!(purged.unwrap(), beside.bodies.drain(..).count() as u64),
            None => assert_eq!(purged.unwrap_err().word(), "QUEUEGONE"),
        }
    }

    async fn delete_beside(&mut self, at: usize, queue: &Queue) {
        let deleted = queue.delete().await.unwrap();
        let place = &mut self.places[at];
        assert_eq!(deleted, place.queue.exists());
        place.queue = Beside::default();
        if deleted && place.topic.settings.is_some() {
            self.saw("queue deleted beside a topic");
        }
    }

    async fn list_queues(&mut self, at: usize) {
        let project = self.places[at].project;
        let store = self.stores[0].at(self.now);
        let page = store.queues(project).unwrap().await.unwrap();
        let told: Vec<&str> = page.queues.iter().map(|it| it.name.as_str()).collect();
        let places = self.places.iter();
        let there = places.filter(|place| place.project == project && place.queue.exists());
        let expected: Vec<&str> = there.map(|place| place.name).collect();
        assert_eq!(told, expected);
    }

    /// Everything there is to be seen of it.
    async fn look_beside(&mut self, at: usize, queue: &Queue) {
        let beside = &self.places[at].queue;
        let listed = queue.list().limit(250).await.unwrap();
        let told: Vec<String> = listed.messages.iter().map(|m| m.body().unwrap()).collect();
        let most = beside.bodies.iter().take(250).cloned();
        assert_eq!(told, most.collect::<Vec<_>>());
        let Some(word) = beside.word else {
            assert!(!queue.exists().await.unwrap());
            return;
        };
        let stats = queue.stats().await.unwrap();
        assert_eq!(stats.total, beside.bodies.len() as u64);
        let found: Result<Option<u64>> = queue.metadata().await.unwrap().get("word");
        assert_eq!(found.unwrap().unwrap_or_default(), word);
    }

    /// Topics first: the queues are still there then, and their names. In the end no name is left.
    pub async fn delete_everything(&mut self, server: &Server) {
        for at in 0..self.places.len() {
            self.delete_topic(at).await;
        }
        for at in 0..self.places.len() {
            self.list_queues(at).await;
            let queue = self.stores[0].at(self.now).queue_at(self.path(at));
            self.look_beside(at, &queue).await;
        }
        // By the keys themselves, for a listing takes out what it comes by.
        let mut connection = server.connection().await;
        let mut ask = redis::cmd("KEYS");
        let keys: Vec<String> = ask
            .arg("mq.topics:*")
            .query_async(&mut connection)
            .await
            .unwrap();
        let is_name = |key: &&String| key.ends_with(":queues") || key.ends_with(":projects");
        assert_eq!(
            keys.iter().find(is_name),
            None,
            "names of topics that are gone"
        );
        for at in 0..self.places.len() {
            let queue = self.stores[0].at(self.now).queue_at(self.path(at));
            self.delete_beside(at, &queue).await;
        }
    }
}
