//! `marconi health`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::{Error, Health, Tried};
use serde_json::{Value, json};

use crate::failure;
use crate::global::Global;
use crate::output::{Output, Rows, Table, count};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi health")]
pub struct Args {
    /// Only ask whether the server answers
    #[arg(long)]
    ping: bool,
}

/// A server that can't be reached is told of as by any other verb.
pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let store = global.store().await?;
    let out = Output::of(global);
    if args.ping {
        let alive = store.is_alive().await;
        let line = if alive { "alive" } else { "no answer" };
        out.show(&json!({"reachable": alive}), || line.to_owned())?;
        return Ok(status(alive));
    }
    let health = store.health().await;
    out.show(&document(&health), || table(&health))?;
    if let Err(error) = &health.volume {
        out.note(&format!("messages not counted: {}", printed(error)));
    }
    Ok(status(health.is_good()))
}

fn status(is_good: bool) -> ExitCode {
    ExitCode::from(if is_good { 0 } else { failure::VIOLATIONS })
}

fn document(health: &Health) -> Value {
    let tried = |tried: &Tried| {
        let error = tried.error.as_ref();
        let error = error.map(|e| json!({"word": e.word(), "message": printed(e)}));
        let took = u64::try_from(tried.took.as_micros()).unwrap_or(u64::MAX);
        json!({"operation": tried.operation.as_str(), "took_us": took, "error": error})
    };
    let operations: Vec<Value> = health.operations.iter().map(tried).collect();
    let volume = health.volume.as_ref().ok().map(|volume| {
        json!({
            "queues": volume.queues, "unreadable": volume.unreadable, "free": volume.free,
            "claimed": volume.claimed, "delayed": volume.delayed, "total": volume.total,
        })
    });
    json!({"reachable": health.is_reachable, "operations": operations, "volume": volume})
}

fn table(health: &Health) -> String {
    let mut table = Table::new(&["OPERATION", ">TOOK", "RESULT"]);
    for tried in &health.operations {
        let result = tried.error.as_ref().map_or("good".to_owned(), printed);
        let took = format!("{:.1?}", tried.took);
        table.row([tried.operation.as_str().to_owned(), took, result]);
    }
    let mut text = table.render(Rows::Whole);
    if let Ok(volume) = &health.volume {
        let (messages, queues) = (
            count(volume.total, "message"),
            count(volume.queues, "queue"),
        );
        text.push_str(&format!(
            "{messages} in {queues}: {} free, {} claimed, {} delayed\n",
            volume.free, volume.claimed, volume.delayed
        ));
    }
    text
}

fn printed(error: &Error) -> String {
    failure::redact(&error.to_string())
}
