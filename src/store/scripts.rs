//! The scripts on a server: whether it has them, and loading them.
//!
//! Guards that what is called loaded is what this library calls: the server's digest is compared.

use redis::Value;

use super::Store;
use crate::error::{Error, Result};
use crate::keys::Part;
use crate::link::Call;
use crate::operation::{Operation, no_reply, value};
use crate::reply::Fields;
use crate::script;

/// One script, and whether the server has it loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptState {
    /// As in the manifest.
    pub name: &'static str,
    /// What EVALSHA takes.
    pub sha1: &'static str,
    /// Its KEYS, in their order.
    pub keys: &'static [Part],
    /// Whether the server has it; of a cluster, whether all its primaries do. Where it has not, the
    /// first call loads it.
    pub loaded: bool,
}

impl Store {
    /// Every script of this library, by name, and whether the server has it.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// for script in store.scripts().await? {
    ///     println!("{} {} {}", script.sha1, script.name, script.loaded);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Transport`].
    pub async fn scripts(&self) -> Result<Vec<ScriptState>> {
        let digests: Vec<_> = script::ALL.iter().map(|script| script.sha1()).collect();
        let call = Call::keyless("SCRIPT").arg("EXISTS").arg(digests);
        let state = |script: &&'static script::Script| ScriptState {
            name: script.name(),
            sha1: script.sha1(),
            keys: script.keys(),
            loaded: true,
        };
        let mut states: Vec<_> = script::ALL.iter().map(state).collect();
        let operation = Operation::begin(self);
        for replies in operation.everywhere(&[call]).await? {
            let reply = replies.into_iter().next().ok_or_else(no_reply)?;
            let mut known = Fields::of(value(reply?)?)?;
            for state in &mut states {
                state.loaded &= known.number()? == 1;
            }
        }
        Ok(states)
    }

    /// Loads all scripts, in a cluster into all its primaries, so that no call has to. Not needed: a
    /// call that finds its script missing loads it.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// store.load_scripts().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Transport`], [`Error::Corrupt`] where the server's digest is another.
    pub async fn load_scripts(&self) -> Result<()> {
        let load =
            |script: &&script::Script| Call::keyless("SCRIPT").arg("LOAD").arg(script.source());
        let calls: Vec<_> = script::ALL.iter().map(load).collect();
        let operation = Operation::begin(self);
        for replies in operation.everywhere(&calls).await? {
            for (script, reply) in script::ALL.iter().zip(replies) {
                match value(reply?)? {
                    Value::BulkString(digest) if digest == script.sha1().as_bytes() => {}
                    _ => return Err(Error::corrupt(format!("another digest of {script:?}"))),
                }
            }
        }
        Ok(())
    }
}
