//! The letters that a queue without a dead-letter queue keeps in a store of its own.
//!
//! Guards that looking takes nothing, and that a letter leaves the store in one of three ways only:
//! it sets out again, is purged, or its ttl is over.

use std::future::IntoFuture;

use super::redrive::{Place, Redrive};
use super::{MessagePage, Queue};
use crate::Pending;
use crate::error::{Error, Result};
use crate::message::{Message, MessageId, refuse_above_most};
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::{DEAD_GET, DEAD_LIST, DEAD_PURGE};
use crate::time::Timestamp;

/// A handle on the dead letters that are kept in a queue's own store.
///
/// That is where a message goes whose claims are used up while the queue names no dead-letter queue,
/// or while it names one where the message has died already. With a dead-letter queue letters arrive
/// there instead, as messages; [`Queue::send_back`] is for those.
///
/// A letter comes as a [`Message`]. Its [id](Message::id) is the one it has in the store, good for
/// the calls here and no others, and its age counts from when it came there. It is kept for the
/// queue's `_dead_letter_queue_messages_ttl`. [`Message::origin`] says what it was before.
///
/// A message is put here by the next operation that changes something after its last claim has ended.
/// One that nobody has come by yet is not here; [`Queue::stats`] counts it, and brings it here first.
///
/// ```no_run
/// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
/// let letters = queue.dead_letters();
/// for letter in letters.list().limit(100).await?.messages {
///     println!("{}: claimed {} times", letter.id(), letter.claims());
/// }
/// let redriven = letters.redrive_all().await?;
/// println!("{} set out again, {} have arrived", redriven.set_out, redriven.arrived);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct DeadLetters {
    pub(super) queue: Queue,
}

/// A listing of kept letters, oldest first; `.await` it. It takes nothing and changes nothing.
///
/// # Errors
/// [`InvalidArgument`](crate::Error::InvalidArgument) for a limit out of its bounds.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListDeadLetters {
    queue: Queue,
    marker: Option<MessageId>,
    limit: usize,
}

impl Queue {
    /// The dead letters that are kept in this queue's own store. See [`DeadLetters`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let page = queue.dead_letters().list().await?;
    /// println!("{} letters, and more: {}", page.messages.len(), page.marker.is_some());
    /// # Ok(()) }
    /// ```
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters {
            queue: self.clone(),
        }
    }

    /// Kept letters after a marker, and the time by which they were there.
    pub(super) async fn kept(
        &self,
        of: &Operation,
        marker: Option<MessageId>,
        limit: usize,
    ) -> Result<(Timestamp, Vec<Message>)> {
        let call = of.timed(&DEAD_LIST, self.keys());
        let call = call.arg(marker.map_or_else(String::new, |id| id.to_string()));
        let mut fields = Fields::of(of.call(call.arg(limit)).await?)?;
        let now = fields.number()?.into();
        let letters = self.kept_of(&mut fields, now)?;
        if let Some(last) = letters.last() {
            last.id().coming_after(marker)?;
        }
        Ok((now, letters))
    }

    fn kept_of(&self, fields: &mut Fields, now: Timestamp) -> Result<Vec<Message>> {
        let mut letters = Vec::new();
        while !fields.are_all_read() {
            let letter = Message::read_kept(fields, self.path(), now);
            letters.push(letter.map_err(|error| error.within(self.path(), None))?);
        }
        Ok(letters)
    }
}

impl DeadLetters {
    /// Lists them. See [`ListDeadLetters`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let mut page = queue.dead_letters().list().await?;
    /// while let Some(marker) = page.marker {
    ///     page = queue.dead_letters().list().marker(marker).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self) -> ListDeadLetters {
        ListDeadLetters {
            queue: self.queue.clone(),
            marker: None,
            limit: 10,
        }
    }

    /// One of them by its id in the store.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let letter = queue.dead_letters().get("1700000000000-0".parse()?).await?;
    /// println!("died {:?} ago of {:?}", letter.age(), letter.origin());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`MessageDoesNotExist`](Error::MessageDoesNotExist) for one that set out again, was purged,
    /// has expired, or never was there.
    pub async fn get(&self, id: MessageId) -> Result<Message> {
        let found = self.get_many([id]).await?.pop();
        found.ok_or_else(|| Error::MessageDoesNotExist {
            queue: self.queue.path().clone(),
            id: id.to_string(),
        })
    }

    /// Up to 250 of them by their ids, in the order asked; those that are gone are left out.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let ids = ["1700000000000-0".parse()?, "1700000000000-1".parse()?];
    /// println!("{} are still there", queue.dead_letters().get_many(ids).await?.len());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`TooLarge`](Error::TooLarge) above 250 ids. No id is no call.
    pub async fn get_many(&self, ids: impl IntoIterator<Item = MessageId>) -> Result<Vec<Message>> {
        let queue = &self.queue;
        let ids: Vec<_> = ids.into_iter().map(|id| id.to_string()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        refuse_above_most(queue.path(), "ids", ids.len())?;
        let of = Operation::begin(queue.store());
        let call = of.timed(&DEAD_GET, queue.keys()).arg(ids);
        let mut fields = Fields::of(of.call(call).await?)?;
        let now = fields.number()?.into();
        queue.kept_of(&mut fields, now)
    }

    /// Deletes up to 250 of them; answers how many there were. Those that are gone are no failure. A
    /// lost answer is asked for again; what the first try deleted is then not counted.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// queue.dead_letters().purge(["1700000000000-0".parse()?]).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Dropping the future
    /// Leaves all of them deleted, or none; the same call, made again, is safe.
    ///
    /// # Errors
    /// [`TooLarge`](Error::TooLarge) above 250 ids. No id is no call.
    pub async fn purge(&self, ids: impl IntoIterator<Item = MessageId>) -> Result<u64> {
        let queue = &self.queue;
        let ids: Vec<_> = ids.into_iter().map(|id| id.to_string()).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        refuse_above_most(queue.path(), "ids", ids.len())?;
        let of = Operation::begin(queue.store());
        let call = of.script(&DEAD_PURGE, queue.keys()).arg(ids);
        queue.numbered(of.call(call).await?)
    }

    /// Deletes all of them in one step, in the same time for ten as for ten million; answers how many
    /// there were, those included that had expired and were not swept yet. Letters in transit stay.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// println!("{} letters deleted", queue.dead_letters().purge_all().await?);
    /// # Ok(()) }
    /// ```
    ///
    /// Repeated only while it is known not to have been done, since others may have died between; a
    /// lost answer is an error with [`Outcome::Unknown`](crate::Outcome::Unknown).
    ///
    /// # Dropping the future
    /// Leaves all of them deleted, or none.
    ///
    /// # Errors
    /// None of its own; see [`Queue`](Queue#errors).
    pub async fn purge_all(&self) -> Result<u64> {
        let queue = &self.queue;
        let of = Operation::begin(queue.store());
        let call = of.script(&DEAD_PURGE, queue.keys()).arg("");
        queue.numbered(of.call(call).await?)
    }

    /// Sends up to 250 of them out again: back to the queue, or to another one. See [`Redrive`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let page = queue.dead_letters().list().await?;
    /// let ids = page.messages.iter().map(|letter| letter.id());
    /// queue.dead_letters().redrive(ids).await?;
    /// # Ok(()) }
    /// ```
    pub fn redrive(&self, ids: impl IntoIterator<Item = MessageId>) -> Redrive {
        Redrive::new(&self.queue, Place::Kept, Some(ids.into_iter().collect()))
    }

    /// Sends all of them out again: those that have died by the time it begins, by the server's
    /// clock, and those whose last claim has ended by then. See [`Redrive`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let redriven = queue.dead_letters().redrive_all().to("orders by hand").await?;
    /// assert!(redriven.arrived <= redriven.set_out);
    /// # Ok(()) }
    /// ```
    pub fn redrive_all(&self) -> Redrive {
        Redrive::new(&self.queue, Place::Kept, None)
    }
}

impl ListDeadLetters {
    /// Begin after this letter, whether it is still there or not.
    pub fn marker(mut self, marker: MessageId) -> Self {
        self.marker = Some(marker);
        self
    }

    /// At most so many: 10, unless set; 1 to 250. Fewer come at the end, or where they fill 4 MiB.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    async fn run(self) -> Result<MessagePage> {
        let of = Operation::begin(self.queue.store());
        let (_, messages) = self.queue.kept(&of, self.marker, self.limit).await?;
        let mut marker = messages.last().map(Message::id);
        if marker.is_some() && messages.len() < self.limit {
            // The end, or 4 MiB: a look at what follows tells.
            let (_, more) = self.queue.kept(&of, marker, 1).await?;
            marker = marker.filter(|_| !more.is_empty());
        }
        Ok(MessagePage { messages, marker })
    }
}

impl IntoFuture for ListDeadLetters {
    type Output = Result<MessagePage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
