//! One client process of a history: random operations, each written down before and after.
//!
//! Guards the history's honesty: what is written is what was asked and answered, and an answer that can't be ends the
//! process with an error.

mod choose;
mod hand;
mod meddle;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::client::{self, Client};
use crate::clock::{Clock, SLACK};
use crate::history::{Call, Log, Outcome};
use crate::plan;

pub use choose::Chooser;

/// What a client process is told, as JSON in its arguments.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    pub socket: PathBuf,
    pub dir: PathBuf,
    pub who: u32,
    pub seed: u64,
    pub operations: u32,
    pub plain: bool,
    /// Where a plain client finds the scripts.
    pub lua: PathBuf,
    /// The server may go away, and come back: on until this file is there, or all operations are made.
    pub until: Option<PathBuf>,
}

struct Worker {
    who: u32,
    clock: Clock,
    log: Log,
    client: Box<dyn Client>,
    chooser: Chooser,
    made: u32,
}

pub fn run(orders: &str) {
    let orders: Orders = serde_json::from_str(orders).expect("orders");
    let groups = plan::groups();
    let mut worker = Worker {
        who: orders.who,
        clock: Clock::start(),
        log: Log::create(&orders.dir, groups.len(), orders.who).expect("files for the history"),
        client: client::connect(
            &orders.socket,
            orders.plain.then_some(&orders.lua),
            orders.until.is_some(),
        ),
        chooser: Chooser::new(&groups, orders.who, orders.seed, orders.plain),
        made: 0,
    };
    let is_over = || orders.until.as_ref().is_some_and(|file| file.exists());
    while worker.made < orders.operations && !is_over() {
        worker.step();
    }
    let drift = worker.clock.drift();
    assert!(
        drift <= SLACK,
        "the clock was set during the run, by {drift} µs: nothing is proved, run it again"
    );
}

impl Worker {
    /// One operation; where its answer was lost and may be asked for again, the same once more.
    fn step(&mut self) {
        let choice = self.chooser.choose(self.made);
        let (group, queue) = choice.place;
        let got = self.ask(group, queue, &choice.call, choice.lose);
        let again = match &choice.call {
            Call::Post { token, .. } | Call::Pop { token, .. } => token.is_some(),
            call => matches!(call, Call::Claim { .. }),
        };
        self.chooser.learn(choice.place, &choice.call, &got);
        if got == Outcome::Lost && again {
            let got = self.ask(group, queue, &choice.call, None);
            self.chooser.learn(choice.place, &choice.call, &got);
        }
    }

    fn ask(&mut self, group: usize, queue: usize, call: &Call, lose: Option<u64>) -> Outcome {
        let n = self.made;
        self.made += 1;
        self.log.begin(group, queue, n, self.clock.now(), call);
        let got = self.client.ask(group, queue, self.who, call, lose);
        self.log.end(group, n, self.clock.now(), &got);
        if let Outcome::Failed(error) = &got {
            panic!("client {} operation {n}: {call:?}: {error}", self.who);
        }
        got
    }
}
