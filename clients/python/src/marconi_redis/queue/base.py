"""What all operations of a queue share: its keys, its sweeps, and how its errors are told.

Guards that no caller ever sees MORE, and that none starves: when half of their time is gone claim and
pop are told to take what is at hand. Until then they keep to the order.
"""

from __future__ import annotations

import functools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ..errors import MarconiError, QueueDoesNotExist, TopicDoesNotExist, Transport
from ..keys import QueueKeys, QueuePath
from ..link import MORE, Answer, Call
from ..operation import Operation, not_begun, value
from ..reply import Fields

if TYPE_CHECKING:
    from ..store import Store

#: Tells, at level WARNING, what was left undone by the way; never a body, a token or a URL.
log = logging.getLogger("marconi_redis")

_MOST_SWEEPS = 16

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Q = TypeVar("_Q", bound="QueueBase")


def told(
    method: Callable[Concatenate[_Q, _P], _R],
) -> Callable[Concatenate[_Q, _P], _R]:
    """A method of a queue whose errors say which queue, or topic, they are about."""

    @functools.wraps(method)
    def telling(self: _Q, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return method(self, *args, **kwargs)
        except MarconiError as error:
            if error.path is None:
                error.path = self.path
            if self.store.has_topics and isinstance(error, QueueDoesNotExist):
                raise TopicDoesNotExist(error.detail, path=error.path) from None
            raise

    return telling


class QueueBase(ABC):
    """A queue's place in a store. Making one asks nothing of the server."""

    def __init__(self, store: Store, path: QueuePath) -> None:
        self.store = store
        self.path = path
        self.keys = QueueKeys(store.prefix, path)
        # The last look found more to sweep: the next call brings a sweep along at once.
        self._behind = False

    @property
    def name(self) -> str:
        """Its name within the project."""
        return self.path.name

    @property
    def project(self) -> str:
        """Its project; the empty text is one too."""
        return self.path.project

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path.tag}>"

    def _begin(self) -> Operation:
        return Operation(self.store)

    def _call(self, script: str, /, *, of: Operation | None = None, **values: object) -> object:
        """One call of a script that never answers MORE."""
        of = of or self._begin()
        return of.call(of.script(script, self.keys, **values))

    def _swept(
        self,
        of: Operation,
        make: Callable[[bool], Call],
        *,
        claim: str | None = None,
    ) -> object:
        """A call that can answer MORE: `make` is told whether to force, where it can."""
        sweeps, rounds, letters = int(self._behind), 0, 0
        try:
            while True:
                calls = [self._sweep(of, claim) for _ in range(sweeps)]
                calls.append(make(of.is_out_of_patience))
                *swept, answer = of.calls(calls)
                has_more, waiting, failed = _read_sweeps(swept)
                letters = waiting or letters
                if answer is not MORE:
                    self._behind = rounds > 0 or has_more
                    return value(answer)
                if failed is not None:
                    raise not_begun(failed)
                if not of.has_time:
                    detail = "more waits to be swept than the deadline allows for"
                    raise Transport(detail, outcome="not done", path=self.path)
                sweeps = min(max(sweeps * 2, 1), _MOST_SWEEPS)
                rounds += 1
        finally:
            if letters:
                self._carry_what_waits(of)

    def _sweep(self, of: Operation, claim: str | None = None) -> Call:
        return of.script("sweep", self.keys, claim=claim)

    def _gc(self) -> bool:
        of, sweeps = self._begin(), 1
        while True:
            calls = [self._sweep(of) for _ in range(sweeps)]
            has_more, letters, failed = _read_sweeps(of.calls(calls))
            if letters:
                self._carry_what_waits(of)
            if failed is not None:
                raise failed
            if not has_more or of.is_out_of_patience:
                return not has_more
            sweeps = min(sweeps * 2, _MOST_SWEEPS)

    @abstractmethod
    def _carry_what_waits(self, of: Operation) -> None:
        """Whoever sees letters in the outbox carries them; Letters knows how."""

    def _report(self, what: str, error: MarconiError) -> None:
        log.warning("%s of %s: %s", what, self.path, error)


def _read_sweeps(answers: Sequence[Answer]) -> tuple[bool, int, MarconiError | None]:
    """Of the last that was answered: whether there is more, and how many letters wait."""
    has_more, letters, failed = False, 0, None
    for answer in answers:
        try:
            fields = Fields(value(answer))
            has_more, letters = fields.number() == 1, fields.number()
        except MarconiError as error:
            failed = error
    return has_more, letters, failed
