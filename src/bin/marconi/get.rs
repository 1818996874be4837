//! `marconi get`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::{Error, MessageId};
use serde_json::{Value, json};

use crate::global::Global;
use crate::output::Output;
use crate::{failure, messages};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi get orders 1763833000000-0")]
pub struct Args {
    /// Its name
    queue: String,
    /// The messages to show, in this order
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

/// As `cat` does with files: shows those that are there, and names those that are not.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let known: Vec<MessageId> = messages::known_ids(&args.ids);
    let found = queue.get_many(known).await?;
    let is_found = |text: &&String| found.iter().any(|m| m.id().to_string() == **text);
    let gone: Vec<&String> = args.ids.iter().filter(|text| !is_found(text)).collect();
    let seen: Vec<Value> = found.iter().map(messages::seen).collect();
    Output::of(global).show(&json!({"messages": seen, "gone": gone}), || {
        messages::records(&found)
    })?;
    let mut status = 0;
    for id in gone {
        let (queue, id) = (queue.path().clone(), id.clone());
        let error = Error::MessageDoesNotExist { queue, id };
        status = failure::warn(&error, global.json, &global.server());
    }
    Ok(ExitCode::from(status))
}
