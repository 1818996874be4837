//! `marconi pool …`

mod list;
mod write;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use marconi_redis::Pool;
use serde_json::{Value, json};

use crate::failure::redact;
use crate::global::Global;
use crate::maps;
use crate::output::{Output, Rows, Table};

#[derive(Subcommand)]
pub enum Verb {
    /// Register a pool, or replace what is registered under its name
    Create(write::Create),
    /// List the pools, in name order
    List(list::Args),
    /// Show one
    Show(Show),
    /// Change what is given of one, and nothing else
    Set(write::Set),
    /// Take one out that holds neither queues nor topics; what is stored on it stays there
    Delete(Delete),
}

#[derive(Args)]
#[command(after_help = "Example:\n  marconi pool show east")]
pub struct Show {
    /// Its name
    pool: String,
    /// Show the uri with the password that may be in it
    #[arg(long)]
    reveal: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  marconi pool delete east")]
pub struct Delete {
    /// Its name
    pool: String,
}

pub async fn run(verb: Verb, global: &Global) -> Result<ExitCode> {
    match verb {
        Verb::Create(args) => write::create(args, global).await,
        Verb::List(args) => list::run(args, global).await,
        Verb::Show(args) => show(args, global).await,
        Verb::Set(args) => write::set(args, global).await,
        Verb::Delete(args) => delete(args, global).await,
    }
}

async fn show(args: Show, global: &Global) -> Result<ExitCode> {
    let pool = global.store().await?.control().pool(&args.pool).await?;
    Output::of(global).show(&document(&pool, args.reveal), || {
        table(std::slice::from_ref(&pool), args.reveal)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn delete(args: Delete, global: &Global) -> Result<ExitCode> {
    let deleted = global
        .store()
        .await?
        .control()
        .delete_pool(&args.pool)
        .await?;
    Output::of(global).done(&json!({"deleted": deleted}), || match deleted {
        true => format!("took {} out", args.pool),
        false => format!("{} was not there", args.pool),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What scripts rely on.
fn document(pool: &Pool, reveal: bool) -> Value {
    json!({
        "name": pool.name,
        "weight": pool.weight,
        "uri": shown(pool, reveal),
        "flavor": pool.flavor,
        "options": maps::shown(&pool.options),
        "queues": pool.queues,
    })
}

fn table(pools: &[Pool], reveal: bool) -> String {
    let mut table = Table::new(&["NAME", ">WEIGHT", "FLAVOR", ">HOLDS", "URI"]);
    for pool in pools {
        table.row([
            pool.name.clone(),
            pool.weight.to_string(),
            pool.flavor.clone().unwrap_or_default(),
            pool.queues.to_string(),
            shown(pool, reveal),
        ]);
    }
    table.render(Rows::Cut)
}

fn shown(pool: &Pool, reveal: bool) -> String {
    match reveal {
        true => pool.uri.clone(),
        false => redact(&pool.uri),
    }
}
