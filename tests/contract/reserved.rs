//! Reserved metadata, read from the piece that the scripts check it by.
//!
//! Guards that names, types, units and bounds are written once: the manifest and the document have
//! what `lua/lib/reserved.lua` goes by.

use std::path::Path;

use serde::Serialize;

/// A name that the scripts themselves go by.
#[derive(Debug, PartialEq, Serialize)]
pub struct Reserved {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    /// `-` where it has none.
    unit: String,
    /// Of text: how many bytes.
    min: u64,
    max: u64,
    doc: String,
}

pub fn read() -> Vec<Reserved> {
    let path = super::lua().join("lib/reserved.lua");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .skip_while(|line| *line != "local RESERVED = {")
        .skip(1)
        .take_while(|line| *line != "}");
    lines
        .map(|line| entry(line).unwrap_or_else(|| panic!("lua/lib/reserved.lua: {line:?}")))
        .collect()
}

/// `NAME = {'TYPE', MIN, MAX}, -- UNIT  DOC`
fn entry(line: &str) -> Option<Reserved> {
    let (name, rest) = line.trim_start().split_once(" = {'")?;
    let (bounds, comment) = rest.split_once("}, -- ")?;
    let (kind, bounds) = bounds.split_once("', ")?;
    let (min, max) = bounds.split_once(", ")?;
    let (unit, doc) = comment.split_once("  ")?;
    let is_known = ["integer", "text"].contains(&kind) && !doc.is_empty();
    is_known.then_some(Reserved {
        name: name.to_owned(),
        kind: kind.to_owned(),
        unit: unit.to_owned(),
        min: min.parse().ok()?,
        max: max.parse().ok()?,
        doc: doc.to_owned(),
    })
}

#[test]
fn an_entry_has_a_type_bounds_a_unit_and_a_doc() {
    let line = "  _x = {'integer', 1, 20}, -- ms  how long";
    let read = entry(line).unwrap();
    assert_eq!((&*read.name, &*read.kind), ("_x", "integer"));
    assert_eq!((read.min, read.max), (1, 20));
    assert_eq!((&*read.unit, &*read.doc), ("ms", "how long"));
    for (from, to) in [
        ("integer", "number"),
        (", 20", ""),
        (" -- ms  how long", ""),
        ("  how long", ""),
        ("1,", "-1,"),
    ] {
        assert_eq!(entry(&line.replace(from, to)), None, "{from:?} to {to:?}");
    }
}

#[test]
fn the_document_has_the_reserved_names_as_the_scripts_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/contract.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut table = "| name | type | unit | from | to | says |\n|".to_owned() + &" --- |".repeat(6);
    for one in read() {
        let Reserved {
            name,
            kind,
            unit,
            min,
            max,
            doc,
        } = one;
        table += &format!("\n| `{name}` | {kind} | {unit} | {min} | {max} | {doc} |");
    }
    assert!(
        text.contains(&(table.clone() + "\n\n")),
        "docs/contract.md should have\n{table}"
    );
}

#[test]
fn a_call_has_room_for_every_reserved_value_and_no_more() {
    let all = read().len();
    for name in ["queue/create", "queue/set"] {
        let source = super::sources().iter().find(|source| source.name == name);
        let body = source.unwrap().body();
        let check = format!("#ARGV > {} then", 2 + 2 * all);
        let refusal = format!("up to {all} names");
        assert!(
            body.contains(&check) && body.contains(&refusal),
            "lua/{name}.lua"
        );
    }
}
