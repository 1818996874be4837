//! `marconi subscription list`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::SubscriptionId;
use serde_json::{Value, json};

use super::{HEADINGS, Source, cells, document};
use crate::failure;
use crate::global::Global;
use crate::output::{Output, Rows, Table};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi subscription list orders --limit 50")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Begin after this one, gone or not
    #[arg(long, value_name = "ID")]
    marker: Option<SubscriptionId>,
    /// How many at most, 1 to 250
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Exit with status 3 where there is none
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = args.source.queue(global).await?;
    let mut asked = queue.subscriptions().limit(args.limit);
    if let Some(marker) = args.marker {
        asked = asked.marker(marker);
    }
    let page = asked.await?;
    let all: Vec<Value> = page.subscriptions.iter().map(document).collect();
    let marker = page.marker.map(|marker| marker.to_string());
    let out = Output::of(global);
    out.show(&json!({"subscriptions": all, "marker": marker}), || {
        let mut table = Table::new(&HEADINGS);
        for subscription in &page.subscriptions {
            table.row(cells(subscription));
        }
        match page.subscriptions.is_empty() {
            true => String::new(),
            false => table.render(Rows::Cut),
        }
    })?;
    if page.subscriptions.is_empty() {
        out.note("no subscriptions");
        return Ok(failure::nothing(args.exit_status));
    }
    if let Some(marker) = marker {
        out.note(&format!("more with --marker {marker}"));
    }
    Ok(ExitCode::SUCCESS)
}
