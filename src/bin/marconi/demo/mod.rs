//! `marconi demo`: posts real lines, works them off with several processes, kills one and stops
//! another meanwhile, and counts what came of it.
//!
//! Guards that it leaves nothing behind, neither processes nor files nor keys, however it ends.

mod audit;
mod crew;
mod input;
mod ledger;
mod meter;
mod report;
mod scratch;
mod server;
mod story;
mod view;
mod worker;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use marconi_redis::keys::Part;
use marconi_redis::{Queue, Store, redis};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::duration;
use crate::failure::{Failure, redact};
use crate::global::Global;
use crate::output::Output;
use audit::Findings;
use crew::Crew;
use input::Input;
use meter::{Meter, Reading};
use report::{Figures, Remarks, thousands};
use scratch::Scratch;
use server::Server;
use story::{Ending, Story};
use view::View;
use worker::Task;

/// Where the demo's queue is on a server that others use too.
const PROJECT: &str = "marconi-demo";

const ALL_IS_WELL: &str = "\
Every line was processed and none was lost. Whatever was processed twice was
under a claim that had lapsed, with the smaller fence. Late deletes were
refused. The checker found nothing.";

const ABOUT: &str = "\
Posts every line of the input as a message and works them off with several worker
processes. One of them is killed (SIGKILL) while it holds messages. One is stopped
(SIGSTOP) until others have what it holds, and continued: its deletes come too late
and have to be refused. Each worker writes what it did to a file before it deletes,
and the figures are counted from those files.

Without --redis it starts a server of its own, which ends with it. On the server of
--redis it works in a queue of its own, which it deletes. It gives up after a minute,
ten times the ttl, and a second for every thousand lines.

Exit status: 0 if every line was processed, none was lost, every double is explained
by a lapsed claim with a smaller fence, late deletes were refused and the checker
found nothing; else 1, or what `marconi --help` lists, with a sentence that says why.

Example:
  marconi demo --input orders.jsonl --workers 8";

#[derive(clap::Args)]
#[command(after_help = ABOUT)]
pub struct Args {
    /// JSON documents, one a line; - is standard input [default: a sample of orders]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// How many worker processes, 3 to 64
    #[arg(long, value_name = "N", default_value_t = 4)]
    #[arg(value_parser = clap::value_parser!(u8).range(3..=64))]
    workers: u8,
    /// How many messages to claim at once, 1 to 250
    #[arg(long, value_name = "N", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=250))]
    batch: u8,
    /// How long a claim lives, 100ms to 1m; so long the messages of dead workers wait
    #[arg(long, value_name = "D", value_parser = ttl, default_value = "1500ms")]
    ttl: Duration,
    /// Keep the workers' files, and with --redis the queue too
    #[arg(long)]
    keep: bool,
}

fn ttl(text: &str) -> Result<Duration, String> {
    let ttl = duration::parse(text)?;
    let bounds = Duration::from_millis(100)..=Duration::from_secs(60);
    match bounds.contains(&ttl) {
        true => Ok(ttl),
        false => Err("wants 100ms to 1m".to_owned()),
    }
}

pub fn run(args: &Args, global: &Global) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = match Task::of_this_process()? {
        Some(task) => runtime
            .block_on(worker::run(task))
            .map(|()| ExitCode::SUCCESS)
            // It told its parent why.
            .or(Ok(ExitCode::FAILURE)),
        None => runtime.block_on(begin(args, global)),
    };
    // A worker's standard input may still be read; nobody waits for that.
    runtime.shutdown_background();
    done
}

async fn begin(args: &Args, global: &Global) -> Result<ExitCode> {
    if global.now.is_some() {
        return Err(Failure::usage(
            "demo goes by the server's clock: leave --now out",
        ));
    }
    // First, so that a bad line costs nothing.
    let input = Input::read(args.input.as_deref())?;
    let scratch = Scratch::make(args.keep)?;
    let mut left_behind = None;
    let done = tokio::select! {
        done = demo(args, global, &input, &scratch, &mut left_behind) => done,
        number = interrupted() => number.map(|number| ExitCode::from(128 + number)),
    };
    if let Some(queue) = left_behind {
        clear_away(global, &queue).await?;
    }
    match done {
        // Of these two kinds the command line knows what to say and which status to exit with.
        Err(error) if error.is::<Failure>() || error.is::<marconi_redis::Error>() => Err(error),
        Err(error) => Ok(fails(global, &format!("{error:#}"))),
        done => done,
    }
}

/// The number of the signal that is to end this process. Processes and files go with what owns
/// them, when that is dropped.
async fn interrupted() -> Result<u8> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        _ = hangup.recv() => 1,
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
    })
}

async fn demo(
    args: &Args,
    global: &Global,
    input: &Input,
    scratch: &Scratch,
    left_behind: &mut Option<Queue>,
) -> Result<ExitCode> {
    let server = match global.named_url()? {
        Some(_) => None,
        None => Some(Server::start(scratch).await?),
    };
    let url = match &server {
        Some(server) => server.url(),
        None => global.url()?,
    };
    let store = connect(global, &url).await?;
    let name = format!("orders-{}", uuid::Uuid::new_v4().simple());
    let queue = store.queue(PROJECT, &name)?;
    if server.is_none() && !args.keep {
        *left_behind = Some(queue.clone());
    }
    let mut view = View::new(global.quiet, global.json);
    let mut meter = Meter::open(&url).await;
    let version = meter.server().await.unwrap_or_else(|| "server".to_owned());
    match &server {
        Some(_) => view.say(&format!("started a private server ({version})")),
        None => view.say(&format!(
            "using {} ({version}), queue {name}",
            global.server()
        )),
    }

    let until = Instant::now() + limit(args, input);
    let workers = usize::from(args.workers);
    view.begin(input.lines.len() as u64, workers);
    // What a server sets aside at the first post, however many follow, is no message's cost.
    store.load_scripts().await?;
    queue.post(&"warm-up").await?;
    queue.purge().await?;
    let posting = post(global, (&url, &queue), input, &mut meter, &view);
    let Ok(posted) = tokio::time::timeout_at(until.into(), posting).await else {
        bail!("gave up: {}", given_up(args, input));
    };
    let (bytes, cpu_us) = posted?;
    let tasks = tasks(args, global, input, (&url, &name), scratch);
    let crew = Crew::start(&tasks)?;
    let counts = (input.lines.len() as u64, workers);
    let story = Story::new(crew, &queue, &mut meter, &view, counts);
    let ending = story.run(until).await?;
    view.end();

    let spent = Spent { bytes, cpu_us };
    let (figures, findings) = judge(input, args, &tasks, &ending, &spent)?;
    let remarks = Remarks {
        workers,
        batch: args.batch,
        body_bytes: input.bytes as f64 / counts.0 as f64,
    };
    let mut failings = figures.failings(&findings, counts.0, &ending.violations);
    if !ending.is_complete {
        failings.insert(0, format!("gave up: {}", given_up(args, input)));
    }
    Output::of(global).show(&figures, || {
        let table = figures.table(&remarks);
        match failings.is_empty() {
            true => format!("{table}\n{ALL_IS_WELL}"),
            false => table,
        }
    })?;
    if args.keep {
        let path = scratch.path().display();
        let _ = writeln!(std::io::stderr(), "the workers' ledgers are in {path}");
    }
    if failings.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(fails(global, &failings.join("; ")))
}

async fn connect(global: &Global, url: &str) -> Result<Store> {
    // Posted without the id of a client, which nobody here asks for.
    let mut builder = Store::builder().client("")?;
    if let Some(prefix) = &global.prefix {
        builder = builder.prefix(prefix)?;
    }
    if let Some(timeout) = global.timeout {
        builder = builder.deadline(timeout);
    }
    Ok(builder.connect(url).await?)
}

/// Posts all lines, and answers what that cost: bytes held and CPU spent. Over a connection of its
/// own, whose buffers are gone when the bytes are counted.
async fn post(
    global: &Global,
    (url, queue): (&str, &Queue),
    input: &Input,
    meter: &mut Meter,
    view: &View,
) -> Result<(Option<f64>, Option<f64>)> {
    let clients = meter.clients().await;
    let before = meter.read().await;
    let store = connect(global, url).await?;
    let queue = store.queue_at(queue.path().clone());
    for post in input.posts() {
        let end = post.end;
        queue.post_many(input.messages[post].to_vec()).await?;
        view.posted(end);
    }
    drop((queue, store));
    meter.wait_for_clients(clients).await;
    let after = meter.read().await;
    view.say(&format!(
        "posted {} messages: {}",
        thousands(input.lines.len() as u64),
        input.name
    ));
    let gone_up = |of: fn(&Reading) -> Option<f64>| Some((of(&after)? - of(&before)?).max(0.0));
    Ok((gone_up(|r| r.bytes), gone_up(|r| r.cpu_us)))
}

/// Who does what. Ledgers stand beside the server's socket, or where that would.
fn tasks(
    args: &Args,
    global: &Global,
    input: &Input,
    (url, queue): (&str, &str),
    scratch: &Scratch,
) -> Vec<Task> {
    let workers = usize::from(args.workers);
    let task = |number| {
        let name = format!("worker-{}", number + 1);
        Task {
            url: url.to_owned(),
            prefix: global.prefix.clone(),
            project: PROJECT.to_owned(),
            queue: queue.to_owned(),
            ledger: scratch.path().join(format!("{name}.jsonl")),
            name,
            batch: usize::from(args.batch),
            ttl_ms: duration::ms_of(args.ttl),
            rounds: story::rounds(workers, input.lines.len(), usize::from(args.batch)),
            fate: story::fate(number),
        }
    };
    (0..workers).map(task).collect()
}

/// What the server spent on posting.
struct Spent {
    bytes: Option<f64>,
    cpu_us: Option<f64>,
}

fn judge(
    input: &Input,
    args: &Args,
    tasks: &[Task],
    ending: &Ending,
    spent: &Spent,
) -> Result<(Figures, Findings)> {
    let mut entries = Vec::new();
    for task in tasks {
        // One that never got so far has none.
        if task.ledger.exists() {
            entries.extend(ledger::read(&task.ledger)?);
        }
    }
    let killed = ending.killed.clone().unwrap_or_default();
    let findings = audit::audit(&entries, &input.lines, &killed, duration::ms_of(args.ttl));
    let lines = input.lines.len() as f64;
    let to_work_off = ending
        .busy
        .and_then(|busy| Some(busy.cpu_us? / busy.deleted as f64));
    let figures = Figures {
        posted: input.lines.len() as u64,
        processed: findings.processed,
        redelivered: findings.redelivered,
        processed_twice: findings.twice,
        lost: findings.lost.len() as u64,
        stale_deletes_refused: findings.refused,
        messages_per_s: ending
            .busy
            .map(|busy| tenths(busy.deleted as f64 / busy.seconds)),
        server_us_per_message: spent
            .cpu_us
            .zip(to_work_off)
            .map(|(posting, work)| tenths(posting / lines + work)),
        bytes_per_message: spent.bytes.map(|bytes| tenths(bytes / lines)),
    };
    Ok((figures, findings))
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// As `--help` states it.
fn limit(args: &Args, input: &Input) -> Duration {
    let lines = Duration::from_millis(input.lines.len() as u64);
    Duration::from_secs(60) + 10 * args.ttl + lines
}

fn given_up(args: &Args, input: &Input) -> String {
    let limit = duration::show(limit(args, input));
    format!("not done within {limit}, which is far more than it takes")
}

/// Says why it did not come out as it has to.
fn fails(global: &Global, why: &str) -> ExitCode {
    let why = redact(why);
    let line = match global.json {
        true => json!({"error": {"word": "DEMO", "message": why}}).to_string(),
        false => format!("marconi: demo: {why}"),
    };
    // Where standard error is gone the status has to do.
    let _ = writeln!(std::io::stderr(), "{line}");
    ExitCode::FAILURE
}

/// Deletes the queue from a server that is not the demo's own, and what a deleted queue leaves for
/// the next one of its name: there will be none.
async fn clear_away(global: &Global, queue: &Queue) -> Result<()> {
    queue.delete().await?;
    let url = global.url()?;
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    for part in Part::ALL {
        let key = queue.keys().key(*part);
        redis::cmd("UNLINK")
            .arg(key)
            .exec_async(&mut connection)
            .await?;
    }
    Ok(())
}
