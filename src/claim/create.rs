//! Claiming messages.
//!
//! Guards that a lost answer costs nothing: a claim is asked for by an id of its own, and asking
//! again answers the same claim.

use std::future::IntoFuture;
use std::time::Duration;

use super::{Claim, ClaimId, Lease};
use crate::Pending;
use crate::error::Result;
use crate::link::Call;
use crate::operation::Operation;
use crate::queue::{Look, Queue, is_empty_handed};
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
/// Ends the waiting. It can leave a claim that nobody works on; its messages are claimable again after its ttl. Who has
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
    wait: Option<Duration>,
}

impl Queue {
    /// Claims the oldest claimable messages: up to 10, for 60 s, unless set. Fewer come where there
    /// are no more, where they fill 4 MiB, or where hundreds of delayed ones stand between; none
    /// comes only where there is none. See [`CreateClaim`].
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
            wait: None,
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

    /// Waits up to so long for something to claim: it answers as soon as there is, and `None` only
    /// after that time.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// use std::time::Duration;
    ///
    /// while let Some(claim) = queue.claim().wait(Duration::from_secs(60)).await? {
    ///     println!("{} messages", claim.messages().len());
    ///     claim.delete_all().await?;
    /// }
    /// println!("nothing for a minute");
    /// # Ok(()) }
    /// ```
    ///
    /// A waiter costs the server nothing while it waits: it is told of what others post, release or
    /// give back, whoever they are, and knows when a delay or a claim runs out. All waiters of a store
    /// share one connection beside that of the operations, made when first needed. A server that goes
    /// away and comes back meanwhile is no error; the store's deadline is for each look at the queue.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) where the store works over a connection of
    /// the caller's and has no [`wake_url`](crate::Builder::wake_url);
    /// [`Transport`](crate::Error::Transport) where nobody can listen, or a look fails.
    pub fn wait(mut self, timeout: Duration) -> Self {
        self.wait = Some(timeout);
        self
    }

    async fn run(self) -> Result<Option<Claim>> {
        let id = self.id.unwrap_or_else(ClaimId::random);
        match self.wait {
            None => self.look(id, None).await.map(Look::found),
            Some(timeout) => self.queue.waited(timeout, |wait| self.look(id, wait)).await,
        }
    }

    async fn look(&self, id: ClaimId, wait: Option<Duration>) -> Result<Look<Claim>> {
        let queue = &self.queue;
        let of = Operation::begin(queue.store());
        let call = |force| self.call(&of, &id, force, wait);
        // With an id that this program has given no claim yet, there is none to end first.
        let named = self.id.as_ref();
        let reply = queue.swept(&of, named, call).await?;
        let look = Look::read(reply, |fields| self.read(id, fields));
        look.map_err(|error| error.within(queue.path(), Some(id.as_str())))
    }

    fn call(&self, of: &Operation, id: &ClaimId, force: bool, wait: Option<Duration>) -> Call {
        of.timed(&CLAIM, self.queue.keys())
            .arg(id.as_str())
            .arg(millis(self.ttl))
            .arg(millis(self.grace))
            .arg(self.limit)
            .arg(&self.worker)
            .arg(if force { "1" } else { "" })
            .optional(wait.map(millis))
            .unconfirmed_if(is_empty_handed)
    }

    fn read(&self, id: ClaimId, mut fields: Fields) -> Result<Claim> {
        let lease = Lease::read(&mut fields)?;
        Claim::read(&self.queue, id, lease, self.worker.clone(), fields)
    }
}

impl IntoFuture for CreateClaim {
    type Output = Result<Option<Claim>>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
