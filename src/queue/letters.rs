//! Carrying dead letters from a queue's outbox to the queue they are addressed to.
//!
//! Guards that each arrives exactly once, whoever carries and whoever crashes: letters for one
//! target go in the outbox's order, none left out, and leave the outbox only when they have arrived.
//! The target remembers the last one it took from each source, and passes over what it has.

use std::collections::HashSet;

use super::Queue;
use super::create::in_an_existing_queue;
use crate::error::Result;
use crate::keys::{QueueKeys, QueuePath};
use crate::message::MessageId;
use crate::operation::{Account, Operation};
use crate::reply::{Fields, number};
use crate::script::{DEAD_DELIVER, DEAD_SETTLE, DEAD_TRANSIT};

/// How many letters go in one round.
const BATCH: usize = 250;

/// How many rounds an operation makes for letters that it came by. The next one goes on.
const ROUNDS_BY_THE_WAY: usize = 4;

/// Letters for one target: its tag, and id and content of each.
struct Bundle {
    to: String,
    letters: Vec<(MessageId, Vec<u8>)>,
}

/// A way through the outbox, from its oldest letter to its newest.
///
/// A target that failed once is passed over from then on: a later letter must not arrive before one
/// that was left behind, for the target would take that one for an old one.
pub(super) struct Way<'a> {
    account: &'a mut Account,
    arrived: u64,
    /// How many letters wait in the outbox, as far as is known: no more of those that were there.
    pub(super) waiting: u64,
    /// How many letters were looked at.
    looked: u64,
    /// The last letter that was looked at.
    marker: Option<MessageId>,
    failed_targets: HashSet<String>,
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
    /// deadline is for each 250 letters. Where some letters have arrived, or may have, the error's
    /// outcome is [`Unknown`](crate::Outcome::Unknown); a refusal is that of one target, and says
    /// nothing of the others. The same call goes on from there.
    pub async fn carry_dead_letters(&self) -> Result<u64> {
        let mut account = Account::default();
        let arrived = self.carry_all(&mut account).await;
        account.close(arrived)
    }

    /// The same, as a part of something larger.
    pub(crate) async fn carry_all(&self, account: &mut Account) -> u64 {
        let mut way = Way::noted_in(account);
        while self.carry(&Operation::begin(self.store()), &mut way).await {}
        way.arrived
    }

    /// After an operation that found letters waiting, and is done: what fails here fails no caller.
    pub(crate) async fn carry_what_waits(&self, of: &Operation) {
        let mut account = Account::default();
        let mut way = Way::noted_in(&mut account);
        for _ in 0..ROUNDS_BY_THE_WAY {
            if !self.carry(of, &mut way).await {
                break;
            }
        }
        self.report_carried(account);
    }

    /// After a step that sent letters on their way and was told how many wait: looks at so many more.
    pub(super) async fn carry_on(&self, way: &mut Way<'_>, waiting: u64) {
        way.waiting = waiting;
        let enough = way.looked + waiting;
        while way.looked < enough && self.carry(&Operation::begin(self.store()), way).await {}
    }

    /// At the end of a way that was gone for the letters of another operation.
    pub(super) fn report_carried(&self, account: Account) {
        self.report("dead letters not carried", account.close(()));
    }

    /// One round; answers whether there can be more to look at. What fails is one target's.
    async fn carry(&self, of: &Operation, way: &mut Way<'_>) -> bool {
        let bundles = self.bundles(of, way).await;
        let Some(bundles) = way.account.look(bundles) else {
            return false;
        };
        let found = !bundles.is_empty();
        for bundle in bundles {
            let to = bundle.to.clone();
            if !way.failed_targets.contains(&to) && self.deliver(of, bundle, way).await.is_none() {
                way.failed_targets.insert(to);
            }
        }
        found
    }

    /// The next letters, by target.
    async fn bundles(&self, of: &Operation, way: &mut Way<'_>) -> Result<Vec<Bundle>> {
        let marker = way.marker.map_or_else(String::new, |id| id.to_string());
        let call = of.script(&DEAD_TRANSIT, self.keys()).arg(marker);
        let reply = of.call(call.arg(BATCH)).await?;
        let bundles = Fields::of(reply).and_then(|fields| Bundle::read_all(fields, way));
        bundles.map_err(|error| error.within(self.path(), None))
    }

    /// To their target, and out of the outbox; `None` where that failed.
    async fn deliver(&self, of: &Operation, bundle: Bundle, way: &mut Way<'_>) -> Option<()> {
        let (there, target) = way.account.look(self.target(of, &bundle.to).await)?;
        let mut call = there.timed(&DEAD_DELIVER, &target).arg(self.path().tag());
        for (id, letter) in &bundle.letters {
            call = call.arg(id.to_string()).arg(letter.as_slice());
        }
        let arrived = in_an_existing_queue(&there, &target, call).await;
        way.arrived += way.account.step(arrived.and_then(number))?;
        let ids: Vec<_> = bundle
            .letters
            .iter()
            .map(|(id, _)| id.to_string())
            .collect();
        let settle = of.script(&DEAD_SETTLE, self.keys()).arg(ids);
        let left = of.call(settle).await.and_then(number);
        way.waiting = way.account.step(left)?;
        Some(())
    }

    /// Where letters with this address go.
    async fn target(&self, of: &Operation, to: &str) -> Result<(Operation, QueueKeys)> {
        let path = QueuePath::from_tag(to)?;
        let there = of.at(&self.store().store_for(&path).await?);
        let target = QueueKeys::new(&there.prefix, path);
        Ok((there, target))
    }
}

impl<'a> Way<'a> {
    pub(super) fn noted_in(account: &'a mut Account) -> Self {
        Way {
            account,
            arrived: 0,
            waiting: 0,
            looked: 0,
            marker: None,
            failed_targets: HashSet::new(),
        }
    }
}

impl Bundle {
    fn read_all(mut fields: Fields, way: &mut Way<'_>) -> Result<Vec<Bundle>> {
        let mut bundles: Vec<Bundle> = Vec::new();
        while !fields.are_all_read() {
            let id = fields.parsed::<MessageId>()?.coming_after(way.marker)?;
            let (to, letter) = (fields.text()?, fields.bytes()?);
            way.marker = Some(id);
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
