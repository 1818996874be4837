//! `marconi subscription set`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{Source, document, id};
use crate::duration::parse;
use crate::failure::Failure;
use crate::global::Global;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi subscription set orders 1763833000000-0 --ttl 30d")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Which
    id: String,
    /// Another subscriber; whether it is confirmed stays as it was
    #[arg(long, value_name = "URI")]
    subscriber: Option<String>,
    /// How long it lives, counted from now
    #[arg(long, value_name = "D", value_parser = parse)]
    ttl: Option<Duration>,
    /// Other options, a JSON object, in place of all it has
    #[arg(long, value_name = "JSON")]
    options: Option<String>,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let (id, options) = (id(&args.id)?, args.options.as_deref());
    let options = options.map(super::options).transpose()?;
    if args.subscriber.is_none() && args.ttl.is_none() && options.is_none() {
        return Err(Failure::usage(
            "nothing to set; name what to change, see marconi subscription set --help",
        ));
    }
    let queue = args.source.queue(global).await?;
    let mut asked = queue.update_subscription(id);
    if let Some(subscriber) = &args.subscriber {
        asked = asked.subscriber(subscriber);
    }
    if let Some(ttl) = args.ttl {
        asked = asked.ttl(ttl);
    }
    if let Some(options) = options {
        asked = asked.options(&options);
    }
    asked.await?;
    // As it is now; who was quicker may have deleted it.
    let now = match global.json {
        true => queue.subscription(id).await.ok(),
        false => None,
    };
    let document = json!({"subscription": now.as_ref().map(document)});
    Output::of(global).done(&document, || format!("changed {id}"))?;
    Ok(ExitCode::SUCCESS)
}
