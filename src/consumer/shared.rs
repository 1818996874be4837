//! What all parts of a running consumer share.
//!
//! Guards that its end has one cause: the first error that no repetition mends is the one that the
//! program gets.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::event::{Event, Watch};
use crate::error::Error;
use crate::queue::Queue;

/// What of the settings is needed all along.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) batch: usize,
    pub(super) ahead: usize,
    pub(super) ahead_bytes: usize,
    pub(super) ttl: Duration,
    pub(super) grace: Duration,
    pub(super) worker: String,
    /// How long a claim waits for messages.
    pub(super) wait: Duration,
    pub(super) backoff: Backoff,
    pub(super) handler_timeout: Option<Duration>,
}

/// What all parts of a running consumer share.
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) terms: Terms,
    pub(super) watch: Watch,
    /// Nothing more is to be claimed.
    pub(super) stop: CancellationToken,
    /// The drain is over: nothing is to be repeated any more.
    pub(super) hurry: CancellationToken,
    failure: Mutex<Option<Error>>,
}

impl Shared {
    pub(super) fn new(queue: Queue, terms: Terms, watch: Watch) -> Self {
        Shared {
            queue,
            terms,
            watch,
            stop: CancellationToken::new(),
            hurry: CancellationToken::new(),
            failure: Mutex::new(None),
        }
    }

    pub(super) fn trouble(
        &self,
        operation: &'static str,
        error: Error,
        retry_in: Option<Duration>,
    ) {
        self.watch.tell(Event::Trouble {
            operation,
            error,
            retry_in,
        });
    }

    /// Notes what ends the consumer.
    pub(super) fn fail(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        *failure = Some(error);
    }

    pub(super) fn failure(&self) -> Option<Error> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }
}
