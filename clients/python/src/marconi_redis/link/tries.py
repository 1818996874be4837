"""A call under way, and where it stands.

Guards that a call is *lost* once it was handed over and no answer came, and stays so.
"""

from __future__ import annotations

from ..errors import Outcome, Transport
from .call import Answer, Call

_OPEN = object()


class Try:
    """One call of a run, without an answer at first."""

    __slots__ = ("answer", "call", "handed_over", "lost")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.handed_over = False
        self.lost = False
        self.answer: Answer = _OPEN

    @property
    def is_open(self) -> bool:
        """Whether it has no answer yet."""
        return self.answer is _OPEN

    def fail(self, cause: str) -> None:
        """Its answer is that there is none."""
        outcome: Outcome = "unknown" if self.lost else "not done"
        self.answer = Transport(cause, outcome=outcome, path=self.call.path)
