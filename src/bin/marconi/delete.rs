//! `marconi delete`

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::claim;
use crate::global::Global;
use crate::messages;
use crate::output::{Output, count};

#[derive(clap::Args)]
#[command(after_help = "Example:
  marconi delete orders 1763833000000-0 --claim 8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11")]
pub struct Args {
    /// Its name
    queue: String,
    /// The messages to delete, all or none; one that is gone already is no failure
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// The claim that holds them
    #[arg(long, value_name = "CLAIM")]
    claim: Option<String>,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let mut asked = queue.delete_many(messages::known_ids(&args.ids));
    if let Some(claim) = &args.claim {
        asked = asked.claim(claim::id(&queue, claim)?);
    }
    let deleted = asked.await?;
    Output::of(global).done(&json!({"deleted": deleted}), || {
        let gone = args.ids.len() as u64 - deleted;
        match gone {
            0 => format!("deleted {}", count(deleted, "message")),
            _ => format!("deleted {}; {gone} gone already", count(deleted, "message")),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
