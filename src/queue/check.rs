//! Looking whether the parts of a queue agree with each other.
//!
//! Guards that nothing is passed over: the script's own KEYS are the parts that it looks at.

use super::Queue;
use crate::check::{Violation, violations};
use crate::error::Result;
use crate::script::CHECK;

impl Queue {
    /// Looks at all there is in the queue and answers what does not fit together: nothing, unless
    /// something else writes to its keys, or this crate has a bug.
    ///
    /// Takes many short calls, each with the store's deadline; a queue in use can be checked.
    ///
    /// ```no_run
    /// # async fn example(queue: marconi_redis::Queue) -> marconi_redis::Result<()> {
    /// for found in queue.check().await? {
    ///     println!("{}: {} {}", found.part, found.about, found.sentence);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None of its own; see [`Queue`](Queue#errors).
    pub async fn check(&self) -> Result<Vec<Violation>> {
        violations(self.store(), &CHECK, self.keys(), CHECK.keys()).await
    }
}
