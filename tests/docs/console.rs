//! The session by hand of docs/contract.md, call by call.
//!
//! Guards its every answer, ids and fences included, since the calls bring their own `now`.

use std::io::Write;
use std::process::Stdio;

use crate::blocks::{block, text};
use crate::shell::{Tools, printed};

/// A command, over one line or more, and the lines below it.
struct Step {
    command: String,
    answer: Vec<String>,
}

fn steps(session: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in session.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            let (command, answer) = (command.to_owned(), Vec::new());
            steps.push(Step { command, answer });
        } else if !line.is_empty() && !line.starts_with("# ") {
            let step = steps.last_mut().expect("a command first");
            match step.command.strip_suffix('\\') {
                Some(begun) => step.command = format!("{begun}{}", line.trim_start()),
                None => step.answer.push(line.to_owned()),
            }
        }
    }
    steps
}

/// Lua says in no order how it packs a map: the extras of an envelope are compared as a set.
fn unordered(line: &str) -> Vec<&str> {
    // Valkey's NOSCRIPT is without this.
    let line = line.trim_end_matches(" Please use EVAL.");
    let Some((before, extras)) = line.split_once("\\xa2c1\\x85") else {
        return vec![line];
    };
    let (extras, body) = extras.split_once("\\xc4\\x02\\xa1").unwrap_or((extras, ""));
    let names = [
        "\\xa2id",
        "\\xa6claims",
        "\\xa4died",
        "\\xa4from",
        "\\xa3ttl",
    ];
    let mut starts: Vec<_> = names.iter().filter_map(|name| extras.find(name)).collect();
    starts.sort_unstable();
    let ends = starts.iter().skip(1).copied().chain([extras.len()]);
    let mut parts: Vec<_> = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &extras[*start..end])
        .collect();
    assert_eq!(parts.len(), names.len(), "{line}");
    parts.sort_unstable();
    parts.extend([before, body]);
    parts
}

#[test]
fn the_session_by_hand_goes_as_the_contract_shows_it() {
    let steps = steps(&block(&text("docs/contract.md"), "console"));
    assert!(steps.len() > 40, "only {} commands found", steps.len());
    let mut script = String::new();
    for step in &steps {
        // Some are answered on standard error.
        script += &format!("{}\necho '--- next ---'\n", step.command);
    }
    let tools = Tools::new("console");
    let mut bash = tools.command("bash");
    bash.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut bash = bash
        .args(["-c", "exec 2>&1; source /dev/fd/3 3<<<\"$(cat)\""])
        .spawn()
        .expect("bash");
    let mut input = bash.stdin.take().expect("a pipe");
    input.write_all(script.as_bytes()).expect("bash to read");
    drop(input);
    let shown = printed(&bash.wait_with_output().expect("bash to end"));
    let answers: Vec<_> = shown.split("--- next ---\n").collect();
    for (step, answer) in steps.iter().zip(&answers) {
        // An error is followed by an empty line.
        let answer: Vec<_> = answer.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(
            answer.len(),
            step.answer.len(),
            "{}: {answer:#?}",
            step.command
        );
        for (found, shown) in answer.iter().zip(&step.answer) {
            assert_eq!(unordered(found), unordered(shown), "{}", step.command);
        }
    }
    assert_eq!(answers.len(), steps.len() + 1);
}
