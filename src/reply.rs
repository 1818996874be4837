//! The replies of scripts, read field by field.
//!
//! Guards that what a server wrote is never trusted: a reply of another shape is
//! [`Error::Corrupt`](crate::Error::Corrupt), never a panic.

use std::str::FromStr;

use redis::Value;

use crate::error::{Error, Result};

/// The fields of a flat reply that are still to be read.
pub(crate) struct Fields(std::vec::IntoIter<Value>);

impl Fields {
    pub(crate) fn of(reply: Value) -> Result<Self> {
        match reply {
            Value::Array(values) => Ok(Fields(values.into_iter())),
            _ => Err(Error::corrupt("a reply that is no list")),
        }
    }

    pub(crate) fn are_all_read(&self) -> bool {
        self.left() == 0
    }

    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn number(&mut self) -> Result<u64> {
        number(self.next()?)
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        bytes(self.next()?)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        String::from_utf8(self.bytes()?)
            .map_err(|_| Error::corrupt("a text in a reply is no UTF-8"))
    }

    /// A text that stands for something, an id for one.
    pub(crate) fn parsed<T: FromStr>(&mut self) -> Result<T> {
        let text = self.text()?;
        text.parse()
            .map_err(|_| Error::corrupt(format!("{text:?} in a reply is not what belongs there")))
    }

    /// The same, where an empty text stands for none.
    pub(crate) fn parsed_unless_empty<T: FromStr>(&mut self) -> Result<Option<T>> {
        match self.0.as_slice().first() {
            Some(Value::BulkString(bytes)) if bytes.is_empty() => {
                self.next()?;
                Ok(None)
            }
            _ => self.parsed().map(Some),
        }
    }

    fn next(&mut self) -> Result<Value> {
        self.0
            .next()
            .ok_or_else(|| Error::corrupt("a reply is cut short"))
    }
}

/// A reply, or a field of one, that is a whole number.
pub(crate) fn number(value: Value) -> Result<u64> {
    let number = match &value {
        Value::Int(number) => u64::try_from(*number).ok(),
        // A script that passes on what a hash holds.
        Value::BulkString(text) => std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()),
        _ => None,
    };
    number.ok_or_else(|| Error::corrupt("no number where one belongs in a reply"))
}

/// A reply that says no more than that it was done: 1.
pub(crate) fn done(value: Value) -> Result<()> {
    match number(value)? {
        1 => Ok(()),
        _ => Err(Error::corrupt("another number than 1 in a reply")),
    }
}

/// A reply, or a field of one, that is text or bytes.
pub(crate) fn bytes(value: Value) -> Result<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        _ => Err(Error::corrupt("no text where one belongs in a reply")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_of_another_shape_is_corrupt() {
        assert_eq!(
            Fields::of(Value::Okay).err().map(|e| e.word()),
            Some("CORRUPT")
        );
        let mut fields = Fields::of(Value::Array(vec![Value::Int(-1), Value::Nil])).unwrap();
        assert_eq!(fields.number().unwrap_err().word(), "CORRUPT");
        assert_eq!(fields.text().unwrap_err().word(), "CORRUPT");
        assert_eq!(fields.number().unwrap_err().word(), "CORRUPT");
        assert!(fields.are_all_read());
    }
}
