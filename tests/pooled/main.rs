//! A store over three pools, each a server of its own, and the control plane on a fourth.

#[path = "../common/mod.rs"]
mod common;

mod down;
mod letters;
mod listing;
mod placing;
mod sentinel;
mod stage;
mod topic_listing;
mod topics;
