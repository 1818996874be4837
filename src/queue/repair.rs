//! Mending what does not fit together in a queue.
//!
//! Guards the bodies: nothing here makes, changes or deletes one.

use super::Queue;
use crate::error::Result;
use crate::repair::{Repair, repairs};

impl Queue {
    /// Mends what [`check`](Self::check) finds, as far as it can be, and answers what that was: each violation,
    /// and what was done about it, or what there is to do. Nothing is left wrong where all of them
    /// [are mended](Repair::is_mended); on a sound queue nothing is written.
    ///
    /// Where two things contradict each other a message is rather delivered once more than lost, and
    /// never held by two claims; a claim that can't be read ends, and its try is not counted.
    /// Bodies are not touched. A queue in use can be repaired: each step looks again, and writes, in one.
    /// What each violation comes to stands in docs/contract.md.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// for repair in queue.repair().await? {
    ///     let became = if repair.is_mended { "mended" } else { "left" };
    ///     println!("{}: {}: {became}: {}", repair.violation.about, repair.violation.sentence, repair.done);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Dropping the future
    /// Leaves the rest to the next one: what was mended stays so.
    ///
    /// # Errors
    /// None of its own; see [`Queue`](Queue#errors).
    pub async fn repair(&self) -> Result<Vec<Repair>> {
        repairs(self.store(), self.keys()).await
    }
}
