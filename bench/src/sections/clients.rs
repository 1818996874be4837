//! Queues through their own clients: the library, BullMQ, apalis-redis, Zaqar's Redis driver.
//!
//! Guards that each is at its best (many calls at once, or many messages a call, as its documentation says), has its
//! server to itself, and that all take turns.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value};

use super::note_calls;
use crate::cells::Cells;
use crate::common::Server;
use crate::machine::Machine;
use crate::meter::Meter;
use crate::outside::{Order, Outside};
use crate::plan::{Plan, spelled};
use crate::wire::OURS;

pub const SECTION: &str = "clients";
pub const BULLMQ: &str = "BullMQ";
pub const APALIS: &str = "apalis-redis";
pub const ZAQAR: &str = "Zaqar's Redis driver";
/// All clients, in the order of the results.
pub const ALL: [&str; 4] = [OURS, BULLMQ, APALIS, ZAQAR];
/// Tasks of a client, as many as redis-benchmark has connections.
pub const AT_ONCE: usize = 64;
/// One message a call, many calls at once.
pub const SINGLE: &str = "single, 64 at once";
const BY_TEN: &str = "by ten, 8 at once";
/// Messages that are there before the memory of more is measured, and in a call that fills.
const FIRST: usize = 100;
const ALONE: &str = "single, one at a time";

/// Where the clients in other languages are.
pub struct Places {
    /// The folder with BullMQ in it, and its program.
    pub bullmq: PathBuf,
    /// A Python that has Zaqar, and its program.
    pub python: PathBuf,
    pub zaqar: PathBuf,
}

/// One client, and the server that it has to itself.
struct Client {
    outside: Outside,
    meter: Meter,
    /// One message after the other is all that it can do.
    slow: bool,
    /// How many are in its queue, and whether it was filled further just now.
    queued: usize,
    filled: bool,
    _server: Server,
}

/// What a run of the clients found beside figures.
#[derive(Default)]
pub struct Found {
    pub versions: Map<String, Value>,
    /// A client, and why it is not in the results.
    pub missing: Vec<(String, String)>,
    clients: Vec<Client>,
}

/// All that can be started; what can't, or breaks, is told with the reason.
pub fn measure(cells: &mut Cells, machine: &Machine, plan: Plan, places: &Places) -> Found {
    let mut found = Found::default();
    for name in ALL {
        match Client::start(name, machine, places) {
            Ok(client) => {
                let versions = client.outside.versions.as_object().cloned();
                found.versions.extend(versions.unwrap_or_default());
                found.clients.push(client);
            }
            Err(why) => found.missing.push((name.into(), format!("{why:#}"))),
        }
    }
    for round in 0..=plan.rounds {
        found.each("with nothing queued", |client| {
            client.turn(cells, plan, round > 0)
        });
    }
    eprintln!("clients: nothing queued");
    for depth in plan.depths {
        let stage = format!("with {} queued", spelled(depth));
        found.each(&stage, |client| client.fill(cells, plan, depth));
        for _ in 0..plan.rounds {
            found.each(&stage, |client| client.behind(cells, plan));
        }
        eprintln!("clients: {stage}");
    }
    found.each("with more in flight", |client| client.hold(cells, plan));
    found
}

impl Found {
    /// One after the other; one that breaks takes no part any more.
    fn each(&mut self, stage: &str, mut turn: impl FnMut(&mut Client) -> anyhow::Result<()>) {
        let missing = &mut self.missing;
        self.clients.retain_mut(|client| match turn(client) {
            Ok(()) => true,
            Err(why) => {
                let what = format!("{}, {stage} and beyond", client.outside.name);
                missing.push((what, format!("{why:#}")));
                false
            }
        });
    }
}

impl Client {
    fn start(name: &'static str, machine: &Machine, places: &Places) -> anyhow::Result<Client> {
        let server = machine.server(&[]);
        let mut command = match name {
            BULLMQ => Command::new("node"),
            ZAQAR => Command::new(&places.python),
            _ => Command::new(std::env::current_exe()?),
        };
        match name {
            BULLMQ => command.arg(&places.bullmq).arg(server.port().to_string()),
            ZAQAR => command.arg(&places.zaqar).arg(server.port().to_string()),
            OURS => command.args(["client", "ours", &server.tcp_url()]),
            _ => command.args(["client", "apalis", &server.tcp_url()]),
        };
        Ok(Client {
            outside: Outside::start(name, &mut command)?,
            meter: Meter::connect(&server.url())?,
            slow: name == ZAQAR,
            queued: 0,
            filled: false,
            _server: server,
        })
    }

    fn order(&self, verb: &'static str, count: usize, each: usize, at_once: usize) -> Order {
        let at_once = if self.slow { 1 } else { at_once };
        Order {
            verb,
            count,
            each,
            at_once,
        }
    }

    /// An empty queue: all ways to use it.
    fn turn(&mut self, cells: &mut Cells, plan: Plan, counts: bool) -> anyhow::Result<()> {
        let count = if self.slow {
            plan.sent_slowly
        } else {
            plan.sent
        };
        for (setting, each, at_once) in [(SINGLE, 1, AT_ONCE), (BY_TEN, 10, 8)] {
            let mut unused = Cells::default();
            let cells = if counts { &mut *cells } else { &mut unused };
            self.life(cells, setting, count, each, at_once)?;
        }
        let calls = plan.calls.min(count);
        let mut posts = self.outside.order(self.order("post", calls, 1, 1))?;
        let mut works = self.outside.order(self.order("work", calls, 1, 1))?;
        if counts {
            let cell = (SECTION, ALONE, self.outside.name);
            note_calls(cells, cell, "post", &mut posts.calls_us);
            if !works.calls_us.is_empty() {
                note_calls(cells, cell, "claim", &mut works.calls_us);
            }
        }
        Ok(())
    }

    /// Posts so many and works them off.
    fn life(
        &mut self,
        cells: &mut Cells,
        setting: &str,
        count: usize,
        each: usize,
        at_once: usize,
    ) -> anyhow::Result<()> {
        let cell = (SECTION, setting, self.outside.name);
        let before = self.meter.cpu()?;
        let posted = self
            .outside
            .order(self.order("post", count, each, at_once))?;
        let between = self.meter.cpu()?;
        let worked = self
            .outside
            .order(self.order("work", count, each, at_once))?;
        let after = self.meter.cpu()?;

        let (post, work) = (
            (between - before) / posted.messages,
            (after - between) / worked.messages,
        );
        cells.note(cell, "post_cpu_us", post);
        cells.note(cell, "work_cpu_us", work);
        cells.note(cell, "life_cpu_us", post + work);
        let client =
            posted.client_cpu_us / posted.messages + worked.client_cpu_us / worked.messages;
        cells.note(cell, "client_cpu_us", client);
        cells.note(cell, "post_per_second", posted.messages / posted.seconds);
        cells.note(cell, "work_per_second", worked.messages / worked.seconds);
        let each = posted.seconds / posted.messages + worked.seconds / worked.messages;
        cells.note(cell, "life_per_second", 1.0 / each);
        Ok(())
    }

    /// Brings the queue to a depth; the first time that tells what a message takes. One that is slow stays at its own.
    fn fill(&mut self, cells: &mut Cells, plan: Plan, depth: usize) -> anyhow::Result<()> {
        let many = if self.slow { plan.behind_slowly } else { depth };
        let first = self.queued == 0;
        if first {
            self.meter.flush()?;
            self.outside.order(self.order("post", FIRST, FIRST, 1))?;
            self.queued = FIRST;
        }
        let more = many - self.queued;
        let before = self.meter.used_memory()?;
        if more > 0 {
            self.outside.order(self.order("post", more, FIRST, 1))?;
        }
        if first {
            let each = (self.meter.used_memory()? - before) / more as f64;
            cells.note(
                (SECTION, "memory, queued", self.outside.name),
                "bytes",
                each,
            );
        }
        self.filled = more > 0;
        self.queued = many;
        Ok(())
    }

    /// The same life as in an empty queue, behind what is in it; once only, where it got no deeper.
    fn behind(&mut self, cells: &mut Cells, plan: Plan) -> anyhow::Result<()> {
        if !self.filled {
            return Ok(());
        }
        let count = if self.slow {
            plan.sent_slowly
        } else {
            plan.sent
        };
        let setting = format!("{SINGLE}, {} queued", spelled(self.queued));
        self.life(cells, &setting, count, 1, AT_ONCE)
    }

    /// What a message takes more once it is in flight. A worker of apalis-redis has no call that only takes.
    fn hold(&mut self, cells: &mut Cells, plan: Plan) -> anyhow::Result<()> {
        if self.outside.name == APALIS {
            return Ok(());
        }
        let many = plan.behind_slowly / 2;
        let before = self.meter.used_memory()?;
        self.outside.order(self.order("hold", many, 10, 1))?;
        let each = (self.meter.used_memory()? - before) / many as f64;
        let cell = (SECTION, "memory, in flight", self.outside.name);
        cells.note(cell, "bytes_more", each);
        Ok(())
    }
}
