//! Single posts merged: what comes while one call is under way goes out together in the next.
//!
//! Guards each caller's answer. One message too many or too long is refused to its own caller alone, a
//! post whose future was dropped before it was sent never is, and the order in which they came stands.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::{Pending, Queue, post};
use crate::error::{Cause, Error, Outcome, Result};
use crate::message::{MOST, MessageId, NewMessage};
use crate::operation::Operation;

/// What a post takes, unless the queue's metadata say less.
const MOST_BYTES: usize = 4 << 20;

/// What one body takes, unless the store says otherwise.
const MOST_BODY: u64 = 256 << 10;

/// The posts of one handle that wait for a call, and the call that is under way.
#[derive(Default)]
pub(in crate::queue) struct Merging(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// A task sees to them.
    is_seen_to: bool,
    /// When the latest deadline of those under way ends.
    under_way_until: Option<Instant>,
    /// How many there have been; each has its number.
    count: u64,
}

/// One post, and who waits for its answer.
struct Waiting {
    number: u64,
    client: Option<String>,
    message: NewMessage,
    until: Instant,
    answer: oneshot::Sender<Result<MessageId>>,
}

/// Where a post is whose time is over.
enum Overdue {
    /// It was not sent, and never will be.
    Left,
    /// On its way in a call that others have more time for.
    UnderWay,
    /// In a call that ends now.
    Ending,
}

impl Queue {
    /// Whether this one can go with others: what is over its bounds is left to its own call.
    pub(super) fn merges(&self, message: &NewMessage) -> bool {
        let store = self.store();
        let most = store.max_body().unwrap_or(MOST_BODY);
        let length = message.body.len();
        store.merges_posts() && length <= MOST_BYTES && length as u64 <= most
    }

    /// Posts one message together with what others post at the same time.
    pub(super) async fn post_merged(
        &self,
        message: NewMessage,
        client: Option<String>,
    ) -> Result<MessageId> {
        let (answer, mut answered) = oneshot::channel();
        let until = Operation::begin(self.store()).until();
        let (number, is_first) = self.inner.merging.enter(message, client, until, answer);
        if is_first {
            // A task of its own: whoever came first may be dropped without the others' harm.
            let task = SeesTo {
                queue: self.clone(),
                has_ended: false,
            };
            let task: Pending<()> = Box::pin(task.run());
            tokio::spawn(task);
        }
        let unknown = || self.failed(Outcome::Unknown, "no answer in time");
        let result = match timeout_at(until, &mut answered).await {
            Ok(result) => result,
            Err(_) => match self.inner.merging.leave(number, until) {
                Overdue::Left => {
                    return Err(self.failed(Outcome::NotDone, "others' posts took its time"));
                }
                Overdue::UnderWay => return answered.try_recv().unwrap_or_else(|_| Err(unknown())),
                Overdue::Ending => answered.await,
            },
        };
        // Nobody answers where the runtime ended that the call was made in.
        result.unwrap_or_else(|_| Err(unknown()))
    }

    fn failed(&self, outcome: Outcome, why: &str) -> Error {
        Error::Transport {
            queue: Some(self.path().clone()),
            outcome,
            source: Cause::text(why),
        }
    }
}

impl Merging {
    /// Takes a post in; answers its number, and whether nobody sees to them yet.
    fn enter(
        &self,
        message: NewMessage,
        client: Option<String>,
        until: Instant,
        answer: oneshot::Sender<Result<MessageId>>,
    ) -> (u64, bool) {
        let mut state = self.lock();
        state.count += 1;
        let number = state.count;
        state.waiting.push_back(Waiting {
            number,
            client,
            message,
            until,
            answer,
        });
        (number, !std::mem::replace(&mut state.is_seen_to, true))
    }

    /// Takes a post out whose time is over, unless it is under way.
    fn leave(&self, number: u64, until: Instant) -> Overdue {
        let mut state = self.lock();
        let at = state.waiting.iter().position(|post| post.number == number);
        if at.and_then(|at| state.waiting.remove(at)).is_some() {
            return Overdue::Left;
        }
        match state.under_way_until {
            Some(end) if end > until => Overdue::UnderWay,
            _ => Overdue::Ending,
        }
    }

    /// The next call's posts, from the front of those that wait; none, and then nobody sees to them.
    fn next(&self) -> Vec<Waiting> {
        let mut state = self.lock();
        let fitting = state.fitting();
        let group: Vec<_> = state.waiting.drain(..fitting).collect();
        state.under_way_until = group.iter().map(|post| post.until).max();
        state.is_seen_to = !group.is_empty();
        group
    }

    /// Nobody sees to them any more; answers those that wait.
    fn abandon(&self) -> VecDeque<Waiting> {
        let mut state = self.lock();
        (state.is_seen_to, state.under_way_until) = (false, None);
        std::mem::take(&mut state.waiting)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How many of those in front have one client's id and are no more than a call takes.
    fn fitting(&self) -> usize {
        let mut bytes = 0;
        let fits = |post: &&Waiting| {
            bytes += post.message.body.len();
            bytes <= MOST_BYTES && post.client == self.waiting[0].client
        };
        self.waiting.iter().take(MOST).take_while(fits).count()
    }
}

/// The task that sees to a handle's posts; says what is left to say should its runtime end before it.
struct SeesTo {
    queue: Queue,
    has_ended: bool,
}

impl SeesTo {
    async fn run(mut self) {
        loop {
            // Who was answered just now may have more to post: one call for all of them, not two.
            tokio::task::yield_now().await;
            let group = self.queue.inner.merging.next();
            if group.is_empty() {
                self.has_ended = true;
                return;
            }
            settle(&self.queue, group).await;
        }
    }
}

impl Drop for SeesTo {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let left = self.queue.inner.merging.abandon();
        for post in left {
            let why = "the runtime that posts has ended";
            let error = self.queue.failed(Outcome::NotDone, why);
            _ = post.answer.send(Err(error));
        }
    }
}

/// Posts these and answers each. Where something in them is refused nothing was posted, and each half
/// goes by itself, the earlier one first, until the refusal meets what it is about.
async fn settle(queue: &Queue, group: Vec<Waiting>) {
    let mut groups = vec![group];
    while let Some(mut group) = groups.pop() {
        group.retain(|post| !post.answer.is_closed());
        match call(queue, &group).await {
            Ok(ids) => {
                for (post, id) in group.into_iter().zip(ids) {
                    _ = post.answer.send(Ok(id));
                }
            }
            Err(error) if group.len() > 1 && is_about_one(&error) => {
                let later = group.split_off(group.len() / 2);
                groups.extend([later, group]);
            }
            Err(error) => {
                for post in group {
                    _ = post.answer.send(Err(error.clone()));
                }
            }
        }
    }
}

async fn call(queue: &Queue, group: &[Waiting]) -> Result<Vec<MessageId>> {
    let (Some(first), Some(until)) = (group.first(), group.iter().map(|post| post.until).max())
    else {
        return Ok(Vec::new());
    };
    let of = Operation::begin(queue.store()).ending(until);
    let messages = group.iter().map(|post| &post.message);
    post(queue, &of, first.client.as_deref(), None, messages).await
}

/// Whether a refusal may be about one message of several.
fn is_about_one(error: &Error) -> bool {
    match error {
        Error::InvalidArgument { argument, .. } => matches!(&**argument, "ttl" | "delay" | "body"),
        Error::TooLarge { .. } => true,
        _ => false,
    }
}
