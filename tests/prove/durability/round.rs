//! One round: writers at work, a primary that dies, and a look at the replica that takes its place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use marconi_redis::{Durability, Queue, Store};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Tally;
use super::proxy::Proxy;
use super::stage::{Pair, ask};
use super::writer::{PROJECT, QUEUE, Said, Told, Writer, messages};
use crate::rng::Rng;

const WRITERS: u64 = 6;

pub async fn run(number: u32, mut rng: Rng) -> Tally {
    let replicas = 1 + usize::from(rng.percent(30));
    let mut pair = Pair::start(0).await;
    let mut wires = Vec::new();
    for _ in 0..replicas {
        let wire = Proxy::before(pair.primary.port()).await;
        pair.join_by(wire.port(), &[]).await;
        wires.push(wire);
    }
    let url = pair.primary.tcp_url();
    let plain = Store::connect(&url).await.expect("the primary");
    let queue = plain.queue(PROJECT, QUEUE).expect("good names");
    queue.create().await.expect("a new queue");
    pair.wait_for_all().await;

    let within = Duration::from_millis(rng.between(20, 60));
    let durability = Durability::replicas(replicas as u32).within(within);
    let stop = CancellationToken::new();
    let mut writers = JoinSet::new();
    for who in 0..WRITERS {
        let writer = Writer {
            name: format!("{number}-{who}"),
            url: url.clone(),
            durability,
            rng: Rng::new(rng.next()),
            told: Told::default(),
        };
        writers.spawn(writer.run(stop.clone()));
    }
    let heir = meddle(&pair, &wires, &mut rng).await;
    // Whatever is under way now ends without an answer; nothing new is begun.
    stop.cancel();
    pair.primary.kill();
    let told = writers.join_all().await;
    pair.fail_over_to(heir).await;
    let there = Store::connect(&pair.replicas[heir].tcp_url()).await;
    let there = there.expect("the new primary").queue(PROJECT, QUEUE);
    judge(&there.expect("good names"), told).await
}

/// Stops, cuts off and lets go on. At last nothing reaches one replica any more, mostly, though the primary takes it for
/// connected; answers which, and it takes over.
async fn meddle(pair: &Pair, wires: &[Proxy], rng: &mut Rng) -> usize {
    let pause = |ms| sleep(Duration::from_millis(ms));
    for _ in 0..rng.between(2, 5) {
        pause(rng.between(20, 100)).await;
        let replica = rng.below(pair.replicas.len());
        match rng.below(4) {
            0 => {
                pair.replicas[replica].pause();
                pause(rng.between(10, 150)).await;
                pair.replicas[replica].resume();
            }
            1 => {
                pair.cut_off(replica).await;
                pause(rng.between(10, 100)).await;
                pair.replicas[replica].resume();
            }
            _ => cut_clients(pair).await,
        }
    }
    let heir = rng.below(pair.replicas.len());
    // A replica that was cut off is a while in coming back.
    let () = super::stage::until(&pair.primary, "replication", "state=online").await;
    pause(rng.between(20, 100)).await;
    if rng.percent(80) {
        wires[heir].silence();
        pause(rng.between(40, 200)).await;
        if rng.percent(50) {
            cut_clients(pair).await;
            pause(rng.between(5, 40)).await;
        }
    }
    heir
}

/// All connections end, some between a write and its receipt.
async fn cut_clients(pair: &Pair) {
    let kill = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
    let _: i64 = ask(&pair.primary, &kill).await;
}

/// Holds what is there against what the writers were told.
async fn judge(queue: &Queue, told: Vec<Told>) -> Tally {
    let mut tally = count(&told);
    let deletions = || told.iter().flat_map(|told| &told.deletions);
    let posts = || told.iter().flat_map(|told| &told.posts);
    let deleted: BTreeSet<_> = of(deletions(), |said| said == Said::Acknowledged);
    let maybe_deleted: BTreeSet<_> = of(deletions(), |said| said == Said::Unknown);

    let found = contents(queue).await;
    for sent in posts() {
        for body in &sent.bodies {
            let times = found.get(body).copied().unwrap_or(0);
            let is_gone = deleted.contains(body.as_str());
            let may_be_gone = is_gone || maybe_deleted.contains(body.as_str());
            match sent.said {
                Said::Acknowledged if times == 0 && !may_be_gone => {
                    tally.violation(format!("{body} was acknowledged and is lost"));
                }
                Said::NotDone if times > 0 => {
                    tally.violation(format!("{body} was not done, and is there"));
                }
                Said::Unknown if times == 0 && !may_be_gone => {
                    tally.add("messages lost with the primary, all of them unknown", 1);
                }
                _ => {}
            }
            if times > 0 && is_gone {
                tally.violation(format!("{body} was deleted for sure, and is there"));
            }
        }
    }
    for (id, fence, count) in told.iter().flat_map(|told| &told.claims) {
        match queue.get_claim(*id).await {
            Ok(claim) if claim.fence() == *fence && claim.messages().len() == *count => {}
            other => tally.violation(format!("claim {id} with fence {fence}: {other:?}")),
        }
    }

    for sent in posts().filter(|sent| sent.said == Said::Unknown) {
        let again = queue.post_many(messages(&sent.bodies)).token(&sent.token);
        if let Err(error) = again.await {
            tally.violation(format!("the repeat of {}: {error}", sent.token));
        }
    }
    let found = contents(queue).await;
    for sent in posts().filter(|sent| sent.said != Said::NotDone) {
        for body in &sent.bodies {
            let times = found.get(body).copied().unwrap_or(0);
            let may_be_gone = [&deleted, &maybe_deleted]
                .iter()
                .any(|gone| gone.contains(body.as_str()));
            if times > 1 || times == 0 && !may_be_gone {
                tally.violation(format!("{body} is there {times} times after its repeat"));
            }
        }
    }
    tally
}

fn of<'a>(
    deletions: impl Iterator<Item = &'a (String, Said)>,
    wanted: impl Fn(Said) -> bool,
) -> BTreeSet<&'a str> {
    let wanted = deletions.filter(|(_, said)| wanted(*said));
    wanted.map(|(body, _)| body.as_str()).collect()
}

fn count(told: &[Told]) -> Tally {
    let mut tally = Tally::default();
    for told in told {
        let posts = told.posts.iter();
        let acknowledged = posts.filter(|sent| sent.said == Said::Acknowledged);
        let deletions = told.deletions.iter();
        let deleted = deletions.filter(|(_, said)| *said == Said::Acknowledged);
        let (posts, deleted) = (acknowledged.count() as u64, deleted.count() as u64);
        let claims = told.claims.len() as u64;
        tally.add("acknowledged", posts + deleted + claims);
        tally.add("acknowledged posts", posts);
        tally.add("acknowledged deletions", deleted);
        tally.add("acknowledged claims, held to the end", claims);
        tally.add("acknowledged when repeated", told.repeated);
        tally.add("unknown: not confirmed", told.unconfirmed);
        tally.add("unknown: answer lost", told.lost);
        for refused in &told.refused {
            tally.violation(format!("refused: {refused}"));
        }
    }
    tally
}

/// How often each body is there.
async fn contents(queue: &Queue) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let mut marker = None;
    loop {
        let mut list = queue.list().claimed(true).delayed(true).limit(250);
        if let Some(marker) = marker {
            list = list.marker(marker);
        }
        let page = list.await.expect("a page");
        for message in &page.messages {
            *found.entry(message.body().expect("a text")).or_default() += 1;
        }
        marker = page.marker;
        if marker.is_none() {
            return found;
        }
    }
}
