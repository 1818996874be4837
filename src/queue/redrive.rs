//! Dead letters that set out again: those kept in the queue's own store, and those that have arrived
//! here from other queues.
//!
//! Guards that each goes once: it leaves its place and enters the outbox in one atomic step, and is
//! carried on from there as all letters are. And that all of them come to an end: what dies or comes
//! back meanwhile waits for the next time.

use std::future::IntoFuture;

use super::letters::Way;
use super::{MessagePage, Order, Queue};
use crate::Pending;
use crate::error::{Error, Result};
use crate::keys::{QueueName, QueuePath};
use crate::link::Call;
use crate::message::{MOST, Message, MessageId, refuse_above_most};
use crate::operation::{Account, Operation, not_begun};
use crate::reply::Fields;
use crate::script::{DEAD_REDRIVE, DEAD_SEND_BACK};

/// Dead letters that are to set out again; `.await` it, and it answers how many did. It is made by
/// [`redrive`](crate::DeadLetters::redrive) and [`redrive_all`](crate::DeadLetters::redrive_all) for
/// letters that are kept, by [`Queue::send_back`] and [`Queue::send_back_all`] for those that have
/// arrived from another queue.
///
/// Each goes to the queue where it died last, or to the one given by [`to`](Self::to), and arrives
/// there exactly once, as a new message: under a new id, behind those that are there, with its own
/// body, client and ttl, which counts anew, and without claims. [`Message::redriven`] says how often
/// it set out. A queue that doesn't exist is created.
///
/// What is gone is passed over, what a live claim holds too, and ordinary messages. Up to 250 ids go
/// in one atomic step. All of them go in steps of at most 250, each with the store's deadline to
/// itself; they are those that were there at the beginning, so it ends although letters die or come
/// back meanwhile.
///
/// They are carried on at once. What can't be carried, since the target's server is full for one,
/// waits in the outbox: that is no error, [`Redriven::arrived`] tells, and
/// [`Queue::carry_dead_letters`] carries it later and says what is in the way.
///
/// # Errors
/// [`InvalidArgument`](Error::InvalidArgument) for a target that is no queue's name, or that is the
/// very queue which the letters have arrived in; [`TooLarge`](Error::TooLarge) above 250 ids;
/// [`Transport`](Error::Transport) with the code `OOM` where the server is full: then the letters are
/// where they were. No id is no call.
///
/// A lost answer is asked for again, since to repeat it is safe; what set out in the first try is then
/// not counted. Where a step of many fails, the steps before it are done, and the error's outcome is
/// not [`NotDone`](crate::Outcome::NotDone) but [`Unknown`](crate::Outcome::Unknown); a refusal says that of
/// its own step alone. The same call goes on from there.
///
/// # Dropping the future
/// Leaves each letter at its old place, in the outbox, or arrived. The same call, made again, goes on
/// with the first; whoever carries next delivers the second, once.
#[must_use = "nothing sets out until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Redrive {
    queue: Queue,
    place: Place,
    /// `None` for all.
    ids: Option<Vec<MessageId>>,
    to: Option<String>,
    from: Option<QueuePath>,
}

/// How many dead letters set out again, and how far they came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redriven {
    /// So many left their old place.
    pub set_out: u64,
    /// At least so many of these have arrived. It is all of them where the outbox is empty by now;
    /// where other letters wait there too, it can be more than is known.
    pub arrived: u64,
}

/// Where the letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the queue's own store.
    Kept,
    /// In the queue, as messages.
    Arrived,
}

/// What has been done so far.
struct Steps<'a> {
    /// The target's tag, or nothing: where each died.
    to: String,
    set_out: u64,
    way: Way<'a>,
}

impl Queue {
    /// Sends up to 250 letters that have arrived here, in a dead-letter queue, back to where they
    /// died, or to another queue. See [`Redrive`].
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// let page = queue.list().await?;
    /// let letters = page.messages.iter().filter(|message| message.origin().is_some());
    /// queue.send_back(letters.map(|letter| letter.id())).await?;
    /// # Ok(()) }
    /// ```
    pub fn send_back(&self, ids: impl IntoIterator<Item = MessageId>) -> Redrive {
        Redrive::new(self, Place::Arrived, Some(ids.into_iter().collect()))
    }

    /// Sends all letters that have arrived here back, delayed ones included. Each message of the
    /// queue is looked at, so the cost grows with their number. See [`Redrive`].
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// let orders = store.queue("shop", "orders")?;
    /// let dead = store.queue("shop", "dead")?;
    /// println!("{:?}", dead.send_back_all().from(orders.path()).await?);
    /// # Ok(()) }
    /// ```
    pub fn send_back_all(&self) -> Redrive {
        Redrive::new(self, Place::Arrived, None)
    }
}

impl Redrive {
    pub(super) fn new(queue: &Queue, place: Place, ids: Option<Vec<MessageId>>) -> Self {
        Redrive {
            queue: queue.clone(),
            place,
            ids,
            to: None,
            from: None,
        }
    }

    /// To this queue of the same project, instead of where each died. It may lead back here.
    pub fn to(mut self, name: impl Into<String>) -> Self {
        self.to = Some(name.into());
        self
    }

    /// Only those that died in this queue last.
    pub fn from(mut self, queue: &QueuePath) -> Self {
        self.from = Some(queue.clone());
        self
    }

    async fn run(self) -> Result<Redriven> {
        // What is carried, or not, fails nobody.
        let mut carried = Account::default();
        let mut steps = Steps {
            to: self.target()?,
            set_out: 0,
            way: Way::noted_in(&mut carried),
        };
        let done = match &self.ids {
            Some(ids) => self.some(ids.clone(), &mut steps).await,
            None => {
                let mut account = Account::default();
                self.all(&mut steps, &mut account).await;
                account.close(())
            }
        };
        let (set_out, waiting) = (steps.set_out, steps.way.waiting);
        self.queue.report_carried(carried);
        done?;
        Ok(Redriven {
            set_out,
            arrived: set_out.saturating_sub(waiting),
        })
    }

    fn target(&self) -> Result<String> {
        let here = self.queue.path();
        let Some(name) = &self.to else {
            return Ok(String::new());
        };
        let refuse = |detail| Error::invalid("to", detail).within(here, None);
        let name = QueueName::new(name).map_err(|_| refuse("wants a queue's name"))?;
        let to = QueuePath::from_names(here.project().clone(), name);
        if self.place == Place::Arrived && to == *here {
            return Err(refuse("wants another queue: the letters are in this one"));
        }
        Ok(to.tag())
    }

    async fn some(&self, mut ids: Vec<MessageId>, steps: &mut Steps<'_>) -> Result<()> {
        refuse_above_most(self.queue.path(), "ids", ids.len())?;
        if self.from.is_some() {
            let found = match self.place {
                Place::Kept => self.queue.dead_letters().get_many(ids).await,
                Place::Arrived => self.queue.get_many(ids).await,
            };
            ids = self.wanted(&found.map_err(not_begun)?);
        }
        match ids.is_empty() {
            true => Ok(()),
            false => self.step(&ids, steps).await,
        }
    }

    /// Page by page, each in one step; `None` where that failed.
    async fn all(&self, steps: &mut Steps<'_>, account: &mut Account) -> Option<()> {
        let Some(newest) = account.look(self.newest().await)? else {
            return Some(());
        };
        let mut marker = None;
        loop {
            let mut page = account.look(self.page(marker).await)?;
            page.messages.retain(|message| message.id() <= newest);
            let ids = self.wanted(&page.messages);
            if !ids.is_empty() {
                account.step(self.step(&ids, steps).await)?;
            }
            marker = page.marker.filter(|marker| *marker < newest);
            if marker.is_none() {
                return Some(());
            }
        }
    }

    /// No letter that is there now comes after this id, and every later one does.
    async fn newest(&self) -> Result<Option<MessageId>> {
        let queue = &self.queue;
        if self.place == Place::Arrived {
            let newest = queue.first(Order::Newest).await?;
            return Ok(newest.map(|message| message.id()));
        }
        // What is dead and was not seen yet is brought to the store by this.
        match queue.stats().await {
            Err(Error::QueueDoesNotExist { .. }) => return Ok(None),
            stats => stats?,
        };
        let of = Operation::begin(queue.store());
        let (now, oldest) = queue.kept(&of, None, 1).await?;
        Ok((!oldest.is_empty()).then(|| MessageId::last_of(now)))
    }

    async fn page(&self, marker: Option<MessageId>) -> Result<MessagePage> {
        match self.place {
            Place::Kept => {
                let mut list = self.queue.dead_letters().list().limit(MOST);
                if let Some(marker) = marker {
                    list = list.marker(marker);
                }
                list.await
            }
            Place::Arrived => {
                let mut list = self.queue.list().delayed(true).limit(MOST);
                if let Some(marker) = marker {
                    list = list.marker(marker);
                }
                list.await
            }
        }
    }

    fn wanted(&self, messages: &[Message]) -> Vec<MessageId> {
        let from = self.from.as_ref().map(QueuePath::tag);
        let is_wanted = |message: &&Message| {
            let died_in = message.origin().and_then(|origin| origin.from.last());
            died_in.is_some() && (from.is_none() || died_in == from.as_ref())
        };
        messages.iter().filter(is_wanted).map(Message::id).collect()
    }

    /// One atomic step for these, and the carrying after it.
    async fn step(&self, ids: &[MessageId], steps: &mut Steps<'_>) -> Result<()> {
        let queue = &self.queue;
        let of = Operation::begin(queue.store());
        let reply = match self.place {
            Place::Kept => {
                let call = self.call(&of, ids, &steps.to);
                of.call(call).await?
            }
            Place::Arrived => {
                let call = |_| self.call(&of, ids, &steps.to);
                queue.swept(&of, None, call).await?
            }
        };
        let read = || {
            let mut fields = Fields::of(reply)?;
            Ok((fields.number()?, fields.number()?))
        };
        let read: Result<_> = read();
        let (set_out, waiting) = read.map_err(|error| error.within(queue.path(), None))?;
        steps.set_out += set_out;
        queue.carry_on(&mut steps.way, waiting).await;
        Ok(())
    }

    fn call(&self, of: &Operation, ids: &[MessageId], to: &str) -> Call {
        let script = match self.place {
            Place::Kept => &DEAD_REDRIVE,
            Place::Arrived => &DEAD_SEND_BACK,
        };
        let ids: Vec<_> = ids.iter().map(MessageId::to_string).collect();
        of.timed(script, self.queue.keys()).arg(to).arg(ids)
    }
}

impl IntoFuture for Redrive {
    type Output = Result<Redriven>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
