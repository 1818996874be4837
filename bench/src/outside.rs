//! A program that uses a queue through its own client, and does what it is told.
//!
//! Guards that clients in all languages are measured alike: each is a process of its own that gets an order a line and
//! answers one a line, in JSON; what the server spends meanwhile is read by who gives the order.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};

/// The process. It ends with this, at the latest.
pub struct Outside {
    pub name: &'static str,
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// By its own account, with its versions: what it said when it was ready.
    pub versions: Value,
}

/// What it takes to post `count` messages, or to work them off.
#[derive(Clone, Copy)]
pub struct Order {
    pub verb: &'static str,
    pub count: usize,
    /// Messages a call.
    pub each: usize,
    /// Calls at the same time.
    pub at_once: usize,
}

/// What carrying out an order took.
pub struct Told {
    pub messages: f64,
    pub seconds: f64,
    pub client_cpu_us: f64,
    /// Of each call, where the client lets it be seen.
    pub calls_us: Vec<f64>,
}

impl Outside {
    /// Starts it, and waits until it says that it is ready.
    pub fn start(name: &'static str, command: &mut Command) -> anyhow::Result<Outside> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?} does not start"))?;
        let orders = child.stdin.take().expect("a pipe was asked for");
        let output = child.stdout.take().expect("a pipe was asked for");
        let mut outside = Outside {
            name,
            child,
            orders,
            answers: BufReader::new(output).lines(),
            versions: Value::Null,
        };
        outside.versions = outside.answer()?["versions"].take();
        Ok(outside)
    }

    /// Gives an order; the answer comes when it is carried out.
    pub fn order(&mut self, order: Order) -> anyhow::Result<Told> {
        let Order {
            verb,
            count,
            each,
            at_once,
        } = order;
        let line = json!({"verb": verb, "count": count, "each": each, "at_once": at_once});
        writeln!(self.orders, "{line}").with_context(|| format!("{} is gone", self.name))?;
        let answer = self.answer()?;
        let number = |name: &str| {
            let found = answer[name].as_f64();
            found.with_context(|| format!("{}: no {name} in {answer}", self.name))
        };
        let calls = answer["calls_us"].as_array();
        let told = Told {
            messages: number("messages")?,
            seconds: number("seconds")?,
            client_cpu_us: number("client_cpu_us")?,
            calls_us: calls
                .into_iter()
                .flatten()
                .filter_map(Value::as_f64)
                .collect(),
        };
        if told.messages < count as f64 {
            bail!("{}: {verb} of {count} came to {}", self.name, told.messages);
        }
        Ok(told)
    }

    fn answer(&mut self) -> anyhow::Result<Value> {
        let line = self.answers.next();
        let line =
            line.ok_or_else(|| anyhow!("{} ended; what it said stands above", self.name))??;
        serde_json::from_str(&line).with_context(|| format!("{}: {line}", self.name))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other side: answers orders from stdin, each by `carry_out`, until there are none.
pub async fn serve<F>(versions: Value, mut carry_out: F) -> anyhow::Result<()>
where
    F: AsyncFnMut(&str, usize, usize, usize) -> anyhow::Result<(usize, Vec<f64>)>,
{
    println!("{}", json!({"versions": versions}));
    for line in std::io::stdin().lines() {
        let order: Value = serde_json::from_str(&line?)?;
        let number = |name: &str| order[name].as_u64().unwrap_or(0) as usize;
        let cpu = cpu_us()?;
        let begun = Instant::now();
        let verb = order["verb"].as_str().unwrap_or_default();
        let (messages, calls_us) =
            carry_out(verb, number("count"), number("each"), number("at_once")).await?;
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{}",
            json!({
                "messages": messages,
                "seconds": seconds,
                "client_cpu_us": cpu_us()? - cpu,
                "calls_us": calls_us,
            })
        );
    }
    Ok(())
}

/// us of CPU that this process has used, all its threads.
fn cpu_us() -> anyhow::Result<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let used = getrusage(UsageWho::RUSAGE_SELF)?;
    let times = [used.user_time(), used.system_time()];
    let us = times.map(|time| time.tv_sec() as f64 * 1e6 + time.tv_usec() as f64);
    Ok(us[0] + us[1])
}
