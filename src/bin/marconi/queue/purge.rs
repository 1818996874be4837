//! `marconi queue purge`

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::global::Global;
use crate::output::{Output, count};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi queue purge orders")]
pub struct Args {
    /// Its name
    queue: String,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let purged = queue.purge().await?;
    Output::of(global).done(&json!({"purged": purged}), || {
        format!("purged {} from {}", count(purged, "message"), args.queue)
    })?;
    Ok(ExitCode::SUCCESS)
}
