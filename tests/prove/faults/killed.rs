//! A server that writes every call to disk, killed again and again under load.
//!
//! Guards what was answered: posts, deletes, claims and their fences are there after each restart, by the same checker
//! that judges histories without faults.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::clock::{Clock, SLACK};
use crate::common::Server;
use crate::histories;
use crate::history::{self, Call, Cut, Op, Outcome};
use crate::plan::groups;
use crate::report::Row;
use crate::rng::Rng;
use crate::scale::Scale;

/// Rewrites of the file come too, so that some kills meet one.
const OPTIONS: &[&str] = &[
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--auto-aof-rewrite-percentage",
    "50",
    "--auto-aof-rewrite-min-size",
    "1mb",
];

const ABOUT: &str = "\
The history of above, on a server with `appendonly yes` and `appendfsync always` that gets SIGKILL again and again, at random
moments, and starts again on what it has written; now and then while it rewrites its file. The clients go on: those on this
crate repeat by its own rules what may be repeated, those on the scripts alone write an answer that did not come down as lost and
repeat by the contract's. A call that was under way at a kill may have been done, once and before the kill, or not; all that was
answered counts. So the same checker finds what a restart lost, doubled or revived: a post, a delete, a claim that lived and is
gone or has another fence, a token that is forgotten, a fence or an id that comes again. A call that the crate says was not done
must have left nothing.

What it can't see: a kernel or a disk that loses what it says is written, which the next row imitates.
";

pub fn prove(scale: &Scale) -> Row {
    let clients = scale.clients.min(8);
    let sized = scale.sized(u32::MAX, clients);
    let mut rng = Rng::of_stream(scale.seed, 0x6b69_6c6c);
    let kills = scale.kills;
    let patience = scale.patience();
    let mut kill = |server: &mut Server, dir: &Path| {
        kill_again_and_again(server, dir, &mut rng, kills, patience)
    };
    let run = histories::run_on(&sized, "killed-server", None, OPTIONS, Some(&mut kill));
    let seen = Seen::of(&run.dir, clients);
    let (asked, kills) = (kills, history::cuts(&run.dir).len() as u32);
    let violations = run.verdict.violations.len() as u64;
    let mut failures = [run.failures.clone(), seen.tame(kills)].concat();
    let operations = run.verdict.rates.of("operations");
    if kills < asked / 4 {
        failures.push(format!(
            "too slow: {kills} of {asked} kills in {patience:?}"
        ));
    }
    if operations < u64::from(kills) * 25 {
        failures.push(format!(
            "too tame: {operations} operations over {kills} kills"
        ));
    }
    let row = Row {
        name: "killed-server",
        title: "A server that is killed",
        about: ABOUT,
        tried: u64::from(kills),
        unit: "kills",
        violations,
        failures,
        details: [
            vec![
                ("client processes".to_owned(), clients.to_string()),
                ("operations".to_owned(), operations.to_string()),
            ],
            seen.details(),
        ]
        .concat(),
        mutations: Vec::new(),
        command: scale.command("killed-server"),
    };
    run.settle(scale, &row);
    row
}

fn kill_again_and_again(
    server: &mut Server,
    dir: &Path,
    rng: &mut Rng,
    kills: u32,
    patience: Duration,
) -> Vec<Cut> {
    let clock = Clock::start();
    let began = Instant::now();
    let kill = |_| {
        // About as many operations as a third of a kilobyte goes into.
        history::until_longer(dir, rng.between(10_000, 80_000), began + patience);
        std::thread::sleep(Duration::from_micros(rng.between(0, 5_000)));
        let from = clock.now() - SLACK;
        server.kill();
        let to = clock.now() + SLACK;
        server.restart();
        Cut { from, to }
    };
    (0..kills)
        .take_while(|_| began.elapsed() < patience)
        .map(kill)
        .collect()
}

/// What the kills met.
#[derive(Default)]
pub struct Seen {
    /// Operations that had begun and were not answered.
    under_way: u64,
    /// Of these, answered in the end, by the client's own repeat.
    repeated: u64,
    not_done: u64,
    /// Posts and deletes that were answered in the 10 ms before a kill.
    just_before: u64,
    /// Claims that were answered, and had neither ended nor lapsed when the server was back.
    lived_over: u64,
    /// Of these, used afterwards by their workers.
    used_after: u64,
}

impl Seen {
    /// Reads the history once more.
    pub fn of(dir: &Path, clients: u32) -> Seen {
        let cuts = history::cuts(dir);
        let mut seen = Seen::default();
        for group in 0..groups().len() {
            for who in 0..clients {
                for why in history::said_not_done(dir, group, who) {
                    println!("not done by client {who}: {why}");
                    seen.not_done += 1;
                }
            }
            let ops = history::read(dir, group, clients).unwrap_or_default();
            for cut in &cuts {
                seen.meet(&ops, *cut);
            }
        }
        seen
    }

    fn meet(&mut self, ops: &[Op], cut: Cut) {
        let at = |op: &&Op| op.begun <= cut.to && op.ended >= cut.from;
        for op in ops.iter().filter(at) {
            self.under_way += 1;
            self.repeated += u64::from(op.got != Outcome::Lost);
        }
        let before = ops.iter().filter(|op| op.ended < cut.from);
        let fresh = before.clone().filter(|op| op.ended + 10_000 > cut.from);
        let changed = |op: &&Op| matches!(op.got, Outcome::Posted(_) | Outcome::Done(_));
        self.just_before += fresh.filter(changed).count() as u64;
        let alive = before.filter_map(|op| match (&op.call, &op.got) {
            (
                Call::Claim { claim, .. },
                Outcome::Claimed {
                    deadline,
                    messages,
                    fence,
                    ..
                },
            ) if deadline * 1000 > cut.to && !messages.is_empty() => Some((op, claim, *fence)),
            _ => None,
        });
        for (made, claim, fence) in alive {
            let about = |op: &&Op| op.begun > made.begun && named(&op.call) == Some(claim);
            let mut after = ops.iter().filter(about).peekable();
            if after.peek().is_some_and(|next| next.begun < cut.to) {
                continue;
            }
            self.lived_over += 1;
            self.used_after += u64::from(after.any(|op| shows(op, fence)));
        }
    }

    pub fn under_way(&self) -> u64 {
        self.under_way
    }

    pub fn not_done(&self) -> u64 {
        self.not_done
    }

    pub fn tame(&self, kills: u32) -> Vec<String> {
        let kills = u64::from(kills);
        let floors = [
            ("operations under way", self.under_way, kills),
            ("changes just before", self.just_before, kills),
            ("claims that lived on", self.lived_over, kills / 4),
            ("claims used afterwards", self.used_after, kills / 10),
        ];
        let low = floors.into_iter().filter(|(_, count, floor)| count < floor);
        low.map(|(what, count, floor)| format!("too tame: {what}: {count}, at least {floor}"))
            .collect()
    }

    pub fn details(&self) -> Vec<(String, String)> {
        [
            ("under way at a kill", self.under_way),
            ("of these, answered after a repeat", self.repeated),
            ("said not to be done", self.not_done),
            ("changes answered within 10 ms before", self.just_before),
            ("claims that lived over a kill", self.lived_over),
            ("of these, used by their workers after", self.used_after),
        ]
        .map(|(what, count)| (what.to_owned(), count.to_string()))
        .to_vec()
    }
}

/// The claim that a call is about.
fn named(call: &Call) -> Option<&String> {
    match call {
        Call::Claim { claim, .. }
        | Call::Get { claim }
        | Call::Renew { claim, .. }
        | Call::Release { claim, .. }
        | Call::Nack { claim, .. } => Some(claim),
        Call::Delete { claim, .. } => claim.as_ref(),
        _ => None,
    }
}

fn shows(op: &Op, of: u64) -> bool {
    match &op.got {
        Outcome::Claimed { fence, .. } | Outcome::Renewed { fence, .. } => *fence == of,
        Outcome::Done(count) => *count > 0,
        _ => false,
    }
}
