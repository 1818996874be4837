//! Looking at letters in transit: those that wait in a queue's outbox to be carried.
//!
//! Guards that looking moves nothing: where a letter goes was settled when it set out.

use std::future::IntoFuture;

use serde::Deserialize;

use super::Queue;
use crate::Pending;
use crate::error::Result;
use crate::message::{Message, MessageId, Origin};
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::DEAD_TRANSIT;

/// A letter on its way from one queue to another: a dead one, or one that set out again.
#[derive(Debug, Clone)]
pub struct LetterInTransit {
    to: String,
    letter: Message,
}

/// Some letters in transit, and where the next ones begin.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TransitPage {
    /// In the order in which they set out.
    pub letters: Vec<LetterInTransit>,
    /// Where the next page begins; `None` at the end. It stays good when its letter has arrived.
    pub marker: Option<MessageId>,
}

/// A listing of letters in transit; `.await` it. It moves nothing.
///
/// # Errors
/// [`InvalidArgument`](crate::Error::InvalidArgument) for a limit out of its bounds.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListInTransit {
    queue: Queue,
    marker: Option<MessageId>,
    limit: usize,
}

impl Queue {
    /// Lists the letters that wait here to be carried to another queue, also where this one was
    /// deleted meanwhile. Mostly there is none; [`carry_dead_letters`](Self::carry_dead_letters)
    /// says what holds them up. See [`ListInTransit`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// for letter in queue.letters_in_transit().limit(100).await?.letters {
    ///     println!("{} goes to {}", letter.id(), letter.to());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn letters_in_transit(&self) -> ListInTransit {
        ListInTransit {
            queue: self.clone(),
            marker: None,
            limit: 10,
        }
    }
}

impl LetterInTransit {
    /// Its id in the outbox; it arrives under another. [`MessageId::posted`] says when it set out.
    pub fn id(&self) -> MessageId {
        self.letter.id()
    }

    /// The tag of the queue it is addressed to;
    /// [`QueuePath::from_tag`](crate::keys::QueuePath::from_tag) reads it.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Its body, in the type asked for.
    ///
    /// # Errors
    /// As of [`Message::body`].
    pub fn body<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        self.letter.body()
    }

    /// Its body in MessagePack. See [`Message::raw_body`].
    pub fn raw_body(&self) -> &[u8] {
        self.letter.raw_body()
    }

    /// The id of the client that posted it; may be empty.
    pub fn client(&self) -> &str {
        self.letter.client()
    }

    /// Where it died; `None` for one that set out again.
    pub fn origin(&self) -> Option<&Origin> {
        self.letter.origin()
    }

    /// How often it was a dead letter that set out again, this time included.
    pub fn redriven(&self) -> u64 {
        self.letter.redriven()
    }
}

impl ListInTransit {
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

    async fn run(self) -> Result<TransitPage> {
        let of = Operation::begin(self.queue.store());
        let letters = self.page(&of, self.marker, self.limit).await?;
        let mut marker = letters.last().map(LetterInTransit::id);
        if marker.is_some() && letters.len() < self.limit {
            // The end, or 4 MiB: a look at what follows tells.
            let more = self.page(&of, marker, 1).await?;
            marker = marker.filter(|_| !more.is_empty());
        }
        Ok(TransitPage { letters, marker })
    }

    async fn page(
        &self,
        of: &Operation,
        marker: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<LetterInTransit>> {
        let queue = &self.queue;
        let call = of.script(&DEAD_TRANSIT, queue.keys());
        let call = call.arg(marker.map_or_else(String::new, |id| id.to_string()));
        let mut fields = Fields::of(of.call(call.arg(limit)).await?)?;
        let mut letters = Vec::new();
        while !fields.are_all_read() {
            let letter = LetterInTransit::read(&mut fields, queue);
            letters.push(letter.map_err(|error| error.within(queue.path(), None))?);
        }
        Ok(letters)
    }
}

impl LetterInTransit {
    fn read(fields: &mut Fields, queue: &Queue) -> Result<Self> {
        let (id, to) = (fields.parsed()?, fields.text()?);
        let letter = Message::read_in_transit(fields, queue.path(), id)?;
        Ok(LetterInTransit { to, letter })
    }
}

impl IntoFuture for ListInTransit {
    type Output = Result<TransitPage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
