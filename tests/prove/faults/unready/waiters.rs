//! Those who wait, on a server that is killed and comes back.
//!
//! Guards the wake-up: whenever the messages come, each waiter has one long before its wait is over.

use std::collections::HashSet;
use std::time::Duration;

use marconi_redis::{NewMessage, Queue};
use tokio::task::JoinHandle;

use super::{PATIENCE, store};
use crate::client::{Connection, Reply};
use crate::common::{self, Server};
use crate::faults::tally::Tally;
use crate::rng::Rng;

/// Far longer than the patience with a waiter: one that is not woken shows.
const WAIT: Duration = Duration::from_secs(120);

/// When the messages come.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// While the server goes.
    Meanwhile,
    /// As soon as it is back, and nobody may listen yet.
    Before,
    /// When somebody listens again.
    After,
}

pub async fn run(seed: u64, rounds: u32, tally: &mut Tally) {
    let mut rng = Rng::of_stream(seed, 0x7761_6974);
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    for n in 0..rounds {
        let when = [When::Meanwhile, When::Before, When::After][rng.below(3)];
        round(&mut server, &format!("q{n}"), when, &mut rng, tally).await;
    }
}

async fn round(server: &mut Server, name: &str, when: When, rng: &mut Rng, tally: &mut Tally) {
    let stores = [0, 1].map(|_| store(&server.url(), WAIT * 2));
    let queues = stores.map(|store| store.queue("p", name).expect("a name"));
    queues[0].create().await.expect("a new queue");
    let waiters = rng.between(3, 6);
    let wait = |n: u64| {
        let queue = queues[(n % 2) as usize].clone();
        tokio::spawn(async move { one(&queue).await })
    };
    let waiting: Vec<JoinHandle<_>> = (0..waiters).map(wait).collect();
    if rng.percent(80) {
        until_heard(server, &queues[0], 2);
    }
    let before = run_id(server);
    let post = post(queues[1].clone(), waiters);
    let posted = match when {
        When::Meanwhile => {
            let posting = tokio::spawn(post);
            tokio::time::sleep(Duration::from_micros(rng.between(0, 3000))).await;
            server.restart();
            posting.await.expect("a task")
        }
        When::Before => {
            server.restart();
            post.await
        }
        When::After => {
            server.restart();
            until_heard(server, &queues[0], 2);
            post.await
        }
    };
    tally.expect(run_id(server) != before, "the run id is the same");
    tally.add("restarts under waiters", 1);
    tally.expect(posted, "a post with a token was not done");
    let mut bodies = HashSet::new();
    for waiter in waiting {
        let had = tokio::time::timeout(PATIENCE, waiter).await;
        let had = had.map(|had| had.expect("a task"));
        let Ok(Ok(body)) = had else {
            tally.expect(false, format!("a waiter has nothing: {had:?}"));
            continue;
        };
        tally.add("waiters that had their message", 1);
        tally.expect(bodies.insert(body), format!("{body} went to two"));
    }
    let left = queues[0].stats().await.expect("stats").total;
    tally.expect(left == 0, format!("{left} are left"));
}

/// Waits for a message, and is done with it.
async fn one(queue: &Queue) -> Result<u64, String> {
    let claim = queue.claim().limit(1).ttl(WAIT).wait(WAIT).await;
    let claim = claim.map_err(|error| error.to_string())?;
    let claim = claim.ok_or("its time was over")?;
    let body = claim.messages()[0].body::<u64>();
    let deleted = claim.delete_all().await;
    deleted.map_err(|error| error.to_string())?;
    body.map_err(|error| error.to_string())
}

async fn post(queue: Queue, count: u64) -> bool {
    let bodies = (0..count).map(|n| NewMessage::new(&n).expect("a number"));
    let post = queue.post_many(bodies.collect::<Vec<_>>());
    post.token("once").await.is_ok()
}

fn run_id(server: &Server) -> String {
    let mut line = Connection::open(&server.socket()).expect("the server");
    let info = line.command(&["INFO", "server"]).text();
    let id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
    id.expect("a run id").trim().to_owned()
}

/// Until so many connections listen for this queue.
fn until_heard(server: &Server, queue: &Queue, listeners: u64) {
    let mut line = Connection::open(&server.socket()).expect("the server");
    let channel = queue.keys().key(marconi_redis::keys::Part::Log);
    let command = if common::version() >= (7, 0) {
        "SHARDNUMSUB"
    } else {
        "NUMSUB"
    };
    let heard = |reply: Reply| reply.list()[1].number() >= listeners;
    while !heard(line.command(&["PUBSUB", command, &channel])) {
        std::thread::sleep(Duration::from_millis(1));
    }
}
