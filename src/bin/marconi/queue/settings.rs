//! A queue's metadata as options, shared by `queue create` and `queue set`.
//!
//! Guards the units: people give times with units, the metadata has whole milliseconds.

use std::time::Duration;

use anyhow::Result;
use marconi_redis::{Metadata, Queue};

use crate::duration::parse;
use crate::metadata::with_own;

#[derive(clap::Args)]
pub struct Settings {
    /// Names and values of your own, as a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// How long messages live that come without a ttl [_default_message_ttl]
    #[arg(long, value_name = "D", value_parser = parse)]
    ttl: Option<Duration>,
    /// How long messages stay unseen that come without a delay [_default_message_delay]
    #[arg(long, value_name = "D", value_parser = parse)]
    delay: Option<Duration>,
    /// After so many claims a message is dead [_max_claim_count]
    #[arg(long, value_name = "N")]
    max_claims: Option<u64>,
    /// Where dead messages go [_dead_letter_queue]
    #[arg(long, value_name = "QUEUE")]
    dead_letters: Option<String>,
    /// How long they live there [_dead_letter_queue_messages_ttl]
    #[arg(long, value_name = "D", value_parser = parse)]
    dead_letter_ttl: Option<Duration>,
    /// How many bytes the bodies of one post may have together [_max_messages_post_size]
    #[arg(long, value_name = "BYTES")]
    max_post: Option<u64>,
    /// The kind of pool it wants [_flavor]
    #[arg(long, value_name = "NAME")]
    flavor: Option<String>,
}

impl Settings {
    pub fn is_empty(&self) -> bool {
        let Settings {
            metadata,
            ttl,
            delay,
            max_claims,
            dead_letters,
            dead_letter_ttl,
            max_post,
            flavor,
        } = self;
        let texts = [metadata, dead_letters, flavor];
        let times = [ttl, delay, dead_letter_ttl];
        let numbers = [max_claims, max_post];
        texts.iter().all(|text| text.is_none())
            && times.iter().all(|time| time.is_none())
            && numbers.iter().all(|number| number.is_none())
    }

    /// The metadata with what was given in place of what it had.
    pub fn over(&self, queue: &Queue, mut metadata: Metadata) -> Result<Metadata> {
        if let Some(text) = &self.metadata {
            metadata = with_own(metadata, queue.path().name().as_str(), text)?;
        }
        if let Some(ttl) = self.ttl {
            metadata = metadata.with_default_message_ttl(ttl);
        }
        if let Some(delay) = self.delay {
            metadata = metadata.with_default_message_delay(delay);
        }
        if let Some(claims) = self.max_claims {
            metadata = metadata.with_max_claim_count(claims);
        }
        if let Some(name) = &self.dead_letters {
            metadata = metadata.with_dead_letter_queue(name);
        }
        if let Some(ttl) = self.dead_letter_ttl {
            metadata = metadata.with_dead_letter_queue_messages_ttl(ttl);
        }
        if let Some(bytes) = self.max_post {
            metadata = metadata.with_max_messages_post_size(bytes);
        }
        if let Some(flavor) = &self.flavor {
            metadata = metadata.with_flavor(flavor);
        }
        Ok(metadata)
    }
}
