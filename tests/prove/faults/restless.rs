//! A server that forgets its scripts and throws its clients out, again and again under load.
//!
//! Guards what clients are to expect at any time: nothing is refused for it, and nothing is done twice or lost.

use std::path::Path;
use std::time::{Duration, Instant};

use super::killed::Seen;
use crate::client::Connection;
use crate::clock::{Clock, SLACK};
use crate::common::Server;
use crate::histories;
use crate::history::{Cut, until_longer};
use crate::report::Row;
use crate::rng::Rng;
use crate::scale::Scale;

const ABOUT: &str = "\
The history of above, while at random moments `SCRIPT FLUSH` empties the server's cache and `CLIENT KILL TYPE normal` or `TYPE
pubsub` ends every connection but one. Clients on this crate and on the scripts alone go on. A call that was under way when its
connection was ended may have been done once, or not; everything else is held against the contract as ever. A refusal for want of
a script, and a call that the crate gives up, are violations: each of them can be made again.

What it can't see: whether a client was slower than it had to be.
";

/// What was done to the server.
#[derive(Default)]
struct Done {
    flushes: u64,
    kills: u64,
    killed: u64,
    noscript: u64,
}

pub fn prove(scale: &Scale) -> Row {
    let clients = scale.clients.min(8);
    let mut rng = Rng::of_stream(scale.seed, 0x7265_7374);
    let mut done = Done::default();
    let (times, patience) = (scale.kills * 20, scale.patience());
    let mut disturb = |server: &mut Server, dir: &Path| {
        disturb(server, dir, &mut rng, times, patience, &mut done)
    };
    let run = histories::run_on(
        &scale.sized(u32::MAX, clients),
        "restless-server",
        None,
        &[],
        Some(&mut disturb),
    );
    let seen = Seen::of(&run.dir, clients);
    let operations = run.verdict.rates.of("operations");
    let tried = done.flushes + done.kills;
    let mut failures = run.failures.clone();
    let floors = [
        ("flushes and kills", tried, u64::from(times) / 4),
        ("calls answered NOSCRIPT", done.noscript, done.flushes),
        ("connections ended", done.killed, done.kills),
        ("operations", operations, tried * 2),
        (
            "calls under way when ended",
            seen.under_way(),
            done.kills / 2,
        ),
    ];
    let low = floors.iter().filter(|(_, count, floor)| count < floor);
    failures.extend(
        low.map(|(what, count, floor)| format!("too tame: {what}: {count}, at least {floor}")),
    );
    let row = Row {
        name: "restless-server",
        title: "A server that forgets scripts and ends connections",
        about: ABOUT,
        tried,
        unit: "flushes and kills",
        violations: run.verdict.violations.len() as u64 + seen.not_done(),
        failures,
        details: [
            ("SCRIPT FLUSH", done.flushes),
            ("calls answered NOSCRIPT", done.noscript),
            ("CLIENT KILL", done.kills),
            ("connections ended", done.killed),
            ("calls under way then", seen.under_way()),
            ("said not to be done", seen.not_done()),
            ("operations", operations),
        ]
        .map(|(what, count)| (what.to_owned(), count.to_string()))
        .to_vec(),
        mutations: Vec::new(),
        command: scale.command("restless-server"),
    };
    run.settle(scale, &row);
    row
}

fn disturb(
    server: &mut Server,
    dir: &Path,
    rng: &mut Rng,
    times: u32,
    patience: Duration,
    done: &mut Done,
) -> Vec<Cut> {
    let clock = Clock::start();
    let mut admin = Connection::open(&server.socket()).expect("the server");
    let mut cuts = Vec::new();
    let began = Instant::now();
    for _ in 0..times {
        if began.elapsed() > patience {
            break;
        }
        until_longer(dir, rng.between(200, 8_000), began + patience);
        std::thread::sleep(Duration::from_micros(rng.between(0, 2_000)));
        if rng.percent(70) {
            let how = rng.pick(&["ASYNC", "SYNC"]);
            admin.command(&["SCRIPT", "FLUSH", how]);
            done.flushes += 1;
            continue;
        }
        // Those who wait are told on lines of another kind, which no call goes over.
        let kind = rng.pick(&["normal", "normal", "pubsub"]);
        let from = clock.now() - SLACK;
        let ended = admin.command(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
        let to = clock.now() + SLACK;
        done.kills += 1;
        done.killed += ended.number();
        cuts.push(Cut { from, to });
    }
    let errors = admin.command(&["INFO", "errorstats"]).text();
    let noscript = errors
        .lines()
        .find_map(|line| line.strip_prefix("errorstat_NOSCRIPT:count="));
    done.noscript = noscript.map_or(0, |count| count.trim().parse().expect("a number"));
    cuts
}
