//! Power that fails: the end of what a server wrote is cut off at any byte, and it starts again on the rest.
//!
//! Guards what is left: exactly the state after one of the calls, the last one that is whole in the file; and fences and
//! ids that still grow.

mod record;

use std::cmp::Reverse;

use marconi_redis::Store;

use self::record::Record;
pub use self::record::digest;
use crate::client::{Client, Connection, Plain};
use crate::common::Server;
use crate::history::{Call, Outcome};
use crate::plan::{PROJECT, groups};
use crate::report::Row;
use crate::rng::Rng;
use crate::scale::Scale;

pub const OPTIONS: &[&str] = &[
    "--appendonly",
    "yes",
    "--appendfsync",
    "everysec",
    "--aof-load-truncated",
    "yes",
    "--auto-aof-rewrite-percentage",
    "0",
];

const CALLS: u32 = 250;

const ABOUT: &str = "\
A server with `appendonly yes` and `appendfsync everysec` may lose with the power what it wrote last. Here one client runs the mix
of operations of the histories, alone; after each single call of a script the length of the server's file and a digest of all it
holds are noted. Then the server gets SIGKILL, its file (the last increment of it, where there are several) is cut at a random byte,
in the middle of a command as well as between two, and the server starts again with `aof-load-truncated yes`. All it holds must
then be, by the digest, what it held after the last call whose bytes are all there: a prefix of what was answered, in order, with
nothing half done. `check` finds nothing in any queue, and operations go on. Ids and fences that are given afterwards are above
every one that survived; where the time is the server's, above every one that was lost, too, since both are made from it.

One queue brings a clock of its own. There a fence that was lost can be given again while that clock stands where it stood (the
larger of last + 1 and the time: the last is lost, the time is the same); it is counted how often. Once the clock is a ms past the
lost claims, fences are above theirs.

A cut in the middle of a call is written down by the server in its log; a cut between two can't be seen by anybody, and how many
answered operations went with a cut is counted below. What it can't see: a file whose end is not short but wrong, as some file
systems leave it: there a server does not start before somebody has run `redis-check-aof --fix`, which cuts in the same way; and a
clock that is set back while the server is away, after which fences grow only over those that survived.
";

#[derive(Default)]
struct Count {
    cuts: u64,
    in_call: u64,
    said: u64,
    lost: u64,
    most_lost: u64,
    lost_fences: u64,
    came_again: u64,
    violations: Vec<String>,
}

pub fn prove(scale: &Scale) -> Row {
    let mut rng = Rng::of_stream(scale.seed, 0x706f_7765);
    let mut count = Count::default();
    let (rounds, cuts) = (scale.kills / 6, (scale.kills * 2).min(40));
    let began = std::time::Instant::now();
    for _ in 0..rounds {
        if began.elapsed() < scale.patience() {
            round(&mut rng, cuts, &mut count);
        }
    }
    let asked = u64::from(rounds * cuts);
    let floors = [
        ("cuts", count.cuts, asked / 4),
        (
            "cuts in the middle of a call",
            count.in_call,
            count.cuts / 4,
        ),
        (
            "cuts that the server's log tells of",
            count.said,
            count.in_call,
        ),
        ("operations lost", count.lost, count.cuts),
        ("fences lost", count.lost_fences, count.cuts),
        (
            "lost fences of a clock that stood, given again",
            count.came_again,
            1,
        ),
    ];
    let low = floors.iter().filter(|(_, count, floor)| count < floor);
    let failures =
        low.map(|(what, count, floor)| format!("too tame: {what}: {count}, at least {floor}"));
    for violation in count.violations.iter().take(5) {
        println!("{violation}");
    }
    Row {
        name: "power-loss",
        title: "Power that fails",
        about: ABOUT,
        tried: count.cuts,
        unit: "cuts",
        violations: count.violations.len() as u64,
        failures: failures.collect(),
        details: [
            ("calls of a script before each", u64::from(CALLS)),
            ("cuts in the middle of a call", count.in_call),
            ("told of by the server's log", count.said),
            ("answered operations lost, in all", count.lost),
            ("the most at one cut", count.most_lost),
            ("fences lost", count.lost_fences),
            ("given again by a clock that stood", count.came_again),
        ]
        .map(|(what, count)| (what.to_owned(), count.to_string()))
        .to_vec(),
        mutations: Vec::new(),
        command: scale.command("power-loss"),
    }
}

/// One file, cut so many times.
fn round(rng: &mut Rng, cuts: u32, count: &mut Count) {
    let mut server = Server::start(OPTIONS);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = || {
        runtime
            .block_on(Store::connect(&server.url()))
            .expect("the server")
    };
    runtime.block_on(crate::histories::create_queues(&store()));
    let record = Record::make(&server, rng, CALLS);
    server.kill();
    let file = record.file(&server);
    let whole = std::fs::read(&file).expect("the server's file");
    for _ in 0..cuts {
        let at = record.cut(rng, whole.len() as u64);
        std::fs::write(&file, &whole[..at as usize]).expect("room for the file");
        server.restart();
        let mut found = Found {
            server: &server,
            record: &record,
            at,
            count,
        };
        found.look();
        let store = runtime
            .block_on(Store::connect(&server.url()))
            .expect("the server");
        for rules in groups().iter().flatten() {
            let queue = store.queue(PROJECT, rules.name).expect("a good name");
            let wrong = runtime.block_on(queue.check()).expect("a check");
            if !wrong.is_empty() {
                found.report(format!("{}: {wrong:?}", rules.name));
            }
        }
        server.kill();
        // A rewrite or a new increment would make the next cut one of another file.
        assert_eq!(record.file(&server), file, "the file that is cut");
    }
}

/// A server that has started on a file that was cut.
struct Found<'a> {
    server: &'a Server,
    record: &'a Record,
    at: u64,
    count: &'a mut Count,
}

impl Found<'_> {
    fn report(&mut self, what: String) {
        let at = self.at;
        self.count.violations.push(format!("cut at {at}: {what}"));
    }

    fn look(&mut self) {
        let mut connection = Connection::open(&self.server.socket()).expect("the server");
        let step = self.record.last_within(self.at);
        let (offset, expected) = &self.record.steps[step];
        self.count.cuts += 1;
        if *offset != self.at {
            self.count.in_call += 1;
            let log = self.server.socket().with_file_name("server.log");
            let log = std::fs::read_to_string(log).expect("the server's log");
            let said = log.to_lowercase().contains("truncat");
            self.count.said += u64::from(said);
        }
        let found = digest(&mut connection);
        if found != *expected {
            let other = self
                .record
                .steps
                .iter()
                .position(|(_, digest)| *digest == found);
            self.report(format!(
                "the state is not that after call {step}, but {other:?}"
            ));
        }
        let lost = self.record.ends.iter().filter(|end| **end > step).count() as u64;
        self.count.lost += lost;
        self.count.most_lost = self.count.most_lost.max(lost);
        self.go_on(step);
    }

    /// Posts and claims on each queue that is posted to.
    fn go_on(&mut self, step: usize) {
        let lua = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("lua");
        let mut client = Plain::connect(&self.server.socket(), &lua, false);
        for group in 0..groups().len() {
            let given = |what: &[(usize, usize, u64)]| {
                let mut given: Vec<_> = what.iter().filter(|g| g.1 == group).copied().collect();
                given.sort_unstable_by_key(|g| Reverse(g.2));
                given
            };
            let fences = given(&self.record.fences);
            let survived = fences.iter().find(|g| g.0 <= step).map_or(0, |g| g.2);
            let lost: Vec<u64> = fences.iter().filter(|g| g.0 > step).map(|g| g.2).collect();
            self.count.lost_fences += lost.len() as u64;
            let is_own = group == record::OWN_CLOCK;
            let now = is_own.then(|| self.record.clock_at(step));
            let (id, fence) = take(&mut client, group, 1, now);
            if fence <= survived {
                self.report(format!("fence {fence} after {survived} that survived"));
            }
            if is_own {
                self.count.came_again += u64::from(lost.contains(&fence));
            }
            let later = is_own.then(|| self.record.clock_at(usize::MAX) + 1);
            let (later_id, later_fence) = take(&mut client, group, 2, later);
            let highest = fences.first().map_or(0, |g| g.2);
            if later_fence <= highest || !is_own && fence <= highest {
                self.report(format!(
                    "fence {later_fence} after {highest}, which may be lost"
                ));
            }
            let ids = given(&self.record.ids);
            let last = ids.iter().find(|g| g.0 <= step).map_or(0, |g| g.2);
            let highest = ids.first().map_or(0, |g| g.2);
            if id <= last || later_id <= highest || !is_own && id <= highest {
                self.report(format!(
                    "ids {id} and {later_id} after {last}, {highest} lost"
                ));
            }
        }
    }
}

/// The id of a message that is posted now, and the fence of a claim that is made then.
fn take(client: &mut Plain, group: usize, stem: u32, now: Option<u64>) -> (u64, u64) {
    client.now = now;
    let post = Call::Post {
        stem,
        count: 1,
        ttl: None,
        delay: Some(0),
        token: None,
    };
    let Outcome::Posted(ids) = client.ask(group, 0, 99, &post, None) else {
        panic!("a post after a cut")
    };
    let claim = Call::Claim {
        claim: format!("00000000-0000-4000-9{group:03x}-{stem:012x}"),
        ttl: 1000,
        grace: 0,
        limit: 1,
        wait: None,
    };
    match client.ask(group, 0, 99, &claim, None) {
        Outcome::Claimed { fence, .. } => (record::number(ids[0]), fence),
        other => panic!("a claim after a post: {other:?}"),
    }
}
