//! `marconi queue delete`

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::global::Global;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi queue delete orders")]
pub struct Args {
    /// Its name
    queue: String,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let deleted = queue.delete().await?;
    Output::of(global).done(&json!({"deleted": deleted}), || match deleted {
        true => format!("deleted {}", args.queue),
        false => format!("{} was not there", args.queue),
    })?;
    Ok(ExitCode::SUCCESS)
}
