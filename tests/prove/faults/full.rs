//! A server that is full, and evicts nothing.
//!
//! Guards that only what brings something is refused then, before its first write, and that everything that takes away
//! goes on until there is room.

mod drained;
mod windows;

use super::tally::Tally;
use crate::report::Row;
use crate::scale::Scale;

const ABOUT: &str = "\
`maxmemory` with `noeviction`, in two ways. First the mix of the histories on six queues, with windows in which the server is full
whatever goes: there each post of something new is refused with OOM, and nothing else is, but the carrying of letters to a queue,
which then waits. In each window the crate also asks for what else needs room: create with and without metadata, set of metadata,
subscriptions made, changed and confirmed, letters redriven, each refused as not done. Around each refusal a digest of all that the
server holds is compared. A ledger of the answers is kept, as for the clock that jumps.

Then rounds: posts of random sizes and counts fill three queues until a single one is refused; then claims with deletes, releases
and nacks, pops, single deletes, purges and deletion of queues, at random, drain it, while posts are tried in between; a post is
stored whole or refused whole. After each step a queue has the messages, by its stats and by what it hands out, that were
acknowledged and not taken, and no other. A server that is drained takes posts again. `check` finds nothing after each window and
round.

What it can't see: a server that evicts; no script can help where the server throws keys away.
";

pub fn prove(scale: &Scale) -> Row {
    let mut tally = Tally::default();
    windows::run(scale, &mut tally);
    drained::run(scale, &mut tally);
    let (rounds, windows) = (tally.of("rounds"), tally.of("windows"));
    let floors = [
        ("windows", u64::from(scale.kills)),
        ("posts refused in a window", windows * 3),
        ("calls that went on in a window", windows * 10),
        ("others refused in a window", windows * 4),
        ("refusals watched by a digest", windows * 4),
        ("rounds", u64::from(scale.kills) / 6),
        ("messages posted until it was full", rounds * 500),
        ("posts refused on the way down", rounds / 2),
    ];
    tally.print();
    Row {
        name: "full-server",
        title: "A server that is full",
        about: ABOUT,
        tried: tally.of("calls that went on in a window")
            + tally.of("posts refused in a window")
            + tally.of("steps down"),
        unit: "operations on a full server",
        violations: tally.violations.len() as u64,
        failures: tally.tame(&floors),
        details: tally.details(),
        mutations: Vec::new(),
        command: scale.command("full-server"),
    }
}
