//! A server that can't answer now: a replica, one that loads, one that is busy, and one that waiters have to find again.
//!
//! Guards the three answers: what is not done is said so, what can be done later is done once, and nobody waits in vain.

mod busy;
mod loading;
mod replica;
mod waiters;

use std::future::{Future, IntoFuture};
use std::time::Duration;

use marconi_redis::{Error, Outcome, Store};

use super::tally::Tally;
use crate::common::version;
use crate::report::Row;
use crate::scale::Scale;

const ABOUT: &str = "\
Four kinds of rounds. A store of this crate is pointed at a replica: what writes is refused with READONLY as not done, and primary
and replica hold after it what they held before, by a digest; what reads is answered; and calls that are under way when the replica
is made the primary are done, once. A server loads what it has on disk, slowly: calls with a short deadline are told LOADING, or
that there is no connection, as not done, and have left nothing; calls with a long one are done once. Another client's script runs
long, and ends by itself or by SCRIPT KILL: the same with BUSY. A client on the scripts alone sees these words as they are.

Waiters of two stores wait on a queue of a server that gets SIGKILL and comes back with a new run id; messages are posted before
they listen again, after, and while the server goes, under a token. Each waiter has its message long before its time is over, and
each message goes to one. A wake-up that got lost would leave one waiting.

What it can't see: an answer that takes longer than the longest deadline here; failover by sentinels and clusters, which other
tests try.
";

/// Longer than anything here takes, and shorter than a wait.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn prove(scale: &Scale) -> Row {
    let mut tally = Tally::default();
    let rounds = scale.kills / 4;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(replica::run(scale.seed, rounds, &mut tally));
    loading::run(&runtime, scale.seed, rounds, &mut tally);
    runtime.block_on(busy::run(scale.seed, rounds * 2, &mut tally));
    runtime.block_on(waiters::run(scale.seed, rounds * 2, &mut tally));
    let rounds = u64::from(rounds);
    // Before 7.0 a server that loads looks at its lines every 2 MiB only, and is seldom met doing so.
    let loads = if version() >= (7, 0) { rounds } else { 0 };
    let floors = [
        ("refused by a replica", rounds * 6),
        ("reads that a replica answered", rounds * 4),
        ("done when it was made the primary", rounds * 2),
        ("refused while loading", loads / 3),
        ("done after loading", loads * 2),
        ("refused while busy", rounds / 3),
        ("done after it was busy", rounds * 2),
        ("scripts that were killed", rounds / 4),
        ("LOADING and BUSY seen as they are", rounds / 2),
        ("restarts under waiters", rounds * 2),
        ("waiters that had their message", rounds * 6),
    ];
    tally.print();
    let tried = tally.of("refused by a replica")
        + tally.of("done when it was made the primary")
        + tally.of("refused while loading")
        + tally.of("done after loading")
        + tally.of("refused while busy")
        + tally.of("done after it was busy")
        + tally.of("waiters that had their message");
    Row {
        name: "unready-server",
        title: "A server that can't answer now",
        about: ABOUT,
        tried,
        unit: "calls",
        violations: tally.violations.len() as u64,
        failures: tally.tame(&floors),
        details: tally.details(),
        mutations: Vec::new(),
        command: scale.command("unready-server"),
    }
}

fn store(url: &str, deadline: Duration) -> Store {
    let builder = Store::builder().deadline(deadline);
    builder.open(url).expect("a good url")
}

/// What a call was refused with, as the crate tells it; `None` where it was done.
async fn refusal<T>(call: impl IntoFuture<Output = Result<T, Error>>) -> Option<(Outcome, String)> {
    match call.into_future().await {
        Ok(_) => None,
        Err(Error::Transport {
            outcome, source, ..
        }) => Some((outcome, source.code().unwrap_or("no word").to_owned())),
        Err(error) => Some((error.outcome(), error.to_string())),
    }
}

/// Done within its time; otherwise said to be in vain.
async fn in_time<T>(call: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, call).await.ok()
}
