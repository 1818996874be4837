//! `marconi topic read`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::MessageId;
use serde_json::{Value, json};

use crate::global::Global;
use crate::output::Output;
use crate::{failure, messages};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic read news --marker 1763833000000-0")]
pub struct Args {
    /// Its name
    topic: String,
    /// Begin after this message, gone or not
    #[arg(long, value_name = "ID")]
    marker: Option<MessageId>,
    /// How many messages at most, 1 to 250
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Exit with status 3 where there is nothing to read
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let topic = super::topic(global, &args.topic).await?;
    let mut asked = topic.list().limit(args.limit);
    if let Some(marker) = args.marker {
        asked = asked.marker(marker);
    }
    let page = asked.await?;
    let out = Output::of(global);
    let read: Vec<Value> = page.messages.iter().map(messages::taken).collect();
    let is_all = page.marker.is_none();
    // Where to go on, now or when more has come.
    let last = page.messages.last().map(|last| last.id()).or(args.marker);
    let last = last.map(|last| last.to_string());
    let document = json!({"messages": read, "marker": last, "end": is_all});
    out.show(&document, || match page.messages.is_empty() {
        true => String::new(),
        false => messages::taken_table(&page.messages),
    })?;
    if page.messages.is_empty() {
        out.note("nothing to read");
        return Ok(failure::nothing(args.exit_status));
    }
    if let Some(last) = last.filter(|_| !is_all) {
        out.note(&format!("more with --marker {last}"));
    }
    Ok(ExitCode::SUCCESS)
}
