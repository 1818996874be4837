//! What a deed is done on: a project of its own, with a queue, a queue for its dead letters, and a topic.
//!
//! Guards that deeds can be compared: names, time and ids are the same each time, so that what is the same looks the
//! same to the byte.

use std::fmt::Write;
use std::time::Duration;

use marconi_redis::keys::QueuePath;
use marconi_redis::redis::{self, Cmd, Value};
use marconi_redis::{ClaimId, Control, Message, Queue, Result, Store, Topic, Violation};

use crate::common::Server;

/// When all deeds are done. The scripts go by it.
pub const NOW: u64 = 1_700_000_000_000;

/// When all claims have lapsed.
pub const LATE: u64 = NOW + 3_600_000;

pub const LEASE: Duration = Duration::from_secs(60);

/// Far longer than anything takes on a way without faults.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// So that no call has to be made twice for want of its script.
pub fn load_scripts(server: &Server) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::connect(&server.url()).await.expect("the server");
        store.load_scripts().await.expect("the scripts");
    });
}

pub struct Stage {
    pub store: Store,
    pub work: Queue,
    pub dead: Queue,
    pub topic: Topic,
    /// A control plane has no project, so each stage has one under a prefix of its own.
    pub control: Control,
    project: String,
    url: String,
    deadline: Duration,
}

impl Stage {
    pub fn at(url: &str, deadline: Duration, project: &str, now: u64) -> Stage {
        let builder = Store::builder().deadline(deadline);
        let store = builder.client("prove").expect("a good id").open(url);
        let store = store.expect("a good url").at(now);
        Self::over(&store, deadline, url, project)
    }

    /// One of several that share a connection.
    pub fn over(store: &Store, deadline: Duration, url: &str, project: &str) -> Stage {
        let queue = |name| store.queue(project, name).expect("a good name");
        let prefix = format!("mq-{project}");
        let control = Store::builder().deadline(deadline).prefix(&prefix);
        let control = control.expect("a good prefix").open(url);
        Stage {
            work: queue("work"),
            dead: queue("dead"),
            topic: store.topic(project, "news").expect("a good name"),
            control: control.expect("a good url").control(),
            project: project.to_owned(),
            url: url.to_owned(),
            deadline,
            store: store.clone(),
        }
    }

    /// The same, with posts that are merged.
    pub fn merging(&self) -> Result<Queue> {
        let builder = Store::builder().deadline(self.deadline);
        let builder = builder.merge_posts(true).client("prove")?;
        let store = builder.open(&self.url)?.at(NOW);
        store.queue(&self.project, "work")
    }

    /// The queue as it is at another time.
    pub fn work_at(&self, now: u64) -> Queue {
        let store = self.store.at(now);
        store.queue_at(self.work.path().clone())
    }

    /// A queue for the catalogue.
    pub fn mapped(&self) -> QueuePath {
        QueuePath::new(&self.project, "mapped").expect("a good name")
    }

    pub fn project(&self) -> &str {
        &self.project
    }

    /// Whatever in it does not fit together.
    pub async fn check(&self) -> Result<Vec<Violation>> {
        let mut found = self.work.check().await?;
        found.extend(self.dead.check().await?);
        found.extend(self.topic.check().await?);
        found.extend(self.control.check().await?);
        Ok(found)
    }

    /// The claim that deeds are about.
    pub fn claim(&self) -> ClaimId {
        let id = "4f9f2a4e-0d63-4b6f-8f0a-3f6c9b8e1d21";
        id.parse().expect("a claim id")
    }

    /// A plain command, for what the library doesn't do.
    pub async fn raw(&self, cmd: &Cmd) -> Value {
        let client = redis::Client::open(self.url.as_str()).expect("a good url");
        // Its own patience of half a second is too short for a machine that has other work.
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await;
        let mut connection = connection.expect("the server");
        cmd.query_async(&mut connection).await.expect("an answer")
    }

    /// All that can be seen here without changing anything.
    pub async fn picture(&self) -> Result<String> {
        let mut text = String::new();
        let mut line = |what: &str, shown: &dyn std::fmt::Debug| {
            writeln!(text, "{what}: {shown:?}").expect("room");
        };
        for prefix in ["mq", "mq.topics"] {
            let names = format!("{prefix}:{{{}/}}:queues", self.project);
            let names = redis::cmd("ZRANGE").arg(names).arg(0).arg(-1).clone();
            line("names", &self.raw(&names).await);
            let projects = format!("{prefix}:projects");
            let project = redis::cmd("ZSCORE")
                .arg(projects)
                .arg(&self.project)
                .clone();
            line("project", &self.raw(&project).await);
        }
        for queue in [&self.work, &self.dead] {
            let name = queue.path().name().as_str();
            let mut show =
                |what: &str, shown: &dyn std::fmt::Debug| line(&format!("{name} {what}"), shown);
            let metadata = queue.metadata().await;
            show("metadata", &metadata.map_err(|error| error.word()));
            let page = queue.list().claimed(true).delayed(true).limit(250).await?;
            show("messages", &self.shown(&page.messages));
            let page = queue.dead_letters().list().limit(250).await?;
            show("letters", &self.shown(&page.messages));
            let transit = queue.letters_in_transit().limit(250).await?.letters;
            let to = |to: &str| to.rsplit('/').next().map(str::to_owned);
            let letters: Vec<_> = transit
                .iter()
                .map(|letter| (to(letter.to()), letter.raw_body().to_vec()))
                .collect();
            show("letters in transit", &letters);
        }
        let claim = self.work.get_claim(self.claim()).await;
        let shown = |claim: marconi_redis::Claim| {
            let lease = *claim.lease();
            (
                lease.fence,
                lease.deadline.as_millis(),
                self.shown(claim.messages()),
            )
        };
        line("claim", &claim.map(shown).map_err(|error| error.word()));
        line("topic", &self.topic.exists().await?);
        line("news", &self.shown(&self.topic.list().await?.messages));
        let subscriptions = self.work.subscriptions().await?.subscriptions;
        let shown = subscriptions
            .iter()
            .map(|s| (s.id.to_string(), s.ttl, s.confirmed));
        line("subscriptions", &shown.collect::<Vec<_>>());
        line("pools", &self.control.pools().await?.pools);
        let flavors = self.control.flavors(&self.project)?.await?.flavors;
        line("flavors", &flavors);
        let entries = self.control.catalogue(&self.project)?.await?.entries;
        line("catalogue", &entries);
        Ok(text)
    }

    pub fn shown(&self, messages: &[Message]) -> Vec<String> {
        let own = self.claim();
        let one = |message: &Message| {
            let held = match message.claimed_by() {
                None => "",
                Some(claim) if claim == own => " held",
                Some(_) => " another's",
            };
            let body = message.body::<String>().unwrap_or_default();
            format!(
                "{} {body} claims {} ttl {} redriven {}{held}",
                message.id(),
                message.claims(),
                message.ttl().as_millis(),
                message.redriven(),
            )
        };
        messages.iter().map(one).collect()
    }
}
