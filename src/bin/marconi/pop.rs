//! `marconi pop`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::duration::parse;
use crate::global::Global;
use crate::output::Output;
use crate::{failure, messages};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi pop orders --limit 10 --token nightly-1")]
pub struct Args {
    /// Its name
    queue: String,
    /// How many messages at most, 1 to 250
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1)]
    limit: usize,
    /// Repeated with it, for a minute at least, the same messages come again; without one they are
    /// lost where the answer is
    #[arg(long, value_name = "TEXT")]
    token: Option<String>,
    /// Wait so long for something to take, if there is nothing
    #[arg(long, value_name = "D", value_parser = parse)]
    wait: Option<Duration>,
    /// Exit with status 3 where there is nothing to take
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let mut asked = queue.pop().limit(args.limit);
    if let Some(token) = &args.token {
        asked = asked.token(token);
    }
    if let Some(timeout) = args.wait {
        asked = asked.wait(timeout);
    }
    let popped = asked.await?;
    let out = Output::of(global);
    let taken: Vec<Value> = popped.iter().map(messages::taken).collect();
    out.show(&json!({"messages": taken}), || match popped.is_empty() {
        true => String::new(),
        false => messages::taken_table(&popped),
    })?;
    if popped.is_empty() {
        out.note("nothing to pop");
        return Ok(failure::nothing(args.exit_status));
    }
    Ok(ExitCode::SUCCESS)
}
