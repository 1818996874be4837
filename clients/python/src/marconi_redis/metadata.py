"""A queue's metadata: the user's map, and the reserved values in it that the scripts go by.

Guards the units: in the map and on the wire times are whole milliseconds and sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import envelope
from .errors import Codec, InvalidArgument
from .manifest import RESERVED

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
    names = [name for name in metadata if name in RESERVED]
    return {
        "metadata": packed(metadata),
        "name": names,
        "value": [_reserved(name, metadata[name]) for name in names],
    }


def _reserved(name: str, value: object) -> str:
    is_number = RESERVED[name].type == "integer"
    if not is_number and isinstance(value, str):
        return value
    if is_number and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidArgument(f"{name}: wants {'a whole number' if is_number else 'text'}")
