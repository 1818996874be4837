//! `marconi queue list`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::keys::QueueName;
use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::failure;
use crate::global::Global;
use crate::output::{Output, Rows, Table};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi queue list --metadata --contains order")]
pub struct Args {
    /// Begin after this name, listed or not
    #[arg(long, value_name = "NAME")]
    marker: Option<QueueName>,
    /// How many at most, 1 to 250 [default: all]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// With their metadata
    #[arg(long)]
    metadata: bool,
    /// Only those with this in their name
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// Exit with status 3 where there is none
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let store = global.store().await?;
    let (mut queues, mut marker) = (Vec::new(), args.marker.clone());
    loop {
        let mut asked = store
            .queues(global.project())?
            .limit(args.limit.unwrap_or(250));
        if let Some(marker) = marker {
            asked = asked.marker(marker);
        }
        if let Some(part) = &args.contains {
            asked = asked.name_contains(part);
        }
        if args.metadata {
            asked = asked.with_metadata();
        }
        let page = asked.await?;
        queues.extend(page.queues);
        marker = page.marker;
        if marker.is_none() || args.limit.is_some() {
            break;
        }
    }
    let (mut documents, mut table) = (
        Vec::new(),
        Table::new(match args.metadata {
            true => &["QUEUE", "METADATA"],
            false => &["QUEUE"],
        }),
    );
    for queue in &queues {
        let mut document = Map::from_iter([("name".to_owned(), json!(queue.name.as_str()))]);
        let mut row = vec![queue.name.to_string()];
        if let Some(metadata) = &queue.metadata {
            let Body(map) = metadata.to_map()?;
            row.push(map.to_string());
            document.insert("metadata".into(), map);
        }
        row.resize(if args.metadata { 2 } else { 1 }, String::new());
        table.row(row);
        documents.push(Value::from(document));
    }
    let marker = marker.map(|marker| marker.to_string());
    let out = Output::of(global);
    out.show(
        &json!({"queues": documents, "marker": marker}),
        || match queues.is_empty() {
            true => String::new(),
            false => table.render(Rows::Cut),
        },
    )?;
    if queues.is_empty() {
        out.note("no queues");
        return Ok(failure::nothing(args.exit_status));
    }
    if let Some(marker) = marker {
        out.note(&format!("more with --marker {marker}"));
    }
    Ok(ExitCode::SUCCESS)
}
