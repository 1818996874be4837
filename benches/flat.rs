//! What the claim of a flat cost is worth: `cargo bench --bench flat`, under four minutes.
//!
//! Guards the figures that README and `docs/design.md` show: each is measured here, on a server of
//! its own that ends with the benchmark. Time is the server's CPU (of its main thread), since that
//! is what a queue on Redis runs out of; noise cancels in medians of interleaved rounds.
//!
//! ```text
//! cargo bench --bench flat -- [--json FILE] [--quick] [--against DIR]… [flat] [backlog] [batch] [bytes] [life] [rules]
//! ```
//! Names choose sections, `--quick` is a twentieth of the size; `MARCONI_SERVER` names the server.
//! `--against` has the section `rules` measure the scripts of another folder like `lua/`, too: before and after a change.

use std::process::ExitCode;
use std::time::Instant;

use redis::RedisResult;
use serde_json::{Map, Value, json};

#[path = "flat/backlog.rs"]
mod backlog;
#[path = "flat/batch.rs"]
mod batch;
#[path = "flat/bytes.rs"]
mod bytes;
#[path = "../tests/common/mod.rs"]
mod common;
#[path = "flat/flatness.rs"]
mod flatness;
#[path = "flat/life.rs"]
mod life;
#[path = "flat/meter.rs"]
mod meter;
#[path = "flat/queue.rs"]
mod queue;
#[path = "flat/report.rs"]
mod report;
#[path = "flat/rules.rs"]
mod rules;
#[path = "flat/sides.rs"]
mod sides;

use meter::Meter;
use report::Table;

/// How much of everything.
#[derive(Clone, Copy)]
struct Size {
    /// What the targets call 1,000,000.
    million: usize,
    /// Rounds of a comparison.
    rounds: usize,
}

/// A part of the benchmark that can be run alone.
type Section = fn(&mut Meter, &Options) -> RedisResult<Table>;

const SECTIONS: [(&str, Section); 6] = [
    ("flat", |meter, options| {
        flatness::measure(meter, options.size)
    }),
    ("backlog", |meter, options| {
        backlog::measure(meter, options.size)
    }),
    ("batch", |meter, options| {
        batch::measure(meter, options.size)
    }),
    ("bytes", |meter, options| {
        bytes::measure(meter, options.size)
    }),
    ("life", |meter, options| life::measure(meter, options.size)),
    ("rules", |meter, options| {
        rules::measure(meter, options.size, &options.against)
    }),
];

struct Options {
    json: Option<String>,
    size: Size,
    /// Folders with scripts to compare ours with.
    against: Vec<String>,
    sections: Vec<(&'static str, Section)>,
}

impl Options {
    fn parse(args: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            json: None,
            size: Size {
                million: 50_000,
                rounds: 5,
            },
            against: Vec::new(),
            sections: Vec::new(),
        };
        let (mut bench, mut quick) = (false, false);
        let mut args = args.peekable();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--json" => options.json = Some(args.next().ok_or("--json wants a file")?),
                "--quick" => quick = true,
                "--against" => options
                    .against
                    .push(args.next().ok_or("--against wants a folder")?),
                // `cargo bench` adds it; `cargo test --benches`, which only sees that this runs, doesn't.
                "--bench" => bench = true,
                name => {
                    let section = SECTIONS.iter().find(|(section, _)| *section == name);
                    options
                        .sections
                        .push(*section.ok_or(format!("{name} is no section or option"))?);
                }
            }
        }
        if bench && !quick {
            options.size = Size {
                million: 1_000_000,
                rounds: 24,
            };
        }
        if options.sections.is_empty() {
            options.sections = SECTIONS.to_vec();
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let server = common::Server::start(&[]);
    match run(&options, &server) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, server: &common::Server) -> Result<(), Box<dyn std::error::Error>> {
    let mut meter = Meter::connect(&server.url())?;
    let version = meter.version()?;
    // A busy machine makes CPU time longer too: its threads share caches and cores.
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    println!("{version}, load average {load}");
    println!("us and ms are of the server's CPU, except what its slowlog says (elapsed time)");

    let mut document = Map::new();
    document.insert("server".into(), json!(version));
    document.insert("load_average".into(), json!(load));
    let mut missed = Vec::new();
    for (name, section) in &options.sections {
        let begun = Instant::now();
        let table = section(&mut meter, options)?;
        eprintln!("{name} took {} s", begun.elapsed().as_secs());
        println!("\n{table}");
        missed.extend(table.missed());
        document.insert((*name).into(), table.json());
        meter.flush()?;
    }
    match missed.as_slice() {
        [] => println!("\nevery target met"),
        missed => println!("\ntargets missed:\n  {}", missed.join("\n  ")),
    }
    document.insert("missed".into(), json!(missed));
    if let Some(file) = &options.json {
        std::fs::write(file, format!("{:#}\n", Value::Object(document)))?;
    }
    Ok(())
}
