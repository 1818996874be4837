"""Connections of one server, kept at hand between calls.

Guards that a connection which the server has closed meanwhile is not written to: what would be lost on
it has not been done, and must not be told as *unknown*.
"""

from __future__ import annotations

import os
import select
from collections import deque
from typing import Any


class Lines:
    """A pool of redis-py's, whose connections are not given back to it after each call.

    redis-py does its accounts, and asks a connection for what it has not been sent, at each taking and
    each giving back: that costs more than the rest of a call does outside the kernel. Here it is one
    look at the socket. What is not as usual goes the pool's own way.
    """

    def __init__(self, pool: Any) -> None:
        self.connection_class = pool.connection_class
        self.connection_kwargs = pool.connection_kwargs
        self._pool = pool
        self._idle: deque[Any] = deque()
        self._process = os.getpid()

    def get_connection(self) -> Any:
        """One that is connected and has nothing left to be read. Raises what the pool does."""
        if self._process != os.getpid():
            # They are the parent's; the pool knows to drop its own.
            self._process, self._idle = os.getpid(), deque()
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._pool.get_connection()
        if _is_quiet(connection):
            return connection
        connection.disconnect()
        self._pool.release(connection)
        return self._pool.get_connection()

    def release(self, connection: Any) -> None:
        """Takes a connection back, after all its answers were read, or disconnected."""
        if connection.is_connected and not connection.should_reconnect():
            self._idle.append(connection)
        else:
            self._pool.release(connection)

    def disconnect(self, *, inuse_connections: bool) -> None:
        """Ends those that nobody uses, or all."""
        while self._idle:
            self._pool.release(self._idle.pop())
        self._pool.disconnect(inuse_connections=inuse_connections)


def _is_quiet(connection: Any) -> bool:
    """Whether nothing came in on it, not even its end. False also where that can't be seen."""
    socket = getattr(connection, "_sock", None)
    if socket is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return not poll.poll(0)
