//! Lost replies: operations over connections that lose, delay, double and cut what goes over them.
//!
//! Guards what a client is told: *done*, *not done* and *unknown* are each true, and what was asked for again was done once.

mod fault;
mod middle;
mod tally;
mod trial;

use std::path::Path;

use crate::common::Server;
use crate::crashes::cell::Lane;
use crate::crashes::deeds::{self, Repeat};
use crate::crashes::gate::Gate;
use crate::crashes::stage::load_scripts;
use crate::report::Row;
use crate::scale::Scale;
use tally::Tally;
use trial::Rehearsed;

const ABOUT: &str = "\
Clients of this crate do random operations (those of the killed clients, but for what waits) through something that loses things:
requests and replies wholly or in half, with the connection; requests that are delayed, or come only when the connection has
gone, or are passed on twice; replies that are delayed, come twice, never come, or are exchanged for something that no script
answers; and times without any connection. Most clients have one call under way, one in four has four at once on one connection.
They repeat by themselves what may be repeated.

When all that was under way has come or never will, each operation is looked up on the server by another way, and what is there
has to be, to the byte, what was there at some point of the same operation without faults. What was answered, or failed with
*done*, has to be there; what failed with *not done* must not be; *unknown* may be either, and both have to have come. What failed
is then done again by another client with the same claim id or token, if a repeat is promised to be harmless: that has to come to
one effect. An hour later no claim holds anything, and `check` looks at all parts throughout.

What it can't see: a middle that sends a request again by itself, without a token, doubles it, as it would with any server; such
are counted. A reply that comes twice while another call is under way on the same connection would be taken for that one's: TCP
doesn't do that, replies bear no number, and no client could tell.
";

/// At work at once; mostly they wait.
const CLIENTS: usize = 8;

pub fn prove(scale: &Scale) -> Row {
    let dir = scale.dir("lost-replies");
    let server = Server::start(&[]);
    load_scripts(&server);
    let mut tally = Tally::default();
    let all = rehearse(&server.socket(), &dir, &mut tally);
    let socket = server.socket();
    let count = scale.lossy / CLIENTS;
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (socket, all) = (&socket, &all);
                scope.spawn(move || trial::run(socket, scale.seed, client, count, all))
            })
            .collect();
        for client in clients {
            tally.add(client.join().expect("a client that does not fail"));
        }
    });
    tally
        .violations
        .iter()
        .take(20)
        .for_each(|v| println!("{v}"));
    let row = Row {
        name: "lost-replies",
        title: "Lost replies",
        about: ABOUT,
        tried: tally.verdicts.len() as u64,
        unit: "operations",
        violations: tally.violations.len() as u64,
        failures: [tally.failures.clone(), tally.tame()].concat(),
        details: tally.details(),
        mutations: Vec::new(),
        command: scale.command("lost-replies"),
    };
    if row.is_good() {
        scale.done_with(&dir);
    }
    row
}

/// Each operation once without faults. What waits or works on and on is left to other proofs.
fn rehearse(server: &Path, dir: &Path, tally: &mut Tally) -> Vec<Rehearsed> {
    let lane = Lane::new(server, Gate::before(server, dir.join("gate")));
    let mut rehearsed = Vec::new();
    for (number, deed) in deeds::all().into_iter().enumerate() {
        if deed.during.is_some() || deed.repeat == Repeat::Later {
            continue;
        }
        match lane.rehearse(deed, &format!("rehearsal-{number}")) {
            Ok(rehearsal) => rehearsed.push(Rehearsed { deed, rehearsal }),
            Err(error) => tally.failures.push(format!("{}: {error}", deed.name)),
        }
    }
    rehearsed
}
