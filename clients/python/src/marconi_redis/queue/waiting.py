"""Claims and pops that wait until there is something.

Guards the order that makes a waiter miss nothing: listen, look, then wait to be told; and look again
whenever told. Whatever comes after a look is published, or was foretold in the answer to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..durations import Duration, seconds
from ..errors import InvalidArgument, Transport
from ..reply import Fields
from ..wake import Seat
from .base import QueueBase

_T = TypeVar("_T")


@dataclass(frozen=True)
class Look(Generic[_T]):
    """What a look found; or nothing, and then when something comes by itself (0 = nothing will)."""

    found: _T | None
    now: int = 0
    at: int = 0

    @classmethod
    def read(cls, reply: object, read: Callable[[Fields], _T]) -> Look[_T]:
        """The reply of claim or pop."""
        fields = Fields(reply)
        if not fields.left:
            return cls(None)
        if fields.left == 2:
            return cls(None, fields.number(), fields.number())
        return cls(read(fields))


class Waiting(QueueBase):
    """Waiting to be told that there may be something."""

    def _waited(self, wait: Duration | None, look: Callable[[int | None], Look[_T]]) -> _T | None:
        if wait is None:
            return look(None).found
        length = seconds("wait", wait)
        if length < 0:
            raise InvalidArgument("wait: wants 0 or more")
        until = time.monotonic() + length
        with self.store.wakes.enter(self.keys.key("log"), until) as seat:
            if not seat.is_heard:
                # Where there is something already, nobody has to listen.
                found = look(None).found
                if found is not None:
                    return found
                if not self._heard(seat, until):
                    return None
            return self._looked(seat, until, look)

    def _looked(self, seat: Seat, until: float, look: Callable[[int | None], Look[_T]]) -> _T | None:
        while True:
            with seat.turn() as turn:
                looked = look(max(1, round(seat.longest * 1000)))
                if looked.found is None:
                    turn.nothing(looked.now, looked.at)
            if looked.found is not None:
                return looked.found
            if not seat.called(until):
                # While the line is broken nobody tells: who leaves looks once more.
                return None if seat.is_heard else look(None).found

    def _heard(self, seat: Seat, until: float) -> bool:
        """Waits until the server listens for us; False where the time is over before."""
        patient_until = min(until, time.monotonic() + self.store.deadline)
        if seat.heard(patient_until):
            return True
        if patient_until == until:
            return False
        raise Transport("no line to be told on in time", outcome="not done", path=self.path)
