//! `lua/manifest.json`, made of the scripts' headers.
//!
//! Guards what clients in other languages read: fields may be added, any other change of its shape is
//! a new `contract` number.

use std::path::Path;

use serde::Serialize;

use super::Source;
use super::header::Arg;
use super::repeat::Repeat;
use super::reserved::{self, Reserved};

/// Of the manifest's and the calls' shape.
const CONTRACT: u32 = 1;
/// Of the stored data; the scripts refuse what is later than theirs.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Manifest<'a> {
    contract: u32,
    schema: u32,
    reserved: Vec<Reserved>,
    scripts: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    file: String,
    sha1: String,
    keys: &'a [String],
    args: &'a [Arg],
    summary: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    details: &'a str,
    reply: &'a str,
    errors: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    errors_note: &'a str,
    cost: &'a str,
    writes: bool,
    more: bool,
    repeat: &'a Repeat,
}

/// The text of the manifest, by the scripts as they stand.
pub fn generate(sources: &[Source]) -> String {
    let scripts = sources.iter().map(entry).collect();
    let manifest = Manifest {
        contract: CONTRACT,
        schema: SCHEMA,
        reserved: reserved::read(),
        scripts,
    };
    serde_json::to_string_pretty(&manifest).unwrap() + "\n"
}

pub fn rewrite(lua: &Path, sources: &[Source]) {
    std::fs::write(lua.join("manifest.json"), generate(sources)).unwrap();
}

fn entry(source: &Source) -> Entry<'_> {
    let header = source.header();
    Entry {
        name: &source.name,
        file: format!("{}.lua", source.name),
        sha1: sha1_smol::Sha1::from(&source.text).digest().to_string(),
        keys: &header.keys,
        args: &header.args,
        summary: &header.summary,
        details: &header.details,
        reply: &header.reply,
        errors: &header.errors,
        errors_note: &header.errors_note,
        cost: &header.cost,
        writes: header.writes,
        more: header.more,
        repeat: &header.repeat,
    }
}
