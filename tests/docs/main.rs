//! What the documents show, done as they show it.
//!
//! Guards that a reader who copies a line gets what stands below it.

#[path = "../common/mod.rs"]
mod common;

mod blocks;
mod console;
mod python;
mod reliability;
// It calls the command line.
#[cfg(feature = "cli")]
mod setup;
mod shell;
mod shown;
