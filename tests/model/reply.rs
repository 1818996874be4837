//! The scripts' replies, read as their headers say.
//!
//! Guards the shapes: a reply of any other shape ends the test.

use std::fmt;

use redis::Value;

/// A message's id: the ms of its posting and a number within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Id {
    pub ms: u64,
    pub seq: u64,
}

impl Id {
    /// `None` for anything but the one way to write it.
    pub fn parse(text: &str) -> Option<Id> {
        let (ms, seq) = text.split_once('-')?;
        let id = Id {
            ms: ms.parse().ok()?,
            seq: seq.parse().ok()?,
        };
        (id.to_string() == text).then_some(id)
    }

    /// The id that follows this one, given at that ms.
    pub fn next(self, now: u64) -> Id {
        match now > self.ms {
            true => Id { ms: now, seq: 0 },
            false => Id {
                ms: self.ms,
                seq: self.seq + 1,
            },
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// What a script refused with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub word: String,
    pub detail: String,
}

pub type Outcome = Result<Value, Refusal>;

/// A message as get, list and first show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub id: Id,
    pub claims: u64,
    pub ttl: u64,
    pub delay: u64,
    pub claim: String,
    pub envelope: Vec<u8>,
}

/// A message as claim, claim_get and pop hand it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub id: Id,
    pub claims: u64,
    pub ttl: u64,
    pub envelope: Vec<u8>,
}

/// A claim's own numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub now: u64,
    pub fence: u64,
    pub ttl: u64,
    pub grace: u64,
    pub deadline: u64,
}

pub fn int(value: &Value) -> u64 {
    match value {
        Value::Int(number) => (*number).try_into().expect("no number below zero"),
        other => panic!("{other:?} where a number should be"),
    }
}

pub fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes.clone(),
        other => panic!("{other:?} where a string should be"),
    }
}

pub fn text(value: &Value) -> String {
    String::from_utf8(bytes(value)).expect("UTF-8")
}

pub fn id(value: &Value) -> Id {
    let text = text(value);
    Id::parse(&text).unwrap_or_else(|| panic!("{text:?} where an id should be"))
}

pub fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        other => panic!("{other:?} where a list should be"),
    }
}

pub fn ids(value: &Value) -> Vec<Id> {
    list(value).iter().map(id).collect()
}

pub fn header(values: &[Value]) -> Header {
    Header {
        now: int(&values[0]),
        fence: int(&values[1]),
        ttl: int(&values[2]),
        grace: int(&values[3]),
        deadline: int(&values[4]),
    }
}

pub fn taken(values: &[Value]) -> Vec<Taken> {
    assert_eq!(values.len() % 4, 0, "four values a message");
    let message = |v: &[Value]| Taken {
        id: id(&v[0]),
        claims: int(&v[1]),
        ttl: int(&v[2]),
        envelope: bytes(&v[3]),
    };
    values.chunks(4).map(message).collect()
}

pub fn shown(values: &[Value]) -> Vec<Shown> {
    assert_eq!(values.len() % 6, 0, "six values a message");
    let message = |v: &[Value]| Shown {
        id: id(&v[0]),
        claims: int(&v[1]),
        ttl: int(&v[2]),
        delay: int(&v[3]),
        claim: text(&v[4]),
        envelope: bytes(&v[5]),
    };
    values.chunks(6).map(message).collect()
}

/// A reply in a line, for the history of a queue.
pub fn brief(outcome: &Outcome) -> String {
    fn value(value: &Value, line: &mut String) {
        match value {
            Value::Int(number) => line.push_str(&number.to_string()),
            Value::BulkString(bytes) => line.push_str(&argument(bytes)),
            Value::Array(values) => {
                line.push('[');
                for (i, inner) in values.iter().enumerate() {
                    if i == 60 {
                        line.push_str(&format!(" … {} in all", values.len()));
                        break;
                    }
                    line.push_str(if i > 0 { " " } else { "" });
                    value_of(inner, line);
                }
                line.push(']');
            }
            other => line.push_str(&format!("{other:?}")),
        }
    }
    fn value_of(inner: &Value, line: &mut String) {
        value(inner, line);
    }
    let mut line = String::new();
    match outcome {
        Ok(reply) => value(reply, &mut line),
        Err(refusal) => line = format!("{} {}", refusal.word, refusal.detail),
    }
    line
}

/// An argument or a string in a reply, for the same.
pub fn argument(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "''".into();
    }
    if bytes.len() > 60 || bytes.iter().any(|byte| !byte.is_ascii_graphic()) {
        return format!("<{} bytes>", bytes.len());
    }
    String::from_utf8_lossy(bytes).into_owned()
}
