//! Listing messages.
//!
//! Guards that a page is short only at the end of the queue, whatever was left out of it, or where
//! its bodies fill 4 MiB.

use std::future::IntoFuture;

use super::Queue;
use crate::Pending;
use crate::error::Result;
use crate::message::{Message, MessageId};
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::LIST;

/// What `list` says where it has looked at enough, and the page is to be filled by another call.
const GOES_ON: u64 = 1;

/// What it says at the end of the queue.
const AT_END: u64 = 0;

/// A listing of messages, oldest first; `.await` it. It takes nothing and changes nothing.
///
/// # Errors
/// [`InvalidArgument`](crate::Error::InvalidArgument) for a limit out of its bounds.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct List {
    queue: Queue,
    marker: Option<MessageId>,
    limit: usize,
    not_client: String,
    claimed: bool,
    delayed: bool,
}

/// Some messages, and where the next ones begin.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MessagePage {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Where the next page begins; `None` at the end of the queue. It stays good when its message
    /// is gone.
    pub marker: Option<MessageId>,
}

impl Queue {
    /// Lists messages: those that are free, unless more are asked for. See [`List`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let mut page = queue.list().limit(100).await?;
    /// while let Some(marker) = page.marker {
    ///     page = queue.list().limit(100).marker(marker).claimed(true).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// A page can take several calls; each sees the queue at its own moment.
    pub fn list(&self) -> List {
        List {
            queue: self.clone(),
            marker: None,
            limit: 10,
            not_client: String::new(),
            claimed: false,
            delayed: false,
        }
    }
}

impl List {
    /// Begin after this message, whether it is still there or not.
    pub fn marker(mut self, marker: MessageId) -> Self {
        self.marker = Some(marker);
        self
    }

    /// At most so many: 10, unless set; 1 to 250.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Whether with claimed messages: no, unless set.
    pub fn claimed(mut self, claimed: bool) -> Self {
        self.claimed = claimed;
        self
    }

    /// Whether with delayed messages: no, unless set.
    pub fn delayed(mut self, delayed: bool) -> Self {
        self.delayed = delayed;
        self
    }

    /// Whether with the messages that this store posted: yes, unless set.
    pub fn echo(mut self, echo: bool) -> Self {
        let own = self.queue.store().client();
        self.not_client = if echo { "" } else { own }.to_owned();
        self
    }

    /// Without the messages that this client posted; empty for all.
    pub fn not_client(mut self, client: impl Into<String>) -> Self {
        self.not_client = client.into();
        self
    }

    async fn run(self) -> Result<MessagePage> {
        let queue = &self.queue;
        let of = Operation::begin(queue.store());
        let mut marker = self.marker;
        let mut messages = Vec::new();
        loop {
            // At least once, so that the script refuses a limit of 0.
            let call = self.call(&of, marker, self.limit.saturating_sub(messages.len()));
            let mut fields = Fields::of(of.call(call).await?)?;
            let (now, state) = (fields.number()?.into(), fields.number()?);
            let mut next: MessageId = fields.parsed()?;
            if state != AT_END {
                next = next.coming_after(marker)?;
            }
            messages.append(&mut queue.seen(&mut fields, now)?);
            if state != GOES_ON || messages.len() >= self.limit {
                let marker = (state != AT_END).then_some(next);
                return Ok(MessagePage { messages, marker });
            }
            marker = Some(next);
        }
    }

    fn call(&self, of: &Operation, marker: Option<MessageId>, limit: usize) -> crate::link::Call {
        let flag = |set| if set { "1" } else { "" };
        of.timed(&LIST, self.queue.keys())
            .arg(marker.map_or_else(String::new, |id| id.to_string()))
            .arg(limit)
            .arg(&self.not_client)
            .arg(flag(self.claimed))
            .arg(flag(self.delayed))
    }
}

impl IntoFuture for List {
    type Output = Result<MessagePage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
