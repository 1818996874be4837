//! Killed clients: each operation's process, killed at each point of each of its round trips.
//!
//! Guards that a client can die anywhere: what it was doing was done or was not, whoever comes next finds nothing
//! broken, and doing it again has the effect of one.

pub mod cell;
pub mod deeds;
pub mod gate;
mod load;
mod process;
pub mod rehearsal;
pub mod stage;
mod table;

use std::io::Read;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::report::Row;
use crate::scale::Scale;
use stage::{DEADLINE, Stage};

/// What a client process is told, as JSON in its arguments.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    socket: PathBuf,
    project: String,
    deed: String,
    now: u64,
}

impl Orders {
    fn url(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

/// How what a client says begins.
const SAID: &str = "said ";

const ABOUT: &str = "\
A client process does one operation, through a gate that passes its requests and the replies on one by one, and is killed
(SIGKILL) at a chosen point of a chosen request: while the server has nothing of it, while the server has half of its bytes, when
the server has done it and the client has nothing of the reply, when the client has half of the reply, and when it has all of it.
Every request of every operation that changes something is met at all five points, in the full run every other request too.
What is there after the kill (messages, claims with their fences and deadlines, letters, letters in transit, metadata, names,
subscriptions, topics, pools, flavors, the catalogue) has to be, to the byte, what was there at the same point when nobody was killed. How many such states an operation
goes through is written down for each, so one that is said to be one step has two: nothing done, or all. Then another process does
the same again, with the same claim id or token, and in the end there has to be what would have been there, and the answer has to
be the one that the first would have had; an hour later no claim holds anything. `check` looks at all parts after each step.

Besides, clients under load are killed at any moment and replaced by others, and what they wrote down is held against the contract
as a checked history: of an operation without an end, either all of it has to be there or nothing. Counts are left out there, and
so are letters that a killed pop may have taken.

What it can't see: kills between two instructions of the server, which runs a script to its end whoever has gone; kills of
programs that keep state of their own.
";

/// Does a deed, says what came of it, and stays until its input ends: a client process.
pub fn client(orders: &str) {
    let orders: Orders = serde_json::from_str(orders).expect("orders");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let stage = Stage::at(&orders.url(), DEADLINE, &orders.project, orders.now);
        let deed = deeds::named(&orders.deed);
        let said = (deed.act)(&stage).await;
        let said = said.unwrap_or_else(|error| format!("refused {}", error.word()));
        println!("{SAID}{said}");
    });
    let ended = std::io::stdin().read_to_end(&mut Vec::new());
    ended.expect("its input");
}

pub fn prove(scale: &Scale) -> Row {
    let table = table::fill(scale);
    let load = load::kill_at_random(scale);
    let verdict = &load.run.verdict;
    let violations = table.violations.len() + verdict.violations.len();
    let mut details = table.details();
    let operations = verdict.rates.of("operations");
    details.push((
        "at any moment, under load".to_owned(),
        format!(
            "{} kills, {} of them in the middle of an operation; {operations} operations",
            load.kills, load.cut
        ),
    ));
    let row = Row {
        name: "crashes",
        title: "Killed clients",
        about: ABOUT,
        tried: table.kills() + load.kills as u64,
        unit: "kills",
        violations: violations as u64,
        failures: [table.failures.clone(), load.run.failures.clone()].concat(),
        details,
        mutations: Vec::new(),
        command: scale.command("crashes"),
    };
    table
        .violations
        .iter()
        .take(20)
        .for_each(|v| println!("{v}"));
    load.run.settle(scale, &row);
    if row.is_good() {
        scale.done_with(&scale.dir("crashes"));
    }
    row
}
