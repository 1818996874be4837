//! Looking whether the parts of a queue agree with each other.
//!
//! Guards against false alarm: each call looks at its entries in every part in one step, so live
//! traffic beside it is no violation.

use super::Queue;
use crate::error::Result;
use crate::keys::Part;
use crate::link::Retry;
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::CHECK;

/// Something in a queue's stored state that should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The part in which it was found.
    pub part: Part,
    /// What it is about: the id of a message or claim, or a part.
    pub about: String,
    /// What is wrong with it.
    pub sentence: String,
}

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
        let mut found = Vec::new();
        // The script's own KEYS are the parts that it looks at.
        for part in CHECK.keys() {
            let mut cursor = String::new();
            loop {
                cursor = self.check_some(*part, &cursor, &mut found).await?;
                if cursor.is_empty() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Looks at about a hundred entries; answers where to go on, or nothing.
    async fn check_some(
        &self,
        part: Part,
        cursor: &str,
        found: &mut Vec<Violation>,
    ) -> Result<String> {
        let of = Operation::begin(self.store());
        let call = of.script(&CHECK, self.keys());
        let call = call.arg(part.as_str()).arg(cursor).arg("");
        let mut fields = Fields::of(of.call(call, Retry::Always).await?)?;
        let (next, _looked_at) = (fields.text()?, fields.number()?);
        while !fields.are_all_read() {
            let (about, sentence) = (fields.text()?, fields.text()?);
            // A queue without meta says the same whatever part is asked for, and a scan of a hash
            // can come by an entry twice.
            if !found
                .iter()
                .any(|v| v.about == about && v.sentence == sentence)
            {
                found.push(Violation {
                    part,
                    about,
                    sentence,
                });
            }
        }
        Ok(next)
    }
}
