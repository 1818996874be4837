//! Faults of the server: it is killed, loses the end of its file, forgets, fills up, refuses, or has its clock set.
//!
//! Guards what is promised where the server is not well: what it keeps is whole, and what a client is told is true.

pub mod clock;
pub mod full;
pub mod killed;
pub mod power;
pub mod restless;
mod tally;
pub mod unready;
