//! One history: a server, client processes, what they wrote, and what was left.
//!
//! Guards that nothing is passed over in silence: a client that fails, parts of a queue that do not agree, and a file
//! that can't be read are failures of the run, whatever the checker finds.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use marconi_redis::{Metadata, Queue, Store};

use crate::checker::{self, Audit, Rest, Verdict};
use crate::client::body_of;
use crate::clock::{Clock, SLACK};
use crate::common::Server;
use crate::history::{self, Body, Cut, Id, Seen};
use crate::plan::{PROJECT, Rules, groups};
use crate::report::Row;
use crate::scale::Scale;
use crate::worker::Orders;

pub struct Run {
    pub verdict: Verdict,
    pub failures: Vec<String>,
    /// Where the history is.
    pub dir: PathBuf,
    pub worked: Duration,
    pub checked: Duration,
}

impl Run {
    /// Clears the history away where its row is good; else says what was found in it, and where it is.
    pub fn settle(&self, scale: &Scale, row: &Row) {
        if row.is_good() {
            scale.done_with(&self.dir);
        } else {
            println!("{}", self.verdict.summary(3));
            println!("the history is kept in {}", self.dir.display());
        }
    }
}

/// Makes a history and checks it. With a directory of scripts all clients go by these, and say nothing.
pub fn run(scale: &Scale, name: &str, lua: Option<&Path>) -> Run {
    run_on(scale, name, lua, &[], None)
}

/// What happens to a server while clients work on it. Answers the times at which calls under way may have been cut.
pub type Disturb<'a> = &'a mut dyn FnMut(&mut Server, &Path) -> Vec<Cut>;

/// The same on a server with these options, to which something happens; the clients go on until that is over.
pub fn run_on(
    scale: &Scale,
    name: &str,
    lua: Option<&Path>,
    options: &[&str],
    disturb: Option<Disturb>,
) -> Run {
    run_by(scale, name, options, |server, dir| {
        let until = disturb.is_some().then(|| dir.join("over"));
        let clients = start_clients(scale, server, dir, lua, until.as_deref());
        let mut cuts = Vec::new();
        if let (Some(disturb), Some(until)) = (disturb, until) {
            cuts = disturb(server, dir);
            std::fs::write(until, "").expect("room for a file");
        }
        Crew {
            clients: scale.clients,
            failures: wait_for(clients),
            cuts,
        }
    })
}

/// What came of the clients of a history.
pub struct Crew {
    /// How many wrote something.
    pub clients: u32,
    pub failures: Vec<String>,
    pub cuts: Vec<Cut>,
}

/// The same, by clients that somebody else starts.
pub fn run_by(
    scale: &Scale,
    name: &str,
    options: &[&str],
    crew: impl FnOnce(&mut Server, &Path) -> Crew,
) -> Run {
    let began = Instant::now();
    let dir = scale.dir(name);
    let mut server = Server::start(options);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = server.url();
    let store = runtime.block_on(Store::connect(&url)).expect("the server");
    runtime.block_on(create_queues(&store));
    let Crew {
        clients,
        mut failures,
        cuts,
    } = crew(&mut server, &dir);
    let audits = runtime.block_on(audit(&store, &mut failures));
    keep(&dir, &audits, &cuts);
    let worked = began.elapsed();
    let verdict = check(&dir, clients, &audits, &cuts, &mut failures);
    let checked = began.elapsed() - worked;
    Run {
        verdict,
        failures,
        dir,
        worked,
        checked,
    }
}

pub async fn create_queues(store: &Store) {
    for group in groups() {
        for rules in &group {
            let mut metadata = Metadata::new();
            let set = |metadata: Metadata, name: &str, value: u64| {
                metadata.with(name, &value).expect("a number")
            };
            metadata = set(metadata, "_default_message_ttl", rules.ttl);
            metadata = set(metadata, "_default_message_delay", rules.delay);
            if let Some(max) = rules.max_claims {
                metadata = set(metadata, "_max_claim_count", max);
            }
            if let Some(to) = rules.dead_letters_to {
                let name = group[to].name;
                metadata = metadata.with("_dead_letter_queue", &name).expect("a name");
            }
            let queue = store.queue(PROJECT, rules.name).expect("a good name");
            queue
                .create()
                .metadata(metadata)
                .await
                .expect("a new queue");
        }
    }
}

/// One in four goes by the scripts alone.
fn start_clients(
    scale: &Scale,
    server: &Server,
    dir: &Path,
    lua: Option<&Path>,
    until: Option<&Path>,
) -> Vec<Child> {
    let start = |who: u32| {
        let orders = Orders {
            socket: server.socket(),
            dir: dir.to_owned(),
            who,
            seed: scale.seed,
            operations: scale.operations / scale.clients,
            plain: lua.is_some() || who % 4 == 3,
            lua: lua.map_or_else(
                || Path::new(env!("CARGO_MANIFEST_DIR")).join("lua"),
                Path::to_owned,
            ),
            until: until.map(Path::to_owned),
        };
        start_client(&orders, lua.is_some())
    };
    (0..scale.clients).map(start).collect()
}

/// This binary again, as a client.
pub fn start_client(orders: &Orders, is_quiet: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .arg("client")
        .arg(serde_json::to_string(orders).expect("orders"));
    if is_quiet {
        command.stderr(Stdio::null());
    }
    command.spawn().expect("a client process")
}

/// Answers which failed.
fn wait_for(clients: Vec<Child>) -> Vec<String> {
    let mut failures = Vec::new();
    for (who, mut client) in clients.into_iter().enumerate() {
        let ended = client.wait().expect("its end");
        if !ended.success() {
            failures.push(format!("client {who} failed: {ended}"));
        }
    }
    failures
}

/// Reads everything that is left, one group at a time. All calls for a group tell the same time: what lapsed between two
/// of them would be in neither's answer.
async fn audit(store: &Store, failures: &mut Vec<String>) -> Vec<Audit> {
    let clock = Clock::start();
    let mut audits = Vec::new();
    for group in groups() {
        let now = clock.now() / 1000;
        let store = store.at(now);
        let queue = |rules: &Rules| store.queue(PROJECT, rules.name).expect("a good name");
        let queues: Vec<Queue> = group.iter().map(queue).collect();
        for queue in &queues {
            while !queue.gc().await.expect("gc") {}
            queue.carry_dead_letters().await.expect("letters carried");
            let violations = queue.check().await.expect("a check");
            if !violations.is_empty() {
                failures.push(format!("parts do not agree: {violations:?}"));
            }
        }
        let mut rests = Vec::new();
        for queue in &queues {
            rests.push(rest(queue).await);
        }
        let (from, to) = (now * 1000 - SLACK, now * 1000 + 999 + SLACK);
        audits.push(Audit { from, to, rests });
    }
    audits
}

pub async fn rest(queue: &Queue) -> Rest {
    let mut rest = Rest::default();
    let mut marker = None;
    loop {
        let mut list = queue.list().claimed(true).delayed(true).limit(250);
        if let Some(marker) = marker {
            list = list.marker(marker);
        }
        let page = list.await.expect("a page");
        rest.messages
            .extend(page.messages.iter().map(|message| Seen {
                id: Id::parse(&message.id().to_string()).expect("an id"),
                claim: None,
                body: body_of(message),
            }));
        marker = page.messages.last().map(|message| message.id());
        if page.messages.is_empty() {
            break;
        }
    }
    let mut marker = None;
    loop {
        let mut list = queue.dead_letters().list().limit(250);
        if let Some(marker) = marker {
            list = list.marker(marker);
        }
        let page = list.await.expect("a page");
        rest.letters.extend(page.messages.iter().map(body_of));
        marker = page.messages.last().map(|message| message.id());
        if page.messages.is_empty() {
            break;
        }
    }
    let transit = queue.letters_in_transit().limit(250).await.expect("a page");
    let body = |letter: &marconi_redis::LetterInTransit| {
        letter.body::<String>().map(|text| Body::parse(&text))
    };
    rest.letters.extend(
        transit
            .letters
            .iter()
            .map(|letter| body(letter).unwrap_or(Body::FOREIGN)),
    );
    rest
}

const AUDIT: &str = "audit.json";

fn keep(dir: &Path, audits: &[Audit], cuts: &[Cut]) {
    let text = serde_json::to_vec(audits).expect("JSON");
    std::fs::write(dir.join(AUDIT), text).expect("room for the audit");
    let text = serde_json::to_vec(cuts).expect("JSON");
    std::fs::write(dir.join(history::CUTS), text).expect("room for the cuts");
}

/// Checks a history that was kept.
pub fn check_again(dir: &Path) -> Verdict {
    let audits = std::fs::read(dir.join(AUDIT)).expect("a directory with a history");
    let audits: Vec<Audit> = serde_json::from_slice(&audits).expect("JSON");
    let cuts = history::cuts(dir);
    let clients = (0..)
        .take_while(|who| history::path(dir, 0, *who).exists())
        .count();
    let mut failures = Vec::new();
    let verdict = check(dir, clients as u32, &audits, &cuts, &mut failures);
    assert!(failures.is_empty(), "{failures:?}");
    verdict
}

/// One group after the other, so that no more than one is in memory.
fn check(
    dir: &Path,
    clients: u32,
    audits: &[Audit],
    cuts: &[Cut],
    failures: &mut Vec<String>,
) -> Verdict {
    let mut all = Verdict::default();
    for (group, (rules, audit)) in groups().iter().zip(audits).enumerate() {
        match history::read(dir, group, clients) {
            Ok(ops) => {
                let ops = history::doubted(ops, cuts);
                let verdict = checker::check(rules, &ops, audit);
                all.rates.merge(&verdict.rates);
                all.violations.extend(verdict.violations);
            }
            Err(error) => failures.push(error),
        }
    }
    all
}
