//! The metadata of a queue or a topic, as the commands show and take it.
//!
//! Guards that both are shown and taken alike.

use anyhow::Result;
use marconi_redis::Metadata;
use serde_json::{Value, json};

use crate::body::Body;
use crate::global::Global;
use crate::maps;
use crate::output::{Output, Rows, Table};

/// Shows the metadata of this `kind` of thing, a queue or a topic.
pub fn show(global: &Global, kind: &str, name: &str, metadata: &Metadata) -> Result<()> {
    let Body(metadata) = metadata.to_map()?;
    let out = Output::of(global);
    let document = json!({kind: name, "metadata": metadata});
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
        out.note(&format!("{name}: no metadata"));
    }
    Ok(())
}

/// The metadata with what `--metadata` gives for `name` in place of what it had.
pub fn with_own(mut metadata: Metadata, name: &str, text: &str) -> Result<Metadata> {
    let object = maps::object(&format!("{name}: --metadata"), text)?;
    for (name, value) in object {
        metadata = metadata.with(&name, &Body(value))?;
    }
    Ok(metadata)
}
