//! The options that every verb has, and the connection they lead to.
//!
//! Guards the address: what is shown of it has neither user nor password.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use marconi_redis::keys::Prefix;
use marconi_redis::{Builder, Durability, Queue, Store};

use crate::failure::{Failure, redact};
use crate::{durable, duration};

const DEFAULT_URL: &str = "redis://127.0.0.1:6379";

#[derive(clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Project (a tenant's namespace) of the queue
    #[arg(short, long, global = true, value_name = "P")]
    pub project: Option<String>,

    /// Server: redis://, rediss:// or unix://, with ?master=NAME or ?cluster=true where it is several [env MARCONI_REDIS] [default: redis://127.0.0.1:6379]
    #[arg(long, global = true, value_name = "URL")]
    pub redis: Option<String>,

    /// File whose first line is that URL, password and all [env MARCONI_REDIS_FILE]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "redis")]
    pub redis_file: Option<PathBuf>,

    /// What all keys begin with [default: mq]
    #[arg(long, global = true, value_name = "TEXT")]
    pub prefix: Option<String>,

    /// Write one JSON document to standard output and nothing else; times in ms
    #[arg(long, global = true)]
    pub json: bool,

    /// How long a call to the server may take, repetitions included [default: 5s]
    #[arg(long, global = true, value_name = "D", value_parser = duration::parse)]
    pub timeout: Option<Duration>,

    /// Be done only once these have it: replicas=N, fsync, replica-fsyncs=N; within=D [default: 1s]
    #[arg(long, global = true, value_name = "WHAT", value_parser = durable::parse)]
    pub durable: Option<Durability>,

    /// Take this for the time, ms since 1970, instead of the server's clock: for tests, so only
    /// the manual tells of it
    #[arg(long, global = true, value_name = "MS", hide = true)]
    pub now: Option<u64>,

    /// Say nothing that was not asked for
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Global {
    /// The URL that someone named: an option before the environment, a URL before a file.
    pub fn named_url(&self) -> Result<Option<String>> {
        if let Some(url) = &self.redis {
            return Ok(Some(url.clone()));
        }
        if let Some(file) = &self.redis_file {
            return first_line(file).map(Some);
        }
        let named = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(url) = named("MARCONI_REDIS") {
            let url = url.into_string();
            return url
                .map(Some)
                .map_err(|_| Failure::usage("MARCONI_REDIS is not UTF-8"));
        }
        named("MARCONI_REDIS_FILE")
            .map(|file| first_line(Path::new(&file)))
            .transpose()
    }

    /// The URL to connect to.
    pub fn url(&self) -> Result<String> {
        let named = self.named_url()?;
        Ok(named.unwrap_or_else(|| DEFAULT_URL.to_owned()))
    }

    /// The server, fit to be shown.
    pub fn server(&self) -> String {
        let url = self.url().unwrap_or_default();
        match url.contains("://") {
            true => redact(&url),
            // Whatever it is, it may have a password in it.
            false => "the server".to_owned(),
        }
    }

    pub async fn store(&self) -> Result<Store> {
        // Each run would be a client of its own, which helps nobody and costs 36 bytes a message.
        self.connect(Store::builder().client("")?).await
    }

    /// The same, where a verb has settings of its own.
    pub async fn connect(&self, mut builder: Builder) -> Result<Store> {
        if let Some(prefix) = &self.prefix {
            builder = builder.prefix(prefix)?;
        }
        self.connect_under(builder).await
    }

    /// A store of topics, as the queues that they are under a prefix of their own.
    pub async fn topics(&self) -> Result<Store> {
        let topics = self.prefix()?.of_topics()?;
        let builder = Store::builder().client("")?.prefix(topics.as_str())?;
        self.connect_under(builder).await
    }

    /// The same as `connect`, under the prefix that the builder has.
    async fn connect_under(&self, mut builder: Builder) -> Result<Store> {
        if let Some(timeout) = self.timeout {
            builder = builder.deadline(timeout);
        }
        let mut store = builder.connect(&self.url()?).await?;
        if let Some(durability) = self.durable {
            store = store.with_durability(durability)?;
        }
        Ok(match self.now {
            Some(now) => store.at(now),
            None => store,
        })
    }

    pub fn prefix(&self) -> Result<Prefix> {
        Ok(match &self.prefix {
            Some(prefix) => Prefix::new(prefix)?,
            None => Prefix::default(),
        })
    }

    pub async fn queue(&self, name: &str) -> Result<Queue> {
        Ok(self.store().await?.queue(self.project(), name)?)
    }

    pub fn project(&self) -> &str {
        self.project.as_deref().unwrap_or_default()
    }
}

/// What a file that keeps a secret says.
pub fn first_line(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::no_input(format!("{}: {error}", file.display())))?;
    let line = text.lines().next().unwrap_or_default().trim();
    match line.is_empty() {
        true => Err(Failure::no_input(format!(
            "{}: its first line is empty; it wants a URL such as redis://:PASSWORD@HOST:6379",
            file.display()
        ))),
        false => Ok(line.to_owned()),
    }
}
