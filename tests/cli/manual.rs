//! What `--help` and docs/cli.md say, and how it behaves in a pipe.

use std::process::Stdio;

use crate::common::Server;
use crate::{command, finish, marconi, queue_of};

const MANUAL: &str = include_str!("../../docs/cli.md");

/// Verbs that have verbs of their own.
const GROUPS: [&str; 6] = ["queue", "pool", "flavor", "dead", "subscription", "topic"];

/// Every verb, as `--help` lists them.
fn verbs(of: &[&str]) -> Vec<String> {
    let help = marconi(&[of, &["--help"]].concat()).ok().out;
    let commands = help
        .split("Commands:\n")
        .nth(1)
        .expect("a list of commands");
    let lines = commands.lines().take_while(|line| !line.trim().is_empty());
    let lines = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    lines
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_help_of_each_verb_has_an_example() {
    let mut all: Vec<Vec<String>> = verbs(&[]).into_iter().map(|verb| vec![verb]).collect();
    for group in GROUPS {
        all.retain(|verb| verb[0] != group);
        let verbs = verbs(&[group]).into_iter();
        all.extend(verbs.map(|verb| vec![group.to_owned(), verb]));
    }
    assert!(all.len() > 25, "{all:?}");
    for verb in all {
        let words: Vec<&str> = verb.iter().map(String::as_str).collect();
        let help = marconi(&[words.as_slice(), &["--help"]].concat()).ok().out;
        assert!(
            help.contains("marconi ") && help.contains("Example"),
            "{verb:?}: {help}"
        );
    }
}

#[test]
fn the_manual_has_each_verb_and_each_exit_status() {
    let help = marconi(&["--help"]).ok().out;
    let statuses = help
        .split("Exit status:\n")
        .nth(1)
        .expect("a table of statuses");
    let mut words = 0;
    for line in statuses.lines() {
        let mut columns = line.split_whitespace();
        let (status, word) = (columns.next().unwrap(), columns.next().unwrap());
        assert!(MANUAL.contains(&format!("| {status} |")), "{line}");
        if word.chars().all(|c| c.is_ascii_uppercase()) {
            assert!(
                MANUAL.contains(&format!("| {status} | `{word}` |")),
                "{line}"
            );
            words += 1;
        }
    }
    assert_eq!(words, 26);
    for verb in verbs(&[]) {
        assert!(MANUAL.contains(&format!("marconi {verb}")), "{verb}");
    }
    for group in GROUPS {
        for verb in verbs(&[group]) {
            assert!(
                MANUAL.contains(&format!("marconi {group} {verb}")),
                "{verb}"
            );
        }
    }
}

#[test]
fn no_colour_and_no_cutting_where_no_terminal_is() {
    let long = format!("\"{}\"", "x".repeat(500));
    let (queue, _) = queue_of(&[&long]);
    let run = marconi(&["list", &queue]).ok();
    assert!(
        run.out.contains(&long) && !run.out.contains('\x1b'),
        "{run:?}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error_to_speak_of() {
    let (queue, _) = queue_of(&["1"]);
    let mut command = command();
    command
        .env("MARCONI_REDIS", Server::shared().url())
        .args(["list", &queue]);
    // A pipe whose reading end is closed before the program starts.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command
        .stdout(Stdio::from(writer))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(141), b"".as_slice())
    );
}

#[test]
fn completions_are_written_for_a_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let run = finish(command().args(["completions", shell]), b"").ok();
        assert!(
            run.out.contains("marconi") && run.out.contains("nack"),
            "{shell}"
        );
    }
}

#[test]
fn a_wrong_command_line_is_2_in_the_form_that_was_asked_for() {
    let run = finish(command().args(["claim"]), b"");
    assert_eq!(run.status, 2);
    assert!(run.err.contains("Usage: marconi"), "{run:?}");
    finish(command().args(["--json", "claim"]), b"").refused(2, "USAGE");
    finish(command().args(["--json", "nonsense"]), b"").refused(2, "USAGE");
}
