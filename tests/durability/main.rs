//! Writes that are acknowledged once replicas, or a disk, have them: on a primary and replicas of the test's own.
//!
//! Guards that an acknowledgement is true, and that what is not known is called unknown. What only some servers can
//! do is tried on all: those that can't have to refuse it.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/proxy.rs"]
mod proxy;

mod busy;
mod failover;
mod fsync;
mod held;
mod lost;
mod refused;
mod repeated;
mod stage;
