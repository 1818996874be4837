//! Posting.
//!
//! Guards that a post is not made twice: without a token it is repeated only while it is known not
//! to have been done.

mod merge;

use std::future::IntoFuture;
use std::time::Duration;

use serde::Serialize;
use sha1_smol::Sha1;

use super::Queue;
use super::create::in_an_existing_queue;
use crate::Pending;
use crate::error::{Error, Result};
use crate::link::Call;
use crate::message::{MessageId, NewMessage, refuse_above_most};
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::POST;
use crate::time::millis;

pub(super) use merge::Merging;

/// A post of up to 250 messages in one atomic step; `.await` it, and it answers their ids, in the
/// order given.
///
/// # Errors
/// [`QueueDoesNotExist`](Error::QueueDoesNotExist) where the store is set not to create queues;
/// [`InvalidArgument`](Error::InvalidArgument) for a ttl or delay out of its bounds;
/// [`TooLarge`](Error::TooLarge) above 250 messages, 256 KiB a body or 4 MiB in all (both can be
/// set); [`TokenReused`](Error::TokenReused); [`Codec`](Error::Codec) where the body can't be
/// serialised; [`Transport`](Error::Transport) with the code `OOM` where the server is full.
/// Whatever the error, all messages were posted or none.
///
/// Without a [token](Self::token) a lost answer is an error with
/// [`Outcome::Unknown`](crate::Outcome::Unknown); with one the library repeats the post, for as long
/// as the token is sure to be known: 60 s.
///
/// # Dropping the future
/// Leaves all messages posted, or none; with a token the same post, made again, tells which.
#[must_use = "nothing is posted until it is awaited"]
#[derive(Debug)]
#[non_exhaustive]
pub struct Post {
    queue: Queue,
    messages: Result<Vec<NewMessage>>,
    ttl: Option<Duration>,
    delay: Option<Duration>,
    token: Option<String>,
    client: Option<String>,
}

impl Queue {
    /// Posts one message: any serde value. [`Post`] says what can be set and what can go wrong.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    ///
    /// let ids = queue.post(&("order", 17)).ttl(Duration::from_secs(3600)).token("order-17").await?;
    /// assert_eq!(ids.len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn post<T: Serialize + ?Sized>(&self, body: &T) -> Post {
        let message = NewMessage::new(body).map_err(|error| error.within(self.path(), None));
        Post::new(self.clone(), message.map(|message| vec![message]))
    }

    /// Posts up to 250 messages, all or none. No message is no call.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use marconi_redis::NewMessage;
    ///
    /// let messages = [NewMessage::new("one")?, NewMessage::from_msgpack(b"\xa3two")?];
    /// let ids = queue.post_many(messages).await?;
    /// assert!(ids[0] < ids[1]);
    /// # Ok(()) }
    /// ```
    pub fn post_many(&self, messages: impl IntoIterator<Item = NewMessage>) -> Post {
        Post::new(self.clone(), Ok(messages.into_iter().collect()))
    }
}

impl Post {
    fn new(queue: Queue, messages: Result<Vec<NewMessage>>) -> Self {
        Post {
            queue,
            messages,
            ttl: None,
            delay: None,
            token: None,
            client: None,
        }
    }

    /// How long those messages live that don't say: 1 ms to 10 years. Without it the queue's
    /// default, else 14 days.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long those messages stay unseen that don't say: less than their ttl. Without it the
    /// queue's default, else not at all.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Makes the post safe to repeat: for at least 60 s another post with this token and the same
    /// messages answers the ids of the first and adds nothing, whoever makes it. 1 to 256 bytes
    /// without control characters. A token ends with its queue.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Who posts, in place of the store's own id: up to 256 bytes.
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    async fn run(mut self) -> Result<Vec<MessageId>> {
        let mut messages = std::mem::replace(&mut self.messages, Ok(Vec::new()))?;
        let queue = &self.queue;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        refuse_above_most(queue.path(), "messages", messages.len())?;
        for message in &mut messages {
            message.ttl = message.ttl.or(self.ttl);
            message.delay = message.delay.or(self.delay);
        }
        if self.token.is_none()
            && let [message] = &messages[..]
            && queue.merges(message)
            && let Some(message) = messages.pop()
        {
            return Ok(vec![queue.post_merged(message, self.client).await?]);
        }
        let of = Operation::begin(queue.store());
        let (client, token) = (self.client.as_deref(), self.token.as_deref());
        post(queue, &of, client, token, messages.iter()).await
    }
}

/// Bytes of two numbers: of a ttl and a delay, or of the time and a bound.
const NUMBERS: usize = 2 * 16;

/// Posts these in one call, and creates the queue where it isn't there.
async fn post<'a>(
    queue: &Queue,
    of: &Operation,
    client: Option<&str>,
    token: Option<&str>,
    messages: impl ExactSizeIterator<Item = &'a NewMessage> + Clone,
) -> Result<Vec<MessageId>> {
    let count = messages.len();
    let call = call(queue, of, client, token, messages)?;
    let reply = match queue.store().creates_queues() {
        true => in_an_existing_queue(of, queue.keys(), call).await,
        false => of.call(call).await,
    };
    let reply = reply.map_err(|error| queue.store().told(error))?;
    let read = || {
        let mut fields = Fields::of(reply)?;
        (0..count).map(|_| fields.parsed()).collect()
    };
    let ids: Result<_> = read();
    ids.map_err(|error| error.within(queue.path(), None))
}

fn call<'a>(
    queue: &Queue,
    of: &Operation,
    client: Option<&str>,
    token: Option<&str>,
    messages: impl Iterator<Item = &'a NewMessage> + Clone,
) -> Result<Call> {
    let store = queue.store();
    let (token, digest) = match token {
        None => ("", String::new()),
        Some("") => {
            let error = Error::invalid("token", "wants 1 to 256 bytes");
            return Err(error.within(queue.path(), None));
        }
        Some(token) => (token, digest(messages.clone())),
    };
    let client = client.unwrap_or(store.client());
    let sizes = messages.clone().map(|message| NUMBERS + message.body.len());
    let (count, bytes) = sizes.fold((0, 0), |(count, sum), size| (count + 1, sum + size));
    let bytes = bytes + client.len() + token.len() + digest.len() + NUMBERS;
    let call = of
        .timed_with_room(&POST, queue.keys(), (5 + 3 * count, bytes))
        .arg(client)
        .arg(token)
        .arg(digest)
        .optional(store.max_body());
    Ok(messages.fold(call, |call, message| {
        call.optional(message.ttl.map(millis))
            .optional(message.delay.map(millis))
            .arg(message.body.as_slice())
    }))
}

impl IntoFuture for Post {
    type Output = Result<Vec<MessageId>>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// As in a digest; empty stands for the queue's default.
fn length(length: Option<Duration>) -> String {
    length.map_or_else(String::new, |length| millis(length).to_string())
}

/// Of all that is posted, and not of who posts it: the repeat may come from another process.
fn digest<'a>(messages: impl Iterator<Item = &'a NewMessage>) -> String {
    let mut digest = Sha1::new();
    for message in messages {
        // No two posts read alike: the body says how long it is, and the others are digits.
        let head = format!("{},{},", length(message.ttl), length(message.delay));
        digest.update(head.as_bytes());
        digest.update(message.body.as_slice());
    }
    digest.digest().to_string()
}
