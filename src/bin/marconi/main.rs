//! `marconi`, the command line: one file a verb.
//!
//! Guards standard output and the exit status, which scripts rely on; docs/cli.md is the manual.

mod body;
mod check;
mod claim;
mod dead;
mod delete;
mod demo;
mod durable;
mod duration;
mod failure;
mod first;
mod flavor;
mod gc;
mod get;
mod global;
mod health;
mod input;
mod keys;
mod list;
mod listing;
mod maps;
mod messages;
mod metadata;
mod nack;
mod output;
mod pool;
mod pop;
mod post;
mod queue;
mod release;
mod renew;
mod scripts;
mod settings;
mod stats;
mod subscription;
mod topic;

use std::ffi::OsStr;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

use crate::global::Global;

const ABOUT: &str = "\
Message queues with claims on Redis.

Post messages to a queue; claim some for a while, work them off, delete them.
What a worker leaves undone is free again when its claim lapses.";

#[derive(Parser)]
#[command(name = "marconi", version, about = ABOUT, after_help = failure::STATUSES)]
#[command(disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make, show, change, empty or delete queues
    #[command(subcommand)]
    Queue(queue::Verb),
    /// Register, list, show, change or take out pools: servers that queues are placed on
    #[command(subcommand)]
    Pool(pool::Verb),
    /// Register, list, show, change or take out flavors: kinds of pools that queues ask for
    #[command(subcommand)]
    Flavor(flavor::Verb),
    /// List, show, redrive, purge or carry dead letters
    #[command(subcommand)]
    Dead(dead::Verb),
    /// Make, list, change, confirm or delete subscriptions
    #[command(subcommand)]
    Subscription(subscription::Verb),
    /// Make, show, change, read, post to or delete topics
    #[command(subcommand)]
    Topic(topic::Verb),
    /// Post messages: JSON from arguments, a file or standard input
    Post(post::Args),
    /// Take messages for a while
    Claim(claim::Args),
    /// Keep a claim for longer
    Renew(renew::Args),
    /// Give all messages of a claim back
    Release(release::Args),
    /// Give single messages of a claim back, now or after a delay
    Nack(nack::Args),
    /// Delete messages, under a claim when they are done
    Delete(delete::Args),
    /// Take and delete messages in one step
    Pop(pop::Args),
    /// Show messages by id
    Get(get::Args),
    /// Show messages in their order
    List(list::Args),
    /// Show the oldest or newest message
    First(first::Args),
    /// Count a queue's messages
    Stats(stats::Args),
    /// Look whether the parts of queues agree with each other
    Check(check::Args),
    /// Try each kind of operation, and count all messages
    Health(health::Args),
    /// Free the memory of what has expired, and carry dead letters that wait
    Gc(gc::Args),
    /// Show a queue's keys, for programs that call the scripts themselves
    Keys(keys::Args),
    /// Show the scripts and whether the server has them; load them
    Scripts(scripts::Args),
    /// Watch workers being killed, and nothing being lost
    Demo(demo::Args),
    /// Write completions for a shell
    #[command(
        after_help = "Example:\n  marconi completions bash > ~/.local/share/bash-completion/completions/marconi"
    )]
    Completions { shell: clap_complete::Shell },
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    let global = cli.global;
    run(cli.verb, &global)
        .unwrap_or_else(|error| failure::report(&error, global.json, &global.server()))
}

fn run(verb: Verb, global: &Global) -> Result<ExitCode> {
    match verb {
        Verb::Queue(verb) => wait(queue::run(verb, global)),
        Verb::Pool(verb) => wait(pool::run(verb, global)),
        Verb::Flavor(verb) => wait(flavor::run(verb, global)),
        Verb::Dead(verb) => wait(dead::run(verb, global)),
        Verb::Subscription(verb) => wait(subscription::run(verb, global)),
        Verb::Topic(verb) => wait(topic::run(verb, global)),
        Verb::Post(args) => wait(post::run(args, global)),
        Verb::Claim(args) => wait(claim::run(args, global)),
        Verb::Renew(args) => wait(renew::run(args, global)),
        Verb::Release(args) => wait(release::run(args, global)),
        Verb::Nack(args) => wait(nack::run(args, global)),
        Verb::Delete(args) => wait(delete::run(args, global)),
        Verb::Pop(args) => wait(pop::run(args, global)),
        Verb::Get(args) => wait(get::run(args, global)),
        Verb::List(args) => wait(list::run(args, global)),
        Verb::First(args) => wait(first::run(args, global)),
        Verb::Stats(args) => wait(stats::run(args, global)),
        Verb::Check(args) => wait(check::run(args, global)),
        Verb::Health(args) => wait(health::run(args, global)),
        Verb::Gc(args) => wait(gc::run(args, global)),
        Verb::Scripts(args) => wait(scripts::run(args, global)),
        Verb::Keys(args) => keys::run(args, global),
        // It starts processes, and a runtime of its own.
        Verb::Demo(args) => demo::run(&args, global),
        Verb::Completions { shell } => completions(shell, global),
    }
}

fn wait(verb: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(verb);
    // Standard input may still be read; nobody waits for that.
    runtime.shutdown_background();
    done
}

fn completions(shell: clap_complete::Shell, global: &Global) -> Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "marconi", &mut text);
    output::Output::of(global).raw(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Help and version are no mistake; a mistake is told in the form that was asked for.
fn misused(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure::report(&error.into(), false, ""),
        };
    }
    let wants_json = std::env::args_os().any(|arg| arg == OsStr::new("--json"));
    let rendered = error.render();
    if wants_json {
        let text = rendered.to_string();
        let what = text.lines().next().unwrap_or_default();
        let what = what.trim_start_matches("error: ");
        return failure::report(&failure::Failure::usage(what), true, "");
    }
    use std::io::IsTerminal;
    let text = match std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        true => rendered.ansi().to_string(),
        false => rendered.to_string(),
    };
    let _ = write!(std::io::stderr(), "{}", failure::redact(&text));
    ExitCode::from(failure::USAGE)
}
