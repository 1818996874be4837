//! Popping: taking messages for good.
//!
//! Guards that a pop is not made twice: without a token it is repeated only while it is known not
//! to have been done.

use std::future::IntoFuture;
use std::time::Duration;

use super::{Look, Queue, is_empty_handed};
use crate::Pending;
use crate::error::{Error, Result};
use crate::message::Message;
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::POP;
use crate::time::millis;

/// A pop: takes and deletes claimable messages, oldest first, in one atomic step; `.await` it.
///
/// # Errors
/// [`InvalidArgument`](Error::InvalidArgument) for a limit or token out of its bounds;
/// [`TokenReused`](Error::TokenReused) where the token was for a post.
///
/// Without a [token](Self::token) a lost answer loses the messages: it is an error with
/// [`Outcome::Unknown`](crate::Outcome::Unknown). With one the library repeats the pop, for as long
/// as the token is sure to be known: 60 s. A worker that may fail later than that wants a
/// [claim](Queue::claim).
///
/// # Dropping the future
/// Ends the waiting. It loses the messages that were popped meanwhile, except with a token: the same pop, made again,
/// answers them.
#[must_use = "nothing is popped until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pop {
    queue: Queue,
    limit: usize,
    token: Option<String>,
    wait: Option<Duration>,
}

impl Queue {
    /// Takes and deletes the oldest claimable messages: one, unless more are asked for. Fewer come
    /// where there are no more, where they fill 4 MiB, or where hundreds of delayed ones stand
    /// between. See [`Pop`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// for message in queue.pop().limit(10).token("batch-17").await? {
    ///     println!("{:?}", message.body::<String>()?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn pop(&self) -> Pop {
        Pop {
            queue: self.clone(),
            limit: 1,
            token: None,
            wait: None,
        }
    }
}

impl Pop {
    /// At most so many: 1, unless set; 1 to 250.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Makes the pop safe to repeat: for at least 60 s another pop with this token answers the same
    /// messages. One that found nothing leaves no trace, and its repeat looks again. 1 to 256 bytes
    /// without control characters.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Waits up to so long for something to pop, without asking again and again, as a
    /// [claim](crate::CreateClaim::wait) does. The store's deadline is for each look at the queue.
    pub fn wait(mut self, timeout: Duration) -> Self {
        self.wait = Some(timeout);
        self
    }

    async fn run(self) -> Result<Vec<Message>> {
        if self.token.as_deref() == Some("") {
            let error = Error::invalid("token", "wants 1 to 256 bytes");
            return Err(error.within(self.queue.path(), None));
        }
        let found = match self.wait {
            None => self.look(None).await?.found(),
            Some(timeout) => self.queue.waited(timeout, |wait| self.look(wait)).await?,
        };
        Ok(found.unwrap_or_default())
    }

    async fn look(&self, wait: Option<Duration>) -> Result<Look<Vec<Message>>> {
        let queue = &self.queue;
        let token = self.token.as_deref().unwrap_or_default();
        let of = Operation::begin(queue.store());
        let wait = wait.map(millis);
        let call = |force| {
            let call = of.timed(&POP, queue.keys()).arg(self.limit).arg(token);
            call.arg(if force { "1" } else { "" })
                .optional(wait)
                .unconfirmed_if(is_empty_handed)
        };
        let reply = queue.swept(&of, None, call).await?;
        let look = Look::read(reply, |fields| self.read(fields));
        look.map_err(|error| error.within(queue.path(), None))
    }

    fn read(&self, mut fields: Fields) -> Result<Vec<Message>> {
        let now = fields.number()?.into();
        let mut messages = Vec::new();
        while !fields.are_all_read() {
            messages.push(Message::read_taken(
                &mut fields,
                self.queue.path(),
                now,
                None,
            )?);
        }
        Ok(messages)
    }
}

impl IntoFuture for Pop {
    type Output = Result<Vec<Message>>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
