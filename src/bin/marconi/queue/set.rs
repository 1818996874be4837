//! `marconi queue set`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::Metadata;
use serde_json::{Value, json};

use super::settings::QueueSettings;
use crate::body::Body;
use crate::failure::Failure;
use crate::global::Global;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  marconi queue set orders --max-claims 3 --unset _dead_letter_queue"
)]
pub struct Args {
    /// Its name
    queue: String,
    #[command(flatten)]
    settings: QueueSettings,
    /// Take this name out of the metadata
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
    /// Take out all that is not given here
    #[arg(long)]
    replace: bool,
}

/// Reads and writes: of two who change one queue at once, the later wins.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    if args.settings.is_empty() && args.unset.is_empty() && !args.replace {
        return Err(Failure::usage(format!(
            "{}: nothing to set; name what to change, see marconi queue set --help",
            args.queue
        )));
    }
    let queue = global.queue(&args.queue).await?;
    let mut metadata = match args.replace {
        true => Metadata::new(),
        false => queue.metadata().await?,
    };
    for name in &args.unset {
        metadata = metadata.without(name);
    }
    let metadata = args.settings.over(&queue, metadata)?;
    queue.set_metadata(&metadata).await?;
    let Body(map) = metadata.to_map()?;
    let document: Value = json!({"metadata": map});
    Output::of(global).done(&document, || format!("changed {}", args.queue))?;
    Ok(ExitCode::SUCCESS)
}
