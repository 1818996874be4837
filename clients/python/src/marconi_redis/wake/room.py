"""The waiters of one queue in this process.

Guards that there is always one who looks, where there may be something: a call is for one waiter; who
finds something, fails, or goes away before the answer, passes it on to the next. So a call costs two
looks at most, however many wait, and an empty look tells when to look next.
"""

from __future__ import annotations

import copy
import threading
import time
from types import TracebackType


class Room:
    """One queue's waiters, and whether the server listens for them."""

    def __init__(self) -> None:
        # One lock for all of it: what waits for a standing and what waits for a call.
        self._state = threading.Condition()
        self._heard = False
        self._refused: Exception | None = None
        self._missed = False
        self._calls = 0
        self._waiters = 0
        self._longest = 0.0
        self._next: float | None = None
        self._clock: tuple[int, float] | None = None
        self._empty_since: float | None = None

    # By the listener.

    def hear(self) -> None:
        """The server listens by now."""
        with self._state:
            self._heard = True
            missed, self._missed = self._missed, False
            if missed:
                self._call_one()
            self._state.notify_all()

    def lose(self) -> None:
        """The line broke: what is published until it is back, nobody tells."""
        with self._state:
            self._missed |= self._heard
            self._heard = False

    def refuse(self, error: Exception) -> None:
        """The server will not listen."""
        with self._state:
            self._refused = error
            self._state.notify_all()

    def publish(self, at: int) -> None:
        """There is something from `at` on, by the queue's clock; 0 = now."""
        with self._state:
            when = None
            if self._clock is not None and at >= self._clock[0]:
                when = self._clock[1] + (at - self._clock[0]) / 1000
            if when is not None and when > time.monotonic():
                self._expect(when)
            else:
                self._call_one()

    def is_deserted(self, since: float) -> bool:
        """Whether nobody has waited since then."""
        with self._state:
            return self._empty_since is not None and self._empty_since <= since

    def _expect(self, when: float) -> None:
        self._next = when if self._next is None else min(self._next, when)
        # Who sleeps till later has to know.
        self._state.notify_all()

    def _call_one(self) -> None:
        # One call is kept, however often it is called: it is a reason to look, not a message.
        if self._waiters:
            self._calls = 1
            self._state.notify_all()

    # By the waiters.

    def enter(self, until: float) -> None:
        """One more waits."""
        with self._state:
            self._waiters += 1
            self._longest = max(self._longest, until)
            self._empty_since = None

    def leave(self) -> None:
        """One less."""
        with self._state:
            self._waiters -= 1
            if not self._waiters:
                self._longest, self._calls = 0.0, 0
                self._empty_since = time.monotonic()


class Seat:
    """A waiter's place in the room of its queue."""

    def __init__(self, room: Room, until: float) -> None:
        self._room = room
        room.enter(until)

    def __enter__(self) -> Seat:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._room.leave()

    @property
    def is_heard(self) -> bool:
        """Whether the server listens for this queue."""
        with self._room._state:
            return self._room._heard

    @property
    def longest(self) -> float:
        """How long the most patient waiter of the queue will wait, in seconds."""
        with self._room._state:
            return max(0.0, self._room._longest - time.monotonic())

    def heard(self, until: float) -> bool:
        """Waits until the server listens; False where it does not by then. Raises its refusal."""
        room = self._room
        with room._state:
            room._state.wait_for(
                lambda: room._heard or room._refused is not None, until - time.monotonic()
            )
            if room._refused is not None:
                # Each waiter has one of its own: that of another queue says another name.
                raise copy.copy(room._refused)
            return room._heard

    def called(self, until: float) -> bool:
        """Waits for a call, or for the time at which something comes by itself; False where neither is
        by then. A call is for the one who takes it."""
        room = self._room
        with room._state:
            while not room._calls:
                now = time.monotonic()
                due = until if room._next is None else min(until, room._next)
                if room._next is not None and room._next <= now:
                    break
                if now >= until:
                    return False
                room._state.wait(due - now)
            room._calls, room._next = 0, None
            return True

    def turn(self) -> Turn:
        """A look begins."""
        with self._room._state:
            # What is known of the future is from before this look, which will know better.
            self._room._next = None
        return Turn(self._room)


class Turn:
    """A look under way. One that ends with anything but nothing is passed on."""

    def __init__(self, room: Room) -> None:
        self._room: Room | None = room

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._room is not None:
            with self._room._state:
                self._room._call_one()

    def nothing(self, now: int, at: int) -> None:
        """It found nothing; by the queue's clock it is `now`, and something comes `at`, 0 = never."""
        room, self._room = self._room, None
        if room is None:
            return
        answered = time.monotonic()
        with room._state:
            room._clock = (now, answered)
            if at > 0:
                room._expect(answered + max(0, at - now) / 1000)
