//! Metadata as options: those that queues and topics have in common.
//!
//! Guards the units: people give times with units, the metadata has whole milliseconds.

use std::time::Duration;

use anyhow::Result;
use marconi_redis::Metadata;

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
    /// How many bytes the bodies of one post may have together [_max_messages_post_size]
    #[arg(long, value_name = "BYTES")]
    max_post: Option<u64>,
}

impl Settings {
    pub fn is_empty(&self) -> bool {
        let Settings {
            metadata,
            ttl,
            delay,
            max_post,
        } = self;
        metadata.is_none() && ttl.is_none() && delay.is_none() && max_post.is_none()
    }

    /// The metadata of what has this name, with what was given in place of what it had.
    pub fn over(&self, name: &str, mut metadata: Metadata) -> Result<Metadata> {
        if let Some(text) = &self.metadata {
            metadata = with_own(metadata, name, text)?;
        }
        if let Some(ttl) = self.ttl {
            metadata = metadata.with_default_message_ttl(ttl);
        }
        if let Some(delay) = self.delay {
            metadata = metadata.with_default_message_delay(delay);
        }
        if let Some(bytes) = self.max_post {
            metadata = metadata.with_max_messages_post_size(bytes);
        }
        Ok(metadata)
    }
}
