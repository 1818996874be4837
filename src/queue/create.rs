//! Creating a queue.
//!
//! Guards the name: it is entered before the queue is made and once more after it, so that no queue
//! is without one. And the way of dead letters: none is led back to where it came from.

use std::future::IntoFuture;

use redis::Value;

use super::{Description, Queue};
use crate::Pending;
use crate::error::{Error, Result};
use crate::keys::{QueueKeys, QueueName, QueuePath};
use crate::link::{Call, Reply};
use crate::metadata::Metadata;
use crate::operation::{Operation, no_reply, not_begun, value};
use crate::script::{QUEUE_CREATE, QUEUE_GET};
use crate::store::Names;

/// So far the chain of dead-letter queues is followed.
const HOPS: usize = 16;

/// The creation of a queue; `.await` it, and it answers whether the queue is new.
///
/// # Errors
/// [`InvalidArgument`](Error::InvalidArgument) for a reserved value out of its bounds, and for a
/// `_dead_letter_queue` that leads back to this queue; [`TooLarge`](Error::TooLarge) for metadata
/// above 256 KiB; [`Transport`](Error::Transport) with the code `OOM` where the server is full.
///
/// Without metadata a lost answer is asked for again, and a queue that this very call made can then
/// be called not new. With metadata it is an error with
/// [`Outcome::Unknown`](crate::Outcome::Unknown), since another's could have come between.
///
/// # Dropping the future
/// Can leave the queue, or its name alone, which the next listing takes out.
#[must_use = "nothing is created until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreateQueue {
    queue: Queue,
    metadata: Option<Metadata>,
}

impl CreateQueue {
    pub(super) fn new(queue: Queue) -> Self {
        CreateQueue {
            queue,
            metadata: None,
        }
    }

    /// With this metadata, which replaces what an existing queue has. Without it, that stays.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    async fn run(self) -> Result<bool> {
        let queue = &self.queue;
        let of = Operation::begin(queue.store());
        if let Some(metadata) = &self.metadata {
            queue.refuse_circles(&of, metadata).await?;
        }
        let names = Names::of(&of);
        names.enter(queue.path()).await.map_err(not_begun)?;
        let metadata = self.metadata.as_ref();
        let call = |_| with_metadata(of.timed(&QUEUE_CREATE, queue.keys()), metadata);
        let made = queue.swept(&of, None, call).await?;
        let is_new = queue.numbered(made)? == 1;
        if is_new {
            queue.report("name not entered again", names.enter(queue.path()).await);
        }
        Ok(is_new)
    }
}

impl IntoFuture for CreateQueue {
    type Output = Result<bool>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The arguments that queue/create and queue/set take after the time.
pub(super) fn with_metadata(call: Call, metadata: Option<&Metadata>) -> Call {
    let Some(metadata) = metadata else {
        return call.arg("");
    };
    let call = call.arg(metadata.to_bin());
    metadata
        .settings()
        .fold(call, |call, (name, value)| call.arg(name).arg(value))
}

/// Makes a call to a queue; where that doesn't exist, creates it and calls again.
///
/// Both go in one round trip, and the queue is gone again only where someone deletes it between.
pub(super) async fn in_an_existing_queue(
    of: &Operation,
    keys: &QueueKeys,
    call: Call,
) -> Result<Value> {
    let mut calls = vec![call];
    let mut reply = of.calls(&calls).await.pop();
    while let Some(Err(Error::QueueDoesNotExist { .. })) = reply {
        if !of.has_time() {
            break;
        }
        let names = Names::of(of);
        names.enter(keys.path()).await.map_err(not_begun)?;
        if calls.len() == 1 {
            calls.insert(0, of.timed(&QUEUE_CREATE, keys).arg(""));
        }
        let mut replies = of.calls(&calls).await;
        reply = replies.pop();
        match replies.pop().unwrap_or_else(|| Err(no_reply())) {
            // The queue is there and has a name; this is for the rare case that someone took the
            // name out in the moment before.
            Ok(Reply::Value(Value::Int(1))) => _ = names.enter(keys.path()).await,
            Ok(_) => {}
            Err(error) if matches!(reply, Some(Err(Error::QueueDoesNotExist { .. }))) => {
                return Err(not_begun(error));
            }
            Err(_) => {}
        }
    }
    reply.unwrap_or_else(|| Err(no_reply())).and_then(value)
}

impl Queue {
    /// Refuses a dead-letter queue that is this queue, or leads to it, as far as can be seen.
    pub(super) async fn refuse_circles(&self, of: &Operation, metadata: &Metadata) -> Result<()> {
        let mut next = metadata.dead_letter_queue().map(str::to_owned);
        for _ in 0..HOPS {
            let Some(name) = next else { return Ok(()) };
            let name =
                QueueName::new(&name).map_err(|_| self.bad_target("wants a queue's name"))?;
            if name == *self.path().name() {
                return Err(self.bad_target("leads back to this queue"));
            }
            let path = QueuePath::from_names(self.path().project().clone(), name);
            let there = match self.store().store_of(&path).await {
                Ok(store) => of.at(&store),
                Err(error @ Error::Transport { .. }) => return Err(not_begun(error)),
                Err(_) => return Ok(()),
            };
            let keys = QueueKeys::new(&there.prefix, path);
            let described = there.script(&QUEUE_GET, &keys);
            next = match there.call(described).await {
                Ok(reply) => {
                    let target = Description::read_leniently(reply).map_err(not_begun)?;
                    target.metadata.dead_letter_queue().map(str::to_owned)
                }
                Err(error @ Error::Transport { .. }) => return Err(not_begun(error)),
                // Not there yet, or not to be read: that is as far as can be seen.
                Err(_) => None,
            };
        }
        Ok(())
    }

    fn bad_target(&self, detail: &'static str) -> Error {
        Error::invalid("_dead_letter_queue", detail).within(self.path(), None)
    }
}
