//! `marconi scripts`

use std::process::ExitCode;

use anyhow::Result;
use marconi_redis::script::Script;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::global::Global;
use crate::output::{Output, Rows, Table, count};

/// The contract, as it is published.
const MANIFEST: &str = include_str!("../../../lua/manifest.json");

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi scripts --show claim | sha1sum")]
pub struct Args {
    /// Load all of them; a call that finds its script missing does it too
    #[arg(long)]
    load: bool,
    /// Write this script's text, byte for byte what runs; asks no server
    #[arg(long, value_name = "NAME", conflicts_with = "load")]
    show: Option<String>,
}

#[derive(Deserialize)]
struct Manifest {
    scripts: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    cost: String,
    /// What else the manifest says, passed on as it is.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

pub async fn run(args: Args, global: &Global) -> Result<ExitCode> {
    let out = Output::of(global);
    if let Some(name) = &args.show {
        let script = named(name)?;
        let document = json!({
            "name": script.name(), "sha1": script.sha1(), "source": script.source(),
        });
        match global.json {
            true => out.show(&document, String::new)?,
            false => out.raw(script.source().as_bytes())?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let store = global.store().await?;
    if args.load {
        store.load_scripts().await?;
        out.note(&format!(
            "{} loaded",
            count(marconi_redis::script::ALL.len() as u64, "script")
        ));
    }
    let manifest: Manifest = serde_json::from_str(MANIFEST)?;
    let (mut documents, mut table) = (
        Vec::new(),
        Table::new(&["NAME", "LOADED", "SHA1", "COST", "KEYS"]),
    );
    for state in store.scripts().await? {
        let entry = manifest
            .scripts
            .iter()
            .find(|entry| entry.name == state.name);
        let cost = entry.map_or("", |entry| entry.cost.as_str());
        let mut document = Map::new();
        let keys: Vec<&str> = state.keys.iter().map(|part| part.as_str()).collect();
        document.insert("name".into(), json!(state.name));
        document.insert("sha1".into(), json!(state.sha1));
        document.insert("keys".into(), json!(keys));
        document.insert("cost".into(), json!(cost));
        document.insert("loaded".into(), json!(state.loaded));
        document.extend(entry.map(|entry| entry.rest.clone()).unwrap_or_default());
        documents.push(document);
        let loaded = if state.loaded { "yes" } else { "no" };
        let keys = keys.join(" ");
        table.row([state.name, loaded, state.sha1, cost, &keys].map(str::to_owned));
    }
    out.show(&json!({"scripts": documents}), || table.render(Rows::Cut))?;
    Ok(ExitCode::SUCCESS)
}

fn named(name: &str) -> Result<&'static Script> {
    let bare = name.trim_end_matches(".lua");
    Script::by_name(bare.strip_prefix("lua/").unwrap_or(bare)).ok_or_else(|| {
        let names: Vec<&str> = marconi_redis::script::ALL
            .iter()
            .map(|s| s.name())
            .collect();
        Failure::usage(format!(
            "{name}: no such script; there are {}",
            names.join(", ")
        ))
    })
}
