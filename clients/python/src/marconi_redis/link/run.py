"""One run: some calls, from the first attempt to an answer for each.

Guards the account of what was handed over. A call is *lost* once it was handed over and no answer
came; from then on no later failure can make it *not done* again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import AskError, MovedError, RedisError

from ..errors import refusal
from ..manifest import Script
from .backoff import Backoff
from .call import MORE, Answer, Call
from .source import Source
from .tries import Try
from .verdict import ServerReply, Verdict, is_worth_dialling_again, of_word, server_reply

_SHORTEST_ATTEMPT = 1.0


def run(source: Source, calls: Sequence[Call], *, until: float) -> list[Answer]:
    """Makes the calls in their order, in one round trip where it can; an answer for each.

    Calls whose answer was lost are made again as the strictest of them allows. ``until``: the deadline,
    by the monotonic clock, in seconds.
    """
    tries = [Try(call) for call in calls]
    _Run(source, tries, until).go()
    return [one.answer for one in tries]


class _Run:
    def __init__(self, source: Source, tries: list[Try], until: float) -> None:
        self._source = source
        #: Those without an answer.
        self._open = tries
        self._repeat = min([one.call.repeat for one in tries], default=math.inf)
        self._until = until
        self._attempted = self._end_of_attempt = 0.0
        self._reason = "no time was left"
        self._goes_on = True

    def go(self) -> None:
        backoff = Backoff()
        while self._open and (now := time.monotonic()) < self._until:
            self._begin_attempt(now)
            self._attempt()
            self._open = [one for one in self._open if one.is_open]
            if self._open:
                self._take_stock()
                if not self._open or not self._goes_on or not backoff.pause(self._until):
                    break
        for one in self._open:
            one.fail(self._reason)

    def _begin_attempt(self, now: float) -> None:
        self._attempted = now
        self._end_of_attempt = self._until
        if self._repeat:
            # A call that may be repeated leaves time to do so, should its answer be lost.
            half = min(self._until - now, self._repeat) / 2
            self._end_of_attempt = min(self._until, now + max(_SHORTEST_ATTEMPT, half))

    def _attempt(self) -> None:
        """One exchange with each server that has a part in it."""
        try:
            groups = self._source.parted(self._open)
        except RedisError as error:
            self._not_connected(error)
            return
        for pool, tries in groups:
            self._exchange_with(pool, tries)

    def _exchange_with(self, pool: Any, tries: list[Try]) -> None:
        try:
            connection = pool.get_connection()
        except (RedisError, OSError) as error:
            self._not_connected(error)
            return
        try:
            self._exchange(connection, tries)
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

    def _exchange(self, connection: Any, tries: list[Try]) -> None:
        missing = self._send(connection, tries)
        if not missing:
            return
        scripts = {one.call.script for one in missing}
        for script in scripts:
            # By SCRIPT LOAD, never EVAL: newer servers evict what EVAL brought.
            if script is not None:
                self._load(connection, script, missing)
        self._send(connection, [one for one in missing if one.is_open])

    def _load(self, connection: Any, script: Script, missing: list[Try]) -> None:
        connection.send_command("SCRIPT", "LOAD", script.source)
        error = self._read(connection)
        if not isinstance(error, RedisError):
            return
        reply = server_reply(error)
        if reply is None:
            raise error
        self._reason = f"{reply.word} {reply.detail}"
        if of_word(reply.word) is Verdict.REFUSED:
            for one in missing:
                if one.call.script is script:
                    one.fail(self._reason)

    def _send(self, connection: Any, tries: list[Try]) -> list[Try]:
        """Sends these calls and notes their answers; returns those whose script is not loaded."""
        if not tries:
            return tries
        packed = b"".join([one.call.packed for one in tries])
        for one in tries:
            one.handed_over = True
        connection.send_packed_command([packed], check_health=False)
        missing, broken = [], False
        for one in tries:
            reply = self._read(connection)
            if not isinstance(reply, RedisError):
                one.answer = reply
            elif self._heard(one, reply):
                missing.append(one)
            else:
                # A primary that is none any more will not become one again on this line.
                word = server_reply(reply)
                broken |= word is not None and of_word(word.word) is Verdict.ELSEWHERE
        if broken:
            connection.disconnect()
        return [] if broken else missing

    def _read(self, connection: Any) -> object:
        """The next reply, or the error that it is. Raises where none comes."""
        left = max(self._end_of_attempt - time.monotonic(), 0.001)
        try:
            return connection.read_response(
                disable_decoding=True, timeout=left, disconnect_on_error=False
            )
        except RedisError as error:
            if server_reply(error) is None:
                raise
            return error

    def _heard(self, one: Try, error: RedisError) -> bool:
        """Notes an error reply; True where the script has to be loaded."""
        call = one.call
        # What is no reply was raised by _read.
        reply = server_reply(error) or ServerReply("", "")
        if call.script is not None and reply.word in call.script.errors:
            more = reply.word == "MORE"
            one.answer = MORE if more else refusal(reply.word, _shown(reply), call.path)
            return False
        cause = f"{reply.word} {_shown(reply)}"
        match of_word(reply.word):
            case Verdict.LOAD if call.script is not None:
                one.handed_over = False
                self._reason = cause
                return True
            case Verdict.LOAD | Verdict.REFUSED:
                one.handed_over = False
                one.fail(cause)
            case Verdict.AGAIN:
                one.handed_over = False
                self._reason = cause
            case Verdict.ELSEWHERE:
                one.handed_over = False
                self._reason = cause
                self._redirected(one, error)
            case Verdict.UNKNOWN:
                one.lost = True
                one.fail(cause)
        return False

    def _redirected(self, one: Try, error: RedisError) -> None:
        if isinstance(error, AskError):
            target = self._source.asked(error)
            if target is None:
                one.fail(self._reason)
            else:
                self._ask(target, one)
        elif isinstance(error, MovedError) and not self._source.moved(error):
            one.fail(self._reason)
        elif not isinstance(error, MovedError):
            self._source.moved(error)

    def _ask(self, pool: Any, one: Try) -> None:
        """Sends a call where its slot is on its way to, for this once."""
        try:
            connection = pool.get_connection()
        except (RedisError, OSError) as error:
            self._not_connected(error)
            return
        try:
            if one.call.script is not None:
                # First: ASKING is good for the very next command, which must not be refused.
                self._load(connection, one.call.script, [one])
            connection.send_command("ASKING")
            self._read(connection)
            if one.is_open:
                self._send(connection, [one])
        except (RedisError, OSError) as error:
            self._reason = _cause(error)
        finally:
            # Whatever is unread on it goes with it.
            connection.disconnect()
            pool.release(connection)

    def _take_stock(self) -> None:
        """After an attempt: what was handed over and not answered is lost."""
        for one in self._open:
            if one.handed_over and not one.lost:
                one.lost = True
                # From here on the time is that of the repeats, too.
                self._until = min(self._until, self._attempted + self._repeat)
            one.handed_over = False
            if one.lost and not self._repeat:
                one.fail(self._reason)
        self._open = [one for one in self._open if one.is_open]


def _shown(reply: ServerReply) -> str:
    """What the server says, as whole characters: names in it may be cut in the middle of one."""
    return "".join(c if c.isprintable() else "?" for c in reply.detail)


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
