//! At maxmemory: what would need more is refused before it has begun, and what drains goes on.

use marconi_redis::{Claim, Error, Metadata, NewMessage, Outcome, Queue};

use crate::common::Server;
use crate::raw::{Raw, sound, stage_on};
use crate::stage::{Stage, ids, message, ms, word};

/// A server that is full, a queue on it, and what its messages are.
struct Full {
    stage: Stage,
    raw: Raw,
    /// By the server while it was empty, in bytes.
    used: u64,
    _server: Server,
}

impl Full {
    async fn new() -> Full {
        let server = Server::start(&["--maxmemory-policy", "noeviction"]);
        let stage = stage_on(&server).await;
        let queue = stage.at(0);
        queue.create().await.unwrap();
        stage.named("other", 0).post("x").await.unwrap();
        let mut raw = Raw::new(&server, &queue).await;
        let used = raw.info("memory", "used_memory").await.unwrap();
        queue.post("token").token("t").await.unwrap();
        let mut full = Full {
            stage,
            raw,
            used,
            _server: server,
        };
        full.fill().await;
        full
    }

    /// With 3 MiB more than an empty server needs, and messages until these are taken; then with 1 MiB
    /// less, for what buffers take and give back, some time after a call, must not make room.
    async fn fill(&mut self) {
        self.bound(3 << 20).await;
        let queue = self.stage.at(0);
        let batches = [100, 10, 1];
        for batch in batches {
            loop {
                match queue.post_many(many(batch)).await {
                    Ok(posted) => assert_eq!(posted.len(), batch),
                    Err(Error::Transport { source, .. }) if source.code() == Some("OOM") => break,
                    // Any other end would leave it half full.
                    Err(error) => panic!("{error}"),
                }
            }
        }
        self.bound(2 << 20).await;
    }

    async fn bound(&mut self, more: u64) {
        let limit = (self.used + more).to_string();
        let set: String = self
            .raw
            .command(&["CONFIG", "SET", "maxmemory", &limit])
            .await;
        assert_eq!(set, "OK");
    }

    /// The call is refused as not done, and not a byte has changed.
    async fn refuses<T>(&mut self, what: &str, call: impl Future<Output = Result<T, Error>>) {
        let before = self.raw.digest().await;
        let Err(error) = call.await else {
            panic!("{what} goes through")
        };
        assert_eq!(error.outcome(), Outcome::NotDone, "{what}: {error}");
        let Error::Transport { source, .. } = &error else {
            panic!("{what}: {error:?}")
        };
        assert_eq!(source.code(), Some("OOM"), "{what}: {error}");
        assert_eq!(self.raw.digest().await, before, "{what} has written");
    }

    async fn is_full(&mut self) {
        let post = self.stage.at(0).post_many(many(1));
        self.refuses("post", async { post.await }).await;
    }

    /// What is unlinked is freed in the background.
    async fn posts_again(&mut self) {
        for _ in 0..1_000_000 {
            if self.raw.info("memory", "lazyfree_pending_objects").await == Some(0) {
                break;
            }
        }
        self.stage.at(200).post("there is room").await.unwrap();
    }
}

fn many(count: usize) -> Vec<NewMessage> {
    vec![message(&"x".repeat(1000)); count]
}

async fn held(queue: &Queue) -> Claim {
    let claim = queue.claim().limit(20).ttl(ms(100)).grace(ms(0)).await;
    claim.unwrap().expect("something to claim")
}

#[tokio::test]
async fn a_full_server_refuses_posts_and_new_queues_and_writes_nothing() {
    let mut full = Full::new().await;
    let (queue, new) = (full.stage.at(0), full.stage.named("new", 0));
    full.is_full().await;
    let post = queue
        .post_many(many(250))
        .token("u")
        .ttl(ms(5000))
        .delay(ms(10));
    full.refuses("a post with everything", async { post.await })
        .await;
    full.refuses("a post to a new queue", async { new.post("x").await })
        .await;
    full.refuses("create", async { new.create().await }).await;
    let metadata = Metadata::new().with("a", &1).unwrap();
    let create = queue.create().metadata(metadata.clone());
    full.refuses("create with metadata", async { create.await })
        .await;
    full.refuses("set", queue.set_metadata(&metadata)).await;
    // Without the library, which enters the name first and is refused there.
    let mut raw = Raw::new(&full._server, &new).await;
    let before = raw.digest().await;
    let args = crate::words![crate::stage::START, ""];
    let refused = raw.run("queue/create", args).await.unwrap_err();
    assert_eq!(refused.code(), Some("OOM"), "{refused}");
    assert_eq!(raw.digest().await, before);
    // A repeat of what was done before needs no room.
    let again = queue.post("token").token("t").await.unwrap();
    assert_eq!(again.len(), 1);
}

#[tokio::test]
async fn a_full_server_can_be_drained_by_workers_until_posts_go_again() {
    let mut full = Full::new().await;
    let queue = full.stage.at(0);
    let mut claim = held(&queue).await;
    full.is_full().await;
    claim.renew(ms(90), ms(300_000)).await.unwrap();
    claim.renew(ms(2_000_000_000), ms(300_000)).await.unwrap();
    assert_eq!(claim.release().await.unwrap(), 20);
    full.is_full().await;
    let claim = held(&queue).await;
    let all = ids(claim.messages());
    claim.nack(all[..5].to_vec()).await.unwrap();
    claim.nack(all[5..10].to_vec()).delay(ms(50)).await.unwrap();
    full.is_full().await;
    // The rest lapses: the next claim sweeps.
    let later = full.stage.at(100);
    let claim = held(&later).await;
    assert_eq!(ids(claim.messages()), all);
    sound(&later).await;
    while let Some(claim) = later.claim().limit(250).await.unwrap() {
        let count = claim.messages().len();
        assert_eq!(claim.delete_all().await.unwrap(), count as u64);
    }
    full.posts_again().await;
    assert_eq!(claim.delete_all().await.unwrap(), 20);
    sound(&later).await;
    full.fill().await;
    full.is_full().await;
}

#[tokio::test]
async fn a_full_server_can_be_drained_by_pop_and_single_deletes() {
    let mut full = Full::new().await;
    let queue = full.stage.at(0);
    let popped = queue.pop().limit(1).token("p").await.unwrap();
    let again = queue.pop().limit(1).token("p").await.unwrap();
    assert_eq!(ids(&popped), ids(&again));
    let oldest = queue.first(marconi_redis::Order::Oldest).await.unwrap();
    queue.delete_one(oldest.unwrap().id()).await.unwrap();
    full.fill().await;
    full.is_full().await;
    while !queue.pop().limit(250).await.unwrap().is_empty() {}
    full.posts_again().await;
    sound(&queue).await;
}

#[tokio::test]
async fn a_full_server_can_be_drained_by_purge_delete_and_expiry() {
    let mut full = Full::new().await;
    let queue = full.stage.at(0);
    held(&queue).await;
    full.is_full().await;
    assert!(queue.purge().await.unwrap() > 1000);
    full.posts_again().await;
    full.fill().await;
    full.is_full().await;
    assert!(queue.delete().await.unwrap());
    full.posts_again().await;
    full.fill().await;
    full.is_full().await;
    // Two weeks on: whoever claims or counts sweeps all of it away.
    let late = full.stage.at(15 * 86_400_000);
    assert_eq!(late.stats().await.unwrap().total, 0);
    full.posts_again().await;
    sound(&queue).await;
}

#[tokio::test]
async fn claims_used_up_on_a_full_server_become_letters_and_none_is_lost() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let stage = stage_on(&server).await;
    let rules = Metadata::new().with_max_claim_count(1);
    let create = stage.at(0).create().metadata(rules);
    create.await.unwrap();
    stage.post(&["a", "b", "c"]).await;
    let mut raw = Raw::new(&server, &stage.at(0)).await;
    let set: String = raw.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(set, "OK");
    let claim = stage.at(0).claim().limit(2).await.unwrap().unwrap();
    assert_eq!(claim.release().await.unwrap(), 2);
    assert_eq!(word(stage.at(0).post("d").await), "TRANSPORT");
    let stats = stage.at(0).stats().await.unwrap();
    assert_eq!((stats.free, stats.dead), (1, 2));
}
