//! One call: a script or a plain command, with everything it needs to be sent, and sent again.
//!
//! Guards that keys come from the script's own list, in its order, and that arguments never show in
//! a log.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use redis::{Arg, Cmd, RedisWrite, ToRedisArgs, Value};

use crate::keys::{Owner, Part, QueuePath};
use crate::script::{Repeat, Script};

/// The words of a call before its keys, and their bytes: the command, the digest, the number of keys.
const HEAD: (usize, usize) = (3, 7 + 40 + 2);

/// Room for what most scripts take beside keys: arguments, and their bytes.
const ROOM: (usize, usize) = (10, 160);

/// Whether a call whose answer was lost may be made again; the strictest is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Retry {
    /// No: only where it is sure that it was not done.
    OnlyIfNotDone,
    /// Yes, for so long: made twice in this time, it has the effect of one.
    Within(Duration),
    /// Yes: made twice, it has the effect of one.
    Always,
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// The script's reply.
    Value(Value),
    /// Nothing was done by this one: the `sweep` script has to run first.
    More {
        /// An earlier one was lost, and may have done it.
        after_loss: bool,
    },
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
    pub(super) owes: Owes,
}

/// Whether its answer is to be confirmed, where the caller asked for that.
#[derive(Clone, Copy)]
pub(super) enum Owes {
    Nothing,
    Receipt,
    /// A receipt, unless the answer says that nothing was done.
    ReceiptUnless(fn(&Value) -> bool),
}

impl Call {
    /// Of a script on a queue or the control plane; its arguments follow by [`arg`](Call::arg).
    pub(crate) fn new(script: &'static Script, keys: &impl Owner) -> Self {
        Self::with_room(script, keys, ROOM)
    }

    /// The same, with room for so many arguments and their bytes, so that a large body is not moved
    /// about while the command grows.
    pub(crate) fn with_room(
        script: &'static Script,
        keys: &impl Owner,
        (args, bytes): (usize, usize),
    ) -> Self {
        let length = |part: &Part| -> usize {
            let pieces = keys.key_of(*part);
            pieces.iter().map(|piece| piece.len()).sum()
        };
        let keys_bytes: usize = script.keys().iter().map(length).sum();
        let args = HEAD.0 + script.keys().len() + args;
        let mut cmd = Cmd::with_capacity(args, HEAD.1 + keys_bytes + bytes);
        cmd.arg("EVALSHA")
            .arg(script.sha1())
            .arg(script.keys().len());
        for part in script.keys() {
            let mut key = cmd.writer_for_next_arg();
            for piece in keys.key_of(*part) {
                // What is written to grows as it has to, and never fails.
                _ = key.write_all(piece.as_bytes());
            }
        }
        Call {
            name: script.name(),
            script: Some(script),
            queue: keys.queue().cloned(),
            cmd,
            // After the command, the digest and the number of keys.
            key_at: Some(3),
            owes: match script.writes() {
                true => Owes::Receipt,
                false => Owes::Nothing,
            },
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
            owes: Owes::Nothing,
        }
    }

    /// The same; it writes, and a caller who wants writes confirmed means this one, too.
    pub(crate) fn owing_a_receipt(mut self) -> Self {
        self.owes = Owes::Receipt;
        self
    }

    /// The same; nothing that any caller is told depends on whether it lasts.
    pub(crate) fn unconfirmed(mut self) -> Self {
        self.owes = Owes::Nothing;
        self
    }

    /// The same; there is nothing to confirm where its answer is like this.
    pub(crate) fn unconfirmed_if(mut self, did_nothing: fn(&Value) -> bool) -> Self {
        self.owes = Owes::ReceiptUnless(did_nothing);
        self
    }

    pub(super) fn may_owe(&self) -> bool {
        !matches!(self.owes, Owes::Nothing)
    }

    /// Whether this answer of it is to be confirmed.
    pub(super) fn owes_for(&self, answer: &Value) -> bool {
        match self.owes {
            Owes::Nothing => false,
            Owes::Receipt => true,
            Owes::ReceiptUnless(did_nothing) => !did_nothing(answer),
        }
    }

    /// A key by which to find the node that it is for.
    pub(super) fn key(&self) -> Option<&[u8]> {
        match self.cmd.args_iter().nth(self.key_at?) {
            Some(Arg::Simple(key)) => Some(key),
            _ => None,
        }
    }

    /// Whether it may be made again, by its script's rule and the arguments that it has. A plain
    /// command may: those there are read, or enter and take out names.
    pub(crate) fn retry(&self) -> Retry {
        match self.script.map(Script::repeat) {
            None | Some(Repeat::Safe) => Retry::Always,
            Some(Repeat::With { at, within, .. }) if self.is_given(at) => {
                within.map_or(Retry::Always, Retry::Within)
            }
            Some(Repeat::Without { at, .. }) if !self.is_given(at) => Retry::Always,
            Some(_) => Retry::OnlyIfNotDone,
        }
    }

    /// Whether the script gets something at this place of ARGV, which counts from 1.
    fn is_given(&self, at: usize) -> bool {
        // The command, the digest, the number of keys and the keys stand before it.
        let keys = self.script.map_or(0, |script| script.keys().len());
        let arg = self.cmd.args_iter().nth(2 + keys + at);
        arg.is_some_and(|arg| !matches!(arg, Arg::Simple(b"")))
    }

    /// The next argument; empty where there is none.
    pub(crate) fn optional(self, arg: Option<impl ToRedisArgs>) -> Self {
        match arg {
            Some(arg) => self.arg(arg),
            None => self.arg(""),
        }
    }

    /// The next argument, as it is shown.
    pub(crate) fn shown(mut self, arg: impl fmt::Display) -> Self {
        self.cmd.write_arg_fmt(arg);
        self
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
