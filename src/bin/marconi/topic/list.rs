//! `marconi topic list`

use std::process::ExitCode;

use anyhow::Result;

use crate::global::Global;
use crate::listing::{self, Kind, Options, asked};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic list --metadata --contains news")]
pub struct Args {
    #[command(flatten)]
    options: Options,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let (store, options) = (global.store().await?, &args.options);
    let kind = Kind {
        plural: "topics",
        headings: &["TOPIC", "METADATA"],
    };
    listing::run(kind, options, global, async |marker| {
        let page = asked!(store.topics(global.project())?, options, marker).await?;
        Ok((page.topics, page.marker))
    })
    .await
}
