//! `marconi stats`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::End;
use serde_json::{Value, json};

use crate::duration::{ms_of, show};
use crate::global::Global;
use crate::output::{Output, Rows, Table};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi stats orders")]
pub struct Args {
    /// Its name
    queue: String,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let queue = global.queue(&args.queue).await?;
    let stats = queue.stats().await?;
    let document = json!({
        "free": stats.free,
        "claimed": stats.claimed,
        "delayed": stats.delayed,
        "total": stats.total,
        "dead": stats.dead,
        "oldest": end(stats.oldest),
        "newest": end(stats.newest),
    });
    Output::of(global).show(&document, || {
        let mut table = Table::new(&[
            ">FREE", ">CLAIMED", ">DELAYED", ">TOTAL", ">DEAD", ">OLDEST", ">NEWEST",
        ]);
        let age = |end: Option<End>| end.map_or("-".to_owned(), |end| show(end.age));
        let counts = [
            stats.free,
            stats.claimed,
            stats.delayed,
            stats.total,
            stats.dead,
        ];
        let ages = [age(stats.oldest), age(stats.newest)];
        table.row(
            counts
                .map(|count| count.to_string())
                .into_iter()
                .chain(ages),
        );
        table.render(Rows::Cut)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub fn end(end: Option<End>) -> Value {
    end.map_or(
        Value::Null,
        |end| json!({"id": end.id.to_string(), "age_ms": ms_of(end.age)}),
    )
}
