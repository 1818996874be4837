//! `marconi nack`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::claim;
use crate::duration::{parse, show};
use crate::global::Global;
use crate::messages;
use crate::output::{Output, count};

#[derive(clap::Args)]
#[command(after_help = "Example:
  marconi nack orders 8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11 1763833000000-0 --delay 5m")]
pub struct Args {
    /// Its name
    queue: String,
    /// The claim's id
    claim: String,
    /// The messages to give back, all or none
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// Free them only after this
    #[arg(long, value_name = "D", value_parser = parse, default_value = "0s")]
    delay: Duration,
    /// Hand the try back: the worker has not tried these messages
    #[arg(long)]
    untried: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let claim = claim::id(&queue, &args.claim)?;
    let ids = messages::ids(&queue, &args.ids)?;
    let asked = queue.nack(claim, ids).delay(args.delay);
    let released = asked.untried(args.untried).await?;
    Output::of(global).done(&json!({"released": released}), || {
        let when = match args.delay.is_zero() {
            true => "now".to_owned(),
            false => format!("in {}", show(args.delay)),
        };
        format!("gave back {}, free {when}", count(released, "message"))
    })?;
    Ok(ExitCode::SUCCESS)
}
