//! The header that every script opens with, read into fields.
//!
//! Guards the grammar: a header that strays from it is an error that names the line.

use serde::Serialize;

use super::repeat::Repeat;

const SECTIONS: [&str; 8] = [
    "KEYS", "ARGV", "REPLY", "ERRORS", "COST", "WRITES", "MORE", "REPEAT",
];

#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The first paragraph.
    pub summary: String,
    /// What follows it, as it stands.
    pub details: String,
    pub keys: Vec<String>,
    pub args: Vec<Arg>,
    pub reply: String,
    pub errors: Vec<String>,
    /// What the lines below the words say about them.
    pub errors_note: String,
    pub cost: String,
    pub writes: bool,
    pub more: bool,
    pub repeat: Repeat,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arg {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// May be ''.
    pub optional: bool,
    /// `-` where it has none.
    pub unit: String,
    /// All that are repeated repeat together, as one group.
    pub repeated: bool,
    pub doc: String,
}

impl Header {
    pub fn parse(name: &str, text: &str) -> Result<Header, String> {
        let lines: Vec<&str> = text
            .lines()
            .take_while(|line| line.starts_with("--"))
            .collect();
        let is_section = |line: &&str| {
            SECTIONS
                .iter()
                .any(|section| *line == format!("-- {section}"))
        };
        let first = lines.iter().position(is_section).ok_or("has no sections")?;
        let (summary, details) = opening(name, &lines[..first])?;
        let mut rest = &lines[first..];
        let mut sections = Vec::new();
        for section in SECTIONS {
            let Some((title, below)) = rest
                .split_first()
                .filter(|(title, _)| **title == format!("-- {section}"))
            else {
                return Err(format!(
                    "wants the section {section}, has {:?}",
                    rest.first()
                ));
            };
            let end = below.iter().position(is_section).unwrap_or(below.len());
            let (content, next) = below.split_at(end);
            sections.push(
                indented(content).map_err(|line| format!("{title}: {line:?} is not indented"))?,
            );
            rest = next;
        }
        let [keys, args, reply, errors, cost, writes, more, repeat] = &sections[..] else {
            return Err(format!("has {} sections", sections.len()));
        };
        let (error_words, note) = errors.split_at(errors.len().min(1));
        let args = arguments(args)?;
        Ok(Header {
            summary,
            details,
            keys: words(keys),
            repeat: Repeat::parse(repeat, &args)?,
            args,
            reply: reply.join("\n"),
            errors: words(error_words),
            errors_note: note.join(" "),
            cost: cost.join(" "),
            writes: yes_or_no(writes)?,
            more: yes_or_no(more)?,
        })
    }
}

/// `-- name: sentence.`, perhaps more lines and paragraphs, and an empty line.
fn opening(name: &str, lines: &[&str]) -> Result<(String, String), String> {
    let (empty, lines) = lines.split_last().ok_or("has no first line")?;
    if *empty != "--" {
        return Err(format!(
            "wants an empty comment line before KEYS, has {empty:?}"
        ));
    }
    let text: Vec<_> = lines
        .iter()
        .map(|line| line.strip_prefix("-- ").unwrap_or(&line[2..]))
        .collect();
    let end = text
        .iter()
        .position(|line| line.is_empty())
        .unwrap_or(text.len());
    let (paragraph, rest) = text.split_at(end);
    let paragraph = paragraph.join(" ");
    let sentence = paragraph
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(": "));
    let sentence = sentence.ok_or_else(|| format!("should begin with `-- {name}: `"))?;
    if !sentence.ends_with('.') {
        return Err(format!("its summary should be sentences: {sentence:?}"));
    }
    Ok((
        sentence.to_owned(),
        rest.join("\n").trim_matches('\n').to_owned(),
    ))
}

/// The lines of a section without the three blanks that all of them begin with.
fn indented<'a>(lines: &[&'a str]) -> Result<Vec<&'a str>, &'a str> {
    lines
        .iter()
        .map(|line| line.strip_prefix("--   ").ok_or(*line))
        .collect()
}

/// `name  type  unit  doc`, two blanks or more between them; a deeper line goes on with the doc.
fn arguments(lines: &[&str]) -> Result<Vec<Arg>, String> {
    let mut args: Vec<Arg> = Vec::new();
    if lines == ["none"] {
        return Ok(args);
    }
    for line in lines {
        if line.starts_with(' ') {
            let last = args
                .last_mut()
                .ok_or_else(|| format!("{line:?} belongs to no argument"))?;
            last.doc.push(' ');
            last.doc.push_str(line.trim());
            continue;
        }
        let columns: Vec<_> = line
            .split("  ")
            .map(str::trim)
            .filter(|column| !column.is_empty())
            .collect();
        let [name, kind, unit, doc @ ..] = &columns[..] else {
            return Err(format!("{line:?} wants name, type, unit and doc"));
        };
        if doc.is_empty() {
            return Err(format!("{line:?} has no doc"));
        }
        let arg = Arg {
            name: name.trim_end_matches("...").to_owned(),
            kind: kind.trim_end_matches('?').to_owned(),
            optional: kind.ends_with('?'),
            unit: (*unit).to_owned(),
            repeated: name.ends_with("..."),
            doc: doc.join("  "),
        };
        if args
            .last()
            .is_some_and(|last| last.repeated && !arg.repeated)
        {
            return Err(format!("{line:?} stands behind what repeats"));
        }
        args.push(arg);
    }
    Ok(args)
}

/// Words with blanks between them; `none` is no word.
fn words(lines: &[&str]) -> Vec<String> {
    let text = lines.join(" ");
    text.split_whitespace()
        .filter(|word| *word != "none")
        .map(str::to_owned)
        .collect()
}

fn yes_or_no(lines: &[&str]) -> Result<bool, String> {
    match lines {
        ["yes"] => Ok(true),
        ["no"] => Ok(false),
        other => Err(format!("wants yes or no, has {other:?}")),
    }
}

#[test]
fn a_header_is_read_and_what_strays_from_it_is_refused() {
    let text = "\
-- a/b: does it.
-- Twice.
--
--   a  table
--
-- KEYS
--   log meta
-- ARGV
--   now    integer?  ms  the time;
--                        or not
--   id...  id        -   which
-- REPLY
--   one
--   two
-- ERRORS
--   BADARG MORE
--   MORE only sometimes
-- COST
--   O(1)
-- WRITES
--   yes
-- MORE
--   no
-- REPEAT
--   safe with now
--   one
local x = 1
-- KEYS
";
    let header = Header::parse("a/b", text).unwrap();
    assert_eq!(header.summary, "does it. Twice.");
    assert_eq!(header.details, "  a  table");
    assert_eq!(header.keys, ["log", "meta"]);
    assert_eq!(header.args[0].doc, "the time; or not");
    assert!(header.args[0].optional && !header.args[0].repeated && header.args[1].repeated);
    assert_eq!(
        (&*header.reply, &*header.errors_note),
        ("one\ntwo", "MORE only sometimes")
    );
    assert!(header.writes && !header.more);
    assert_eq!(header.repeat.arg.as_deref(), Some("now"));
    for (from, to) in [
        ("a/b:", "b:"),
        ("-- REPLY\n--   one\n--   two\n", ""),
        ("--   yes", "--   perhaps"),
        ("--   log", "-- log"),
        ("--\n-- KEYS", "-- KEYS"),
        ("  which", ""),
        ("safe with now", "safe with id"),
    ] {
        assert!(
            Header::parse("a/b", &text.replace(from, to)).is_err(),
            "{from:?} to {to:?}"
        );
    }
}
