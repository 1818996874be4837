//! `marconi topic create`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::Metadata;
use serde_json::json;

use crate::global::Global;
use crate::output::Output;
use crate::settings::Settings;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic create news --ttl 7d")]
pub struct Args {
    /// Its name
    topic: String,
    #[command(flatten)]
    settings: Settings,
}

/// Metadata that is given replaces what a topic has that is there.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let topic = super::topic(global, &args.topic).await?;
    let mut asked = topic.create();
    if !args.settings.is_empty() {
        asked = asked.metadata(args.settings.over(&args.topic, Metadata::new())?);
    }
    let created = asked.await?;
    Output::of(global).done(&json!({"created": created}), || match created {
        true => format!("created {}", args.topic),
        false if args.settings.is_empty() => format!("{} is there already", args.topic),
        false => format!("{} was there already; replaced its metadata", args.topic),
    })?;
    Ok(ExitCode::SUCCESS)
}
