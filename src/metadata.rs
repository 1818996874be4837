//! A queue's metadata: a map of the user's own, some of whose names the scripts go by.
//!
//! Guards that what a user stored comes back as it was: values are kept in the bytes they came in,
//! in the order they came in.

mod reserved;
mod value;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::envelope;
use crate::error::{Cause, Error, Outcome, Result};
use value::Plain;

/// A queue's metadata: names and values, kept as MessagePack.
///
/// Some names are reserved: the scripts themselves go by them. They have methods of their own here,
/// and stand in the map too: times as whole milliseconds, sizes in bytes.
///
/// ```
/// use std::time::Duration;
/// use marconi_redis::Metadata;
///
/// let metadata = Metadata::new()
///     .with("team", "billing")?
///     .with_default_message_ttl(Duration::from_secs(3600))
///     .with_max_claim_count(5)
///     .with_dead_letter_queue("orders.dead");
/// assert_eq!(metadata.get::<String>("team")?.as_deref(), Some("billing"));
/// assert_eq!(metadata.get::<u64>("_default_message_ttl")?, Some(3_600_000));
/// assert_eq!(metadata.max_claim_count(), Some(5));
/// # Ok::<(), marconi_redis::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Key and value in MessagePack. Foreign programs may have keys that are no text.
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// Reserved values, as the scripts take and give them.
    settings: BTreeMap<&'static str, String>,
}

impl Metadata {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Any serde value that is a map: a struct, a `BTreeMap`, a JSON object.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use marconi_redis::Metadata;
    ///
    /// let metadata = Metadata::from_map(&BTreeMap::from([("_max_claim_count", 3)]))?;
    /// assert_eq!(metadata.max_claim_count(), Some(3));
    /// # Ok::<(), marconi_redis::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Codec`] where it can't be serialised, [`Error::InvalidArgument`] where it is no map
    /// or a reserved name has a value of another type.
    pub fn from_map<T: Serialize + ?Sized>(map: &T) -> Result<Self> {
        Self::from_msgpack(&encode(map)?)
    }

    /// A MessagePack map.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for anything else, and where a reserved name has a value of
    /// another type.
    pub fn from_msgpack(map: &[u8]) -> Result<Self> {
        let entries = envelope::split_map(map)
            .ok_or_else(|| Error::invalid("metadata", "wants one MessagePack map"))?;
        let mut metadata = Metadata::new();
        for (key, value) in entries {
            if let Some(name) = name_of(&key).as_deref().and_then(reserved::known) {
                let setting = reserved::as_argument(name, &value)?;
                metadata.settings.insert(name, setting);
            }
            metadata.entries.push((key, value));
        }
        Ok(metadata)
    }

    /// A map in which no name is reserved: options of a subscription.
    pub(crate) fn of_options<T: Serialize + ?Sized>(map: &T) -> Result<Self> {
        let entries = envelope::split_map(&encode(map)?)
            .ok_or_else(|| Error::invalid("options", "wants a map"))?;
        Ok(Metadata {
            entries,
            settings: BTreeMap::new(),
        })
    }

    /// What a server holds: the map, and the reserved values that the scripts go by.
    pub(crate) fn from_server(map: &[u8], settings: Vec<(String, String)>) -> Result<Self> {
        let entries = match map {
            [] => Vec::new(),
            map => envelope::split_map(map)
                .ok_or_else(|| Error::corrupt("the metadata is no MessagePack map"))?,
        };
        Ok(Metadata {
            entries,
            settings: Self::known_settings(settings),
        })
    }

    /// The same, where the map is not to be had.
    pub(crate) fn of_settings(settings: Vec<(String, String)>) -> Self {
        Metadata {
            entries: Vec::new(),
            settings: Self::known_settings(settings),
        }
    }

    fn known_settings(settings: Vec<(String, String)>) -> BTreeMap<&'static str, String> {
        let known = |(name, value): (String, String)| Some((reserved::known(&name)?, value));
        settings.into_iter().filter_map(known).collect()
    }

    /// The whole map in MessagePack.
    pub fn to_msgpack(&self) -> Vec<u8> {
        let mut map = Vec::new();
        // Writing to a Vec can't fail, and a map of 2^32 entries fits no memory.
        let length = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let _ = rmp::encode::write_map_len(&mut map, length);
        for (key, value) in &self.entries {
            map.extend_from_slice(key);
            map.extend_from_slice(value);
        }
        map
    }

    /// The same as the scripts take it: in a MessagePack `bin`, so that a cut one shows.
    pub(crate) fn to_bin(&self) -> Vec<u8> {
        let map = self.to_msgpack();
        let mut bin = Vec::with_capacity(map.len() + 5);
        // As above: writing can't fail, and no map is that large.
        let _ = rmp::encode::write_bin_len(&mut bin, u32::try_from(map.len()).unwrap_or(u32::MAX));
        bin.extend_from_slice(&map);
        bin
    }

    /// The whole map, in the type asked for.
    ///
    /// # Errors
    /// [`Error::Codec`] where it does not fit the type.
    pub fn to_map<T: DeserializeOwned>(&self) -> Result<T> {
        decode(&self.to_msgpack())
    }

    /// Whether the map has no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names in the map, in their order; keys that are no text are passed over.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.entries.iter().filter_map(|(key, _)| name_of(key))
    }

    /// The value of a name, in the type asked for; `None` where the map doesn't have it.
    ///
    /// # Errors
    /// [`Error::Codec`] where it does not fit the type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.raw(name).map(decode).transpose()
    }

    /// Adds a name with its value, in place of one that it has.
    ///
    /// # Errors
    /// [`Error::Codec`] where it can't be serialised, [`Error::InvalidArgument`] where the name is
    /// reserved and wants another type.
    pub fn with<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Result<Self> {
        let value = encode(value)?;
        if let Some(name) = reserved::known(name) {
            let setting = reserved::as_argument(name, &value)?;
            self.settings.insert(name, setting);
        }
        self.put(name, value);
        Ok(self)
    }

    /// Takes a name out, if it is there.
    pub fn without(mut self, name: &str) -> Self {
        self.entries
            .retain(|(key, _)| name_of(key).as_deref() != Some(name));
        self.settings.remove(name);
        self
    }

    fn put(&mut self, name: &str, value: Vec<u8>) {
        match self
            .entries
            .iter_mut()
            .find(|(key, _)| name_of(key).as_deref() == Some(name))
        {
            Some((_, stored)) => *stored = value,
            None => self.entries.push((reserved::text(name), value)),
        }
    }

    fn raw(&self, name: &str) -> Option<&[u8]> {
        let entry = |(key, _): &&(Vec<u8>, Vec<u8>)| name_of(key).as_deref() == Some(name);
        self.entries
            .iter()
            .find(entry)
            .map(|(_, value)| value.as_slice())
    }

    /// Whether the map has all of these, compared by meaning, not by bytes.
    pub(crate) fn has(&self, wanted: &[(String, Vec<u8>)]) -> bool {
        wanted.iter().all(|(name, value)| {
            let stored = self.raw(name).map(rmp_serde::from_slice::<Plain>);
            match (stored, rmp_serde::from_slice::<Plain>(value)) {
                (Some(Ok(stored)), Ok(wanted)) => stored == wanted,
                _ => false,
            }
        })
    }

    /// Reserved names and values, as arguments of a script.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }
}

/// A key as text, where it is one.
fn name_of(key: &[u8]) -> Option<String> {
    rmp_serde::from_slice(key).ok()
}

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    rmp_serde::to_vec_named(value).map_err(|error| codec(&error, Outcome::NotDone))
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    rmp_serde::from_slice(value).map_err(|error| codec(&error, Outcome::Done))
}

fn codec(error: &dyn fmt::Display, outcome: Outcome) -> Error {
    Error::Codec {
        queue: None,
        id: None,
        outcome,
        source: Cause::text(error.to_string()),
    }
}

/// The names alone: values can be anything.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests;
