//! Looking at single messages.
//!
//! Guards that looking changes nothing: these calls write nothing, whoever holds the message.

use super::Queue;
use crate::error::{Error, Result};
use crate::link::Call;
use crate::message::{Message, MessageId, refuse_above_most};
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::{FIRST, GET};
use crate::time::Timestamp;

/// Which end of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// The message that was posted first.
    Oldest,
    /// The message that was posted last.
    Newest,
}

impl Queue {
    /// A message by its id, claimed or delayed ones included.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let message = queue.get("1700000000000-0".parse()?).await?;
    /// println!("claimed by {:?}", message.claimed_by());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`MessageDoesNotExist`](Error::MessageDoesNotExist) for one that was deleted, has expired, is
    /// dead, or never was.
    pub async fn get(&self, id: MessageId) -> Result<Message> {
        let found = self.get_many([id]).await?.pop();
        found.ok_or_else(|| Error::MessageDoesNotExist {
            queue: self.path().clone(),
            id: id.to_string(),
        })
    }

    /// Up to 250 messages by their ids, in the order asked; those that are gone are left out.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let ids = queue.post("hello").await?;
    /// assert_eq!(queue.get_many(ids).await?.len(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`TooLarge`](Error::TooLarge) above 250 ids. No id is no call.
    pub async fn get_many(&self, ids: impl IntoIterator<Item = MessageId>) -> Result<Vec<Message>> {
        let ids: Vec<_> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        refuse_above_most(self.path(), "ids", ids.len())?;
        let of = Operation::begin(self.store());
        let call = ids.iter().fold(of.timed(&GET, self.keys()), Call::shown);
        let mut fields = Fields::of(of.call(call).await?)?;
        let now = fields.number()?.into();
        self.seen(&mut fields, now)
    }

    /// The oldest or the newest message there is, claimed and delayed ones included.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use marconi_redis::Order;
    ///
    /// if let Some(message) = queue.first(Order::Oldest).await? {
    ///     println!("waits for {:?}", message.age());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None of its own; see [`Queue`](Queue#errors).
    pub async fn first(&self, order: Order) -> Result<Option<Message>> {
        let of = Operation::begin(self.store());
        let newest = match order {
            Order::Oldest => "",
            Order::Newest => "1",
        };
        let mut marker = String::new();
        loop {
            let call = of.timed(&FIRST, self.keys()).arg(&marker).arg(newest);
            let mut fields = Fields::of(of.call(call).await?)?;
            let (now, state) = (fields.number()?.into(), fields.number()?);
            marker = fields.text()?;
            if state == 0 {
                return Ok(self.seen(&mut fields, now)?.pop());
            }
        }
    }

    /// The messages of a reply, up to its end.
    pub(super) fn seen(&self, fields: &mut Fields, now: Timestamp) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        while !fields.are_all_read() {
            let message = Message::read_seen(fields, self.path(), now);
            messages.push(message.map_err(|error| error.within(self.path(), None))?);
        }
        Ok(messages)
    }
}
