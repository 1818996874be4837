//! The traps of docs/design.md, "What bites", each walked into on a real server.
//!
//! Guards that none of them bites again. Time comes from `Store::at`; nothing sleeps. Two traps are
//! not here: slots that migrate need a cluster, and nothing waits for replicas yet.

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code)]
#[path = "../library/stage.rs"]
mod stage;

mod expiry;
mod fences;
mod foreign;
mod full;
mod ids;
mod lapsed;
mod loading;
mod memory;
mod opaque;
mod order;
mod raw;
mod trimming;
mod words;
