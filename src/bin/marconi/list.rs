//! `marconi list`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::MessageId;
use serde_json::{Value, json};

use crate::global::Global;
use crate::output::Output;
use crate::{failure, messages};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi list orders --claimed --delayed --limit 50")]
pub struct Args {
    /// Its name
    queue: String,
    /// Begin after this message, gone or not
    #[arg(long, value_name = "ID")]
    marker: Option<MessageId>,
    /// How many messages at most, 1 to 250
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// With claimed messages
    #[arg(long)]
    claimed: bool,
    /// With delayed messages
    #[arg(long)]
    delayed: bool,
    /// With both: all that the queue has
    #[arg(short, long, conflicts_with_all = ["claimed", "delayed"])]
    all: bool,
    /// Without the messages that this client posted
    #[arg(long, value_name = "CLIENT")]
    not_client: Option<String>,
    /// Exit with status 3 where there is nothing to list
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let mut asked = queue
        .list()
        .limit(args.limit)
        .claimed(args.claimed || args.all)
        .delayed(args.delayed || args.all);
    if let Some(marker) = args.marker {
        asked = asked.marker(marker);
    }
    if let Some(client) = &args.not_client {
        asked = asked.not_client(client);
    }
    let page = asked.await?;
    let out = Output::of(global);
    let seen: Vec<Value> = page.messages.iter().map(messages::seen).collect();
    let marker = page.marker.map(|marker| marker.to_string());
    out.show(
        &json!({"messages": seen, "marker": marker}),
        || match page.messages.is_empty() {
            true => String::new(),
            false => messages::seen_table(&page.messages),
        },
    )?;
    if page.messages.is_empty() {
        out.note("nothing to list");
        return Ok(failure::nothing(args.exit_status));
    }
    if let Some(marker) = marker {
        out.note(&format!("more with --marker {marker}"));
    }
    Ok(ExitCode::SUCCESS)
}
