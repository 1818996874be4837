//! What the library promises, verb by verb, against a real server.
//!
//! Guards spec.md's sentences as callers meet them. Time comes from `Store::at`; nothing sleeps.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/proxy.rs"]
mod proxy;

mod check;
mod claim;
mod control;
mod create;
mod dead;
mod dead_interrupted;
mod dead_kept;
mod dead_sent_back;
mod delete;
mod double_claim;
mod dropped;
mod example;
mod handles;
mod health;
mod list;
mod lost;
mod merged;
mod names;
mod pop;
mod post;
mod queues;
mod read;
mod release;
mod repair;
mod stage;
mod stats;
mod steps;
mod subscription;
mod subscription_ends;
mod subscription_list;
mod sweep;
mod topic;
mod wire;
