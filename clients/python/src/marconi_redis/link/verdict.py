"""What an error of the server or of connecting means for the call.

Guards the words *not done*: only what the server refuses before it runs anything, or a script before
its first write, is in the lists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from redis import exceptions


class Verdict(Enum):
    """What to do about a reply that is no refusal of a script's own."""

    LOAD = auto()  # Not done: the server doesn't have the script.
    AGAIN = auto()  # Not done, and worth another try.
    ELSEWHERE = auto()  # The same, but this server will not change its mind.
    REFUSED = auto()  # Not done, and no repetition will change that.
    UNKNOWN = auto()  # Nobody can tell: an error from the middle of a script.


_OF_WORD = {
    "NOSCRIPT": Verdict.LOAD,
    **dict.fromkeys(
        ["LOADING", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "BUSY", "NOREPLICAS"], Verdict.AGAIN
    ),
    **dict.fromkeys(["READONLY", "MOVED", "ASK"], Verdict.ELSEWHERE),
    **dict.fromkeys(["OOM", "NOAUTH", "WRONGPASS", "NOPERM", "MISCONF", "CROSSSLOT"], Verdict.REFUSED),
}


def of_word(word: str) -> Verdict:
    """The verdict on a word of the server's."""
    return _OF_WORD.get(word, Verdict.UNKNOWN)


@dataclass(frozen=True)
class ServerReply:
    """An error reply, taken apart into its word and what is said of it."""

    word: str
    detail: str


_WRAPPED = re.compile(r"(?:Error running script[^:]*: )?(?:@user_script: ?[0-9]+: )+-?(.*)", re.DOTALL)
_WORD = re.compile(r"[A-Z]{2,}")


def server_reply(error: exceptions.RedisError) -> ServerReply | None:
    """The reply that the error is; None for one that came from no server."""
    # A sentinel's connection turns READONLY into a lost connection and keeps it as the cause.
    if isinstance(error.__context__, exceptions.ReadOnlyError):
        return ServerReply("READONLY", str(error.__context__))
    if error.status_code is None and not isinstance(error, exceptions.ResponseError):
        return None
    if error.status_code not in (None, "ERR"):
        return ServerReply(error.status_code, str(error))
    # Redis 6.2 puts where in the script it was before some words, once or twice.
    inner = _WRAPPED.match(str(error))
    if inner:
        return _split(inner[1])
    return _split(str(error)) if error.status_code is None else ServerReply("ERR", str(error))


def _split(message: str) -> ServerReply:
    # Prose starts with a word too ("Wrong number of args"); a code is upper case throughout.
    word, _, detail = message.partition(" ")
    return ServerReply(word, detail) if _WORD.fullmatch(word) else ServerReply("ERR", message)


def is_worth_dialling_again(error: Exception) -> bool:
    """Whether it is worth trying to connect again. Nothing was sent, so nothing was done."""
    if isinstance(error, exceptions.RedisError):
        reply = server_reply(error)
        if reply is not None:
            # A server that has no room for another client may have some in a moment.
            full = "max number of clients" in reply.detail
            return full or of_word(reply.word) in (Verdict.AGAIN, Verdict.ELSEWHERE)
        if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError):
            return False
    causes = [error, error.__cause__, error.__context__]
    return not any(isinstance(cause, PermissionError | ValueError) for cause in causes)
