//! marconi-redis against its peers and against the limit: one run, one machine, `results.json`.
//!
//! Guards that a run tells everything: what is missing, what has no figure and what misses its target stands in the
//! results. scripts/bench runs it; docs/benchmarks/README.md says what is measured and how.
//!
//! ```text
//! marconi-bench run PLAN RESULTS BULLMQ PYTHON ZAQAR COMMAND    the bench
//! marconi-bench client ours|apalis URL                          a client of it, told what to do on stdin
//! ```

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

mod cells;
mod clients;
mod crowd;
// Tests and benches of the library use other parts of these.
#[path = "../../tests/common/mod.rs"]
mod common;
mod machine;
#[allow(dead_code)]
#[path = "../../benches/flat/meter.rs"]
mod meter;
mod outside;
mod plan;
#[allow(dead_code)]
#[path = "../../benches/flat/queue.rs"]
mod queue;
mod sections;
mod stats;
#[path = "../../benches/flat/streams.rs"]
mod streams;
mod targets;
mod wire;

use cells::Cells;
use machine::Machine;
use plan::{Plan, SMALL};
use sections::{benchmark, bytes, clients as outside_clients, depth, half, requests, settings};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["run", plan, results, bullmq, python, zaqar, command] => {
            let places = outside_clients::Places {
                bullmq: bullmq.into(),
                python: python.into(),
                zaqar: zaqar.into(),
            };
            run(plan, Path::new(results), &places, command)
        }
        ["client", which, url] => serve(which, url).map(|()| ExitCode::SUCCESS),
        _ => Err(anyhow::anyhow!(
            "scripts/bench runs this; src/main.rs says how"
        )),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

fn serve(which: &str, url: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match which {
        "ours" => runtime.block_on(clients::ours::run(url)),
        "apalis" => runtime.block_on(clients::apalis::run(url)),
        _ => bail!("no client is called {which}"),
    }
}

fn run(
    plan: &str,
    results: &Path,
    places: &outside_clients::Places,
    command: &str,
) -> anyhow::Result<ExitCode> {
    let plan = Plan::named(plan).with_context(|| format!("no plan is called {plan}"))?;
    let begun = Instant::now();
    let load = machine::load();
    let machine = Machine::share_out()?;
    let mut cells = Cells::default();
    settings::measure(&mut cells, &machine, plan)?;
    requests::measure(&mut cells, &machine, plan)?;
    depth::measure(&mut cells, &machine, plan)?;
    bytes::measure(&mut cells, &machine, plan)?;
    half::measure(&mut cells, &machine, plan)?;
    let mut found = outside_clients::measure(&mut cells, &machine, plan, places);
    if let Err(why) = benchmark::measure(&mut cells, &machine, plan) {
        let why = format!("{why:#}");
        found.missing.push((benchmark::BENCHMARK.into(), why));
    }
    for (name, why) in &found.missing {
        eprintln!("\n*** {name} IS MISSING FROM THIS RUN: {why}\n");
    }

    let targets = targets::judged(&cells, plan);
    let document = json!({
        "command": command,
        "begun": time_of_day(begun)?,
        "seconds": begun.elapsed().as_secs(),
        "machine": machine.json(),
        "load": {"before": load, "after": machine::load()},
        "server": server_version(&machine)?,
        "versions": found.versions,
        "missing": found.missing.iter().cloned().map(|(name, why)| (name, json!(why))).collect::<Map<_, _>>(),
        "plan": plan_json(plan),
        "targets": targets,
        "cells": cells.json(),
    });
    std::fs::write(results, format!("{document:#}\n"))
        .with_context(|| format!("{} cannot be written", results.display()))?;
    Ok(verdict(&cells, plan, &targets, found.missing.len()))
}

/// The small run is there to find out whether everything works; of the full one the results tell.
fn verdict(cells: &Cells, plan: Plan, targets: &[Value], missing: usize) -> ExitCode {
    let mut unsound = cells.unsound();
    let wanted = [
        settings::SECTION,
        requests::SECTION,
        depth::SECTION,
        bytes::SECTION,
        half::SECTION,
        outside_clients::SECTION,
    ];
    let without = cells.without(&wanted);
    unsound.extend(
        without
            .iter()
            .map(|section| format!("{section}: not measured")),
    );
    for what in &unsound {
        eprintln!("*** {what}");
    }
    let met = targets
        .iter()
        .filter(|target| target["met"] == true)
        .count();
    eprintln!("{met} of {} targets met", targets.len());
    let judged = targets.iter().all(|target| !target["measured"].is_null());
    if plan.name == SMALL.name && (!unsound.is_empty() || (missing == 0 && !judged)) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// When the run began, in UTC, to the second.
fn time_of_day(begun: Instant) -> anyhow::Result<String> {
    let ago = begun.elapsed().as_secs();
    let date = std::process::Command::new("date")
        .args([
            "-u",
            "-d",
            &format!("{ago} seconds ago"),
            "+%Y-%m-%dT%H:%M:%SZ",
        ])
        .output()?;
    Ok(String::from_utf8_lossy(&date.stdout).trim().into())
}

fn server_version(machine: &Machine) -> redis::RedisResult<String> {
    meter::Meter::connect(&machine.server(&[]).url())?.version()
}

fn plan_json(plan: Plan) -> Value {
    json!({
        "name": plan.name,
        "rounds": plan.rounds,
        "messages": plan.messages,
        "calls": plan.calls,
        "depths": plan.depths,
        "stored": plan.stored,
        "sent": plan.sent,
        "sent_slowly": plan.sent_slowly,
        "behind_slowly": plan.behind_slowly,
        "requests": plan.requests,
        "load_seconds": plan.load_seconds,
    })
}
