//! One call: a script or a plain command, with everything it needs to be sent, and sent again.
//!
//! Guards that keys come from the script's own list, in its order, and that arguments never show in
//! a log.

use std::fmt;

use redis::{Cmd, ToRedisArgs, Value};

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
        }
    }

    /// Of a plain command, for the few things that are no script: listing names, health.
    pub(crate) fn command(name: &'static str) -> Self {
        Call {
            name,
            script: None,
            queue: None,
            cmd: redis::cmd(name),
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
