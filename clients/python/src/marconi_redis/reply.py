"""Reading the flat lists that scripts reply with.

Guards that an answer of another form is told as such, and not taken for what it is not.
"""

from __future__ import annotations

import re
from operator import length_hint

from .errors import Corrupt

_ID = re.compile(r"[0-9]{1,16}-[0-9]{1,20}")


class Fields:
    """A flat list, read from the front. Raises Corrupt where it is not of the form asked for."""

    def __init__(self, reply: object) -> None:
        if not isinstance(reply, list):
            raise Corrupt(f"a {type(reply).__name__} where a list should be")
        self._rest = iter(reply)

    @property
    def left(self) -> int:
        """How many are not read yet."""
        return length_hint(self._rest)

    def _next(self) -> object:
        for item in self._rest:
            return item
        raise Corrupt("a reply that ends too early")

    def number(self) -> int:
        """The next one, a number."""
        return number(self._next())

    def bytes(self) -> bytes:
        """The next one, as it came."""
        found = self._next()
        if not isinstance(found, bytes):
            raise Corrupt(f"a {type(found).__name__} where a string should be")
        return found

    def text(self) -> str:
        """The next one, as text. Bytes that are no UTF-8 survive as surrogates."""
        return self.bytes().decode(errors="surrogateescape")

    def id(self) -> str:
        """The next one, an id."""
        found = self.text()
        if not _ID.fullmatch(found):
            raise Corrupt(f"{found!r} where an id should be")
        return found


def number(reply: object) -> int:
    """A reply that is one number."""
    if not isinstance(reply, int):
        raise Corrupt(f"a {type(reply).__name__} where a number should be")
    return reply
