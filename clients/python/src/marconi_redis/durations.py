"""Lengths of time, as callers give them and as the scripts take them: whole milliseconds.

Guards that no length of time gets shorter on its way: what is no whole millisecond is rounded up.
"""

from __future__ import annotations

import math
from datetime import timedelta
from fractions import Fraction

from .errors import InvalidArgument

_YEAR = 365 * 86_400.0

#: A length of time: a timedelta, or a number of seconds.
Duration = timedelta | float | int


def millis(name: str, length: Duration) -> int:
    """The length in ms. Negative ones go to the script, which refuses them by name."""
    if isinstance(length, timedelta):
        micros = (length.days * 86_400 + length.seconds) * 1_000_000 + length.microseconds
        return -(-micros // 1000)
    if isinstance(length, bool) or not isinstance(length, int | float):
        raise InvalidArgument(f"{name}: wants seconds or a timedelta, not {type(length).__name__}")
    if isinstance(length, int):
        return length * 1000
    if not math.isfinite(length):
        raise InvalidArgument(f"{name}: wants a length of time that ends")
    # 0.1 is a little more than a tenth: to the nearest ns first, or it would be 101 ms.
    return math.ceil(Fraction(round(Fraction(length) * 1_000_000_000), 1_000_000))


def optional_millis(name: str, length: Duration | None) -> int | None:
    """The length in ms, where there is one."""
    return None if length is None else millis(name, length)


def seconds(name: str, length: Duration) -> float:
    """The length in seconds, for waiting on this side: a year at most, beyond which clocks give up."""
    return min(millis(name, length) / 1000, _YEAR)


def of_millis(ms: int) -> timedelta:
    """As replies give lengths of time."""
    return timedelta(milliseconds=ms)
