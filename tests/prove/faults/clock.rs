//! A clock that jumps, forward and back.
//!
//! Guards what holds whatever time it is: one live claim on a message, ids and fences that grow, nothing after a delete,
//! nothing lost.

mod ledger;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use marconi_redis::Store;

pub use self::ledger::Ledger;
use crate::client::{Client, Plain};
use crate::common::Server;
use crate::plan::{PROJECT, groups};
use crate::report::Row;
use crate::rng::Rng;
use crate::scale::Scale;
use crate::worker::Chooser;

const START: u64 = 1_700_000_000_000;

const ABOUT: &str = "\
Operations of the histories' mix on six queues, each with an explicit `now` that mostly goes on by some ms, and at random jumps: by
ms, seconds, days and years, forward and back, back before the first message too. After each operation a ledger of its own, made
of nothing but the answers, is asked: an id or a fence is above all before it, in that queue; a message goes to a claim only where
the claim before it was deleted, released, nacked, or had its deadline behind some time that was seen since; once another has it,
the former claim gets, renews, deletes and nacks nothing, however far the clock goes back; nothing is delivered that was deleted
or popped; nothing that was never posted. In the end the clock stands at the latest time seen, `check` finds nothing, and every
message is there, or was deleted, popped, or has died, or had its expiry behind some time that was seen.

What it can't see: that times are right, which the model tests compare; here only what must hold though they are wrong. A claim that
has lapsed and was not swept lives again when the clock goes back, and so does a message that was over its ttl or dead, also where
a delete came meanwhile and answered that it deleted 0: the time is what the caller says it is.
";

pub fn prove(scale: &Scale) -> Row {
    let mut rng = Rng::of_stream(scale.seed, 0x636c_6f63);
    let operations = scale.kills * 1000;
    let server = Server::start(&[]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = runtime
        .block_on(Store::connect(&server.url()))
        .expect("the server");
    runtime.block_on(crate::histories::create_queues(&store.at(ms(START))));
    let lua = Path::new(env!("CARGO_MANIFEST_DIR")).join("lua");
    let mut client = Plain::connect(&server.socket(), &lua, false);
    let mut chooser = Chooser::new(&groups(), 0, rng.next(), true);
    let mut ledger = Ledger::new(START);
    let (mut now, mut forward, mut back) = (START, 0_u64, 0_u64);
    let began = std::time::Instant::now();
    let mut tried = 0;
    for n in 0..operations {
        if began.elapsed() > scale.patience() {
            break;
        }
        let next = later(&mut rng, now);
        forward += u64::from(next > now + 1000);
        back += u64::from(next < now);
        now = next;
        client.now = Some(now);
        let choice = chooser.choose(n);
        let (group, queue) = choice.place;
        let got = client.ask(group, queue, 0, &choice.call, None);
        ledger.enter((group, queue), now, &choice.call, &got);
        chooser.learn(choice.place, &choice.call, &got);
        tried += 1;
    }
    // Its own end, so that what is left can be told by the times that were seen.
    now = ledger.latest();
    let at = store.at(ms(now));
    for (group, rules) in groups().iter().enumerate() {
        let mut left = Vec::new();
        for (queue, rules) in rules.iter().enumerate() {
            let handle = at.queue(PROJECT, rules.name).expect("a good name");
            runtime.block_on(async {
                while !handle.gc().await.expect("gc") {}
                handle.carry_dead_letters().await.expect("letters carried");
                for wrong in handle.check().await.expect("a check") {
                    ledger.report(format!("{}: {wrong:?}", rules.name));
                }
            });
            left.push((queue, handle));
        }
        for (queue, handle) in left {
            let rest = runtime.block_on(crate::histories::rest(&handle));
            ledger.rest((group, queue), &rest);
        }
    }
    let counts = ledger.counts;
    let floors = [
        ("operations", tried, u64::from(operations) / 4),
        ("jumps forward", forward, tried / 100),
        ("jumps back", back, tried / 100),
        ("messages claimed again", counts.again, tried / 100),
        ("claims that asked too late", counts.late, tried / 200),
        ("messages deleted", counts.deleted, tried / 50),
    ];
    let low = floors.iter().filter(|(_, count, floor)| count < floor);
    let failures =
        low.map(|(what, count, floor)| format!("too tame: {what}: {count}, at least {floor}"));
    for violation in ledger.violations.iter().take(5) {
        println!("{violation}");
    }
    Row {
        name: "clock-jumps",
        title: "A clock that jumps",
        about: ABOUT,
        tried,
        unit: "operations",
        violations: ledger.violations.len() as u64,
        failures: failures.collect(),
        details: floors[1..]
            .iter()
            .map(|(what, count, _)| ((*what).to_owned(), count.to_string()))
            .collect(),
        mutations: Vec::new(),
        command: scale.command("clock-jumps"),
    }
}

fn ms(now: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(now)
}

/// Mostly some ms later.
fn later(rng: &mut Rng, now: u64) -> u64 {
    let far = |rng: &mut Rng| rng.duration(40_000_000_000);
    match rng.below(100) {
        0..=91 => now + rng.between(0, 12),
        92..=93 => now + far(rng),
        94..=97 => now.saturating_sub(rng.duration(5_000)),
        98 => now.saturating_sub(far(rng)),
        _ => START - rng.between(0, 1000),
    }
}
