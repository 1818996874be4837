//! Servers that are filled to the last message, and drained.
//!
//! Guards that what was acknowledged is there until it is taken, each message once, and that there is room in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use marconi_redis::{Error, Message, MessageId, NewMessage, Queue, Store};

use crate::client::Connection;
use crate::common::Server;
use crate::faults::power::digest;
use crate::faults::tally::Tally;
use crate::rng::Rng;
use crate::scale::Scale;

/// Ten times as many as fit.
const NEVER_FULL: u64 = 20_000;

const NAMES: [&str; 3] = ["a", "b", "c"];

pub fn run(scale: &Scale, tally: &mut Tally) {
    let mut rng = Rng::of_stream(scale.seed, 0x6472_6169);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for _ in 0..scale.kills / 3 {
        runtime.block_on(round(&mut rng, tally));
        tally.add("rounds", 1);
    }
}

/// A queue, and what it has to hold.
struct Held {
    queue: Queue,
    ids: BTreeSet<MessageId>,
}

struct Round<'a> {
    behind: Connection,
    held: Vec<Held>,
    rng: &'a mut Rng,
    tally: &'a mut Tally,
}

async fn round(rng: &mut Rng, tally: &mut Tally) {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let store = Store::connect(&server.url()).await.expect("the server");
    let queue = |name| store.queue("full", name).expect("a good name");
    let mut behind = Connection::open(&server.socket()).expect("the server");
    let mut held = Vec::new();
    for name in NAMES {
        let queue = queue(name);
        // All scripts of the way down are loaded, and buffers are as large as they get.
        queue.post_many(many(200, 100)).await.expect("room");
        queue.purge().await.expect("a purge");
        let ids = BTreeSet::new();
        held.push(Held { queue, ids });
    }
    let used = memory(&mut behind, "used_memory");
    let bound = |more: u64| (used + more).to_string();
    let more = rng.between(2 << 20, 4 << 20);
    behind.command(&["CONFIG", "SET", "maxmemory", &bound(more)]);
    let mut round = Round {
        behind,
        held,
        rng,
        tally,
    };
    round.fill().await;
    // What buffers give back must make no room while it is tried whether there is some.
    let less = bound(more - (1 << 20));
    round.behind.command(&["CONFIG", "SET", "maxmemory", &less]);
    for at in 0..NAMES.len() {
        let went = round.post(at, 1).await;
        round
            .tally
            .expect(!went, "a post to a full server goes through");
    }
    while let Some(at) = round.fullest() {
        round.down(at).await;
        round.agrees(at).await;
    }
    round.has_room().await;
}

fn many(count: u64, size: u64) -> Vec<NewMessage> {
    let body = "x".repeat(size as usize);
    let message = |_| NewMessage::new(&body).expect("a text");
    (0..count).map(message).collect()
}

fn memory(behind: &mut Connection, field: &str) -> u64 {
    let info = behind.command(&["INFO", "memory"]).text();
    let value = info
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.map_or(0, |value| value.trim().parse().expect("a number"))
}

impl Round<'_> {
    /// A queue that has something, where there is one.
    fn fullest(&mut self) -> Option<usize> {
        let has = |at: &usize| !self.held[*at].ids.is_empty();
        let full: Vec<usize> = (0..NAMES.len()).filter(has).collect();
        (!full.is_empty()).then(|| full[self.rng.below(full.len())])
    }

    /// Whole, or refused whole.
    async fn post(&mut self, at: usize, count: u64) -> bool {
        let size = self.rng.between(10, 4000);
        let messages = many(count, size);
        let before = self.rng.percent(20).then(|| digest(&mut self.behind));
        match self.held[at].queue.post_many(messages).await {
            Ok(ids) => {
                self.tally
                    .expect(ids.len() as u64 == count, "a post of which a part went");
                self.held[at].ids.extend(ids);
                true
            }
            Err(Error::Transport { source, .. }) if source.code() == Some("OOM") => {
                if let Some(before) = before {
                    let same = before == digest(&mut self.behind);
                    self.tally.expect(same, "a post is refused and has written");
                }
                false
            }
            Err(error) => {
                self.tally.expect(false, error);
                false
            }
        }
    }

    async fn fill(&mut self) {
        let (mut most, mut posted) = (250, 0);
        while most > 0 {
            if posted > NEVER_FULL {
                return self.tally.expect(false, "a server that takes all posts");
            }
            let (at, count) = (self.rng.below(NAMES.len()), self.rng.between(1, most));
            if self.post(at, count).await {
                self.tally.add("messages posted until it was full", count);
                posted += count;
            } else {
                most = count - 1;
            }
        }
    }

    /// One step that takes away.
    async fn down(&mut self, at: usize) {
        self.tally.add("steps down", 1);
        let limit = self.rng.between(1, 120) as usize;
        let queue = self.held[at].queue.clone();
        match self.rng.below(100) {
            0..=49 => self.claim(at, limit).await,
            50..=74 => {
                let popped = queue.pop().limit(limit).await.expect("a pop");
                self.takes(at, &popped, true);
            }
            75..=84 => {
                let place = self.rng.below(self.held[at].ids.len());
                let id = *self.held[at].ids.iter().nth(place).expect("it is there");
                queue.delete_one(id).await.expect("a delete");
                self.held[at].ids.remove(&id);
            }
            85..=86 => {
                let purged = queue.purge().await.expect("a purge");
                let had = self.held[at].ids.len() as u64;
                self.tally
                    .expect(purged == had, format!("{purged} of {had} purged"));
                self.held[at].ids.clear();
            }
            87 => {
                let existed = queue.delete().await.expect("a deletion");
                self.tally
                    .expect(existed, "a queue with messages was not there");
                self.held[at].ids.clear();
            }
            _ => {
                let count = self.rng.between(1, 20);
                let went = self.post(at, count).await;
                let what = if went {
                    "posts that found room on the way down"
                } else {
                    "posts refused on the way down"
                };
                self.tally.add(what, 1);
            }
        }
    }

    /// A claim that ends in one of the ways that claims end.
    async fn claim(&mut self, at: usize, limit: usize) {
        let queue = self.held[at].queue.clone();
        let claim = queue
            .claim()
            .limit(limit)
            .ttl(Duration::from_secs(600))
            .await;
        let Some(mut claim) = claim.expect("a claim") else {
            return self
                .tally
                .expect(false, "nothing to claim where messages are");
        };
        let messages = claim.messages().to_vec();
        let ids: Vec<MessageId> = messages.iter().map(Message::id).collect();
        let some = &ids[..self.rng.between(1, ids.len() as u64) as usize];
        match self.rng.below(10) {
            0 => {
                self.takes(at, &messages, false);
                let released = claim.release().await.expect("a release");
                self.tally
                    .expect(released == ids.len() as u64, "not all was released");
            }
            1 => {
                self.takes(at, &messages, false);
                claim.nack(some.to_vec()).await.expect("a nack");
                if some.len() < ids.len() {
                    claim.release().await.expect("a release");
                }
            }
            2 => {
                self.takes(at, &messages, true);
                let (ttl, grace) = (Duration::from_secs(9), Duration::from_secs(9));
                claim.renew(ttl, grace).await.expect("a renewal");
                claim.delete_all().await.expect("a delete");
            }
            _ => {
                self.takes(at, &messages[..some.len()], true);
                queue
                    .delete_many(some.to_vec())
                    .claim(claim.id())
                    .await
                    .expect("a delete");
                if some.len() < ids.len() {
                    claim.release().await.expect("a release");
                }
            }
        }
    }

    fn takes(&mut self, at: usize, messages: &[Message], for_good: bool) {
        for message in messages {
            let ids = &mut self.held[at].ids;
            let is_there = if for_good {
                ids.remove(&message.id())
            } else {
                ids.contains(&message.id())
            };
            self.tally.expect(
                is_there,
                format!("{} was handed out and is not there", message.id()),
            );
        }
    }

    async fn agrees(&mut self, at: usize) {
        let had = self.held[at].ids.len() as u64;
        let found = match self.held[at].queue.stats().await {
            Ok(stats) => stats.total,
            Err(Error::QueueDoesNotExist { .. }) => 0,
            Err(error) => panic!("{error}"),
        };
        self.tally
            .expect(found == had, format!("{found} messages instead of {had}"));
    }

    /// What is unlinked is freed in the background.
    async fn has_room(&mut self) {
        while memory(&mut self.behind, "lazyfree_pending_objects") > 0 {}
        for at in 0..NAMES.len() {
            let wrong = self.held[at].queue.check().await.expect("a check");
            self.tally.expect(wrong.is_empty(), format!("{wrong:?}"));
            let went = self.post(at, 1).await;
            self.tally
                .expect(went, "a server that is drained takes no post");
        }
    }
}
