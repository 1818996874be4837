//! What a message is stored as: the MessagePack array `[ttl, client, body]`, with a map of extras
//! before the body where there is something extra to say.
//!
//! Guards the reader: whatever the server holds is either read whole or refused as
//! [`Error::Corrupt`], without a panic, without recursion, and without memory for what is only
//! announced. The body is a `bin` that holds the poster's own MessagePack value, so that scripts
//! pass it on unread and ext types survive.

mod msgpack;
mod wrapped;

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Cause, Error, Outcome, Result};
use msgpack::Reader;
pub(crate) use wrapped::Wrapped;

/// One stored message, borrowed from the reply it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope<'a> {
    /// How long the message was to live when it was posted.
    pub ttl: Duration,
    /// Who posted it. Bytes that are no UTF-8 are replaced, so that one careless poster can't make
    /// a message unreadable.
    pub client: Cow<'a, str>,
    /// What only some messages have.
    pub extras: Extras<'a>,
    /// The poster's value, in MessagePack; [`decode_body`] reads it.
    pub body: &'a [u8],
}

/// What only some messages have; keys of later versions are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extras<'a> {
    /// How long after its posting the message stays unseen.
    pub delay: Option<Duration>,
    /// Of a dead letter: the tags of the queues it died in, the latest last.
    pub from: Vec<Cow<'a, str>>,
    /// Of a dead letter: its id in the queue it died in.
    pub id: Option<Cow<'a, str>>,
    /// Of a dead letter: how often it had been claimed.
    pub claims: Option<u64>,
    /// Of a dead letter: when it died, in ms since 1970.
    pub died: Option<u64>,
    /// Of a dead letter: how long it was to live before it died.
    pub ttl: Option<Duration>,
    /// How often it was a dead letter that set out again.
    pub redriven: Option<u64>,
}

impl<'a> Envelope<'a> {
    /// Reads what [`Part::Log`](crate::keys::Part::Log) holds in an entry's field.
    ///
    /// ```
    /// use marconi_redis::envelope::Envelope;
    ///
    /// let envelope = Envelope::decode(b"\x93\xcd\x03\xe8\xa2me\xc4\x01\x2a")?;
    /// assert_eq!((envelope.ttl.as_millis(), &*envelope.client, envelope.body), (1000, "me",
    /// &[42][..]));
    /// # Ok::<(), marconi_redis::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything but exactly one envelope.
    pub fn decode(bytes: &'a [u8]) -> Result<Self> {
        Self::read(&mut Reader::new(bytes)).ok_or_else(|| {
            Error::corrupt(format!(
                "{} bytes where a message's envelope should be",
                bytes.len()
            ))
        })
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let length = reader.array()?;
        let ttl = Duration::from_millis(reader.uint()?);
        let client = reader.text()?;
        let extras = match length {
            3 => Extras::default(),
            4 => Extras::read(reader)?,
            _ => return None,
        };
        let body = reader.bin()?;
        reader.is_at_end().then_some(Envelope {
            ttl,
            client,
            extras,
            body,
        })
    }
}

impl<'a> Extras<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let mut extras = Extras::default();
        for _ in 0..reader.map()? {
            match &*reader.text()? {
                "delay" => extras.delay = Some(Duration::from_millis(reader.uint()?)),
                "from" => {
                    // Not reserved by the announced length, which may be a lie.
                    for _ in 0..reader.array()? {
                        extras.from.push(reader.text()?);
                    }
                }
                "id" => extras.id = Some(reader.text()?),
                "claims" => extras.claims = Some(reader.uint()?),
                "died" => extras.died = Some(reader.uint()?),
                "ttl" => extras.ttl = Some(Duration::from_millis(reader.uint()?)),
                "redriven" => extras.redriven = Some(reader.uint()?),
                _ => reader.skip()?,
            }
        }
        Some(extras)
    }
}

/// A typed body as the post script takes it: a `bin` around its MessagePack, structs as maps.
///
/// # Errors
/// [`Error::Codec`] where the type can't be serialised, or takes more than 4 GiB.
pub fn encode_body<T: Serialize + ?Sized>(body: &T) -> Result<Vec<u8>> {
    Wrapped::new(body).map(Wrapped::into_vec)
}

/// A body that is MessagePack already, as the post script takes it: a `bin` around it.
///
/// # Errors
/// [`Error::InvalidArgument`] for anything but exactly one MessagePack value.
pub fn wrap_body(value: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader::new(value);
    if reader.skip().is_none() || !reader.is_at_end() {
        return Err(Error::invalid(
            "body",
            "wants exactly one MessagePack value",
        ));
    }
    let Ok(length) = u32::try_from(value.len()) else {
        return Err(Error::invalid("body", "wants less than 4 GiB"));
    };
    // Five bytes are the longest head a bin has; writing to a Vec can't fail.
    let mut wrapped = Vec::with_capacity(value.len() + 5);
    if let Err(error) = rmp::encode::write_bin_len(&mut wrapped, length) {
        return Err(codec(error, Outcome::NotDone));
    }
    wrapped.extend_from_slice(value);
    Ok(wrapped)
}

/// A stored body in the type asked for, which can borrow its text from the bytes.
///
/// ```
/// use marconi_redis::envelope::decode_body;
///
/// let text: &str = decode_body(b"\xa5hello")?;
/// assert_eq!(text, "hello");
/// # Ok::<(), marconi_redis::Error>(())
/// ```
///
/// # Errors
/// [`Error::Codec`] where the type is another than was posted.
pub fn decode_body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    rmp_serde::from_slice(body).map_err(|error| codec(error, Outcome::Done))
}

/// The keys and values of a MessagePack map, each in the bytes it came in.
pub(crate) fn split_map(map: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut reader = Reader::new(map);
    let mut entries = Vec::new();
    // Not reserved by the announced length, which may be a lie.
    for _ in 0..reader.map()? {
        entries.push((reader.value()?.to_vec(), reader.value()?.to_vec()));
    }
    reader.is_at_end().then_some(entries)
}

fn codec(error: impl std::fmt::Display, outcome: Outcome) -> Error {
    Error::Codec {
        queue: None,
        id: None,
        outcome,
        source: Cause::text(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
