//! Claims and pops that wait, through the library and by hand.
//!
//! A test waits for what it expects with a patience that only a lost call uses up. None sleeps until
//! something may have happened.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/proxy.rs"]
mod proxy;

mod faults;
mod hand;
mod idle;
mod many;
mod races;
mod stage;
mod waking;
