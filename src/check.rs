//! Looking whether what is stored agrees with itself: of a queue, and of the control plane.
//!
//! Guards against false alarm: each call looks at its entries in every part in one step, so live
//! traffic beside it is no violation.

use crate::error::Result;
use crate::keys::{Owner, Part};
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::Script;
use crate::store::Store;

/// Something in the stored state that should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The part in which it was found.
    pub part: Part,
    /// What it is about: the id of a message or claim, a name, or a part.
    pub about: String,
    /// What is wrong with it.
    pub sentence: String,
}

/// Looks at all entries of these parts, some a call.
pub(crate) async fn violations(
    store: &Store,
    script: &'static Script,
    keys: &(impl Owner + Sync),
    parts: &[Part],
) -> Result<Vec<Violation>> {
    let mut found = Vec::new();
    for part in parts {
        let mut cursor = String::new();
        loop {
            // About a hundred entries, unless told otherwise.
            let of = Operation::begin(store);
            let call = of.script(script, keys).arg(part.as_str());
            let reply = of.call(call.arg(&cursor).arg("")).await?;
            cursor = read(*part, reply, &mut found)?;
            if cursor.is_empty() {
                break;
            }
        }
    }
    Ok(found)
}

/// Answers where to go on, or nothing.
fn read(part: Part, reply: redis::Value, found: &mut Vec<Violation>) -> Result<String> {
    let mut fields = Fields::of(reply)?;
    let (next, _looked_at) = (fields.text()?, fields.number()?);
    while !fields.are_all_read() {
        let (about, sentence) = (fields.text()?, fields.text()?);
        // A queue without meta says the same whatever part is asked for, and a scan of a hash can
        // come by an entry twice.
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
