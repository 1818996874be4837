//! A store at a replica.
//!
//! Guards that a write is refused there and leaves nothing, and is done once where the replica becomes the primary in time.

use std::time::Duration;

use futures_util::future::join_all;
use marconi_redis::{Claim, Metadata, Outcome, Queue};

use super::{PATIENCE, in_time, refusal, store};
use crate::client::Connection;
use crate::common::Server;
use crate::faults::power::digest;
use crate::faults::tally::Tally;
use crate::rng::Rng;

pub async fn run(seed: u64, rounds: u32, tally: &mut Tally) {
    let mut rng = Rng::of_stream(seed, 0x7265_706c);
    for _ in 0..rounds {
        round(&mut rng, tally).await;
    }
}

async fn round(rng: &mut Rng, tally: &mut Tally) {
    // Or the first copy waits for other replicas.
    let primary = Server::start_tcp(&["--repl-diskless-sync-delay", "0"]);
    let port = primary.port().to_string();
    let replica = Server::start(&["--replicaof", "127.0.0.1", &port]);
    let mut lines =
        [&primary, &replica].map(|server| Connection::open(&server.socket()).expect("the server"));
    let there = store(&primary.url(), PATIENCE)
        .queue("p", "q")
        .expect("a name");
    for n in 0..rng.between(20, 60) {
        there.post(&n).await.expect("a post");
    }
    let claim = there
        .claim()
        .limit(3)
        .await
        .expect("a claim")
        .expect("messages");
    settle(&mut lines);
    let before = lines.each_mut().map(digest);
    let few = store(&replica.url(), Duration::from_millis(rng.between(100, 200)));
    let here = few.queue("p", "q").expect("a name");
    let patient = store(&replica.url(), PATIENCE)
        .queue("p", "q")
        .expect("a name");
    let writes = (0..10).map(|at| write(at, &here, &claim));
    for (what, refused) in join_all(writes).await {
        // Where the time was over before it was asked, or answered, the crate has no word to tell.
        let is_told = matches!(&refused, Some((Outcome::NotDone, word)) if word == "READONLY");
        let is_late = matches!(&refused, Some((Outcome::NotDone | Outcome::Unknown, word)) if word == "no word");
        tally.expect(
            is_told || is_late,
            format!("{what} at a replica: {refused:?}"),
        );
        if is_late {
            tally.add("out of time at a replica", 1);
            continue;
        }
        tally.add("refused by a replica", 1);
    }
    for at in 0..4 {
        let (what, refused) = read(at, &patient, &claim).await;
        tally.expect(
            refused.is_none(),
            format!("{what} at a replica: {refused:?}"),
        );
        tally.add("reads that a replica answered", 1);
    }
    settle(&mut lines);
    let same = before == lines.each_mut().map(digest);
    tally.expect(same, "a replica refused, and something was written");
    promoted(&replica, &mut lines[1], rng, tally).await;
}

/// Calls that begin at a replica, and are done when it is none any more.
async fn promoted(replica: &Server, line: &mut Connection, rng: &mut Rng, tally: &mut Tally) {
    let here = store(&replica.url(), PATIENCE)
        .queue("p", "q")
        .expect("a name");
    let total = here.stats().await.expect("stats").total;
    let (posted, popped) = (rng.between(1, 5), rng.between(1, 5) as usize);
    let bodies = (0..posted).map(|n| marconi_redis::NewMessage::new(&n).expect("a number"));
    let post = here.post_many(bodies.collect::<Vec<_>>()).token("t");
    let pop = here.pop().limit(popped).token("p");
    let wait = Duration::from_millis(rng.between(0, 60));
    let both = async { tokio::join!(async { post.await }, async { pop.await }) };
    let promote = async {
        tokio::time::sleep(wait).await;
        line.command(&["REPLICAOF", "NO", "ONE"]);
    };
    let done = in_time(async { tokio::join!(both, promote).0 }).await;
    let Some((Ok(post), Ok(pop))) = done else {
        return tally.expect(
            false,
            format!("not done after the replica was made the primary: {done:?}"),
        );
    };
    let now = here.stats().await.expect("stats").total;
    let fits = post.len() as u64 == posted && now == total + posted - pop.len() as u64;
    tally.expect(
        fits,
        format!("{total} + {posted} - {} messages are {now}", pop.len()),
    );
    tally.add("done when it was made the primary", 2);
    let wrong = here.check().await.expect("a check");
    tally.expect(wrong.is_empty(), format!("{wrong:?}"));
}

/// Until the replica has all that the primary has.
fn settle(lines: &mut [Connection; 2]) {
    let offset = |line: &mut Connection, field: &str| {
        let info = line.command(&["INFO", "replication"]).text();
        let value = info
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.and_then(|value| value.trim().parse::<u64>().ok())
    };
    loop {
        let up = lines[1].command(&["INFO", "replication"]).text();
        let there = offset(&mut lines[0], "master_repl_offset");
        let here = offset(&mut lines[1], "slave_repl_offset");
        if up.contains("master_link_status:up") && there == here {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

type Refused = (&'static str, Option<(Outcome, String)>);

async fn write(at: u32, queue: &Queue, claim: &Claim) -> Refused {
    let id = claim.messages()[0].id();
    let long = Duration::from_secs(50);
    match at {
        0 => ("a post", refusal(queue.post("x")).await),
        1 => (
            "a post with a token",
            refusal(queue.post("x").token("t")).await,
        ),
        2 => ("a claim", refusal(queue.claim()).await),
        3 => ("a pop", refusal(queue.pop()).await),
        4 => (
            "a delete",
            refusal(queue.delete_many([id]).claim(claim.id())).await,
        ),
        5 => (
            "a renewal",
            refusal(queue.renew(claim.id(), long, long)).await,
        ),
        6 => ("a nack", refusal(queue.nack(claim.id(), [id])).await),
        7 => ("a release", refusal(queue.release(claim.id())).await),
        8 => ("a purge", refusal(queue.purge()).await),
        _ => {
            let metadata = Metadata::new().with("a", &1).expect("a number");
            (
                "a set of metadata",
                refusal(queue.set_metadata(&metadata)).await,
            )
        }
    }
}

async fn read(at: u32, queue: &Queue, claim: &Claim) -> Refused {
    match at {
        0 => ("a listing", refusal(queue.list()).await),
        1 => ("a get", refusal(queue.get_claim(claim.id())).await),
        2 => ("stats", refusal(queue.stats()).await),
        _ => ("metadata", refusal(queue.metadata()).await),
    }
}
