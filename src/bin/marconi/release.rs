//! `marconi release`

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::claim;
use crate::global::Global;
use crate::output::{Output, count};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi release orders 8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11")]
pub struct Args {
    /// Its name
    queue: String,
    /// The claim's id; where the claim is gone, nothing happens
    claim: String,
    /// Hand the try back: the worker has not tried these messages
    #[arg(long)]
    untried: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let claim = claim::id(&queue, &args.claim)?;
    let released = queue.release(claim).untried(args.untried).await?;
    Output::of(global).done(&json!({"released": released}), || match released {
        0 => format!("claim {claim} was gone; nothing to release"),
        some => format!("released {}", count(some, "message")),
    })?;
    Ok(ExitCode::SUCCESS)
}
