//! `marconi topic set`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::Metadata;
use serde_json::json;

use crate::body::Body;
use crate::failure::Failure;
use crate::global::Global;
use crate::output::Output;
use crate::settings::Settings;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic set news --ttl 2d --unset owner")]
pub struct Args {
    /// Its name
    topic: String,
    #[command(flatten)]
    settings: Settings,
    /// Take this name out of the metadata
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
    /// Take out all that is not given here
    #[arg(long)]
    replace: bool,
}

/// Reads and writes: of two who change one topic at once, the later wins.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    if args.settings.is_empty() && args.unset.is_empty() && !args.replace {
        return Err(Failure::usage(format!(
            "{}: nothing to set; name what to change, see marconi topic set --help",
            args.topic
        )));
    }
    let topic = super::topic(global, &args.topic).await?;
    let mut metadata = match args.replace {
        true => Metadata::new(),
        false => topic.metadata().await?,
    };
    for name in &args.unset {
        metadata = metadata.without(name);
    }
    let metadata = args.settings.over(&args.topic, metadata)?;
    topic.set_metadata(&metadata).await?;
    let Body(map) = metadata.to_map()?;
    let document = json!({"metadata": map});
    Output::of(global).done(&document, || format!("changed {}", args.topic))?;
    Ok(ExitCode::SUCCESS)
}
