//! The consumer against a real server: handlers, renewal, losses, shutdown, the stream.
//!
//! Guards what `Consumer` promises. Time is real, since claims are renewed by it; tests wait for
//! events, with patience, and never for time to pass.

#[path = "../common/mod.rs"]
mod common;

mod ahead;
mod crash;
mod events;
mod examples;
mod failing;
mod lost;
mod renewal;
mod running;
mod shutdown;
mod stage;
mod stream;
