//! What the server itself says it spent.
//!
//! Guards the run: a server that keeps `INFO` to itself costs two figures, nothing else.

use std::time::{Duration, Instant};

use marconi_redis::redis::{self, aio::MultiplexedConnection};

pub struct Meter(Option<MultiplexedConnection>);

/// At one moment; a difference of two is what counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// Of the whole server, all its threads, in microseconds.
    pub cpu_us: Option<f64>,
    /// In use, as the server counts it.
    pub bytes: Option<f64>,
}

impl Meter {
    pub async fn open(url: &str) -> Self {
        let connected = match redis::Client::open(url) {
            Ok(client) => client.get_multiplexed_async_connection().await.ok(),
            Err(_) => None,
        };
        Meter(connected)
    }

    pub async fn read(&mut self) -> Reading {
        let cpu = self.info("cpu").await;
        let memory = self.info("memory").await;
        let seconds = field(&cpu, "used_cpu_user").zip(field(&cpu, "used_cpu_sys"));
        Reading {
            cpu_us: seconds.map(|(user, sys)| (user + sys) * 1e6),
            bytes: field(&memory, "used_memory"),
        }
    }

    /// How many clients there are. Each takes memory, which would be taken for that of messages.
    pub async fn clients(&mut self) -> Option<f64> {
        field(&self.info("clients").await, "connected_clients")
    }

    /// Waits, but not for long, until there are so many clients again.
    pub async fn wait_for_clients(&mut self, count: Option<f64>) {
        let begun = Instant::now();
        while self.clients().await > count && begun.elapsed() < Duration::from_secs(1) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Which server it is, as in `redis 7.0.15`.
    pub async fn server(&mut self) -> Option<String> {
        let info = self.info("server").await;
        ["valkey", "redis"].iter().find_map(|name| {
            let version = line(&info, &format!("{name}_version"))?;
            Some(format!("{name} {version}"))
        })
    }

    async fn info(&mut self, section: &str) -> String {
        let Some(connection) = &mut self.0 else {
            return String::new();
        };
        let mut info = redis::cmd("INFO");
        info.arg(section);
        info.query_async(connection).await.unwrap_or_default()
    }
}

fn line<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

fn field(info: &str, name: &str) -> Option<f64> {
    line(info, name)?.trim().parse().ok()
}
