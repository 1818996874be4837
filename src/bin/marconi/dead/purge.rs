//! `marconi dead purge`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::Message;
use serde_json::json;

use super::{Found, Which};
use crate::failure::Failure;
use crate::global::Global;
use crate::output::{Output, count, quoted};

#[derive(clap::Args)]
#[command(after_help = "\
Letters that have arrived from other queues are messages: marconi delete, marconi queue purge.

Examples:
  marconi dead purge orders 1763833000000-0
  marconi dead purge orders --all")]
pub struct Args {
    /// Its name
    queue: String,
    /// The letters to delete; one that is gone already is no failure
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
    /// Delete all that are kept here
    #[arg(short, long, conflicts_with = "ids")]
    all: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let letters = queue.dead_letters();
    let out = Output::of(global);
    if args.all {
        let purged = letters.purge_all().await?;
        return done(&out, purged, 0, &args.queue);
    }
    let both = Which {
        kept: false,
        arrived: false,
    };
    let kept = Which { kept: true, ..both };
    let found = Found::of(&queue, &args.ids, &kept).await?;
    let gone = |text: &&String| found.is_gone(text);
    let gone: Vec<String> = args.ids.iter().filter(gone).cloned().collect();
    let others = Found::of(&queue, &gone, &both).await?;
    if let Some(message) = others.arrived.iter().chain(&others.ordinary).next() {
        return Err(Failure::usage(format!(
            "{} is a message here, not a letter that is kept; delete it with: marconi delete {} {}",
            message.id(),
            quoted(&args.queue),
            message.id()
        )));
    }
    let purged = letters.purge(found.kept.iter().map(Message::id)).await?;
    done(&out, purged, gone.len(), &args.queue)
}

fn done(out: &Output, purged: u64, gone: usize, queue: &str) -> Result<ExitCode> {
    let letters = count(purged, "letter");
    out.done(&json!({"purged": purged}), || match gone {
        0 => format!("purged {letters} from {queue}"),
        _ => format!("purged {letters} from {queue}; {gone} gone already"),
    })?;
    Ok(ExitCode::SUCCESS)
}
