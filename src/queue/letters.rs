//! Carrying dead letters from a queue's outbox to the queue they are addressed to.
//!
//! Guards that each arrives exactly once, whoever carries and whoever crashes: letters for one
//! target go in the outbox's order, none left out, and leave the outbox only when they have arrived.
//! The target remembers the last one it took from each source, and passes over what it has.

use std::collections::HashSet;

use super::Queue;
use super::create::in_an_existing_queue;
use crate::error::{Error, Result};
use crate::keys::{QueueKeys, QueuePath};
use crate::operation::{Operation, after_others, not_begun};
use crate::reply::{Fields, number};
use crate::script::{DEAD_DELIVER, DEAD_SETTLE, DEAD_TRANSIT};

/// How many letters go in one round.
const BATCH: usize = 250;

/// How many rounds an operation makes for letters that it came by. The next one goes on.
const ROUNDS_BY_THE_WAY: usize = 4;

/// Letters for one target: its tag, and id and content of each.
struct Bundle {
    to: String,
    letters: Vec<(String, Vec<u8>)>,
}

/// A way through the outbox, from its oldest letter to its newest.
///
/// A target that failed once is passed over from then on: a later letter must not arrive before one
/// that was left behind, for the target would take that one for an old one.
#[derive(Default)]
pub(super) struct Way {
    arrived: u64,
    /// How many letters wait in the outbox, as far as is known: no more of those that were there.
    waiting: u64,
    /// How many letters were looked at.
    looked: u64,
    /// The last letter that was looked at.
    marker: String,
    failed_targets: HashSet<String>,
    first_failure: Option<Error>,
}

impl Queue {
    /// Carries all dead letters that wait here to the queues they are addressed to, which are
    /// created where they don't exist; answers how many arrived. It works for a queue that was
    /// deleted, too.
    ///
    /// Operations that find letters waiting carry them by themselves; this is for what a program
    /// left that crashed between.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// println!("{} letters arrived", queue.carry_dead_letters().await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Dropping the future
    /// Leaves letters where they are; each is still delivered once, by whoever carries next.
    ///
    /// # Errors
    /// [`Transport`](crate::Error::Transport) with the code `OOM` where the target's server is full. The
    /// deadline is for each 250 letters. Where some letters have arrived, the error's outcome is
    /// [`Unknown`](crate::Outcome::Unknown); the same call goes on from there.
    pub async fn carry_dead_letters(&self) -> Result<u64> {
        let mut way = Way::default();
        loop {
            match self.carry(&Operation::begin(self.store()), &mut way).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    way.first_failure.get_or_insert(error);
                    break;
                }
            }
        }
        let arrived = way.arrived;
        let failed = way.first_failure.map(|error| after_others(error, arrived));
        failed.map_or(Ok(arrived), Err)
    }

    /// After an operation that found letters waiting, and is done: what fails here fails no caller.
    pub(crate) async fn carry_what_waits(&self, of: &Operation) {
        let mut way = Way::default();
        for _ in 0..ROUNDS_BY_THE_WAY {
            match self.carry(of, &mut way).await {
                Ok(true) => {}
                Ok(false) => break,
                failed => return self.report("dead letters not carried", failed),
            }
        }
        let result = way.first_failure.map_or(Ok(()), Err);
        self.report("dead letters not carried", result);
    }

    /// After a step that sent letters on their way and was told how many wait: looks at so many more.
    /// What fails is noted and fails no caller.
    pub(super) async fn carry_on(&self, way: &mut Way, waiting: u64) {
        way.waiting = waiting;
        let enough = way.looked + waiting;
        while way.looked < enough {
            match self.carry(&Operation::begin(self.store()), way).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    way.first_failure.get_or_insert(error);
                    break;
                }
            }
        }
    }

    /// At the end of a way that others' letters were sent on; answers how many wait.
    pub(super) fn arrive(&self, way: Way) -> u64 {
        let result = way.first_failure.map_or(Ok(()), Err);
        self.report("dead letters not carried", result);
        way.waiting
    }

    /// One round; answers whether there was anything to look at. What fails is one target's.
    async fn carry(&self, of: &Operation, way: &mut Way) -> Result<bool> {
        let bundles = self.bundles(of, way).await.map_err(not_begun)?;
        let found = !bundles.is_empty();
        for bundle in bundles {
            if way.failed_targets.contains(&bundle.to) {
                continue;
            }
            let to = bundle.to.clone();
            match self.deliver(of, bundle).await {
                Ok((arrived, waiting)) => {
                    way.arrived += arrived;
                    way.waiting = waiting;
                }
                Err(error) => {
                    way.failed_targets.insert(to);
                    way.first_failure.get_or_insert(error);
                }
            }
        }
        Ok(found)
    }

    /// The next letters, by target.
    async fn bundles(&self, of: &Operation, way: &mut Way) -> Result<Vec<Bundle>> {
        let call = of
            .script(&DEAD_TRANSIT, self.keys())
            .arg(way.marker.as_str())
            .arg(BATCH);
        let reply = of.call(call).await?;
        let bundles = Fields::of(reply).and_then(|fields| Bundle::read_all(fields, way));
        bundles.map_err(|error| error.within(self.path(), None))
    }

    /// How many of these were new to the target, and how many letters are left in the outbox.
    async fn deliver(&self, of: &Operation, bundle: Bundle) -> Result<(u64, u64)> {
        let path = QueuePath::from_tag(&bundle.to)?;
        let there = of.at(&self.store().store_for(&path).await?);
        let target = QueueKeys::new(&there.prefix, path);
        let mut call = there.timed(&DEAD_DELIVER, &target).arg(self.path().tag());
        for (id, letter) in &bundle.letters {
            call = call.arg(id).arg(letter.as_slice());
        }
        let arrived = number(in_an_existing_queue(&there, &target, call).await?)?;
        let ids: Vec<_> = bundle.letters.into_iter().map(|(id, _)| id).collect();
        let settle = of.script(&DEAD_SETTLE, self.keys()).arg(ids);
        // The target has them by now, whatever becomes of this.
        let left = of.call(settle).await.and_then(number);
        Ok((arrived, left.map_err(|error| after_others(error, 1))?))
    }
}

impl Bundle {
    fn read_all(mut fields: Fields, way: &mut Way) -> Result<Vec<Bundle>> {
        let mut bundles: Vec<Bundle> = Vec::new();
        while !fields.are_all_read() {
            let (id, to, letter) = (fields.text()?, fields.text()?, fields.bytes()?);
            way.marker.clone_from(&id);
            way.looked += 1;
            match bundles.iter_mut().find(|bundle| bundle.to == to) {
                Some(bundle) => bundle.letters.push((id, letter)),
                None => bundles.push(Bundle {
                    to,
                    letters: vec![(id, letter)],
                }),
            }
        }
        Ok(bundles)
    }
}
