//! Claiming messages.
//!
//! Guards that a lost answer costs nothing: a claim is asked for by an id of its own, and asking
//! again answers the same claim.

use std::future::IntoFuture;
use std::time::Duration;

use redis::Value;

use super::{Claim, ClaimId, Lease};
use crate::Pending;
use crate::error::Result;
use crate::link::{Call, Retry};
use crate::operation::Operation;
use crate::queue::Queue;
use crate::reply::Fields;
use crate::script::CLAIM;
use crate::time::millis;

/// A claim to be made; `.await` it. It answers `None` where nothing is claimable, and then nothing
/// was made.
///
/// # Errors
/// [`InvalidArgument`](crate::Error::InvalidArgument) for a ttl, grace, limit or worker name out of
/// its bounds.
///
/// # Dropping the future
/// Can leave a claim that nobody works on; its messages are claimable again after its ttl. Who has
/// given it an [id](Self::id) can ask for it once more, or release it.
#[must_use = "nothing is claimed until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreateClaim {
    queue: Queue,
    ttl: Duration,
    grace: Duration,
    limit: usize,
    id: Option<ClaimId>,
    worker: String,
}

impl Queue {
    /// Claims the oldest claimable messages: up to 10, for 60 s, unless set. Fewer come where there
    /// are no more, or where they fill 4 MiB. See [`CreateClaim`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    ///
    /// let claim = queue.claim().ttl(Duration::from_secs(30)).limit(50).worker("cart-3").await?;
    /// if let Some(claim) = claim {
    ///     println!("{} messages for {:?}", claim.messages().len(), claim.ttl());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn claim(&self) -> CreateClaim {
        CreateClaim {
            queue: self.clone(),
            ttl: Duration::from_secs(60),
            grace: Duration::from_secs(60),
            limit: 10,
            id: None,
            worker: String::new(),
        }
    }
}

impl CreateClaim {
    /// How long the claim lives, unless it is renewed: 60 s, unless set; 1 ms to 10 years.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How much longer than the claim its messages live at least, so that another worker gets a
    /// chance: 60 s, unless set; 0 to 10 years.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// At most so many messages: 10, unless set; 1 to 250.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The claim's id: a random one, unless set. Where a claim with this id is alive, it is answered
    /// with the messages it still holds, whatever else was asked for.
    pub fn id(mut self, id: ClaimId) -> Self {
        self.id = Some(id);
        self
    }

    /// The worker's name, to be shown: up to 256 bytes without control characters.
    pub fn worker(mut self, worker: impl Into<String>) -> Self {
        self.worker = worker.into();
        self
    }

    async fn run(self) -> Result<Option<Claim>> {
        let queue = &self.queue;
        let id = self.id.unwrap_or_else(ClaimId::random);
        let of = Operation::begin(queue.store());
        let call = |force| self.call(&of, &id, force);
        // With an id that this program has given no claim yet, there is none to end first.
        let named = self.id.as_ref();
        let reply = queue.swept(&of, Retry::Always, named, call).await?;
        let claim = self.read(id, reply);
        claim.map_err(|error| error.within(queue.path(), Some(id.as_str())))
    }

    fn call(&self, of: &Operation, id: &ClaimId, force: bool) -> Call {
        of.timed(&CLAIM, self.queue.keys())
            .arg(id.as_str())
            .arg(millis(self.ttl))
            .arg(millis(self.grace))
            .arg(self.limit)
            .arg(&self.worker)
            .arg(if force { "1" } else { "" })
    }

    fn read(&self, id: ClaimId, reply: Value) -> Result<Option<Claim>> {
        let mut fields = Fields::of(reply)?;
        if fields.are_all_read() {
            return Ok(None);
        }
        let lease = Lease::read(&mut fields)?;
        Claim::read(&self.queue, id, lease, self.worker.clone(), fields).map(Some)
    }
}

impl IntoFuture for CreateClaim {
    type Output = Result<Option<Claim>>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
