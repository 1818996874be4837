//! The listings of queues and of topics, which differ in a word.
//!
//! Guards that both take the same options, turn the same pages and are shown alike.

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::QueueEntry;
use marconi_redis::keys::QueueName;
use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::failure;
use crate::global::Global;
use crate::output::{Output, Rows, Table};

#[derive(clap::Args)]
pub struct Options {
    /// Begin after this name, listed or not
    #[arg(long, value_name = "NAME")]
    pub marker: Option<QueueName>,
    /// How many at most, 1 to 250 [default: all]
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
    /// With their metadata
    #[arg(long)]
    pub metadata: bool,
    /// Only those with this in their name
    #[arg(long, value_name = "TEXT")]
    pub contains: Option<String>,
    /// Exit with status 3 where there is none
    #[arg(short, long)]
    pub exit_status: bool,
}

/// What is listed, as documents and tables name it.
pub struct Kind {
    pub plural: &'static str,
    pub headings: &'static [&'static str; 2],
}

/// A page, and where the next one begins.
pub type Page = (Vec<QueueEntry>, Option<QueueName>);

/// The next page of a listing, as the options want it: the library's two have the same methods, and no
/// trait in common.
macro_rules! asked {
    ($listing:expr, $options:expr, $marker:expr) => {{
        let mut asked = $listing.limit($options.limit.unwrap_or(250));
        if let Some(marker) = $marker {
            asked = asked.marker(marker);
        }
        if let Some(part) = &$options.contains {
            asked = asked.name_contains(part);
        }
        if $options.metadata {
            asked = asked.with_metadata();
        }
        asked
    }};
}
pub(crate) use asked;

/// Lists all of a kind: one page where a limit is given, else each there is.
pub async fn run(
    kind: Kind,
    options: &Options,
    global: &Global,
    page: impl AsyncFn(Option<QueueName>) -> Result<Page>,
) -> Result<ExitCode> {
    let (mut entries, mut marker) = (Vec::new(), options.marker.clone());
    loop {
        let (found, next) = page(marker).await?;
        entries.extend(found);
        marker = next;
        if marker.is_none() || options.limit.is_some() {
            break;
        }
    }
    let (documents, table) = shown(&kind, &entries, options.metadata)?;
    let marker = marker.map(|marker| marker.to_string());
    let out = Output::of(global);
    let document = json!({kind.plural: documents, "marker": marker});
    out.show(&document, || match entries.is_empty() {
        true => String::new(),
        false => table.render(Rows::Cut),
    })?;
    if entries.is_empty() {
        out.note(&format!("no {}", kind.plural));
        return Ok(failure::nothing(options.exit_status));
    }
    if let Some(marker) = marker {
        out.note(&format!("more with --marker {marker}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// For scripts, and for people.
fn shown(kind: &Kind, entries: &[QueueEntry], metadata: bool) -> Result<(Vec<Value>, Table)> {
    let columns = if metadata { 2 } else { 1 };
    let mut table = Table::new(&kind.headings[..columns]);
    let mut documents = Vec::new();
    for entry in entries {
        let mut document = Map::from_iter([("name".to_owned(), json!(entry.name.as_str()))]);
        let mut row = vec![entry.name.to_string()];
        if let Some(metadata) = &entry.metadata {
            let Body(map) = metadata.to_map()?;
            row.push(map.to_string());
            document.insert("metadata".into(), map);
        }
        row.resize(columns, String::new());
        table.row(row);
        documents.push(Value::from(document));
    }
    Ok((documents, table))
}
