//! Looking whether what is stored agrees with itself: of a queue, and of the control plane.
//!
//! Guards against false alarm: each call looks at its entries in every part in one step, so live
//! traffic beside it is no violation.

use std::collections::HashSet;

use redis::Value;

use crate::error::{Error, Result};
use crate::keys::{Owner, Part};
use crate::operation::Operation;
use crate::reply::Fields;
use crate::script::Script;
use crate::store::Store;

/// Something in the stored state that should not be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Violation {
    /// The part in which it was found.
    pub part: Part,
    /// What it is about: the id of a message or claim, a name, or a part.
    pub about: String,
    /// What is wrong with it.
    pub sentence: String,
}

/// What one call has found.
pub(crate) struct Page {
    /// Where the next call goes on; empty at the end.
    pub(crate) next: String,
    pub(crate) found: Vec<Found>,
}

pub(crate) struct Found {
    pub(crate) violation: Violation,
    /// What it is about, byte by byte: what somebody else wrote need be no text.
    pub(crate) about: Vec<u8>,
}

/// Looks at all entries of these parts, some a call.
pub(crate) async fn violations(
    store: &Store,
    script: &'static Script,
    keys: &(impl Owner + Sync),
    parts: &[Part],
) -> Result<Vec<Violation>> {
    let mut violations = Vec::new();
    let mut seen = HashSet::new();
    for part in parts {
        let mut cursor = String::new();
        loop {
            let page = page(store, script, keys, *part, &cursor).await?;
            for Found { violation, .. } in page.found {
                // A queue without meta says the same whatever part is asked for, and a scan of a hash
                // can come by an entry twice.
                if seen.insert((violation.about.clone(), violation.sentence.clone())) {
                    violations.push(violation);
                }
            }
            cursor = page.next;
            if cursor.is_empty() {
                break;
            }
        }
    }
    Ok(violations)
}

/// Looks at about a hundred entries.
pub(crate) async fn page(
    store: &Store,
    script: &'static Script,
    keys: &(impl Owner + Sync),
    part: Part,
    cursor: &str,
) -> Result<Page> {
    let of = Operation::begin(store);
    let call = of.script(script, keys).arg(part.as_str());
    let reply = of.call(call.arg(cursor).arg("")).await?;
    Page::read(reply, part, cursor)
}

impl Page {
    fn read(reply: Value, part: Part, cursor: &str) -> Result<Page> {
        let mut fields = Fields::of(reply)?;
        let (next, _looked_at) = (fields.text()?, fields.number()?);
        // Or who asks for page after page would ask for ever.
        if next == cursor && !next.is_empty() {
            return Err(Error::corrupt("a page that is its own next one"));
        }
        let mut found = Vec::new();
        while !fields.are_all_read() {
            let about = fields.bytes()?;
            let violation = Violation {
                part,
                about: String::from_utf8_lossy(&about).into_owned(),
                sentence: String::from_utf8_lossy(&fields.bytes()?).into_owned(),
            };
            found.push(Found { violation, about });
        }
        Ok(Page { next, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_leads_to_itself_is_corrupt() {
        let reply = |next: &str| Value::Array(vec![text(next), Value::Int(1)]);
        let text_of = |page: Result<Page>| page.map(|page| page.next);
        assert_eq!(
            text_of(Page::read(reply("7"), Part::Held, "")).expect("a page"),
            "7"
        );
        assert_eq!(
            text_of(Page::read(reply(""), Part::Held, "")).expect("the last page"),
            ""
        );
        let error = text_of(Page::read(reply("7"), Part::Held, "7")).expect_err("a page again");
        assert_eq!(error.word(), "CORRUPT");
    }

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }
}
