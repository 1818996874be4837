//! Messages that are yet to be posted.
//!
//! Guards that a body is encoded once, when the message is made: a repeated post sends the same
//! bytes.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::envelope::{Wrapped, wrap_body};
use crate::error::Result;

/// A message to be posted: its body, and a ttl and delay of its own where it needs them.
///
/// ```
/// use std::time::Duration;
/// use marconi_redis::NewMessage;
///
/// let message = NewMessage::new(&["any", "serde value"])?
///     .ttl(Duration::from_secs(3600))
///     .delay(Duration::from_millis(250));
/// # Ok::<(), marconi_redis::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// A MessagePack `bin` around the poster's value.
    pub(crate) body: Wrapped,
    pub(crate) ttl: Option<Duration>,
    pub(crate) delay: Option<Duration>,
}

impl NewMessage {
    /// A message with this body, encoded as MessagePack; structs become maps, so that a reader in
    /// another language finds the names of the fields.
    ///
    /// # Errors
    /// [`Error::Codec`](crate::Error::Codec) where the type can't be serialised.
    pub fn new<T: Serialize + ?Sized>(body: &T) -> Result<Self> {
        Ok(Self::of(Wrapped::new(body)?))
    }

    /// A message whose body is MessagePack already.
    ///
    /// ```
    /// let message = marconi_redis::NewMessage::from_msgpack(b"\xa5hello")?;
    /// # Ok::<(), marconi_redis::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for anything but exactly one
    /// MessagePack value.
    pub fn from_msgpack(body: &[u8]) -> Result<Self> {
        Ok(Self::of(wrap_body(body)?.into()))
    }

    fn of(body: Wrapped) -> Self {
        NewMessage {
            body,
            ttl: None,
            delay: None,
        }
    }

    /// How long it lives: 1 ms to 10 years. Without it the queue's default, else 14 days.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long it stays unseen: less than its ttl. Without it the queue's default, else not at all.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }
}

/// Without the body, which belongs in no log.
impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage")
            .field("bytes", &self.body.len())
            .field("ttl", &self.ttl)
            .field("delay", &self.delay)
            .finish()
    }
}
