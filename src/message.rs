//! Messages as they come out of a queue.
//!
//! Guards that one message that can't be read spoils no other: bytes are kept as they came, and a
//! body is decoded when it is asked for.

mod id;
mod new;

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

pub use id::MessageId;
pub use new::NewMessage;

use crate::claim::ClaimId;
use crate::envelope::{self, Envelope};
use crate::error::{Error, Result};
use crate::keys::QueuePath;
use crate::reply::Fields;
use crate::time::Timestamp;

/// A message, as the queue had it when it answered.
///
/// ```no_run
/// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
/// for message in queue.pop().limit(10).await? {
///     let order: Vec<String> = message.body()?;
///     println!("{} waited {:?}: {order:?}", message.id(), message.age());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Message {
    queue: QueuePath,
    id: MessageId,
    claims: u64,
    ttl: Duration,
    age: Duration,
    delay: Duration,
    claimed_by: Option<ClaimId>,
    client: String,
    origin: Option<Origin>,
    redriven: u64,
    /// As stored; the body is its end.
    envelope: Vec<u8>,
    /// `None` where what is stored is no envelope.
    body_at: Option<usize>,
}

/// Where a dead letter comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The tags (`project/queue`, percent-encoded) of the queues it died in, the latest last;
    /// [`QueuePath::from_tag`] reads them.
    pub from: Vec<String>,
    /// Its id in the last of them.
    pub id: Option<MessageId>,
    /// How often it had been claimed there.
    pub claims: u64,
    /// When it died.
    pub died: Option<Timestamp>,
    /// How long it was to live, from its posting to its expiry, before it died; it has this ttl again
    /// when it sets out. `None` in a letter of a version that did not note it.
    pub ttl: Option<Duration>,
}

impl Message {
    /// Its id.
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// Its body, in the type asked for; that may borrow its text from the message.
    ///
    /// ```no_run
    /// # use serde::Deserialize;
    /// #[derive(Deserialize)]
    /// struct Order<'a> {
    ///     article: &'a str,
    /// }
    ///
    /// # fn example(message: marconi_redis::Message) -> marconi_redis::Result<()> {
    /// let order: Order = message.body()?; // the article is not copied
    /// println!("{}", order.article);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Codec`] where it was posted as another type, [`Error::Corrupt`] where what is
    /// stored was written by something else than this crate's scripts. Either way the message is
    /// still there, and is deleted, released or nacked as any other.
    pub fn body<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        let decoded = match self.body_at {
            Some(at) => envelope::decode_body(&self.envelope[at..]),
            None => Envelope::decode(&self.envelope).and_then(|e| envelope::decode_body(e.body)),
        };
        decoded.map_err(|error| error.within(&self.queue, Some(&self.id.to_string())))
    }

    /// Its body in MessagePack, as it was posted; empty where what is stored is not of this crate's
    /// format.
    pub fn raw_body(&self) -> &[u8] {
        self.body_at.map_or(&[], |at| &self.envelope[at..])
    }

    /// How long it lives, from its posting to its expiry; a claim can extend it.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// How long ago it was posted, when the queue answered.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// How often it was claimed: in a claim this one counts, in a pop it does not.
    pub fn claims(&self) -> u64 {
        self.claims
    }

    /// How much longer it stays unseen; zero where it can be claimed.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// The live claim that holds it, if any.
    pub fn claimed_by(&self) -> Option<ClaimId> {
        self.claimed_by
    }

    /// The id of the client that posted it; may be empty.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// Of a dead letter: where it comes from.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// How often it was a dead letter that set out again; zero for most messages.
    pub fn redriven(&self) -> u64 {
        self.redriven
    }

    /// As dead/list and dead/get answer: id, ttl, letter. It was claimed as often as when it died.
    pub(crate) fn read_kept(
        fields: &mut Fields,
        queue: &QueuePath,
        now: Timestamp,
    ) -> Result<Self> {
        let (id, ttl) = (fields.parsed()?, fields.number()?);
        let mut message = Self::of(queue, now, id, fields.bytes()?);
        message.ttl = Duration::from_millis(ttl);
        message.claims = message.origin.as_ref().map_or(0, |origin| origin.claims);
        Ok(message)
    }

    /// As dead/transit answers a letter, after its id and where it goes.
    pub(crate) fn read_in_transit(
        fields: &mut Fields,
        queue: &QueuePath,
        id: MessageId,
    ) -> Result<Self> {
        Ok(Self::of(queue, id.posted(), id, fields.bytes()?))
    }

    /// As claim and pop answer: id, claims, ttl, envelope.
    pub(crate) fn read_taken(
        fields: &mut Fields,
        queue: &QueuePath,
        now: Timestamp,
        claimed_by: Option<ClaimId>,
    ) -> Result<Self> {
        let (id, claims, ttl) = (fields.parsed()?, fields.number()?, fields.number()?);
        let mut message = Self::of(queue, now, id, fields.bytes()?);
        (message.claims, message.ttl) = (claims, Duration::from_millis(ttl));
        message.claimed_by = claimed_by;
        Ok(message)
    }

    /// As get, list and first answer: id, claims, ttl, delay, claim, envelope.
    pub(crate) fn read_seen(
        fields: &mut Fields,
        queue: &QueuePath,
        now: Timestamp,
    ) -> Result<Self> {
        let (id, claims, ttl) = (fields.parsed()?, fields.number()?, fields.number()?);
        let delay = Duration::from_millis(fields.number()?);
        let claimed_by = fields.parsed_unless_empty()?;
        let mut message = Self::of(queue, now, id, fields.bytes()?);
        (message.claims, message.ttl) = (claims, Duration::from_millis(ttl));
        (message.delay, message.claimed_by) = (delay, claimed_by);
        Ok(message)
    }

    fn of(queue: &QueuePath, now: Timestamp, id: MessageId, stored: Vec<u8>) -> Self {
        let mut message = Message {
            queue: queue.clone(),
            id,
            claims: 0,
            ttl: Duration::ZERO,
            age: now.since(id.posted()),
            delay: Duration::ZERO,
            claimed_by: None,
            client: String::new(),
            origin: None,
            redriven: 0,
            envelope: Vec::new(),
            body_at: None,
        };
        if let Ok(envelope) = Envelope::decode(&stored) {
            message.body_at = Some(stored.len() - envelope.body.len());
            message.origin = Origin::of(&envelope);
            message.redriven = envelope.extras.redriven.unwrap_or_default();
            message.client = envelope.client.into_owned();
        }
        message.envelope = stored;
        message
    }
}

impl Origin {
    /// The queue it died in last; `None` where what is stored names none.
    pub fn queue(&self) -> Option<QueuePath> {
        let latest = self.from.last()?;
        QueuePath::from_tag(latest).ok()
    }

    fn of(envelope: &Envelope<'_>) -> Option<Self> {
        let extras = &envelope.extras;
        (!extras.from.is_empty()).then(|| Origin {
            from: extras.from.iter().map(|tag| tag.to_string()).collect(),
            id: extras.id.as_deref().and_then(|id| id.parse().ok()),
            claims: extras.claims.unwrap_or_default(),
            died: extras.died.map(Timestamp::from),
            ttl: extras.ttl,
        })
    }
}

/// Without the body, which belongs in no log.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("bytes", &self.raw_body().len())
            .field("ttl", &self.ttl)
            .field("age", &self.age)
            .field("claims", &self.claims)
            .field("claimed_by", &self.claimed_by)
            .finish_non_exhaustive()
    }
}

/// How many messages or ids go into one call.
pub(crate) const MOST: usize = 250;

/// Refuses a batch that no script takes, before it is sent.
pub(crate) fn refuse_above_most(queue: &QueuePath, what: &str, count: usize) -> Result<()> {
    if count > MOST {
        return Err(Error::TooLarge {
            queue: Some(queue.clone()),
            detail: format!("{what}: {count}, at most {MOST}"),
        });
    }
    Ok(())
}
