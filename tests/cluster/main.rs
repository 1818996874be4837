//! The library on a cluster, of servers of its own: routing, resharding, failover, waiting.
//!
//! Guards that a queue is found wherever its slot is by now, without an answer being lost or doubled.

#[path = "../common/mod.rs"]
mod common;

mod durable;
mod failover;
mod moving;
mod pool;
mod routing;
mod stage;
mod waiting;
