"""How long to wait before trying again.

Guards a server that comes back against all its clients at once: the waits double, and each is drawn
at random from its upper half.
"""

from __future__ import annotations

import random
import time

_FIRST = 0.010
_LONGEST = 0.500


class Backoff:
    """Growing pauses."""

    def __init__(self) -> None:
        self._next = _FIRST

    def draw(self) -> float:
        """How long to wait this time, in seconds."""
        ceiling = self._next
        self._next = min(ceiling * 2, _LONGEST)
        return ceiling / 2 + ceiling / 2 * random.random()

    def pause(self, until: float) -> bool:
        """Waits its turn; False, at once, where the time would be over meanwhile."""
        pause = self.draw()
        if time.monotonic() + pause >= until:
            return False
        time.sleep(pause)
        return True

    def reset(self) -> None:
        """Begins with the shortest again."""
        self._next = _FIRST
