//! What was posted, and what has gone for good.
//!
//! Guards the count at the end: a message is gone only where somebody was told so.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use marconi_redis::Message;

#[derive(Default)]
pub struct Inner {
    posted: AtomicU64,
    gone: Mutex<BTreeSet<u64>>,
}

/// Bodies are numbers, from 0 on.
pub type Ledger = std::sync::Arc<Inner>;

impl Inner {
    /// Numbers for so many messages that are going to be posted.
    pub fn numbers(&self, many: u64) -> std::ops::Range<u64> {
        let first = self.posted.fetch_add(many, Ordering::Relaxed);
        first..first + many
    }

    pub fn posted(&self) -> u64 {
        self.posted.load(Ordering::Relaxed)
    }

    pub fn is_gone<'a>(&self, messages: impl IntoIterator<Item = &'a Message>) {
        let numbers = messages.into_iter().map(number_of);
        self.gone.lock().expect("the ledger").extend(numbers);
    }

    pub fn gone(&self) -> BTreeSet<u64> {
        self.gone.lock().expect("the ledger").clone()
    }
}

pub fn number_of(message: &Message) -> u64 {
    message.body().expect("a number")
}
