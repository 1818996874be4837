//! Windows in which a server is full whatever goes.
//!
//! Guards the list of what is refused: nothing more, and nothing less.

use std::future::Future;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use marconi_redis::{Error, Metadata, Outcome as Effect, Queue, Store};

use crate::client::{Client, Connection, Plain};
use crate::common::Server;
use crate::faults::clock::Ledger;
use crate::faults::power::digest;
use crate::faults::tally::Tally;
use crate::history::{Call, Outcome};
use crate::plan::{PROJECT, groups};
use crate::rng::Rng;
use crate::scale::Scale;
use crate::worker::Chooser;

const SUBSCRIBER: &str = "http://subscriber";

const START: u64 = 1_700_000_000_000;

pub fn run(scale: &Scale, tally: &mut Tally) {
    let mut rng = Rng::of_stream(scale.seed, 0x6675_6c6c);
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = runtime
        .block_on(Store::connect(&server.url()))
        .expect("the server");
    let at = |now: u64| store.at(UNIX_EPOCH + Duration::from_millis(now));
    runtime.block_on(crate::histories::create_queues(&at(START)));
    let plain = at(START).queue(PROJECT, "plain").expect("a good name");
    let subscribed = runtime.block_on(async { plain.subscribe(SUBSCRIBER).await });
    subscribed.expect("a subscription");
    let lua = Path::new(env!("CARGO_MANIFEST_DIR")).join("lua");
    let mut behind = Connection::open(&server.socket()).expect("the server");
    let mut window = Window {
        client: Plain::connect(&server.socket(), &lua, false),
        behind: Connection::open(&server.socket()).expect("the server"),
        chooser: Chooser::new(&groups(), 0, rng.next(), true),
        ledger: Ledger::new(START),
        now: START,
        made: 0,
        tally,
    };
    for _ in 0..scale.kills {
        for full in [false, true] {
            let bound = if full { "1" } else { "0" };
            behind.command(&["CONFIG", "SET", "maxmemory", bound]);
            for _ in 0..rng.between(40, 80) {
                window.step(&mut rng, full);
            }
            if full {
                let now = at(window.now);
                let others = others(&now, &mut behind, window.tally, &mut rng);
                runtime.block_on(others);
            }
        }
        window.tally.add("windows", 1);
        for rules in groups().iter().flatten() {
            let queue = at(window.now)
                .queue(PROJECT, rules.name)
                .expect("a good name");
            let wrong = runtime.block_on(queue.check()).expect("a check");
            window
                .tally
                .expect(wrong.is_empty(), format!("{}: {wrong:?}", rules.name));
        }
    }
    let found = std::mem::take(&mut window.ledger.violations);
    tally.violations.extend(found);
}

struct Window<'t> {
    client: Plain,
    behind: Connection,
    chooser: Chooser,
    ledger: Ledger,
    now: u64,
    made: u32,
    tally: &'t mut Tally,
}

impl Window<'_> {
    fn step(&mut self, rng: &mut Rng, full: bool) {
        self.now += rng.between(0, 12);
        self.client.now = Some(self.now);
        let choice = self.chooser.choose(self.made);
        self.made += 1;
        let (group, queue) = choice.place;
        let is_post = matches!(choice.call, Call::Post { .. });
        let watched = full && (is_post || rng.percent(5));
        let before = watched.then(|| digest(&mut self.behind));
        let got = self.client.ask(group, queue, 0, &choice.call, None);
        let is_refused = matches!(&got, Outcome::Failed(error) if error.contains("OOM"));
        if is_refused {
            self.tally.expect(
                full && is_post,
                format!("{:?} is refused with {got:?}", choice.call),
            );
            self.tally.add("posts refused in a window", 1);
            if let Some(before) = before {
                self.tally.add("refusals watched by a digest", 1);
                let same = before == digest(&mut self.behind);
                self.tally.expect(
                    same,
                    format!("{:?} is refused and has written", choice.call),
                );
            }
            return;
        }
        if full {
            // What is posted again under its token is there already.
            let is_new = matches!((&choice.call, &got), (Call::Post { .. }, Outcome::Posted(ids)) if !self.ledger.has_all(choice.place, ids));
            self.tally
                .expect(!is_new, format!("{:?} goes through", choice.call));
            self.tally.add("calls that went on in a window", 1);
        }
        self.ledger
            .enter(choice.place, self.now, &choice.call, &got);
        self.chooser.learn(choice.place, &choice.call, &got);
    }
}

/// What else needs room, by the crate.
async fn others(store: &Store, behind: &mut Connection, tally: &mut Tally, rng: &mut Rng) {
    let queue = |name: &str| store.queue(PROJECT, name).expect("a good name");
    let (known, new) = (queue("plain"), queue(&format!("new-{}", rng.next())));
    let metadata = Metadata::new()
        .with("colour", &rng.next())
        .expect("a number");
    // What is in the way is swept before a set of metadata, which is no part of the refused call.
    while !known.gc().await.expect("gc") {}
    let mut refused = Refused { behind, tally };
    refused.is("a post", async { known.post("x").await }).await;
    refused
        .is("a post to a new queue", async { new.post("x").await })
        .await;
    refused.is("create", async { new.create().await }).await;
    let create = new.create().metadata(metadata.clone());
    refused
        .is("create with metadata", async { create.await })
        .await;
    refused
        .is("set of metadata", known.set_metadata(&metadata))
        .await;
    let subscribe = known.subscribe(&format!("http://{}", rng.next()));
    refused
        .is("a subscription", async { subscribe.await })
        .await;
    let subscribed = known.subscription_of(SUBSCRIBER).await.expect("an answer");
    let id = subscribed.expect("made before it was full").id;
    let longer = Duration::from_secs(rng.between(1_000_000, 2_000_000));
    let update = known.update_subscription(id).ttl(longer);
    refused.is("an update of one", async { update.await }).await;
    let confirm = known.confirm_subscription(id, rng.percent(50));
    refused.is("the confirming of one", confirm).await;
    redriven(&queue("kept"), &mut refused).await;
}

/// Where there are letters to redrive.
async fn redriven(kept: &Queue, refused: &mut Refused<'_>) {
    let letters = kept.dead_letters().list().limit(1).await.expect("a page");
    let Some(letter) = letters.messages.first() else {
        return;
    };
    let redrive = kept.dead_letters().redrive([letter.id()]);
    refused.is("a redrive", async { redrive.await }).await;
    refused.tally.add("redrives refused in a window", 1);
}

struct Refused<'a> {
    behind: &'a mut Connection,
    tally: &'a mut Tally,
}

impl Refused<'_> {
    async fn is<T>(&mut self, what: &str, call: impl Future<Output = Result<T, Error>>) {
        let before = digest(self.behind);
        let word = match call.await {
            Ok(_) => "done".to_owned(),
            Err(Error::Transport {
                outcome, source, ..
            }) => {
                format!("{outcome:?} {}", source.code().unwrap_or("no word"))
            }
            Err(error) => error.to_string(),
        };
        let expected = format!("{:?} OOM", Effect::NotDone);
        self.tally
            .expect(word == expected, format!("{what} on a full server: {word}"));
        let same = before == digest(self.behind);
        self.tally
            .expect(same, format!("{what} is refused and has written"));
        self.tally.add("others refused in a window", 1);
        self.tally.add("refusals watched by a digest", 1);
    }
}
