//! Two ways to ask a queue: by this crate, and by the scripts alone, as a program in another language would.
//!
//! Guards that both answer in the same words, so that one history can hold them both.

mod arguments;
mod carry;
mod envelope;
mod library;
mod plain;
mod replies;
mod resp;

use std::path::{Path, PathBuf};

use crate::history::{Call, Outcome};

pub use library::{Library, body_of};
pub use plain::Plain;
pub use resp::{Connection, Reply};

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

/// One on this crate, or one that goes by the scripts in a directory. With `faults` a server that goes away is no
/// failure: the outcome is what the client can say of it.
pub fn connect(socket: &Path, lua: Option<&PathBuf>, faults: bool) -> Box<dyn Client> {
    match lua {
        None => Box::new(Library::connect(socket, faults)),
        Some(lua) => Box::new(Plain::connect(socket, lua, faults)),
    }
}
