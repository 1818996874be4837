//! Mending what a check has found in a queue.
//!
//! Guards that nothing is mended on hearsay: the script looks again, in the step in which it writes, and
//! what is right by then it leaves alone.

use std::collections::{HashMap, HashSet};

use crate::check::{Found, Pages, Violation};
use crate::error::{Error, Result};
use crate::keys::{Part, QueueKeys};
use crate::operation::{Account, Operation};
use crate::reply::Fields;
use crate::script::{CHECK, REPAIR};
use crate::store::Store;

/// A violation, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repair {
    /// What was found.
    pub violation: Violation,
    /// Whether it is gone. What is left needs somebody's decision.
    pub is_mended: bool,
    /// What was done, or what there is to do where it is left.
    pub done: String,
}

/// Claims before the messages that they hold, and what can move the cursor before the log: what then
/// stands before the cursor and nowhere else is found on the way.
const ORDER: [Part; 8] = [
    Part::Meta,
    Part::Claims,
    Part::Held,
    Part::Returned,
    Part::Tries,
    Part::Delayed,
    Part::Expiry,
    Part::Log,
];

/// Rounds until one finds nothing. One mends, and one sees that all is well; the others are for what
/// came to light by mending.
const ROUNDS: usize = 4;

/// About so many are asked for in one call; the script takes fewer where they are large.
const MOST: usize = 250;

/// Goes through the queue until there is nothing to mend.
pub(crate) async fn repairs(store: &Store, keys: &QueueKeys) -> Result<Vec<Repair>> {
    let mut account = Account::default();
    let repairs = rounds(store, keys, &mut account).await;
    account.close(repairs.unwrap_or_default())
}

/// `None` where something failed; so below, too.
async fn rounds(store: &Store, keys: &QueueKeys, account: &mut Account) -> Option<Vec<Repair>> {
    let mut repairs: Vec<Repair> = Vec::new();
    for round in 1.. {
        // What is left is found again.
        repairs.retain(|repair| repair.is_mended);
        let mut found = self::round(store, keys, account).await?;
        let is_done = found.iter().all(|repair| !repair.is_mended);
        if !is_done && round == ROUNDS {
            for repair in &mut found {
                repair.is_mended = false;
                repair.done += "; does not stay so: look for what else writes to these keys";
            }
        }
        repairs.extend(found);
        if is_done || round == ROUNDS {
            break;
        }
    }
    Some(repairs)
}

async fn round(store: &Store, keys: &QueueKeys, account: &mut Account) -> Option<Vec<Repair>> {
    let mut repairs = Vec::new();
    for part in ORDER {
        let mut pages = Pages::of(store, &CHECK, keys, part);
        while let Some(found) = pages.next().await {
            let found = account.look(found)?;
            if !found.is_empty() {
                let told = mend(store, keys, part, &found, account).await?;
                note(found, told, &mut repairs);
            }
        }
    }
    Some(repairs)
}

/// What the script said of one thing.
struct Told {
    is_mended: bool,
    sentences: Vec<String>,
}

/// Mends these, and answers what the script said of each.
async fn mend(
    store: &Store,
    keys: &QueueKeys,
    part: Part,
    found: &[Found],
    account: &mut Account,
) -> Option<HashMap<Vec<u8>, Told>> {
    let mut told = HashMap::new();
    let mut abouts: Vec<&[u8]> = found.iter().map(|found| &*found.about).collect();
    abouts.dedup();
    let mut rest = &abouts[..];
    while !rest.is_empty() {
        let of = Operation::begin(store);
        let mut call = of.timed(&REPAIR, keys).arg(part.as_str());
        for about in rest.iter().take(MOST) {
            call = call.arg(*about);
        }
        let read = of.call(call).await.and_then(|reply| read(reply, &mut told));
        let looked_at = account.step(read)?;
        rest = rest.get(looked_at..).unwrap_or_default();
    }
    Some(told)
}

/// What became of each thing that was found.
fn note(found: Vec<Found>, mut told: HashMap<Vec<u8>, Told>, repairs: &mut Vec<Repair>) {
    let mut answered = HashSet::new();
    for Found { violation, about } in found {
        let (is_mended, done) = match told.get(&about) {
            Some(told) => (told.is_mended, told.sentences.join("; ")),
            None => (true, "was in order when it was looked at again".to_owned()),
        };
        repairs.push(Repair {
            violation,
            is_mended,
            done,
        });
        answered.insert(about);
    }
    // The script looks at meta in any case; what is left there is found in its turn.
    told.retain(|about, told| told.is_mended && !answered.contains(about));
    for (about, told) in told {
        repairs.push(Repair {
            violation: Violation {
                part: Part::Meta,
                about: String::from_utf8_lossy(&about).into_owned(),
                sentence: "was wrong beside it".to_owned(),
            },
            is_mended: true,
            done: told.sentences.join("; "),
        });
    }
}

/// Answers how many things were looked at, one at least.
fn read(reply: redis::Value, told: &mut HashMap<Vec<u8>, Told>) -> Result<usize> {
    let mut fields = Fields::of(reply)?;
    let looked_at = fields.number()?;
    while !fields.are_all_read() {
        let about = fields.bytes()?;
        let is_mended = fields.number()? == 1;
        let sentence = String::from_utf8_lossy(&fields.bytes()?).into_owned();
        let of_this = told.entry(about).or_insert_with(|| Told {
            is_mended: true,
            sentences: Vec::new(),
        });
        of_this.is_mended &= is_mended;
        if !of_this.sentences.contains(&sentence) {
            of_this.sentences.push(sentence);
        }
    }
    match usize::try_from(looked_at) {
        Ok(0) => Err(Error::corrupt("a repair that looked at nothing")),
        looked_at => Ok(looked_at.unwrap_or(usize::MAX)),
    }
}
