//! `marconi pool list`

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use super::{document, table};
use crate::failure;
use crate::global::Global;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi pool list --flavor ssd")]
pub struct Args {
    /// Begin after this name, registered or not
    #[arg(long, value_name = "NAME")]
    marker: Option<String>,
    /// How many at most, 1 to 1000
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Only pools of this flavor; '' for those of none
    #[arg(long, value_name = "NAME")]
    flavor: Option<String>,
    /// Show uris with the passwords that may be in them
    #[arg(long)]
    reveal: bool,
    /// Exit with status 3 where there is none
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let mut asked = global.store().await?.control().pools().limit(args.limit);
    if let Some(marker) = args.marker {
        asked = asked.marker(marker);
    }
    if let Some(flavor) = &args.flavor {
        asked = asked.flavor(
            Some(flavor)
                .filter(|flavor| !flavor.is_empty())
                .map(String::as_str),
        );
    }
    let page = asked.await?;
    let all: Vec<Value> = page
        .pools
        .iter()
        .map(|pool| document(pool, args.reveal))
        .collect();
    let out = Output::of(global);
    out.show(
        &json!({"pools": all, "marker": page.marker}),
        || match page.pools.is_empty() {
            true => String::new(),
            false => table(&page.pools, args.reveal),
        },
    )?;
    if page.pools.is_empty() {
        out.note("no pools");
        return Ok(failure::nothing(args.exit_status));
    }
    if let Some(marker) = &page.marker {
        out.note(&format!("more with --marker {marker}"));
    }
    Ok(ExitCode::SUCCESS)
}
