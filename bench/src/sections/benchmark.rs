//! redis-benchmark's own figures, beside the library's posts through one connection.
//!
//! Guards the comparison: both have the same server core and the same client core, and take turns on one server.

use std::process::Command;

use anyhow::{Context, bail};

use crate::cells::Cells;
use crate::machine::{Machine, beside_the_server};
use crate::meter::Meter;
use crate::outside::{Order, Outside};
use crate::plan::Plan;
use crate::wire::OURS;

pub const SECTION: &str = "one server, 64 at once";
pub const BENCHMARK: &str = "redis-benchmark";
pub const POST: &str = "post, 100 B";
pub const MERGED: &str = "post, 100 B, merged";
pub const XADD: &str = "XADD, 100 B";
const CLIENTS: &str = "64";
const AT_ONCE: usize = 64;

/// Rounds of redis-benchmark's commands and of the library's posts.
pub fn measure(cells: &mut Cells, machine: &Machine, plan: Plan) -> anyhow::Result<()> {
    let program = beside_the_server(BENCHMARK)
        .context("redis-benchmark is neither beside the server nor on the PATH")?;
    let server = machine.server(&[]);
    let mut meter = Meter::connect(&server.url())?;
    let mut load = redis::pipe();
    load.cmd("SCRIPT").arg("LOAD").arg("return 0");
    let empty: String = redis::from_redis_value(meter.send(&load)?[0].clone())?;
    let body = "x".repeat(100);
    let commands: [(&str, Vec<&str>); 3] = [
        (XADD, vec!["XADD", "raw", "*", "m", &body]),
        ("SET, 100 B", vec!["SET", "key", &body]),
        ("EVALSHA of an empty script", vec!["EVALSHA", &empty, "0"]),
    ];
    let mut client = Command::new(std::env::current_exe()?);
    client.args(["client", "ours", &server.tcp_url()]);
    let mut client = Outside::start(OURS, &mut client)?;
    let posts = [(POST, "post"), (MERGED, "post_merged")].map(|(setting, verb)| {
        let order = Order {
            verb,
            count: plan.requests,
            each: 1,
            at_once: AT_ONCE,
        };
        (setting, order)
    });

    for round in 0..=plan.rounds {
        for (setting, order) in posts {
            let before = meter.cpu()?;
            let posted = client.order(order)?;
            let cpu = meter.cpu()? - before;
            if round > 0 {
                let cell = (SECTION, setting, OURS);
                cells.note(cell, "per_second", posted.messages / posted.seconds);
                cells.note(cell, "server_cpu_us", cpu / posted.messages);
                cells.note(
                    cell,
                    "client_cpu_us",
                    posted.client_cpu_us / posted.messages,
                );
            }
        }
        for (setting, command) in &commands {
            let before = meter.cpu()?;
            let rate = run(&program, server.port(), plan.requests, command)?;
            let cpu = meter.cpu()? - before;
            if round > 0 {
                let cell = (SECTION, *setting, BENCHMARK);
                cells.note(cell, "per_second", rate);
                cells.note(cell, "server_cpu_us", cpu / plan.requests as f64);
            }
        }
    }
    eprintln!("redis-benchmark");
    Ok(())
}

/// Requests a second, by redis-benchmark's own account.
fn run(
    program: &std::path::Path,
    port: u16,
    requests: usize,
    command: &[&str],
) -> anyhow::Result<f64> {
    let output = Command::new(program)
        .args(["-p", &port.to_string(), "-c", CLIENTS, "--csv"])
        .args(["-n", &requests.to_string()])
        .args(command)
        .output()?;
    if !output.status.success() {
        bail!(
            "redis-benchmark: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    rate_in(&String::from_utf8_lossy(&output.stdout))
}

/// Of the last line: a name in quotes, then the rate. Names have no quotes of their own, but may have commas.
fn rate_in(csv: &str) -> anyhow::Result<f64> {
    let line = csv.trim().lines().next_back().unwrap_or_default();
    let rate = line
        .split("\",\"")
        .nth(1)
        .and_then(|rate| rate.trim_matches('"').parse().ok());
    rate.with_context(|| format!("redis-benchmark said {csv:?}"))
}

#[cfg(test)]
mod tests {
    use super::rate_in;

    #[test]
    fn the_rate_stands_behind_the_name_of_the_test() {
        let new = "\"test\",\"rps\",\"avg_latency_ms\"\n\"SET a, b\",\"1234.50\",\"0.1\"\n";
        assert_eq!(rate_in(new).unwrap(), 1234.5);
        assert!(rate_in("ERR unknown option").is_err());
    }
}
