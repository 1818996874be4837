//! `marconi pool create` and `set`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::failure::Failure;
use crate::global::{Global, first_line};
use crate::maps;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  marconi pool create east --uri redis://10.0.0.1 --weight 100
  marconi pool create west --uri-file west.url --flavor ssd
  marconi pool create main --uri 'redis://10.0.0.3:26379,10.0.0.4:26379?master=main'")]
pub struct Create {
    /// Its name
    pool: String,
    /// Where it is; one with a password is better kept in a file
    #[arg(long, value_name = "URI", conflicts_with = "uri_file")]
    uri: Option<String>,
    /// File whose first line is the uri, password and all
    #[arg(long, value_name = "FILE")]
    uri_file: Option<PathBuf>,
    /// How large its share of new queues is; 0 takes none
    #[arg(long, value_name = "N", default_value_t = 100)]
    weight: u32,
    /// The flavor that it serves [default: none]
    #[arg(long, value_name = "NAME")]
    flavor: Option<String>,
    /// What else a client is to know, as a JSON object
    #[arg(long, value_name = "JSON")]
    options: Option<String>,
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  marconi pool set east --weight 0")]
pub struct Set {
    /// Its name
    pool: String,
    /// Where it is from now on
    #[arg(long, value_name = "URI", conflicts_with = "uri_file")]
    uri: Option<String>,
    /// File whose first line is the uri, password and all
    #[arg(long, value_name = "FILE")]
    uri_file: Option<PathBuf>,
    /// How large its share of new queues is from now on; 0 takes none
    #[arg(long, value_name = "N")]
    weight: Option<u32>,
    /// The flavor that it serves from now on; '' for none
    #[arg(long, value_name = "NAME")]
    flavor: Option<String>,
    /// What else a client is to know, as a JSON object
    #[arg(long, value_name = "JSON")]
    options: Option<String>,
}

pub async fn create(args: Create, global: &Global) -> Result<ExitCode> {
    let Some(uri) = uri(args.uri, args.uri_file)? else {
        return Err(Failure::usage("a pool wants a uri: --uri, or --uri-file"));
    };
    let options = args.options.as_deref();
    let options = options
        .map(|text| maps::typed("--options", text))
        .transpose()?;
    let control = global.store().await?.control();
    let mut asked = control.create_pool(&args.pool, args.weight, &uri);
    if let Some(flavor) = &args.flavor {
        asked = asked.flavor(flavor);
    }
    if let Some(options) = &options {
        asked = asked.options(options);
    }
    let created = asked.await?;
    Output::of(global).done(&json!({"created": created}), || match created {
        true => format!("registered {}", args.pool),
        false => format!("{} was registered already; replaced it", args.pool),
    })?;
    Ok(ExitCode::SUCCESS)
}

pub async fn set(args: Set, global: &Global) -> Result<ExitCode> {
    let uri = uri(args.uri, args.uri_file)?;
    let options = args.options.as_deref();
    let options = options
        .map(|text| maps::typed("--options", text))
        .transpose()?;
    let control = global.store().await?.control();
    let mut asked = control.update_pool(&args.pool);
    if let Some(uri) = &uri {
        asked = asked.uri(uri);
    }
    if let Some(weight) = args.weight {
        asked = asked.weight(weight);
    }
    if let Some(flavor) = &args.flavor {
        asked = asked.flavor(
            Some(flavor)
                .filter(|flavor| !flavor.is_empty())
                .map(String::as_str),
        );
    }
    if let Some(options) = &options {
        asked = asked.options(options);
    }
    asked.await?;
    Output::of(global).done(&json!({"changed": true}), || {
        format!("changed {}", args.pool)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn uri(named: Option<String>, file: Option<PathBuf>) -> Result<Option<String>> {
    match file {
        Some(file) => first_line(&file).map(Some),
        None => Ok(named),
    }
}
