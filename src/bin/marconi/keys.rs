//! `marconi keys`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::keys::{Part, Prefix, QueueKeys, QueuePath};
use serde_json::{Map, Value};

use crate::global::Global;
use crate::output::{Output, Rows, Table};

#[derive(clap::Args)]
#[command(after_help = "Example:
  redis-cli XLEN \"$(marconi keys orders --part log)\"")]
pub struct Args {
    /// Its name
    queue: String,
    /// Only this part's key, as it is
    #[arg(long)]
    part: Option<Part>,
}

/// Asks no server: keys follow from names.
pub fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let prefix = match &global.prefix {
        Some(prefix) => Prefix::new(prefix)?,
        None => Prefix::default(),
    };
    let keys = QueueKeys::new(&prefix, QueuePath::new(global.project(), &args.queue)?);
    let parts: Vec<Part> = match args.part {
        Some(part) => vec![part],
        None => Part::ALL.to_vec(),
    };
    let pair = |part: &Part| (part.to_string(), Value::from(keys.key(*part)));
    let document: Map<String, Value> = parts.iter().map(pair).collect();
    Output::of(global).show(&document, || match args.part {
        Some(part) => keys.key(part),
        None => {
            let mut table = Table::new(&["PART", "KEY"]);
            for part in &parts {
                table.row([part.to_string(), keys.key(*part)]);
            }
            table.render(Rows::Whole)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
