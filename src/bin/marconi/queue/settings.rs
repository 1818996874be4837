//! A queue's metadata as options, shared by `queue create` and `queue set`.
//!
//! Guards that what only queues have is not offered for topics, where it would mean nothing.

use std::time::Duration;

use anyhow::Result;
use marconi_redis::{Metadata, Queue};

use crate::duration::parse;
use crate::settings::Settings;

#[derive(clap::Args)]
pub struct QueueSettings {
    #[command(flatten)]
    common: Settings,
    /// After so many claims a message is dead [_max_claim_count]
    #[arg(long, value_name = "N")]
    max_claims: Option<u64>,
    /// Where dead messages go [_dead_letter_queue]
    #[arg(long, value_name = "QUEUE")]
    dead_letters: Option<String>,
    /// How long they live there [_dead_letter_queue_messages_ttl]
    #[arg(long, value_name = "D", value_parser = parse)]
    dead_letter_ttl: Option<Duration>,
    /// The kind of pool it wants [_flavor]
    #[arg(long, value_name = "NAME")]
    flavor: Option<String>,
}

impl QueueSettings {
    pub fn is_empty(&self) -> bool {
        let QueueSettings {
            common,
            max_claims,
            dead_letters,
            dead_letter_ttl,
            flavor,
        } = self;
        common.is_empty()
            && max_claims.is_none()
            && dead_letters.is_none()
            && dead_letter_ttl.is_none()
            && flavor.is_none()
    }

    /// The metadata with what was given in place of what it had.
    pub fn over(&self, queue: &Queue, metadata: Metadata) -> Result<Metadata> {
        let name = queue.path().name().as_str();
        let mut metadata = self.common.over(name, metadata)?;
        if let Some(claims) = self.max_claims {
            metadata = metadata.with_max_claim_count(claims);
        }
        if let Some(name) = &self.dead_letters {
            metadata = metadata.with_dead_letter_queue(name);
        }
        if let Some(ttl) = self.dead_letter_ttl {
            metadata = metadata.with_dead_letter_queue_messages_ttl(ttl);
        }
        if let Some(flavor) = &self.flavor {
            metadata = metadata.with_flavor(flavor);
        }
        Ok(metadata)
    }
}
