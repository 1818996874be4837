//! One event for each call, with the feature `tracing`; nothing without it.
//!
//! Guards what may be logged: names and counts, never an argument or a reply.

use tokio::time::Instant;

use super::call::{Call, Reply};
use crate::error::Result;

#[cfg(feature = "tracing")]
pub(super) fn answered(call: &Call, result: &Result<Reply>, attempts: u32, since: Instant) {
    let word = match result {
        Ok(Reply::Value(_)) => "done",
        Ok(Reply::More { .. }) => "MORE",
        Err(error) => error.word(),
    };
    tracing::debug!(
        script = call.name,
        queue = call.queue.as_ref().map(|queue| queue.tag()),
        attempts,
        word,
        outcome = result
            .as_ref()
            .err()
            .map(|error| tracing::field::debug(error.outcome())),
        us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX),
        "call",
    );
}

#[cfg(not(feature = "tracing"))]
pub(super) fn answered(_: &Call, _: &Result<Reply>, _: u32, _: Instant) {}
