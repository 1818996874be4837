//! Reserved metadata: the names that the scripts themselves go by.
//!
//! Guards the units: in the map and on the wire times are whole milliseconds and sizes bytes.

use std::time::Duration;

use super::Metadata;
use crate::error::{Error, Result};
use crate::time::millis;

pub(super) const TTL: &str = "_default_message_ttl";
pub(super) const DELAY: &str = "_default_message_delay";
pub(super) const CLAIMS: &str = "_max_claim_count";
pub(super) const DEAD_LETTERS: &str = "_dead_letter_queue";
pub(super) const DEAD_TTL: &str = "_dead_letter_queue_messages_ttl";
pub(super) const POST_SIZE: &str = "_max_messages_post_size";
pub(super) const FLAVOR: &str = "_flavor";

/// In the order of the manifest.
pub(super) const ALL: [&str; 7] = [
    TTL,
    DELAY,
    CLAIMS,
    DEAD_LETTERS,
    DEAD_TTL,
    POST_SIZE,
    FLAVOR,
];

/// The name itself, where it is a reserved one.
pub(super) fn known(name: &str) -> Option<&'static str> {
    ALL.into_iter().find(|reserved| *reserved == name)
}

/// A reserved value as the scripts take it: as text.
pub(super) fn as_argument(name: &'static str, value: &[u8]) -> Result<String> {
    let text = match name {
        DEAD_LETTERS | FLAVOR => rmp_serde::from_slice::<String>(value).ok(),
        _ => rmp_serde::from_slice::<u64>(value)
            .ok()
            .map(|n| n.to_string()),
    };
    text.ok_or_else(|| {
        let wanted = match name {
            DEAD_LETTERS | FLAVOR => "wants a name",
            POST_SIZE => "wants a whole number of bytes",
            CLAIMS => "wants a whole number",
            _ => "wants a whole number of ms",
        };
        Error::invalid(name, wanted)
    })
}

/// A text in MessagePack.
pub(super) fn text(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 5);
    // Writing to a Vec can't fail.
    let _ = rmp::encode::write_str(&mut bytes, text);
    bytes
}

fn whole(number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(9);
    let _ = rmp::encode::write_uint(&mut bytes, number);
    bytes
}

/// Reserved names. The queue that gets them checks their bounds.
impl Metadata {
    /// How long a message lives that was posted without a ttl; without it 14 days.
    pub fn default_message_ttl(&self) -> Option<Duration> {
        self.time(TTL)
    }

    /// 1 ms to 10 years.
    pub fn with_default_message_ttl(self, ttl: Duration) -> Self {
        self.with_number(TTL, millis(ttl))
    }

    /// How long a message stays unseen that was posted without a delay; without it not at all.
    pub fn default_message_delay(&self) -> Option<Duration> {
        self.time(DELAY)
    }

    /// Less than the default ttl.
    pub fn with_default_message_delay(self, delay: Duration) -> Self {
        self.with_number(DELAY, millis(delay))
    }

    /// After how many claims a message is dead; without it never.
    pub fn max_claim_count(&self) -> Option<u64> {
        self.number(CLAIMS)
    }

    /// 1 to a thousand million.
    pub fn with_max_claim_count(self, claims: u64) -> Self {
        self.with_number(CLAIMS, claims)
    }

    /// Which queue of the project gets dead messages; without it they are kept beside this one.
    pub fn dead_letter_queue(&self) -> Option<&str> {
        self.settings.get(DEAD_LETTERS).map(String::as_str)
    }

    /// Any queue but this one; it need not exist yet.
    pub fn with_dead_letter_queue(self, name: &str) -> Self {
        self.with_text(DEAD_LETTERS, name)
    }

    /// How long a dead letter lives, from its arrival; without it 14 days.
    pub fn dead_letter_queue_messages_ttl(&self) -> Option<Duration> {
        self.time(DEAD_TTL)
    }

    /// 1 ms to 10 years.
    pub fn with_dead_letter_queue_messages_ttl(self, ttl: Duration) -> Self {
        self.with_number(DEAD_TTL, millis(ttl))
    }

    /// How many bytes of bodies one post may have; without it 4 MiB.
    pub fn max_messages_post_size(&self) -> Option<u64> {
        self.number(POST_SIZE)
    }

    /// 1 byte to 256 MiB.
    pub fn with_max_messages_post_size(self, bytes: u64) -> Self {
        self.with_number(POST_SIZE, bytes)
    }

    /// Which group of servers the queue is to live on, where there are several.
    pub fn flavor(&self) -> Option<&str> {
        self.settings.get(FLAVOR).map(String::as_str)
    }

    /// 1 to 256 bytes without control characters.
    pub fn with_flavor(self, flavor: &str) -> Self {
        self.with_text(FLAVOR, flavor)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.settings.get(name)?.parse().ok()
    }

    fn time(&self, name: &str) -> Option<Duration> {
        self.number(name).map(Duration::from_millis)
    }

    fn with_number(mut self, name: &'static str, number: u64) -> Self {
        self.put(name, whole(number));
        self.settings.insert(name, number.to_string());
        self
    }

    fn with_text(mut self, name: &'static str, value: &str) -> Self {
        self.put(name, text(value));
        self.settings.insert(name, value.to_owned());
        self
    }
}
