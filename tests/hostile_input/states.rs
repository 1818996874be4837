//! The states that a queue is in when something is wrong with a call.
//!
//! Guards that a refusal does not hang on what the queue holds.

use super::rig::{LATER, NOW, Rig};
use crate::common::Server;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Case {
    /// Something in every part; nothing overdue.
    Furnished,
    /// The same, but much is overdue.
    Late,
    /// Messages as usual only, which is where scripts look at few keys.
    Plain,
    /// There is no queue.
    Missing,
}

impl Case {
    pub const ALL: [Case; 4] = [Case::Furnished, Case::Late, Case::Plain, Case::Missing];

    pub fn now(self) -> u64 {
        if self == Case::Late { LATER } else { NOW }
    }
}

/// A rig whose queue is as the case has it, on a server that has nothing else.
pub fn in_state(server: &Server, case: Case) -> Rig {
    let mut rig = Rig::new(server, "hostile");
    rig.command(&["FLUSHALL"]);
    match case {
        Case::Furnished | Case::Late => rig.furnish(),
        Case::Plain => rig.furnish_plainly(),
        Case::Missing => {
            for name in ["held", "free"] {
                rig.ids.insert(name, "5-0".into());
            }
        }
    }
    rig
}
