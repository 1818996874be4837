"""What a message is stored as: `[ttl, client, body]`, with a map of extras before the body or not.

Guards the reader: what the server holds is read whole, or not at all; what comes in later versions is
passed over.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgpack


class Envelope(NamedTuple):
    """An envelope taken apart; the body is the poster's own msgpack."""

    client: str
    extras: dict[Any, Any]
    body: bytes


def read(stored: bytes) -> Envelope | None:
    """The envelope; None for bytes that are none."""
    try:
        parts = msgpack.unpackb(
            stored, raw=False, strict_map_key=False, unicode_errors="surrogateescape"
        )
    except Exception:
        # msgpack raises half a dozen classes that have only this one in common.
        return None
    match parts:
        case [int(), str() as client, bytes() as body]:
            return Envelope(client, {}, body)
        case [int(), str() as client, dict() as extras, bytes() as body]:
            return Envelope(client, extras, body)
    return None


def pack(value: object) -> bytes:
    """A value as msgpack. Raises what msgpack raises."""
    return bytes(msgpack.packb(value, datetime=True))


def unpack(packed: bytes) -> Any:
    """The value of some msgpack. Raises what msgpack raises."""
    return msgpack.unpackb(packed, raw=False, strict_map_key=False, timestamp=3)
