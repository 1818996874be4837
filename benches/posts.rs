//! What the library adds to a post: `cargo bench --bench posts`, half a minute.
//!
//! Guards what is said of the client's cost: single posts by 64 tasks on one
//! connection stand beside `redis-benchmark` with 64 clients and a bare XADD, in rounds that take turns
//! on one server; then what one call allocates, connection included.
//!
//! ```text
//! cargo bench --bench posts -- [--quick] [--tasks N] [off] [on]
//! ```
//! `off` and `on` choose one kind of posts alone, for a profiler.

use std::alloc::System;
use std::error::Error;
use std::process::Command;
use std::time::{Duration, Instant};

use marconi_redis::{NewMessage, Queue, Store};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[path = "../tests/common/mod.rs"]
mod common;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What so many posts took.
struct Cost {
    a_second: f64,
    /// us of the server's CPU a post.
    server: f64,
    /// us of the client's CPU a post.
    client: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args: Vec<_> = std::env::args().collect();
    let is_asked = |name: &str| args.iter().any(|arg| arg == name);
    let all = !is_asked("off") && !is_asked("on");
    // `cargo test` runs it without a word, to see that it runs.
    let is_quick = is_asked("--quick") || !is_asked("--bench");
    let (posts, rounds) = if is_quick { (2_000, 1) } else { (100_000, 5) };
    let server = common::Server::start(&[]);
    let tasks = args.iter().position(|arg| arg == "--tasks");
    let tasks = tasks.and_then(|at| args.get(at + 1));
    let tasks = tasks.map_or(Ok(64), |number| number.parse::<usize>())?;
    let mut bench = Bench::new(server, tasks.max(1)).await?;
    if !all {
        let kind = if is_asked("on") {
            &bench.on
        } else {
            &bench.off
        }
        .clone();
        let cost = bench.posts(&kind, posts).await?;
        cost.print("posts");
        return Ok(());
    }
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let bare = bench.bare(posts).await?;
        bare.print(&format!("XADD, redis-benchmark, {tasks} clients"));
        let mut of_round = Vec::new();
        for (name, queue) in [
            ("posts of as many tasks", bench.off.clone()),
            ("the same, merged", bench.on.clone()),
        ] {
            let cost = bench.posts(&queue, posts).await?;
            cost.print(name);
            of_round.push(cost.a_second / bare.a_second);
        }
        ratios.push(of_round);
    }
    for (at, name) in ["posts", "merged posts"].iter().enumerate() {
        let mut of: Vec<_> = ratios.iter().map(|round| round[at]).collect();
        of.sort_by(f64::total_cmp);
        println!("{name} to bare XADD, a second: {:.2}", of[of.len() / 2]);
    }
    allocations(&bench.off).await
}

impl Cost {
    fn print(&self, name: &str) {
        let Cost {
            a_second,
            server,
            client,
        } = self;
        println!("{name:<36}{a_second:>9.0}/s{server:>8.2} us server{client:>8.2} us client");
    }
}

struct Bench {
    server: common::Server,
    connection: redis::aio::MultiplexedConnection,
    off: Queue,
    on: Queue,
    tasks: usize,
}

impl Bench {
    async fn new(server: common::Server, tasks: usize) -> Result<Self> {
        let url = server.url();
        let off = Store::connect(&url).await?;
        let on = Store::builder().merge_posts(true).connect(&url).await?;
        off.load_scripts().await?;
        let connection = server.connection().await;
        Ok(Bench {
            off: off.queue("bench", "off")?,
            on: on.queue("bench", "on")?,
            server,
            connection,
            tasks,
        })
    }

    async fn posts(&mut self, queue: &Queue, posts: usize) -> Result<Cost> {
        queue.create().await?;
        let before = self.server_cpu().await?;
        let (own, begun) = (own_cpu()?, Instant::now());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..self.tasks {
            let queue = queue.clone();
            let posts = posts / self.tasks;
            tasks.spawn(async move {
                let body = "x".repeat(100);
                for _ in 0..posts {
                    queue.post(&body).await?;
                }
                Ok::<_, marconi_redis::Error>(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let (took, own) = (begun.elapsed(), own_cpu()? - own);
        let server = self.server_cpu().await? - before;
        queue.delete().await?;
        Ok(Cost::of(posts, took, server, own))
    }

    /// As many bytes as a post stores.
    async fn bare(&mut self, posts: usize) -> Result<Cost> {
        let before = self.server_cpu().await?;
        let begun = Instant::now();
        let done = Command::new("redis-benchmark")
            .arg("-s")
            .arg(self.server.socket())
            .args([
                "-q",
                "-c",
                &self.tasks.to_string(),
                "-n",
                &posts.to_string(),
            ])
            .args(["XADD", "bare", "*", "m", &"x".repeat(145)])
            .output()
            .map_err(|error| format!("redis-benchmark, of Debian's redis-tools: {error}"))?;
        let took = begun.elapsed();
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into());
        }
        let server = self.server_cpu().await? - before;
        let unlink = redis::cmd("UNLINK").arg("bare").to_owned();
        unlink.exec_async(&mut self.connection).await?;
        Ok(Cost::of(posts, took, server, f64::NAN))
    }

    /// Seconds of CPU so far.
    async fn server_cpu(&mut self) -> Result<f64> {
        let mut info = redis::cmd("INFO");
        let info: String = info.arg("cpu").query_async(&mut self.connection).await?;
        let of = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|number| number.parse::<f64>().ok())
        };
        let (user, sys) = (of("used_cpu_user:"), of("used_cpu_sys:"));
        Ok(user.zip(sys).map(|(a, b)| a + b).ok_or("no CPU time")?)
    }
}

impl Cost {
    fn of(posts: usize, took: Duration, server: f64, client: f64) -> Self {
        let posts = posts as f64;
        Cost {
            a_second: posts / took.as_secs_f64(),
            server: server * 1e6 / posts,
            client: client * 1e6 / posts,
        }
    }
}

/// Seconds of this process's CPU so far, in the ticks of 10 ms that Linux counts.
fn own_cpu() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(") ").ok_or("/proc/self/stat")?;
    let fields: Vec<_> = after_name.split(' ').collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

/// What each kind of call allocates; a post, claim and deletion of one, and a body read of 64 KB.
async fn allocations(queue: &Queue) -> Result<()> {
    queue.create().await?;
    let (small, large) = ("x".repeat(100), "x".repeat(64 * 1024));
    for body in [&small, &large] {
        queue.post(body).await?;
        let claim = queue.claim().limit(1).await?.ok_or("nothing to claim")?;
        claim.delete_all().await?;
        let bytes = body.len();
        let before = Region::new(ALLOCATOR);
        let message = NewMessage::new(body)?;
        report(before.change(), &format!("encode a body of {bytes}"));
        let before = Region::new(ALLOCATOR);
        queue.post_many([message]).await?;
        report(before.change(), &format!("post one of {bytes}"));
        let before = Region::new(ALLOCATOR);
        let claim = queue.claim().limit(1).await?.ok_or("nothing to claim")?;
        report(before.change(), &format!("claim one of {bytes}"));
        let before = Region::new(ALLOCATOR);
        let text: String = claim.messages()[0].body()?;
        report(before.change(), &format!("read a body of {}", text.len()));
        let before = Region::new(ALLOCATOR);
        claim.delete_all().await?;
        report(before.change(), "delete one");
    }
    Ok(())
}

fn report(stats: Stats, what: &str) {
    println!(
        "{what:<36}{:>9} allocations{:>4} grown{:>9} bytes",
        stats.allocations,
        stats.reallocations,
        stats.bytes_allocated + stats.bytes_reallocated.max(0) as usize,
    );
}
