//! `marconi queue show`

use std::process::ExitCode;

use anyhow::Result;

use crate::global::Global;
use crate::metadata;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi queue show orders")]
pub struct Args {
    /// Its name
    queue: String,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    metadata::show(global, "queue", &args.queue, &queue.metadata().await?)?;
    Ok(ExitCode::SUCCESS)
}
