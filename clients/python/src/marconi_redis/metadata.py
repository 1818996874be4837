"""A queue's metadata: the user's map, and the reserved values in it that the scripts go by.

Guards the units: in the map and on the wire times are whole milliseconds and sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import envelope
from .errors import Codec, InvalidArgument

#: The reserved names whose values are whole numbers: ms, a count, bytes.
NUMBERS = frozenset(
    [
        "_default_message_ttl",
        "_default_message_delay",
        "_max_claim_count",
        "_dead_letter_queue_messages_ttl",
        "_max_messages_post_size",
    ]
)
#: The reserved names whose values are text.
TEXTS = frozenset(["_dead_letter_queue", "_flavor"])

#: What users give and get: any map of msgpack values with text for names.
Metadata = Mapping[str, Any]


def packed(metadata: Metadata, name: str = "metadata") -> bytes:
    """The map as msgpack."""
    if not isinstance(metadata, Mapping) or not all(isinstance(key, str) for key in metadata):
        raise InvalidArgument(f"{name}: wants a map with text for names")
    try:
        return envelope.pack(dict(metadata))
    except Exception as error:
        # msgpack raises TypeError, ValueError, OverflowError.
        raise InvalidArgument(f"{name}: does not fit msgpack: {error}") from error


def unpacked(stored: bytes, what: str = "metadata") -> dict[str, Any]:
    """The map of some msgpack; none is an empty one."""
    if not stored:
        return {}
    try:
        found = envelope.unpack(stored)
    except Exception as error:
        detail = f"the {what} are not whole msgpack: {type(error).__name__}"
        raise Codec(detail, outcome="done") from error
    if not isinstance(found, dict):
        raise Codec(f"the {what} are no map", outcome="done")
    return found


def arguments(metadata: Metadata | None) -> dict[str, object]:
    """What queue/create and queue/set are given; None leaves all as it is."""
    if metadata is None:
        return {}
    names = [name for name in metadata if name in NUMBERS | TEXTS]
    return {
        "metadata": packed(metadata),
        "name": names,
        "value": [_reserved(name, metadata[name]) for name in names],
    }


def _reserved(name: str, value: object) -> str:
    if name in TEXTS and isinstance(value, str):
        return value
    if name in NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidArgument(f"{name}: wants {'a whole number' if name in NUMBERS else 'text'}")
