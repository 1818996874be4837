//! What a repeat of a call does, as a header has it: read into fields, and held to the document.
//!
//! Guards the rule that a client goes by where an answer was lost: it names an argument that there is,
//! and docs/contract.md promises the same.

use std::collections::BTreeSet;
use std::path::Path;

use marconi_redis::script::{self, Script};
use serde::Serialize;

use super::header::Arg;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repeat {
    pub safe: Safe,
    /// Of `with` and `without`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arg: Option<String>,
    /// For so many ms after the first call; without it always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<u64>,
    pub answers: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Safe {
    Always,
    With,
    Without,
    Never,
}

impl Repeat {
    /// `safe`, `safe with ARG`, `safe with ARG within N ms`, `safe without ARG` or `unsafe`; below it,
    /// what the repeat answers.
    pub fn parse(lines: &[&str], args: &[Arg]) -> Result<Repeat, String> {
        let (rule, answers) = lines.split_first().ok_or("REPEAT says nothing")?;
        let words: Vec<_> = rule.split(' ').collect();
        let (safe, arg, within) = match words[..] {
            ["safe"] => (Safe::Always, None, None),
            ["unsafe"] => (Safe::Never, None, None),
            ["safe", "with", arg] => (Safe::With, Some(arg), None),
            ["safe", "with", arg, "within", ms, "ms"] => (Safe::With, Some(arg), ms.parse().ok()),
            ["safe", "without", arg] => (Safe::Without, Some(arg), None),
            _ => return Err(format!("REPEAT: {rule:?} is no rule")),
        };
        if words.contains(&"within") && within.is_none() {
            return Err(format!("REPEAT: {rule:?} wants whole ms"));
        }
        // One that is always given tells nothing.
        let can_be_left_out = |name: &str| args.iter().any(|arg| arg.name == name && arg.optional);
        if let Some(arg) = arg.filter(|arg| !can_be_left_out(arg)) {
            return Err(format!("REPEAT: {arg} is no argument that can be left out"));
        }
        let answers = answers.join(" ");
        if answers.is_empty() {
            return Err("REPEAT: wants what the repeat answers".to_owned());
        }
        Ok(Repeat {
            safe,
            arg: arg.map(str::to_owned),
            within,
            answers,
        })
    }

    /// As the document has it: the calls in its first column, and what its second one says of them.
    fn promises(&self, script: &str) -> Vec<(String, String)> {
        let safe = match self.within {
            Some(ms) => format!("safe for {} s", ms / 1000),
            None => "safe".to_owned(),
        };
        let not_safe = "not safe".to_owned();
        let arg = self.arg.as_deref().unwrap_or_default();
        let (with, without) = (
            format!("{script} with {arg}"),
            format!("{script} without {arg}"),
        );
        match self.safe {
            Safe::Always => vec![(script.to_owned(), safe)],
            Safe::Never => vec![(script.to_owned(), not_safe)],
            Safe::With => vec![(with, safe), (without, not_safe)],
            Safe::Without => vec![(without, safe), (with, not_safe)],
        }
    }

    /// The end of the script's line in the library's table.
    pub fn in_table(&self, args: &[Arg]) -> String {
        let named = |arg: &Arg| Some(&arg.name) == self.arg.as_ref();
        let at = args.iter().position(named).map_or(0, |at| at + 1);
        let arg = self.arg.as_deref().unwrap_or_default();
        let within = self.within.map(|ms| format!(" within {ms}"));
        match self.safe {
            Safe::Always => "safe".to_owned(),
            Safe::With => format!("safe with {arg} {at}{}", within.unwrap_or_default()),
            Safe::Without => format!("safe without {arg} {at}"),
            Safe::Never => "unsafe".to_owned(),
        }
    }
}

/// The same of the rule that the library goes by.
pub fn of_the_library(script: &Script) -> String {
    match script.repeat() {
        script::Repeat::Safe => "safe".to_owned(),
        script::Repeat::With {
            arg, at, within, ..
        } => {
            let within = within.map(|time| format!(" within {}", time.as_millis()));
            format!("safe with {arg} {at}{}", within.unwrap_or_default())
        }
        script::Repeat::Without { arg, at, .. } => format!("safe without {arg} {at}"),
        script::Repeat::Unsafe => "unsafe".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What the tables of docs/contract.md promise of each call.
fn documented() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/contract.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text
        .split("| script | a repeat is | ")
        .skip(1)
        .flat_map(|table| {
            table
                .lines()
                .skip(2)
                .take_while(|line| line.starts_with('|'))
        });
    let mut promises = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let verdict = cells[2].split([':', ',']).next().unwrap();
        for call in cells[1].split(", ") {
            promises.push((call.to_owned(), verdict.to_owned()));
        }
    }
    promises
}

#[test]
fn the_document_promises_of_a_repeat_what_the_headers_say() {
    let said: BTreeSet<_> = super::sources()
        .iter()
        .flat_map(|source| source.header().repeat.promises(&source.name))
        .collect();
    let documented = documented();
    let promised: BTreeSet<_> = documented.iter().cloned().collect();
    assert_eq!(
        promised.len(),
        documented.len(),
        "a call stands there twice"
    );
    let missing: Vec<_> = said.difference(&promised).collect();
    let strange: Vec<_> = promised.difference(&said).collect();
    assert!(
        missing.is_empty() && strange.is_empty(),
        "docs/contract.md lacks {missing:?}, and says {strange:?}"
    );
}

/// A repeat of what writes nothing can do no harm.
#[test]
fn what_only_reads_is_safe_to_repeat() {
    for source in super::sources() {
        let header = source.header();
        let is_safe = header.repeat.safe == Safe::Always;
        assert!(header.writes || is_safe, "lua/{}.lua", source.name);
    }
}

#[test]
fn a_rule_names_an_argument_that_can_be_left_out() {
    let arg = |name: &str, optional| Arg {
        name: name.to_owned(),
        kind: "text".to_owned(),
        optional,
        unit: "-".to_owned(),
        repeated: false,
        doc: String::new(),
    };
    let args = [arg("now", false), arg("token", true)];
    let read = |rule| Repeat::parse(&[rule, "the same,", "or more"], &args);
    let timed = read("safe with token within 60000 ms").unwrap();
    assert_eq!(
        (timed.within, &*timed.answers),
        (Some(60000), "the same, or more")
    );
    assert_eq!(timed.in_table(&args), "safe with token 2 within 60000");
    assert_eq!(
        read("safe without token").unwrap().promises("a/b"),
        [
            ("a/b without token", "safe"),
            ("a/b with token", "not safe")
        ]
        .map(|(call, is)| (call.to_owned(), is.to_owned()))
    );
    for wrong in [
        "perhaps",
        "safe with now",
        "safe with id",
        "safe with token within a minute",
        "safe with token within x ms",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(Repeat::parse(&["safe"], &args).is_err());
    assert!(Repeat::parse(&[], &args).is_err());
}
