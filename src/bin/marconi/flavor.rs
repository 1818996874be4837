//! `marconi flavor …`

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use marconi_redis::Flavor;
use serde_json::{Value, json};

use crate::failure;
use crate::global::Global;
use crate::maps;
use crate::output::{Output, Rows, Table};

#[derive(Subcommand)]
pub enum Verb {
    /// Register a flavor, or replace the capabilities of one that is there
    Create(Write),
    /// List the flavors of a project, in name order
    List(List),
    /// Show one
    Show(Named),
    /// Change the capabilities of one that is there
    Set(Write),
    /// Take one out; pools and queues that bear its name keep it
    Delete(Named),
}

#[derive(Args)]
#[command(after_help = "Example:
  marconi flavor create ssd --capabilities '{\"durable\": true}' --project shop")]
pub struct Write {
    /// Its name, which its pools bear
    flavor: String,
    /// What it promises, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    capabilities: String,
}

#[derive(Args)]
#[command(after_help = "Example:\n  marconi flavor show ssd --project shop")]
pub struct Named {
    /// Its name
    flavor: String,
}

#[derive(Args)]
#[command(after_help = "Example:\n  marconi flavor list --project shop")]
pub struct List {
    /// Begin after this name, registered or not
    #[arg(long, value_name = "NAME")]
    marker: Option<String>,
    /// How many at most, 1 to 1000
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Exit with status 3 where there is none
    #[arg(short, long)]
    exit_status: bool,
}

pub async fn run(verb: Verb, global: &Global) -> Result<ExitCode> {
    match verb {
        Verb::Create(args) => create(args, global).await,
        Verb::List(args) => list(args, global).await,
        Verb::Show(args) => show(args, global).await,
        Verb::Set(args) => set(args, global).await,
        Verb::Delete(args) => delete(args, global).await,
    }
}

async fn create(args: Write, global: &Global) -> Result<ExitCode> {
    let capabilities = maps::typed("--capabilities", &args.capabilities)?;
    let control = global.store().await?.control();
    let created = control
        .create_flavor(global.project(), &args.flavor, &capabilities)
        .await?;
    Output::of(global).done(&json!({"created": created}), || match created {
        true => format!("registered {}", args.flavor),
        false => format!(
            "{} was registered already; replaced its capabilities",
            args.flavor
        ),
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn set(args: Write, global: &Global) -> Result<ExitCode> {
    let capabilities = maps::typed("--capabilities", &args.capabilities)?;
    let control = global.store().await?.control();
    control
        .update_flavor(global.project(), &args.flavor, &capabilities)
        .await?;
    Output::of(global).done(&json!({"changed": true}), || {
        format!("changed {}", args.flavor)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn show(args: Named, global: &Global) -> Result<ExitCode> {
    let control = global.store().await?.control();
    let flavor = control.flavor(global.project(), &args.flavor).await?;
    Output::of(global).show(&document(&flavor), || table(std::slice::from_ref(&flavor)))?;
    Ok(ExitCode::SUCCESS)
}

async fn delete(args: Named, global: &Global) -> Result<ExitCode> {
    let control = global.store().await?.control();
    let deleted = control
        .delete_flavor(global.project(), &args.flavor)
        .await?;
    Output::of(global).done(&json!({"deleted": deleted}), || match deleted {
        true => format!("took {} out", args.flavor),
        false => format!("{} was not there", args.flavor),
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn list(args: List, global: &Global) -> Result<ExitCode> {
    let control = global.store().await?.control();
    let mut asked = control.flavors(global.project())?.limit(args.limit);
    if let Some(marker) = args.marker {
        asked = asked.marker(marker);
    }
    let page = asked.await?;
    let all: Vec<Value> = page.flavors.iter().map(document).collect();
    let out = Output::of(global);
    out.show(
        &json!({"flavors": all, "marker": page.marker}),
        || match page.flavors.is_empty() {
            true => String::new(),
            false => table(&page.flavors),
        },
    )?;
    if page.flavors.is_empty() {
        out.note("no flavors");
        return Ok(failure::nothing(args.exit_status));
    }
    if let Some(marker) = &page.marker {
        out.note(&format!("more with --marker {marker}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// What scripts rely on.
fn document(flavor: &Flavor) -> Value {
    json!({"name": flavor.name, "capabilities": maps::shown(&flavor.capabilities)})
}

fn table(flavors: &[Flavor]) -> String {
    let mut table = Table::new(&["NAME", "CAPABILITIES"]);
    for flavor in flavors {
        table.row([
            flavor.name.clone(),
            maps::shown(&flavor.capabilities).to_string(),
        ]);
    }
    table.render(Rows::Cut)
}
