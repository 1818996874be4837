//! `marconi subscription show`

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use super::{HEADINGS, Source, cells, document, id};
use crate::failure;
use crate::global::Global;
use crate::output::{Output, Rows, Table};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  marconi subscription show orders 1763833000000-0
  marconi subscription show orders --subscriber https://shop.example/hook")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Which
    #[arg(required_unless_present = "subscriber")]
    id: Option<String>,
    /// The one of this subscriber, if there is one
    #[arg(long, value_name = "URI", conflicts_with = "id")]
    subscriber: Option<String>,
    /// With --subscriber: exit with status 3 where there is none
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let wanted = args.id.as_deref().map(id).transpose()?;
    let queue = args.source.queue(global).await?;
    let found = match wanted {
        Some(id) => Some(queue.subscription(id).await?),
        None => {
            let subscriber = args.subscriber.unwrap_or_default();
            queue.subscription_of(&subscriber).await?
        }
    };
    let out = Output::of(global);
    let shown = found.as_ref().map(document);
    out.show(&json!({"subscription": shown}), || {
        let mut table = Table::new(&HEADINGS);
        match &found {
            Some(found) => table.row(cells(found)),
            None => return String::new(),
        }
        table.render(Rows::Whole)
    })?;
    if found.is_none() {
        out.note("not subscribed");
        return Ok(failure::nothing(args.exit_status));
    }
    Ok(ExitCode::SUCCESS)
}
