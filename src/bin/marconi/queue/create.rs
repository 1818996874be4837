//! `marconi queue create`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::Metadata;
use serde_json::json;

use super::settings::QueueSettings;
use crate::global::Global;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Example:
  marconi queue create orders --ttl 2d --max-claims 5 --dead-letters orders.dead")]
pub struct Args {
    /// Its name
    queue: String,
    #[command(flatten)]
    settings: QueueSettings,
}

/// Metadata that is given replaces what a queue has that is there.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let mut asked = queue.create();
    if !args.settings.is_empty() {
        asked = asked.metadata(args.settings.over(&queue, Metadata::new())?);
    }
    let created = asked.await?;
    Output::of(global).done(&json!({"created": created}), || match created {
        true => format!("created {}", args.queue),
        false if args.settings.is_empty() => format!("{} is there already", args.queue),
        false => format!("{} was there already; replaced its metadata", args.queue),
    })?;
    Ok(ExitCode::SUCCESS)
}
