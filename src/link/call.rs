//! One call: a script or a plain command, with everything it needs to be sent, and sent again.
//!
//! Guards that keys come from the script's own list, in its order, and that arguments never show in
//! a log.

use std::fmt;

use redis::{Arg, Cmd, ToRedisArgs, Value};

use crate::keys::{Owner, QueuePath};
use crate::script::Script;

/// Whether a call whose answer was lost may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Yes: made twice, it has the effect of one.
    Always,
    /// No: only where it is sure that it was not done.
    OnlyIfNotDone,
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// The script's reply.
    Value(Value),
    /// Nothing was done: the `sweep` script has to run first.
    More,
}

/// One call, ready to be sent.
pub(crate) struct Call {
    pub(super) name: &'static str,
    pub(super) script: Option<&'static Script>,
    pub(super) queue: Option<QueuePath>,
    /// Encoded once, however often it is sent.
    pub(super) cmd: Cmd,
    /// Which word of the command is a key.
    key_at: Option<usize>,
}

impl Call {
    /// Of a script on a queue or the control plane; its arguments follow by [`arg`](Call::arg).
    pub(crate) fn new(script: &'static Script, keys: &impl Owner) -> Self {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(script.sha1()).arg(script.keys().len());
        for part in script.keys() {
            cmd.arg(keys.key_of(*part));
        }
        Call {
            name: script.name(),
            script: Some(script),
            queue: keys.queue().cloned(),
            cmd,
            // After the command, the digest and the number of keys.
            key_at: Some(3),
        }
    }

    /// Of a plain command on a key, for the few things that are no script: listing names, health.
    pub(crate) fn on_key(name: &'static str, key: &str) -> Self {
        let mut call = Self::keyless(name);
        call.cmd.arg(key);
        call.key_at = Some(1);
        call
    }

    /// Of a plain command without a key, for any node.
    pub(crate) fn keyless(name: &'static str) -> Self {
        Call {
            name,
            script: None,
            queue: None,
            cmd: redis::cmd(name),
            key_at: None,
        }
    }

    /// A key by which to find the node that it is for.
    pub(super) fn key(&self) -> Option<&[u8]> {
        match self.cmd.args_iter().nth(self.key_at?) {
            Some(Arg::Simple(key)) => Some(key),
            _ => None,
        }
    }

    /// The next argument, or several.
    pub(crate) fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("name", &self.name)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
