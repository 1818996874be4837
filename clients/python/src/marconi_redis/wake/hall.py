"""The rooms of a store, and the thread that listens for them.

Guards that a room in use has somebody who listens for it: the thread is started with the first waiter
and ends, under the lock by which rooms are made, when no room is left.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING

from .listener import Listener
from .room import Room, Seat

if TYPE_CHECKING:
    from ..link import Source


class Wakes:
    """Where the waiters of a store are told. Threads may share it."""

    def __init__(self, source: Source, keep_alive: float, name: str) -> None:
        self.source = source
        self.keep_alive = keep_alive
        self._name = f"marconi-redis {name}"
        self.is_closed = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._rooms: dict[str, Room] = {}
        self._thread: threading.Thread | None = None
        self._bell: socket.socket | None = None

    def enter(self, channel: str, until: float) -> Seat:
        """A place to wait at, for a queue's channel."""
        if self._process != os.getpid():
            # A fork takes neither the thread with it nor what its lock stood for.
            self._begin_anew()
        with self._lock:
            room = self._rooms.get(channel)
            is_new = room is None
            if room is None:
                room = self._rooms[channel] = Room()
            seat = Seat(room, until)
            if self._thread is None:
                self._start()
            elif is_new:
                self._ring()
            return seat

    def _start(self) -> None:
        self._bell, heard = socket.socketpair()
        self._bell.setblocking(False)
        listener = Listener(self, heard)
        self._thread = threading.Thread(target=listener.run, name=self._name, daemon=True)
        self._thread.start()

    def _ring(self) -> None:
        # Where it is full, it has not been heard yet, and once is enough.
        with contextlib.suppress(OSError):
            if self._bell is not None:
                self._bell.send(b"!")

    def close(self) -> None:
        """Ends the listener. Those who still wait look once more when their time is over."""
        self.is_closed = True
        with self._lock:
            self._ring()

    def rooms(self) -> list[tuple[str, Room]]:
        """The channels that are waited at."""
        with self._lock:
            return list(self._rooms.items())

    def room(self, channel: str) -> Room | None:
        """The room of a channel."""
        with self._lock:
            return self._rooms.get(channel)

    def lose(self) -> None:
        """The line broke."""
        for _, room in self.rooms():
            room.lose()

    def take_deserted(self, since: float) -> list[str]:
        """Takes out the rooms where nobody has waited since then."""
        with self._lock:
            found = [name for name, room in self._rooms.items() if room.is_deserted(since)]
            for name in found:
                del self._rooms[name]
            return found

    def refuse(self, channel: str, error: Exception) -> None:
        """The server will not listen there; who comes later has it tried again."""
        with self._lock:
            room = self._rooms.pop(channel, None)
        if room is not None:
            room.refuse(error)

    def end_if_empty(self) -> bool:
        """Ends the listener where no room is left."""
        with self._lock:
            if self._rooms:
                return False
            self._end()
            return True

    def end(self, error: Exception | None) -> None:
        """Ends the listener. Each who comes later has it tried again."""
        with self._lock:
            rooms, self._rooms = self._rooms, {}
            self._end()
        for room in rooms.values():
            if error is None:
                room.lose()
            else:
                room.refuse(error)

    def _end(self) -> None:
        self._thread = None
        if self._bell is not None:
            self._bell.close()
            self._bell = None
