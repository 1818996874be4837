//! `marconi renew`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::claim;
use crate::duration::{parse, show};
use crate::global::Global;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  marconi renew orders 8c9e3bd2-9f5d-4b6a-8f3e-2f0f5a2b9c11 --ttl 100s"
)]
pub struct Args {
    /// Its name
    queue: String,
    /// The claim's id
    claim: String,
    /// How long it lives from now on [default: as long as it had]
    #[arg(long, value_name = "D", value_parser = parse)]
    ttl: Option<Duration>,
    /// How much longer its messages live at least [default: as it had]
    #[arg(long, value_name = "D", value_parser = parse)]
    grace: Option<Duration>,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let claim = claim::id(&queue, &args.claim)?;
    let (ttl, grace) = match (args.ttl, args.grace) {
        (Some(ttl), Some(grace)) => (ttl, grace),
        (ttl, grace) => {
            let had = queue.get_claim(claim).await?;
            (ttl.unwrap_or(had.ttl()), grace.unwrap_or(had.grace()))
        }
    };
    let lease = queue.renew(claim, ttl, grace).await?;
    let document = json!({"claim": claim::document(claim, &lease)});
    Output::of(global).done(&document, || {
        format!("claim {claim} lives for another {}", show(lease.left()))
    })?;
    Ok(ExitCode::SUCCESS)
}
