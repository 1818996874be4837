//! What a consumer tells its program, and what it counts.
//!
//! Guards that nothing happens to a message unseen, and that no event has a body in it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::claim::ClaimId;
use crate::error::Error;
use crate::message::MessageId;

/// Something that happened in a consumer; see [`Consumer::on_event`](crate::Consumer::on_event).
///
/// Its [`Display`](fmt::Display) is a line for a log.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Messages were claimed.
    Claimed {
        /// The claim.
        claim: ClaimId,
        /// Its fence.
        fence: u64,
        /// How many messages it holds.
        messages: usize,
    },
    /// A claim was renewed, since some of its messages are not finished.
    Renewed {
        /// The claim.
        claim: ClaimId,
    },
    /// A message was handled, and deleted.
    Handled {
        /// The message.
        message: MessageId,
        /// How often it was claimed, this time counted.
        claims: u64,
        /// From its start to its deletion.
        took: Duration,
    },
    /// A handler failed, and the message was given back.
    Failed {
        /// The message.
        message: MessageId,
        /// How often it was claimed, this time counted.
        claims: u64,
        /// How it failed.
        failure: Failure,
        /// When it can be claimed again, unless its claims are used up.
        retry_in: Duration,
    },
    /// A message was given back by another cause than a failure.
    HandedBack {
        /// The message.
        message: MessageId,
        /// Whether nobody had begun with it, so that the claim doesn't count.
        untried: bool,
    },
    /// A claim was lost: another worker may have its messages from now on.
    ClaimLost {
        /// The claim.
        claim: ClaimId,
        /// How many of its messages were not finished.
        messages: usize,
    },
    /// A message was lost with its claim: what its handler did is not known to the queue, and the
    /// message comes again.
    Lost {
        /// The message.
        message: MessageId,
        /// The claim.
        claim: ClaimId,
        /// Whether work on it had begun.
        started: bool,
    },
    /// An operation failed. It is repeated, where a time is given.
    Trouble {
        /// Which one.
        operation: &'static str,
        /// What the library says.
        error: Error,
        /// When it is repeated.
        retry_in: Option<Duration>,
    },
}

/// How a handler failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// It returned this error, with its causes.
    Error(String),
    /// It panicked, with this message.
    Panicked(String),
    /// It was not ready within this time.
    TimedOut(Duration),
}

/// What became of the messages of a consumer that ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Consumed {
    /// Handled, and deleted.
    pub handled: u64,
    /// Given back since their handler failed, timed out or panicked; one that failed twice counts
    /// twice.
    pub failed: u64,
    /// Given back by another cause: what was not started at the shutdown, what was not ready at the
    /// end of the drain.
    pub handed_back: u64,
    /// Lost with their claims, started or not: each comes again.
    pub lost: u64,
}

pub(super) type Observer = Box<dyn Fn(&Event) + Send + Sync>;

/// Who hears of events, and the count of them.
#[derive(Default)]
pub(super) struct Watch {
    observer: Option<Observer>,
    handled: AtomicU64,
    failed: AtomicU64,
    handed_back: AtomicU64,
    lost: AtomicU64,
}

impl Watch {
    pub(super) fn new(observer: Option<Observer>) -> Self {
        Watch {
            observer,
            ..Watch::default()
        }
    }

    pub(super) fn tell(&self, event: Event) {
        let count = match event {
            Event::Handled { .. } => Some(&self.handled),
            Event::Failed { .. } => Some(&self.failed),
            Event::HandedBack { .. } => Some(&self.handed_back),
            Event::Lost { .. } => Some(&self.lost),
            _ => None,
        };
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
        trace(&event);
        if let Some(observer) = &self.observer {
            // A program's counter that breaks must not take a message with it. The panic's hook has
            // told of it.
            let _ = catch_unwind(AssertUnwindSafe(|| observer(&event)));
        }
    }

    pub(super) fn consumed(&self) -> Consumed {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Consumed {
            handled: of(&self.handled),
            failed: of(&self.failed),
            handed_back: of(&self.handed_back),
            lost: of(&self.lost),
        }
    }
}

#[cfg(feature = "tracing")]
fn trace(event: &Event) {
    match event {
        Event::Claimed { .. }
        | Event::Renewed { .. }
        | Event::Handled { .. }
        | Event::HandedBack { .. } => tracing::debug!("{event}"),
        _ => tracing::warn!("{event}"),
    }
}

#[cfg(not(feature = "tracing"))]
fn trace(_: &Event) {}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Claimed {
                claim,
                fence,
                messages,
            } => write!(f, "claim {claim} of {messages} messages, fence {fence}"),
            Event::Renewed { claim } => write!(f, "claim {claim} renewed"),
            Event::Handled {
                message,
                claims,
                took,
            } => write!(f, "message {message} handled in {took:?}, claim {claims}"),
            Event::Failed {
                message,
                claims,
                failure,
                retry_in,
            } => write!(
                f,
                "message {message} failed at claim {claims}, again in {retry_in:?}: {failure}"
            ),
            Event::HandedBack { message, untried } => {
                let how = if *untried { "untried" } else { "tried" };
                write!(f, "message {message} handed back, {how}")
            }
            Event::ClaimLost { claim, messages } => {
                write!(f, "claim {claim} lost, with {messages} messages")
            }
            Event::Lost {
                message, started, ..
            } => {
                let how = if *started { "started" } else { "not started" };
                write!(f, "message {message} lost with its claim, {how}")
            }
            Event::Trouble {
                operation,
                error,
                retry_in: Some(retry_in),
            } => write!(f, "{operation}: {error} (again in {retry_in:?})"),
            Event::Trouble {
                operation, error, ..
            } => write!(f, "{operation}: {error}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Error(text) => f.write_str(text),
            Failure::Panicked(text) => write!(f, "panicked: {text}"),
            Failure::TimedOut(after) => write!(f, "not ready within {after:?}"),
        }
    }
}

impl Failure {
    /// An error with its causes, each said once.
    pub(super) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let below = error.to_string();
            if !text.contains(&below) {
                text = format!("{text}: {below}");
            }
            cause = error.source();
        }
        Failure::Error(text)
    }

    /// What was given to `panic!`, where it is text.
    pub(super) fn panicked(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        Failure::Panicked(text.unwrap_or_else(|| "without a text".to_owned()))
    }
}
