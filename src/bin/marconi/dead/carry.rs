//! `marconi dead carry`

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::global::Global;
use crate::output::{Output, count};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  marconi dead carry\n  marconi dead carry orders")]
pub struct Args {
    /// Only what waits in this one, deleted or not [default: all queues of the project]
    queue: Option<String>,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let store = global.store().await?;
    let arrived = match &args.queue {
        Some(name) => {
            let queue = store.queue(global.project(), name)?;
            queue.carry_dead_letters().await?
        }
        None => store.carry_dead_letters(global.project()).await?,
    };
    Output::of(global).done(&json!({"arrived": arrived}), || {
        format!("{} arrived", count(arrived, "letter"))
    })?;
    Ok(ExitCode::SUCCESS)
}
