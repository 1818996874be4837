//! `marconi subscription create`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::Source;
use crate::duration::parse;
use crate::global::Global;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  marconi subscription create orders https://shop.example/hook --ttl 30d
  marconi subscription create --topic news mailto:press@example.org")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Whom to tell: a uri
    subscriber: String,
    /// How long it lives [default: 1h]
    #[arg(long, value_name = "D", value_parser = parse)]
    ttl: Option<Duration>,
    /// What whoever delivers is to know, as a JSON object
    #[arg(long, value_name = "JSON")]
    options: Option<String>,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let options = args.options.as_deref().map(super::options).transpose()?;
    let queue = args.source.queue(global).await?;
    let mut asked = queue.subscribe(&args.subscriber);
    if let Some(ttl) = args.ttl {
        asked = asked.ttl(ttl);
    }
    if let Some(options) = options {
        asked = asked.options(&options);
    }
    let made = asked.await?;
    let document = json!({"id": made.id.to_string(), "created": made.is_new});
    Output::of(global).done(&document, || match made.is_new {
        true => format!("created {}", made.id),
        false => format!("{} is there already, and stays as it is", made.id),
    })?;
    Ok(ExitCode::SUCCESS)
}
