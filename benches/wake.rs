//! How soon a waiter has what was posted: `cargo bench --bench wake`, half a minute.
//!
//! Guards the figure that README shows: from right before the post is sent to the moment when the
//! waiter, on a connection of its own, has the message claimed and in hand. BLPOP of a bare list, woken
//! by RPUSH, stands beside it, in rounds that take turns.
//!
//! ```text
//! cargo bench --bench wake -- [--json FILE] [--quick]
//! ```

use std::error::Error;
use std::time::{Duration, Instant};

use marconi_redis::{Queue, Store};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[path = "../tests/common/mod.rs"]
mod common;

/// Nobody waits longer.
const LONG: Duration = Duration::from_secs(600);

/// What the median is to stay under, in ms.
const TARGET: f64 = 5.0;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Somebody who answers when something has come.
struct Waiters {
    told: UnboundedReceiver<Instant>,
}

impl Waiters {
    /// So many, of one process; who is served waits again.
    fn on(queue: &Queue, many: usize) -> Waiters {
        let (sender, told) = unbounded_channel();
        for _ in 0..many {
            tokio::spawn(wait(queue.clone(), sender.clone()));
        }
        Waiters { told }
    }

    /// One that waits for a bare list.
    async fn on_list(url: &str) -> Result<Waiters> {
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let client = redis::Client::open(url)?;
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let (sender, told) = unbounded_channel();
        tokio::spawn(async move {
            let mut blpop = redis::cmd("BLPOP");
            blpop.arg("list").arg(0);
            while blpop
                .query_async::<redis::Value>(&mut connection)
                .await
                .is_ok()
                && sender.send(Instant::now()).is_ok()
            {}
        });
        Ok(Waiters { told })
    }
}

async fn wait(queue: Queue, sender: UnboundedSender<Instant>) {
    loop {
        let claimed = queue.claim().limit(1).wait(LONG).await;
        let Ok(Some(claim)) = claimed else { return };
        let woken = Instant::now();
        if claim.delete_all().await.is_err() || sender.send(woken).is_err() {
            return;
        }
    }
}

/// Milliseconds of so many rounds, sorted.
struct Times(Vec<f64>);

impl Times {
    fn add(&mut self, from: Instant, to: Instant) {
        self.0
            .push(to.saturating_duration_since(from).as_secs_f64() * 1e3);
    }

    fn at(&mut self, part: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        let last = self.0.len().saturating_sub(1);
        self.0
            .get((last as f64 * part) as usize)
            .copied()
            .unwrap_or(f64::NAN)
    }
}

async fn measure(server: &common::Server, rounds: usize) -> Result<Vec<(String, Times)>> {
    let mut kinds = Vec::new();
    for many in [1, 1000] {
        let store = Store::connect(&server.url()).await?;
        let queue = store.queue("bench", &format!("{many} waiters"))?;
        queue.create().await?;
        kinds.push((
            format!("claim, {many} waiting"),
            Some(queue.clone()),
            Waiters::on(&queue, many),
        ));
    }
    kinds.push((
        "BLPOP of a bare list".into(),
        None,
        Waiters::on_list(&server.url()).await?,
    ));
    let mut times: Vec<_> = kinds
        .iter()
        .map(|(name, _, _)| (name.clone(), Times(Vec::new())))
        .collect();
    let store = Store::connect(&server.url()).await?;
    store.load_scripts().await?;
    let mut raw = server.connection().await;
    let body = "x".repeat(100);
    for round in 0..rounds + 20 {
        for (at, (_, queue, waiters)) in kinds.iter_mut().enumerate() {
            let begun = Instant::now();
            match queue {
                Some(queue) => drop(store.queue_at(queue.path().clone()).post(&body).await?),
                None => {
                    redis::cmd("RPUSH")
                        .arg("list")
                        .arg(&body)
                        .exec_async(&mut raw)
                        .await?
                }
            }
            let woken = waiters.told.recv().await.ok_or("a waiter has gone")?;
            // The first rounds warm up.
            if round >= 20 {
                times[at].1.add(begun, woken);
            }
        }
    }
    Ok(times)
}

fn main() -> Result<()> {
    let (mut quick, mut bench, mut file) = (false, false, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => quick = true,
            "--bench" => bench = true,
            "--json" => file = args.next(),
            other => return Err(format!("{other} is no option").into()),
        }
    }
    let rounds = if bench && !quick { 3000 } else { 50 };
    let server = common::Server::start(&[]);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut times = runtime.block_on(measure(&server, rounds))?;
    println!("from a post to the message in a waiter's hand, ms, {rounds} rounds");
    println!("{:24} {:>8} {:>8} {:>8}", "", "median", "p99", "longest");
    let mut document = serde_json::Map::new();
    for (name, times) in &mut times {
        let (median, p99, longest) = (times.at(0.5), times.at(0.99), times.at(1.0));
        println!("{name:24} {median:8.2} {p99:8.2} {longest:8.2}");
        document.insert(name.clone(), json!({"median_ms": median, "p99_ms": p99}));
    }
    let met = times.iter_mut().all(|(_, times)| times.at(0.5) < TARGET);
    println!(
        "target, a median under {TARGET} ms: {}",
        if met { "met" } else { "missed" }
    );
    if let Some(file) = file {
        std::fs::write(file, format!("{:#}\n", serde_json::Value::Object(document)))?;
    }
    Ok(())
}
