//! `marconi topic show`

use std::process::ExitCode;

use anyhow::Result;

use crate::global::Global;
use crate::metadata;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic show news")]
pub struct Args {
    /// Its name
    topic: String,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let topic = super::topic(global, &args.topic).await?;
    metadata::show(global, "topic", &args.topic, &topic.metadata().await?)?;
    Ok(ExitCode::SUCCESS)
}
