//! `marconi gc`

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::global::Global;
use crate::output::{Output, count};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  marconi gc\n  marconi -p shop gc")]
pub struct Args {}

/// Of the project that is given, else of all.
pub async fn run(Args {}: Args, global: &Global) -> Result<ExitCode> {
    let store = global.store().await?;
    let collected = match &global.project {
        Some(project) => store.gc(project).await?,
        None => store.gc_all().await?,
    };
    let (queues, unfinished) = (collected.queues, collected.unfinished);
    let out = Output::of(global);
    let document = json!({"queues": queues, "unfinished": unfinished});
    out.done(&document, || {
        format!("looked at {}", count(queues, "queue"))
    })?;
    if unfinished > 0 {
        out.note(&format!(
            "{} not done yet; call it again",
            count(unfinished, "queue")
        ));
    }
    Ok(ExitCode::SUCCESS)
}
