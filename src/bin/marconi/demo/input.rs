//! The lines to work off.
//!
//! Guards that nothing is posted of an input that can't be posted whole: every line is read,
//! parsed and measured before the first one goes out.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use marconi_redis::NewMessage;
use serde_json::Value;

use crate::failure::Failure;

/// Compiled in, so that an installed binary has it too.
const SAMPLE: &str = include_str!("../../../../examples/orders.jsonl");

/// What the queue takes of one body, less the five bytes that may be wrapped around it.
const LARGEST: usize = 256 * 1024 - 5;

/// What a line becomes: its number, counted from 1, and its JSON. The number is its identity, since
/// two lines may well be equal.
pub type Numbered = (u64, Value);

/// Messages ready to be posted, in the order of the lines.
pub struct Input {
    pub name: String,
    pub messages: Vec<NewMessage>,
    /// The numbers of the lines that became messages; blank lines become none.
    pub lines: Vec<u64>,
    /// How much of each body is the caller's, all together.
    pub bytes: usize,
    /// Encoded lengths, for posts below the bound of one post.
    pub lengths: Vec<usize>,
}

impl Input {
    /// The file, standard input for `-`, or the sample.
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Self::parse("the sample of orders", SAMPLE.as_bytes());
        };
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        let read = match name.as_str() {
            "-" => std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ()),
            _ => std::fs::read(path).map(|read| bytes = read),
        };
        read.map_err(|error| Failure::no_input(format!("{name}: {error}")))?;
        Self::parse(&name, &bytes)
    }

    fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let mut input = Input {
            name: name.to_owned(),
            messages: Vec::new(),
            lines: Vec::new(),
            bytes: 0,
            lengths: Vec::new(),
        };
        // Some editors begin a file with a byte order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let json: Value = serde_json::from_slice(line).map_err(|error| {
                Failure::bad_input(format!(
                    "{name}, line {number}: not a JSON document: {}; nothing was posted",
                    without_line(&error)
                ))
            })?;
            let numbered: Numbered = (number, json);
            let body = rmp_serde::to_vec(&numbered).context("a body in MessagePack")?;
            if body.len() > LARGEST {
                return Err(Failure::bad_input(format!(
                    "{name}, line {number}: {} bytes in MessagePack, at most {LARGEST} go into one message; nothing was posted",
                    body.len()
                )));
            }
            input.messages.push(NewMessage::from_msgpack(&body)?);
            input.lines.push(number);
            input.bytes += body.len();
            input.lengths.push(body.len());
        }
        if input.lines.is_empty() {
            return Err(Failure::bad_input(format!(
                "{name}: no line to post; wants JSON documents, one a line"
            )));
        }
        Ok(input)
    }

    /// Where one post ends and the next begins: at most 250 messages and 2 MiB, half of what a post
    /// may have.
    pub fn posts(&self) -> Vec<std::ops::Range<usize>> {
        let mut posts = Vec::new();
        let (mut start, mut bytes) = (0, 0);
        for (at, length) in self.lengths.iter().enumerate() {
            if at > start && (at - start == 250 || bytes + length > 2 * 1024 * 1024) {
                posts.push(start..at);
                (start, bytes) = (at, 0);
            }
            bytes += length;
        }
        posts.push(start..self.lengths.len());
        posts
    }
}

/// serde_json counts lines too, and for it each of ours is line 1.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &[u8]) -> String {
        match Input::parse("it", text) {
            Ok(_) => panic!("taken: {text:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_sample_is_a_few_thousand_distinct_lines_of_at_most_300_kb() {
        assert!(SAMPLE.len() <= 300_000, "{}", SAMPLE.len());
        let distinct: std::collections::HashSet<_> = SAMPLE.lines().collect();
        assert_eq!(distinct.len(), SAMPLE.lines().count());
        assert!(Input::read(None).unwrap().lines.len() >= 2_500);
    }

    #[test]
    fn lines_keep_their_numbers_over_crlf_blank_lines_and_a_missing_end() {
        let input = Input::parse("it", b"\xef\xbb\xbf{\"a\":1}\r\n\r\n{\"a\":1}\r\n7").unwrap();
        assert_eq!(input.lines, [1, 3, 4]);
    }

    #[test]
    fn a_line_that_is_not_json_is_named() {
        assert!(refused(b"{}\n{\"a\":\n{}").contains("line 2"));
        assert!(refused(b"{} {}").contains("line 1"));
        assert!(refused(b"1\n\"\xff\"").contains("line 2"));
    }

    #[test]
    fn a_line_that_no_message_holds_is_named() {
        let long = format!("1\n\"{}\"", "x".repeat(LARGEST));
        assert!(refused(long.as_bytes()).contains("line 2"));
    }

    #[test]
    fn an_input_without_lines_is_refused() {
        for text in ["", "\n", " \r\n\n"] {
            assert!(refused(text.as_bytes()).contains("no line"), "{text:?}");
        }
    }

    #[test]
    fn no_post_is_above_250_messages_or_2_mib() {
        let many = Input::parse("it", "1\n".repeat(501).as_bytes()).unwrap();
        assert_eq!(many.posts(), [0..250, 250..500, 500..501]);
        let large = format!("\"{}\"\n", "x".repeat(200 * 1024)).repeat(11);
        let large = Input::parse("it", large.as_bytes()).unwrap();
        assert_eq!(large.posts(), [0..10, 10..11]);
    }
}
