//! A store over three pools, each a server of its own, and the control plane on a fourth.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/proxy.rs"]
mod proxy;

mod down;
mod letters;
mod listing;
mod placing;
mod sentinel;
mod stage;
mod steps;
mod topic_listing;
mod topics;
