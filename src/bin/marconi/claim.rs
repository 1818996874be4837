//! `marconi claim`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use marconi_redis::{Claim, ClaimId, Error, Lease, Queue};
use serde_json::{Value, json};

use crate::duration::{ms_of, parse, show};
use crate::global::Global;
use crate::output::{Output, count};
use crate::{failure, messages};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi claim orders --ttl 100s --limit 10")]
pub struct Args {
    /// Its name
    queue: String,
    /// How long the claim lives: be done, renew it or give back within that
    #[arg(long, value_name = "D", value_parser = parse, default_value = "1m")]
    ttl: Duration,
    /// How much longer its messages live at least, so that another worker gets a chance
    #[arg(long, value_name = "D", value_parser = parse, default_value = "1m")]
    grace: Duration,
    /// How many messages at most, 1 to 250
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// The claim's id: repeated while it lives, it answers the same claim [default: a new one]
    #[arg(long, value_name = "UUID")]
    id: Option<ClaimId>,
    /// Name of the worker, kept with the claim
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// Wait so long for something to claim, if there is nothing
    #[arg(long, value_name = "D", value_parser = parse)]
    wait: Option<Duration>,
    /// Exit with status 3 where there is nothing to claim
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let asked = queue.claim().ttl(args.ttl).grace(args.grace);
    let mut asked = asked.limit(args.limit);
    if let Some(id) = args.id {
        asked = asked.id(id);
    }
    if let Some(worker) = &args.worker {
        asked = asked.worker(worker);
    }
    if let Some(timeout) = args.wait {
        asked = asked.wait(timeout);
    }
    let out = Output::of(global);
    let Some(claim) = asked.await? else {
        out.show(&json!({"claim": null, "messages": []}), String::new)?;
        out.note("nothing to claim");
        return Ok(failure::nothing(args.exit_status));
    };
    let taken: Vec<Value> = claim.messages().iter().map(messages::taken).collect();
    let document = json!({"claim": document(claim.id(), claim.lease()), "messages": taken});
    out.show(&document, || {
        format!(
            "{}\n{}",
            line(&claim),
            messages::taken_table(claim.messages())
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What scripts rely on.
pub fn document(id: ClaimId, lease: &Lease) -> Value {
    json!({
        "id": id.to_string(),
        "ttl_ms": ms_of(lease.ttl),
        "grace_ms": ms_of(lease.grace),
        "fence": lease.fence,
    })
}

fn line(claim: &Claim) -> String {
    format!(
        "claim {}: {} for {}, fence {}",
        claim.id(),
        count(claim.messages().len() as u64, "message"),
        show(claim.lease().left()),
        claim.fence()
    )
}

/// A claim's id as typed. Anything that is none is the id of a claim that is gone.
pub fn id(queue: &Queue, text: &str) -> Result<ClaimId> {
    text.parse().map_err(|_| {
        let (queue, id) = (queue.path().clone(), text.to_owned());
        Error::ClaimDoesNotExist { queue, id }.into()
    })
}
