"""One run: some calls, from the first attempt to an answer for each.

Guards the account of what was handed over. A call is *lost* once it was handed over and no answer
came; from then on no later failure can make it *not done* again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import AskError, MovedError, RedisError

from ..errors import Outcome, Transport, refusal
from ..manifest import Script
from .backoff import Backoff
from .call import MORE, Answer, Call
from .source import Source, by_pool
from .verdict import ServerReply, Verdict, is_worth_dialling_again, of_word, server_reply

_SHORTEST_ATTEMPT = 1.0
_OPEN = object()


@dataclass
class _Progress:
    """Where a call stands."""

    handed_over: bool = False
    lost: bool = False
    answer: Answer = _OPEN


def run(source: Source, calls: Sequence[Call], *, until: float) -> list[Answer]:
    """Makes the calls in their order, in one round trip where it can; an answer for each.

    Calls whose answer was lost are made again as the strictest of them allows. ``until``: the deadline,
    by the monotonic clock, in seconds.
    """
    return _Run(source, calls, until).go()


class _Run:
    def __init__(self, source: Source, calls: Sequence[Call], until: float) -> None:
        self._source = source
        self._calls = calls
        self._progress = [_Progress() for _ in calls]
        self._repeat = min((call.repeat for call in calls), default=math.inf)
        self._until = until
        self._attempted = time.monotonic()
        self._reason = "no time was left"
        self._goes_on = True

    def go(self) -> list[Answer]:
        backoff = Backoff()
        while self._pending() and time.monotonic() < self._until:
            self._attempted = time.monotonic()
            self._attempt()
            self._take_stock()
            if not self._pending() or not self._goes_on or not backoff.pause(self._until):
                break
        for at in self._pending():
            self._fail(at, self._reason)
        return [progress.answer for progress in self._progress]

    def _attempt(self) -> None:
        """One exchange with each server that has a part in it."""
        try:
            groups = by_pool(self._source, ((at, self._calls[at]) for at in self._pending()))
        except RedisError as error:
            self._not_connected(error)
            return
        for pool, which in groups:
            self._exchange_with(pool, which)

    def _exchange_with(self, pool: Any, which: list[int]) -> None:
        try:
            connection = pool.get_connection()
        except (RedisError, OSError) as error:
            self._not_connected(error)
            return
        try:
            self._exchange(connection, which)
        except (RedisError, OSError) as error:
            connection.disconnect()
            self._reason = _cause(error)
        except BaseException:
            # An answer that nobody reads must not be read by the next one.
            connection.disconnect()
            raise
        finally:
            pool.release(connection)

    def _not_connected(self, error: Exception) -> None:
        self._reason = _cause(error)
        self._goes_on = is_worth_dialling_again(error)

    def _exchange(self, connection: Any, which: list[int]) -> None:
        missing = self._send(connection, which)
        if not missing:
            return
        scripts = {self._calls[at].script for at in missing}
        for script in scripts:
            # By SCRIPT LOAD, never EVAL: newer servers evict what EVAL brought.
            if script is not None:
                self._load(connection, script, missing)
        self._send(connection, [at for at in missing if self._progress[at].answer is _OPEN])

    def _load(self, connection: Any, script: Script, missing: list[int]) -> None:
        connection.send_command("SCRIPT", "LOAD", script.source)
        error = self._read(connection)
        if not isinstance(error, RedisError):
            return
        reply = server_reply(error)
        if reply is None:
            raise error
        self._reason = f"{reply.word} {reply.detail}"
        if of_word(reply.word) is Verdict.REFUSED:
            for at in missing:
                if self._calls[at].script is script:
                    self._fail(at, self._reason)

    def _send(self, connection: Any, which: list[int]) -> list[int]:
        """Sends these calls and notes their answers; returns those whose script is not loaded."""
        if not which:
            return which
        packed = b"".join([self._calls[at].packed() for at in which])
        for at in which:
            self._progress[at].handed_over = True
        connection.send_packed_command([packed], check_health=False)
        missing, broken = [], False
        for at in which:
            reply = self._read(connection)
            if not isinstance(reply, RedisError):
                self._answer(at, reply)
            elif self._heard(at, reply):
                missing.append(at)
            else:
                # A primary that is none any more will not become one again on this line.
                word = server_reply(reply)
                broken |= word is not None and of_word(word.word) is Verdict.ELSEWHERE
        if broken:
            connection.disconnect()
        return [] if broken else missing

    def _read(self, connection: Any) -> object:
        """The next reply, or the error that it is. Raises where none comes."""
        left = self._end_of_attempt() - time.monotonic()
        try:
            return connection.read_response(
                disable_decoding=True, timeout=max(left, 0.001), disconnect_on_error=False
            )
        except RedisError as error:
            if server_reply(error) is None:
                raise
            return error

    def _end_of_attempt(self) -> float:
        """A call that may be repeated leaves time to do so, should its answer be lost."""
        if not self._repeat:
            return self._until
        now = time.monotonic()
        half = min(self._until - now, self._repeat) / 2
        return min(self._until, now + max(_SHORTEST_ATTEMPT, half))

    def _heard(self, at: int, error: RedisError) -> bool:
        """Notes an error reply; True where the script has to be loaded."""
        call = self._calls[at]
        # What is no reply was raised by _read.
        reply = server_reply(error) or ServerReply("", "")
        if call.script is not None and reply.word in call.script.errors:
            said = MORE if reply.word == "MORE" else refusal(reply.word, _shown(reply), call.path)
            self._answer(at, said)
            return False
        cause = f"{reply.word} {_shown(reply)}"
        progress = self._progress[at]
        match of_word(reply.word):
            case Verdict.LOAD if call.script is not None:
                progress.handed_over = False
                self._reason = cause
                return True
            case Verdict.LOAD | Verdict.REFUSED:
                progress.handed_over = False
                self._fail(at, cause)
            case Verdict.AGAIN:
                progress.handed_over = False
                self._reason = cause
            case Verdict.ELSEWHERE:
                progress.handed_over = False
                self._reason = cause
                self._redirected(at, error)
            case Verdict.UNKNOWN:
                progress.lost = True
                self._fail(at, cause)
        return False

    def _redirected(self, at: int, error: RedisError) -> None:
        if isinstance(error, AskError):
            target = self._source.asked(error)
            if target is None:
                self._fail(at, self._reason)
            else:
                self._ask(target, at)
        elif isinstance(error, MovedError) and not self._source.moved(error):
            self._fail(at, self._reason)
        elif not isinstance(error, MovedError):
            self._source.moved(error)

    def _ask(self, pool: Any, at: int) -> None:
        """Sends a call where its slot is on its way to, for this once."""
        call = self._calls[at]
        try:
            connection = pool.get_connection()
        except (RedisError, OSError) as error:
            self._not_connected(error)
            return
        try:
            if call.script is not None:
                # First: ASKING is good for the very next command, which must not be refused.
                self._load(connection, call.script, [at])
            connection.send_command("ASKING")
            self._read(connection)
            if self._progress[at].answer is _OPEN:
                self._send(connection, [at])
        except (RedisError, OSError) as error:
            self._reason = _cause(error)
        finally:
            # Whatever is unread on it goes with it.
            connection.disconnect()
            pool.release(connection)

    def _take_stock(self) -> None:
        """After an attempt: what was handed over and not answered is lost."""
        for at in self._pending():
            progress = self._progress[at]
            if progress.handed_over and not progress.lost:
                progress.lost = True
                # From here on the time is that of the repeats, too.
                self._until = min(self._until, self._attempted + self._repeat)
            progress.handed_over = False
            if progress.lost and not self._repeat:
                self._fail(at, self._reason)

    def _pending(self) -> list[int]:
        return [at for at, progress in enumerate(self._progress) if progress.answer is _OPEN]

    def _answer(self, at: int, answer: Answer) -> None:
        self._progress[at].answer = answer

    def _fail(self, at: int, cause: str) -> None:
        outcome: Outcome = "unknown" if self._progress[at].lost else "not done"
        self._answer(at, Transport(cause, outcome=outcome, path=self._calls[at].path))


def _shown(reply: ServerReply) -> str:
    """What the server says, as whole characters: names in it may be cut in the middle of one."""
    return "".join(c if c.isprintable() else "?" for c in reply.detail)


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
