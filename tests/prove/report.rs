//! What the proofs came to: a table for people, JSON for programs.
//!
//! Guards that the two say the same, and that a row without a number of tries is no row.

use std::path::Path;

use serde_json::{Value, json};

use crate::setting::Setting;

/// One proof.
pub struct Row {
    pub name: &'static str,
    pub title: &'static str,
    /// What is done and what is looked for, for the page.
    pub about: &'static str,
    pub tried: u64,
    pub unit: &'static str,
    pub violations: u64,
    /// Why it proves nothing, though no violation was found.
    pub failures: Vec<String>,
    pub details: Vec<(String, String)>,
    /// Where faults were put in on purpose.
    pub mutations: Vec<Mutation>,
    pub command: String,
}

impl Row {
    pub fn is_good(&self) -> bool {
        self.violations == 0 && self.failures.is_empty() && self.tried > 0
    }

    fn came_to(&self) -> String {
        let Row {
            tried,
            unit,
            violations,
            ..
        } = self;
        format!("{tried} {unit}, {violations} violations")
    }
}

/// A fault put into a script on purpose, and the proof that noticed.
pub struct Mutation {
    pub name: String,
    /// What is wrong, in a sentence.
    pub fault: String,
    pub script: String,
    pub caught_by: String,
}

pub fn print(row: &Row) {
    println!("{}: {}", row.title, row.came_to());
    for (what, text) in &row.details {
        println!("  {what:36} {text}");
    }
    for mutation in &row.mutations {
        println!("  {:42} {}", mutation.name, mutation.caught_by);
    }
    for failure in &row.failures {
        println!("  FAILED: {failure}");
    }
}

pub fn print_table(rows: &[Row]) {
    println!();
    for row in rows {
        let verdict = if row.is_good() { "good" } else { "FAILED" };
        println!("{verdict:6}  {:16} {}", row.name, row.came_to());
    }
}

const HEAD: &str = "# Reliability

What was tried to break the promises of this project, how much of it, and what was found. `make prove` runs it all again and
writes this page and [reliability.json](reliability.json); a shorter run of the same is part of `make test`. A row's command
repeats it: with the same seed the clients choose alike, though real processes never meet twice in the same way. So a history in
which something is found is kept, and `cargo test --test prove -- check DIR` looks at it again.
";

/// Writes `reliability.md` and `reliability.json` into `docs`.
pub fn write(docs: &Path, rows: &[Row], setting: &Setting) -> std::io::Result<()> {
    std::fs::write(docs.join("reliability.md"), markdown(rows, setting))?;
    let mut text = serde_json::to_string_pretty(&machine(rows, setting))?;
    text.push('\n');
    std::fs::write(docs.join("reliability.json"), text)
}

fn mutations(rows: &[Row]) -> Vec<&Mutation> {
    rows.iter().flat_map(|row| &row.mutations).collect()
}

fn markdown(rows: &[Row], setting: &Setting) -> String {
    let Setting {
        server,
        scripts,
        machine,
    } = setting;
    let mut text = format!(
        "{HEAD}\nThis run was on {server}, {machine}, with the scripts of the `lua/manifest.json` whose SHA-1 is \
         `{scripts}`.\n\n| proof | tried | violations | command |\n| --- | --- | --- | --- |\n"
    );
    for row in rows {
        let Row {
            title,
            tried,
            unit,
            violations,
            command,
            ..
        } = row;
        let anchor = title.to_lowercase().replace(' ', "-").replace('\'', "");
        text +=
            &format!("| [{title}](#{anchor}) | {tried} {unit} | {violations} | `{command}` |\n");
    }
    for row in rows {
        let Row { title, about, .. } = row;
        text += &format!("\n## {title}\n\n{about}");
        text += "\n| what | came to |\n| --- | --- |\n";
        for (what, how_much) in &row.details {
            text += &format!("| {what} | {how_much} |\n");
        }
        if !row.mutations.is_empty() {
            text += "\n| fault | script | caught by |\n| --- | --- | --- |\n";
        }
        for mutation in &row.mutations {
            let Mutation {
                fault,
                script,
                caught_by,
                ..
            } = mutation;
            text += &format!("| {fault} | `{script}` | {caught_by} |\n");
        }
    }
    text
}

fn machine(rows: &[Row], setting: &Setting) -> Value {
    let row = |row: &Row| {
        let details = row
            .details
            .iter()
            .map(|(what, text)| (what.clone(), json!(text)));
        json!({
            "name": row.name,
            "tried": row.tried,
            "unit": row.unit,
            "violations": row.violations,
            "command": row.command,
            "details": details.collect::<serde_json::Map<_, _>>(),
        })
    };
    let mutation = |mutation: &Mutation| {
        json!({
            "name": mutation.name,
            "fault": mutation.fault,
            "script": mutation.script,
            "caught_by": mutation.caught_by,
        })
    };
    json!({
        "run": {"server": setting.server, "scripts": setting.scripts, "machine": setting.machine},
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "mutations": mutations(rows).into_iter().map(mutation).collect::<Vec<_>>(),
    })
}
