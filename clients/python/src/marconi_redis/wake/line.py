"""One connection on which a server tells what is published on some channels.

Guards that an answer is waited for only so long: who does not answer in time is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis.exceptions import ConnectionError, RedisError, ResponseError

_OF_MESSAGES = (b"message", b"smessage")
# The server takes a channel away where its slot goes to another node.
_TAKEN = (b"sunsubscribe", b"unsubscribe")


class Line:
    """Raises what redis-py raises: then it is of no use any more."""

    def __init__(self, pool: Any, keep_alive: float, publish: Callable[[str, int], None]) -> None:
        # A connection beside the pool, which is for calls: this one is kept for long. RESP2 is the same
        # for all servers, and needs no agreement about notices between the answers.
        settings = {
            name: value
            for name, value in pool.connection_kwargs.items()
            if "maint_notifications" not in name and name not in ("cache", "event_dispatcher")
        }
        settings |= {"protocol": 2, "decode_responses": False}
        settings |= {"socket_timeout": keep_alive, "socket_connect_timeout": keep_alive}
        self._connection = pool.connection_class(**settings)
        self._keep_alive = keep_alive
        self._publish = publish
        self._is_sharded: bool | None = None
        self._leaving: set[str] = set()
        self._connection.connect()

    @property
    def socket(self) -> Any:
        """To wait for more than one line at once; redis-py has no other way to its socket."""
        sock = self._connection._sock
        if sock is None:
            raise ConnectionError("the line is closed")
        return sock

    def close(self) -> None:
        """Ends it."""
        self._connection.disconnect()

    def subscribe(self, channel: str) -> None:
        """Returns when the server has confirmed that it listens. Raises its refusal."""
        if self._is_sharded is not False:
            try:
                self._ask(b"ssubscribe", channel, "SSUBSCRIBE", channel)
            except ResponseError as error:
                if not str(error).lower().startswith("unknown command"):
                    raise
                self._is_sharded = False
            else:
                self._is_sharded = True
                return
        self._ask(b"subscribe", channel, "SUBSCRIBE", channel)

    def unsubscribe(self, channel: str) -> None:
        """Stops listening there."""
        self._leaving.add(channel)
        self._connection.send_command(
            "UNSUBSCRIBE" if self._is_sharded is False else "SUNSUBSCRIBE", channel
        )

    def ask(self) -> None:
        """Returns when the server has answered."""
        self._ask(b"pong", None, "PING")

    def read_all(self) -> None:
        """What has come by now."""
        while self._connection.can_read(timeout=0):
            self._heard(self._read())

    def _ask(self, kind: bytes, channel: str | None, *command: str) -> None:
        self._connection.send_command(*command, check_health=False)
        while True:
            reply = self._read()
            match reply:
                case b"PONG" if kind == b"pong":
                    return
                case [first, second, *_] if first == kind:
                    if channel is None or second == channel.encode():
                        return
            self._heard(reply)

    def _read(self) -> Any:
        try:
            return self._connection.read_response(
                disable_decoding=True, timeout=self._keep_alive, disconnect_on_error=False
            )
        except RedisError as error:
            if not isinstance(error, ResponseError):
                self._connection.disconnect()
            raise

    def _heard(self, reply: Any) -> None:
        match reply:
            case [kind, bytes() as channel, bytes() as said] if kind in _OF_MESSAGES:
                # What is no number was not published by a script; to look is never wrong.
                self._publish(channel.decode(errors="replace"), int(said) if said.isdigit() else 0)
            case [kind, bytes() as channel, *_] if kind in _TAKEN:
                name = channel.decode(errors="replace")
                if name not in self._leaving:
                    raise ConnectionError("the server listens there no more")
                self._leaving.discard(name)
