//! Clients under load, killed at any moment and replaced by new ones; what they wrote is checked as a history.
//!
//! Guards what the chosen points can't: kills that meet several operations of several clients at once.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use crate::checker::Kind;
use crate::common::Server;
use crate::histories::{Crew, Run, run_by, start_client};
use crate::history::{self, Call, Micros, Op};
use crate::plan::groups;
use crate::rng::Rng;
use crate::scale::Scale;
use crate::worker::Orders;

/// At work at once.
const CREW: usize = 4;

/// How many kills came in the middle of an operation, at least: of a hundred.
const FLOOR: usize = 40;

pub struct Load {
    pub run: Run,
    pub kills: usize,
    /// How many operations nobody saw the end of.
    pub cut: usize,
}

pub fn kill_at_random(scale: &Scale) -> Load {
    let kills = scale.random_kills;
    let mut run = run_by(scale, "crashes/load", &[], |server, dir| Crew {
        clients: crew(scale, server, dir),
        failures: Vec::new(),
        cuts: Vec::new(),
    });
    let clients = (kills + CREW) as u32;
    let cut: Vec<Op> = (0..groups().len())
        .flat_map(|group| cut(&run.dir, group, clients))
        .collect();
    forgive(&mut run, &cut);
    let cut = cut.len();
    if cut * 100 < kills * FLOOR {
        run.failures.push(format!(
            "too tame: only {cut} of {kills} kills came in the middle of an operation"
        ));
    }
    Load { run, kills, cut }
}

/// Who comes in place of who was killed is another. Answers how many there were.
fn crew(scale: &Scale, server: &Server, dir: &Path) -> u32 {
    let mut rng = Rng::of_stream(scale.seed, 1 << 32);
    let mut next = 0;
    let mut start = || {
        let orders = Orders {
            socket: server.socket(),
            dir: dir.to_owned(),
            who: next,
            seed: scale.seed,
            operations: u32::MAX,
            plain: next % 4 == 3,
            lua: Path::new(env!("CARGO_MANIFEST_DIR")).join("lua"),
            until: None,
        };
        next += 1;
        // Who is killed before it has begun leaves files all the same.
        history::Log::create(dir, groups().len(), orders.who).expect("files for the history");
        start_client(&orders, false)
    };
    let mut crew: Vec<Child> = (0..CREW).map(|_| start()).collect();
    for _ in 0..scale.random_kills {
        // At any moment: it is the time that is drawn, and nothing is waited for.
        std::thread::sleep(Duration::from_millis(rng.between(5, 45)));
        let client = &mut crew[rng.below(CREW)];
        kill(client);
        *client = start();
    }
    crew.iter_mut().for_each(kill);
    // What they sent and the server has not read comes before the second of these.
    for _ in 0..2 {
        ping(&server.socket());
    }
    next
}

fn ping(socket: &Path) {
    let mut stream = UnixStream::connect(socket).expect("the server");
    stream.write_all(b"PING\r\n").expect("sent");
    stream.read_exact(&mut [0; 7]).expect("+PONG");
}

fn kill(client: &mut Child) {
    client.kill().expect("a process that is there");
    client.wait().expect("its end");
}

/// The operations that nobody saw the end of.
fn cut(dir: &Path, group: usize, clients: u32) -> Vec<Op> {
    let mut ops = history::read(dir, group, clients).unwrap_or_default();
    ops.retain(|op| op.ended == Micros::MAX);
    ops
}

/// Who is killed in a pop or a claim never asks again, as the clients of other histories do, and so nobody knows what was
/// taken: counts can't be told then, nor which letters a pop took that nobody had seen.
fn forgive(run: &mut Run, cut: &[Op]) {
    let taken = cut.iter().map(|op| match op.call {
        Call::Pop { limit, .. } if op.queue > 0 => limit,
        _ => 0,
    });
    let mut letters: usize = taken.sum();
    run.verdict.violations.retain(|violation| {
        let is_letter = violation.kind == Kind::Lost && letters > 0;
        letters -= usize::from(is_letter);
        violation.kind != Kind::Stats && !is_letter
    });
}
