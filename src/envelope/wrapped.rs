//! A body on its way out, as the post script takes it.
//!
//! Guards that a body is written once: the `bin` around it has a head whose length depends on the body's, so
//! the head goes into room that is left before it, and nothing is moved.

use rmp_serde::Serializer;
use serde::Serialize;

use super::codec;
use crate::error::{Error, Outcome, Result};

/// The longest head that a bin has.
const ROOM: usize = 5;

/// A `bin` around a MessagePack value; it begins somewhere in the room for its head.
#[derive(Clone)]
pub(crate) struct Wrapped {
    bytes: Vec<u8>,
    begins: usize,
}

impl Wrapped {
    /// Around a value that is serialised for it, structs as maps.
    pub(crate) fn new<T: Serialize + ?Sized>(body: &T) -> Result<Self> {
        let failed = |error: rmp_serde::encode::Error| codec(error, Outcome::NotDone);
        let mut bytes = Vec::with_capacity(128);
        bytes.resize(ROOM, 0);
        let mut serializer = Serializer::new(&mut bytes).with_struct_map();
        body.serialize(&mut serializer).map_err(failed)?;
        let Ok(length) = u32::try_from(bytes.len() - ROOM) else {
            return Err(Error::invalid("body", "wants less than 4 GiB"));
        };
        let mut head = [0; ROOM];
        let mut left = &mut head[..];
        let written = rmp::encode::write_bin_len(&mut left, length);
        written.map_err(|error| codec(error, Outcome::NotDone))?;
        let begins = left.len();
        bytes[begins..ROOM].copy_from_slice(&head[..ROOM - begins]);
        Ok(Wrapped { bytes, begins })
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.begins..]
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.begins
    }

    pub(super) fn into_vec(mut self) -> Vec<u8> {
        self.bytes.drain(..self.begins);
        self.bytes
    }
}

/// Of a `bin` that begins where its bytes do.
impl From<Vec<u8>> for Wrapped {
    fn from(bytes: Vec<u8>) -> Self {
        Wrapped { bytes, begins: 0 }
    }
}

impl PartialEq for Wrapped {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Wrapped {}
