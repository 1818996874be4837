"""The thread on which the server tells what was published.

Guards against silence: a line that does not answer when it is asked is given up, made anew, and all
rooms are told to look again. It ends when nobody has waited for a while.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import TYPE_CHECKING, Any

from redis.exceptions import MovedError, RedisError

from ..errors import Transport
from ..link.backoff import Backoff
from ..link.verdict import is_worth_dialling_again
from .line import Line

if TYPE_CHECKING:
    from .hall import Wakes


class Listener:
    """Listens for all rooms of a store; in a cluster with a line to each node that has some."""

    def __init__(self, hall: Wakes, bell: socket.socket) -> None:
        self._hall = hall
        self._bell = bell
        self._bell.setblocking(False)
        self._lines: dict[int, Line] = {}
        self._line_of: dict[str, Line] = {}

    def run(self) -> None:
        """Until nobody waits any more."""
        try:
            self._run()
        finally:
            self._drop()
            self._bell.close()

    def _run(self) -> None:
        backoff = Backoff()
        while not self._hall.is_closed:
            try:
                if self._listen(backoff):
                    return
            except (RedisError, OSError) as error:
                self._drop()
                if not is_worth_dialling_again(error) and not isinstance(error, MovedError):
                    self._hall.end(_refusal(error))
                    return
            self._hall.lose()
            self._hall.take_deserted(time.monotonic())
            if self._hall.end_if_empty():
                return
            time.sleep(backoff.draw())
        self._hall.end(None)

    def _listen(self, backoff: Backoff) -> bool:
        """Until the line breaks, or nobody waits any more: then True."""
        ask_at = time.monotonic() + self._hall.keep_alive
        while not self._hall.is_closed:
            self._subscribe_to_new()
            # A line that works is made anew without delay when it breaks.
            backoff.reset()
            for line in list(self._lines.values()):
                line.read_all()
            self._wait(ask_at)
            if time.monotonic() >= ask_at:
                self._leave_deserted()
                for line in list(self._lines.values()):
                    line.ask()
                if self._hall.end_if_empty():
                    return True
                ask_at = time.monotonic() + self._hall.keep_alive
        return False

    def _wait(self, until: float) -> None:
        """Until something comes on a line, somebody rings, or it is time."""
        sockets = [self._bell, *(line.socket for line in self._lines.values())]
        ready, _, _ = select.select(sockets, [], [], max(0.0, until - time.monotonic()))
        if self._bell in ready:
            with contextlib.suppress(OSError):
                self._bell.recv(4096)

    def _subscribe_to_new(self) -> None:
        for channel, room in self._hall.rooms():
            if channel in self._line_of:
                continue
            line = self._line(channel)
            try:
                line.subscribe(channel)
            except MovedError as error:
                self._hall.source.moved(error)
                raise
            except RedisError as error:
                if is_worth_dialling_again(error):
                    raise
                self._hall.refuse(channel, _refusal(error))
                continue
            self._line_of[channel] = line
            room.hear()

    def _line(self, channel: str) -> Line:
        pool = self._hall.source.pool(channel.encode())
        line = self._lines.get(id(pool))
        if line is None:
            line = self._lines[id(pool)] = Line(pool, self._hall.keep_alive, self._publish)
        return line

    def _publish(self, channel: str, at: int) -> None:
        room = self._hall.room(channel)
        if room is not None:
            room.publish(at)

    def _leave_deserted(self) -> None:
        for channel in self._hall.take_deserted(time.monotonic() - self._hall.keep_alive):
            line = self._line_of.pop(channel, None)
            if line is not None:
                line.unsubscribe(channel)

    def _drop(self) -> None:
        lines, self._lines, self._line_of = self._lines, {}, {}
        for line in lines.values():
            line.close()


def _refusal(error: Exception) -> Any:
    return Transport(f"not listening: {type(error).__name__}: {error}", outcome="not done")
