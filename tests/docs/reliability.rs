//! The published table of proofs.
//!
//! Guards that it is of one whole run, in which nothing was found, and that people and programs are told the same.

use marconi_redis::script::ALL;
use serde_json::Value;

use crate::blocks::text;

fn published() -> Value {
    serde_json::from_str(&text("docs/reliability.json")).expect("JSON")
}

fn list<'a>(table: &'a Value, name: &str) -> &'a [Value] {
    table[name].as_array().expect(name)
}

fn word<'a>(of: &'a Value, field: &str) -> &'a str {
    of[field].as_str().expect(field)
}

#[test]
fn the_published_proofs_found_nothing_and_name_their_commands() {
    let (table, page) = (published(), text("docs/reliability.md"));
    let rows = list(&table, "rows");
    for row in rows {
        let (name, tried) = (word(row, "name"), row["tried"].as_u64().expect("tried"));
        assert!(tried > 0, "{name}");
        assert_eq!(row["violations"], 0, "{name}");
        let shown = format!(
            "| {tried} {} | 0 | `{}` |\n",
            word(row, "unit"),
            word(row, "command")
        );
        assert!(page.contains(&shown), "{shown}");
    }
    assert_eq!(page.matches("\n## ").count(), rows.len());
}

#[test]
fn a_fault_in_each_script_that_writes_was_caught() {
    let table = published();
    let mutations = list(&table, "mutations");
    for script in ALL.iter().filter(|script| script.writes()) {
        let has_one = |mutation: &Value| word(mutation, "script") == script.name();
        assert!(mutations.iter().any(has_one), "{}", script.name());
    }
    let by = |mutation: &&Value| {
        let by = word(mutation, "caught_by");
        by.starts_with("histories: ") || by.starts_with("model: ")
    };
    assert!(mutations.iter().filter(by).count() >= 10);
}
