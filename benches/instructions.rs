//! Instructions of the hot scripts and of the Rust client, held to what is recorded of them.
//!
//! Guards against a regression that a clock would not show: callgrind counts what a server, and the
//! client, execute between two marks. `docs/benchmarks/instructions.md` says how far that holds.
//!
//! ```text
//! cargo bench --bench instructions -- [--record]
//! ```
//! `--record` writes `benches/instructions/recorded.json`; `MARCONI_SERVER` names the server.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use sha1_smol::Sha1;

#[path = "instructions/callgrind.rs"]
mod callgrind;
#[path = "instructions/client.rs"]
mod client;
#[path = "../tests/common/mod.rs"]
mod common;
#[path = "instructions/record.rs"]
mod record;
#[path = "instructions/server.rs"]
mod server;

use callgrind::Callgrind;
use record::{Count, Findings, Record, Side};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        [] => measure().and_then(hold),
        ["--record"] => measure().and_then(|sides| {
            println!("recorded in {}", Record::write(sides)?.display());
            Ok(true)
        }),
        // How this program calls itself, under callgrind.
        ["--client", url] => client::run(url).map(|()| true),
        other => Err(format!("{} is no option", other.join(" ")).into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::from(2)
        }
    }
}

fn measure() -> Result<Vec<(&'static str, Side)>> {
    if cfg!(debug_assertions) {
        return Err("counts of a debug build say nothing: use cargo bench".into());
    }
    let valgrind = callgrind::version()?;
    let sides = vec![
        ("server", measure_server(&valgrind)?),
        ("client", measure_client(&valgrind)?),
    ];
    for (name, side) in &sides {
        let tools = side
            .measured_with
            .iter()
            .map(|(tool, version)| format!("{tool} {version}"));
        println!("\n{name} ({})", tools.collect::<Vec<_>>().join(", "));
        for (case, count) in &side.counts {
            println!(
                "  {case:20} {:>9} {:>8.3}",
                count.instructions, count.yardsticks
            );
        }
    }
    Ok(sides)
}

fn measure_server(valgrind: &str) -> Result<Side> {
    let callgrind = Callgrind::new("server")?;
    let server = common::Server::start_under(&callgrind.words(server::MARK), server::QUIET);
    server::run(&server.url())?;
    let version = version(&server)?;
    drop(server);
    let sources = server::CASES.iter().map(|(case, script)| {
        let (of, sha1) = match script {
            Some(script) => (
                format!("lua/{}.lua", script.name()),
                script.sha1().to_owned(),
            ),
            None => ("the server".to_owned(), String::new()),
        };
        (*case, of, sha1)
    });
    let counts = counts(&callgrind, sources.collect(), server::ROUNDS, server::CALLS)?;
    Ok(side(("server", version), valgrind, counts))
}

fn measure_client(valgrind: &str) -> Result<Side> {
    let callgrind = Callgrind::new("client")?;
    let server = common::Server::start(&[]);
    let words = callgrind.words(client::MARK);
    let ran = Command::new(&words[0])
        .args(&words[1..])
        .arg(std::env::current_exe()?)
        .args(["--client", &server.url()])
        .stdin(Stdio::null())
        .output()?;
    if !ran.status.success() {
        return Err(format!("the client: {}", String::from_utf8_lossy(&ran.stderr)).into());
    }
    let sha1 = digest_of_client()?;
    let sources = client::CASES
        .iter()
        .map(|(case, ..)| (*case, "src and Cargo.lock".to_owned(), sha1.clone()));
    let counts = counts(&callgrind, sources.collect(), client::ROUNDS, client::CALLS)?;
    let rustc = Command::new("rustc").arg("--version").output()?;
    let rustc = String::from_utf8(rustc.stdout)?;
    let rustc = rustc.split(' ').nth(1).unwrap_or("?").trim().to_owned();
    Ok(side(("rustc", rustc), valgrind, counts))
}

fn side(by: (&str, String), valgrind: &str, counts: BTreeMap<String, Count>) -> Side {
    let tools = [
        (by.0, by.1),
        ("valgrind", valgrind.to_owned()),
        ("machine", std::env::consts::ARCH.to_owned()),
    ];
    Side {
        measured_with: tools
            .map(|(tool, version)| (tool.to_owned(), version))
            .into(),
        counts,
    }
}

/// Of each case the median round; the first warms up. The first case is nothing, the second the yardstick.
fn counts(
    callgrind: &Callgrind,
    cases: Vec<(&str, String, String)>,
    rounds: usize,
    calls: usize,
) -> Result<BTreeMap<String, Count>> {
    let intervals = callgrind.counts()?;
    // From a case's first mark to its second, from there to the first of the next, and so on. A server
    // was marked before that too, when it was asked whether it is up.
    let wanted = 2 * cases.len() * rounds - 1;
    let Some(begin) = intervals.len().checked_sub(wanted) else {
        let text = format!(
            "{} intervals between marks, and not {wanted}",
            intervals.len()
        );
        return Err(text.into());
    };
    let mut medians = Vec::new();
    for (at, (case, ..)) in cases.iter().enumerate() {
        let mut seen: Vec<_> = (1..rounds)
            .map(|round| begin + 2 * (round * cases.len() + at))
            .map(|interval| (intervals[interval], interval))
            .collect();
        seen.sort_unstable();
        let (count, interval) = seen[seen.len() / 2];
        callgrind.keep(interval, case)?;
        medians.push(count);
    }
    callgrind.clear()?;
    let each = |count: u64| count.saturating_sub(medians[0]) as f64 / calls as f64;
    let yardstick = each(medians[1]);
    let named = cases.into_iter().zip(&medians).skip(1);
    Ok(named
        .map(|((case, of, sha1), count)| {
            let count = Count {
                instructions: each(*count).round() as u64,
                yardsticks: (each(*count) / yardstick * 1000.0).round() / 1000.0,
                of,
                sha1,
            };
            (case.to_owned(), count)
        })
        .collect())
}

fn hold(sides: Vec<(&str, Side)>) -> Result<bool> {
    let record = Record::read()?;
    let mut findings = Findings::default();
    for (name, side) in &sides {
        record.hold(name, side, &mut findings);
    }
    for note in &findings.notes {
        eprintln!("\n{note}");
    }
    for grown in &findings.grown {
        eprintln!("\n{grown}");
    }
    if !findings.grown.is_empty() {
        eprintln!(
            "\nMake it cheaper again; or, where it has to cost more, run `make instructions` and commit \
             benches/instructions/recorded.json with the reason."
        );
    }
    Ok(findings.grown.is_empty())
}

fn version(server: &common::Server) -> Result<String> {
    let mut connection = redis::Client::open(server.url())?.get_connection()?;
    let info: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
    let field = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(&format!("{name}:")).map(str::to_owned))
    };
    let name = field("server_name").unwrap_or("redis".into());
    let version = field(&format!("{name}_version")).unwrap_or("?".into());
    Ok(format!("{name} {version}"))
}

/// Of what the client is built of; the command line is no part of it.
fn digest_of_client() -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("Cargo.lock")];
    let mut dirs = vec![root.join("src")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_file() {
                files.push(path);
            } else if !path.ends_with("bin") {
                dirs.push(path);
            }
        }
    }
    files.sort();
    let mut digest = Sha1::new();
    for file in files {
        digest.update(&std::fs::read(file)?);
    }
    Ok(digest.digest().to_string())
}
