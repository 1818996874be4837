//! `marconi first`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::Order;
use serde_json::json;

use crate::global::Global;
use crate::output::Output;
use crate::{failure, messages};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi first orders --newest")]
pub struct Args {
    /// Its name
    queue: String,
    /// The newest instead of the oldest; claimed and delayed ones count
    #[arg(long)]
    newest: bool,
    /// Exit with status 3 where there is none
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let order = match args.newest {
        true => Order::Newest,
        false => Order::Oldest,
    };
    let found = queue.first(order).await?;
    let out = Output::of(global);
    let document = json!({"message": found.as_ref().map(messages::seen)});
    out.show(&document, || match &found {
        Some(message) => messages::records(std::slice::from_ref(message)),
        None => String::new(),
    })?;
    if found.is_none() {
        out.note("no message");
        return Ok(failure::nothing(args.exit_status));
    }
    Ok(ExitCode::SUCCESS)
}
