//! `marconi topic list`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::keys::QueueName;
use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::failure;
use crate::global::Global;
use crate::output::{Output, Rows, Table};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic list --metadata --contains news")]
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
    let (mut topics, mut marker) = (Vec::new(), args.marker.clone());
    loop {
        let mut asked = store.topics(global.project())?;
        asked = asked.limit(args.limit.unwrap_or(250));
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
        topics.extend(page.topics);
        marker = page.marker;
        if marker.is_none() || args.limit.is_some() {
            break;
        }
    }
    let mut table = Table::new(&["TOPIC", "METADATA"]);
    let mut documents = Vec::new();
    for topic in &topics {
        let mut document = Map::from_iter([("name".to_owned(), json!(topic.name.as_str()))]);
        let mut shown = String::new();
        if let Some(metadata) = &topic.metadata {
            let Body(map) = metadata.to_map()?;
            shown = map.to_string();
            document.insert("metadata".into(), map);
        }
        table.row([topic.name.to_string(), shown]);
        documents.push(Value::from(document));
    }
    let marker = marker.map(|marker| marker.to_string());
    let out = Output::of(global);
    let document = json!({"topics": documents, "marker": marker});
    out.show(&document, || match topics.is_empty() {
        true => String::new(),
        false => table.render(Rows::Cut),
    })?;
    if topics.is_empty() {
        out.note("no topics");
        return Ok(failure::nothing(args.exit_status));
    }
    if let Some(marker) = marker {
        out.note(&format!("more with --marker {marker}"));
    }
    Ok(ExitCode::SUCCESS)
}
