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

/// The way through one part, about a hundred entries a call.
pub(crate) struct Pages<'a, K> {
    store: &'a Store,
    script: &'static Script,
    keys: &'a K,
    part: Part,
    /// Where the next call goes on: empty at the beginning, `None` at the end.
    cursor: Option<String>,
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
        let mut pages = Pages::of(store, script, keys, *part);
        while let Some(page) = pages.next().await {
            for Found { violation, .. } in page? {
                // A queue without meta says the same whatever part is asked for, and a scan of a hash
                // can come by an entry twice.
                if seen.insert((violation.about.clone(), violation.sentence.clone())) {
                    violations.push(violation);
                }
            }
        }
    }
    Ok(violations)
}

impl<'a, K: Owner + Sync> Pages<'a, K> {
    pub(crate) fn of(store: &'a Store, script: &'static Script, keys: &'a K, part: Part) -> Self {
        Pages {
            store,
            script,
            keys,
            part,
            cursor: Some(String::new()),
        }
    }

    /// What the next call has found; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Vec<Found>>> {
        let cursor = self.cursor.take()?;
        let of = Operation::begin(self.store);
        let call = of.script(self.script, self.keys).arg(self.part.as_str());
        let reply = of.call(call.arg(&cursor).arg("")).await;
        let page = reply.and_then(|reply| read(reply, self.part, &cursor));
        Some(page.map(|(next, found)| {
            self.cursor = Some(next).filter(|next| !next.is_empty());
            found
        }))
    }
}

/// Where the next call goes on, empty at the end; and what was found.
fn read(reply: Value, part: Part, cursor: &str) -> Result<(String, Vec<Found>)> {
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
    Ok((next, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_leads_to_itself_is_corrupt() {
        let reply = |next: &str| Value::Array(vec![text(next), Value::Int(1)]);
        let next = |cursor, next| read(reply(next), Part::Held, cursor).map(|(next, _)| next);
        assert_eq!(next("", "7").expect("a page"), "7");
        assert_eq!(next("", "").expect("the last page"), "");
        let error = next("7", "7").expect_err("a page again");
        assert_eq!(error.word(), "CORRUPT");
    }

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }
}
