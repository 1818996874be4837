//! Two ways to ask a queue: by this crate, and by the scripts alone, as a program in another language would.
//!
//! Guards that both answer in the same words, so that one history can hold them both.

mod carry;
mod envelope;
mod library;
mod plain;
mod resp;

use std::path::Path;

use crate::history::{Call, Outcome};

pub use library::{Library, body_of};
pub use plain::Plain;

pub trait Client {
    /// Asks, and waits for the answer. `lose` is how long to wait, in µs, before the answer is given up: the outcome is
    /// then `Lost`, and by the time this returns the server has done it, or never will.
    fn ask(
        &mut self,
        group: usize,
        queue: usize,
        who: u32,
        call: &Call,
        lose: Option<u64>,
    ) -> Outcome;
}

pub fn connect(socket: &Path, plain: bool) -> Box<dyn Client> {
    if plain {
        Box::new(Plain::connect(socket))
    } else {
        Box::new(Library::connect(socket))
    }
}
