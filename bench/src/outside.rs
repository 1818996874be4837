//! A program that uses a queue through its own client, and does what it is told.
//!
//! Guards that clients in all languages are measured alike: each is a process of its own that gets an order a line and
//! answers one a line, in JSON; what the server spends meanwhile is read by who gives the order.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// No order takes as long.
const PATIENCE: Duration = Duration::from_secs(300);

/// The process. It ends with this, at the latest.
pub struct Outside {
    pub name: &'static str,
    child: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
    complaints: Receiver<String>,
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
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?} does not start"))?;
        let orders = child.stdin.take().expect("a pipe was asked for");
        let output = child.stdout.take().expect("a pipe was asked for");
        let errors = child.stderr.take().expect("a pipe was asked for");
        let mut outside = Outside {
            name,
            child,
            orders,
            answers: lines_of(output),
            complaints: lines_of(errors),
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
        match self.answers.recv_timeout(PATIENCE) {
            Ok(line) => serde_json::from_str(&line).with_context(|| line),
            Err(RecvTimeoutError::Timeout) => bail!("no answer in {} s", PATIENCE.as_secs()),
            // Its errors come to an end too.
            Err(RecvTimeoutError::Disconnected) => {
                let complaints: Vec<String> = self.complaints.iter().collect();
                bail!("it ended: {}", reason_in(&complaints));
            }
        }
    }
}

/// As they come, so that whoever writes them never waits.
fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (told, lines) = channel();
    std::thread::spawn(move || {
        let all = BufReader::new(output).lines().map_while(Result::ok);
        // Who does not listen any more has ended the process.
        all.for_each(|line| drop(told.send(line)));
    });
    lines
}

/// The line that says why a program ended: the last that speaks of an error, else the last.
fn reason_in(complaints: &[String]) -> &str {
    let error = complaints.iter().rev().find(|line| line.contains("Error"));
    let last = || complaints.iter().rev().find(|line| !line.trim().is_empty());
    error
        .or_else(last)
        .map_or("it said nothing", |line| line.trim())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> anyhow::Result<Outside> {
        Outside::start("shell", Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn a_program_that_ends_is_told_with_the_error_that_it_ended_with() {
        let ended = shell("echo 'Error: no such module' >&2; echo 'v20' >&2; exit 1");
        let why = format!("{:#}", ended.err().expect("it ended"));
        assert_eq!(why, "it ended: Error: no such module");
    }

    #[test]
    fn an_order_that_is_not_carried_out_in_full_is_no_figure() {
        let answer = r#"{"messages": 9, "seconds": 1, "client_cpu_us": 1}"#;
        let script = format!("echo '{{\"versions\": {{}}}}'; read order; echo '{answer}'; cat");
        let order = Order {
            verb: "post",
            count: 10,
            each: 1,
            at_once: 1,
        };
        let told = shell(&script).unwrap().order(order);
        let why = format!("{:#}", told.err().expect("one is missing"));
        assert_eq!(why, "shell: post of 10 came to 9");
    }
}
