//! `marconi topic show`

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::body::Body;
use crate::global::Global;
use crate::output::{Output, Rows, Table};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi topic show news")]
pub struct Args {
    /// Its name
    topic: String,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let topic = super::topic(global, &args.topic).await?;
    let Body(metadata) = topic.metadata().await?.to_map()?;
    let out = Output::of(global);
    let document = json!({"topic": args.topic, "metadata": metadata});
    out.show(&document, || {
        let mut table = Table::new(&["NAME", "VALUE"]);
        match &metadata {
            Value::Object(map) if map.is_empty() => return String::new(),
            Value::Object(map) => map
                .iter()
                .for_each(|(name, value)| table.row([name.clone(), value.to_string()])),
            // Keys that are no text: shown as it is.
            other => table.row(["-".to_owned(), other.to_string()]),
        }
        table.render(Rows::Whole)
    })?;
    if metadata == json!({}) {
        out.note(&format!("{}: no metadata", args.topic));
    }
    Ok(ExitCode::SUCCESS)
}
