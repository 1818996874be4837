"""One operation of the library under way: its clock, its deadline, and the calls it makes.

Guards the deadline: however many calls an operation takes, they share the time of one; and the time
that an operation goes by, where the caller brings it, is one time too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import Corrupt, InvalidArgument, MarconiError, Transport
from .keys import Owner
from .link import MORE, Answer, Call, Source, run, script_call
from .manifest import SCRIPTS

if TYPE_CHECKING:
    from .store import Store


class Operation:
    """Begins the clock of one operation on a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.prefix = store.prefix
        self._source: Source = store.source
        self._now = self._asked(store)
        begun = time.monotonic()
        # Half of its time it keeps to the order, whatever has to be swept first.
        self._patient_until = begun + store.deadline / 2
        self._until = begun + store.deadline

    @staticmethod
    def _asked(store: Store) -> int | None:
        if store.clock is None:
            return None
        now = store.clock()
        if isinstance(now, bool) or not isinstance(now, int):
            raise InvalidArgument("now: wants whole ms since 1970 of the clock")
        return now

    def at(self, store: Store) -> Operation:
        """The same operation, where it goes on in another store, within the same time."""
        there = Operation.__new__(Operation)
        there.__dict__.update(self.__dict__)
        there.store, there.prefix, there._source = store, store.prefix, store.source
        return there

    @property
    def has_time(self) -> bool:
        """Whether there is time for another call."""
        return time.monotonic() < self._until

    @property
    def is_out_of_patience(self) -> bool:
        """Whether it is time to take what is at hand, rather than what would be first."""
        return time.monotonic() >= self._patient_until

    def script(self, name: str, keys: Owner, /, **values: object) -> Call:
        """A call of a script, with the caller's clock where it has one."""
        script = SCRIPTS[name]
        if script.takes_now:
            values["now"] = self._now
        return script_call(script, keys, values)

    def calls(self, calls: Sequence[Call]) -> list[Answer]:
        """Several calls in one round trip, in their order; an answer for each. They are repeated
        together, so as the strictest of them allows."""
        return run(self._source, calls, until=self._until)

    def call(self, call: Call) -> object:
        """One call, and its reply. Raises what it was refused with."""
        return value(self.calls([call])[0])

    def call_once(self, call: Call) -> object:
        """One whose caller wants to hear of a lost answer, although a repeat would do no harm."""
        return self.call(replace(call, repeat=0))


def value(answer: Answer) -> object:
    """A reply; raises the error that it is."""
    if isinstance(answer, MarconiError):
        raise answer
    if answer is MORE:
        raise Corrupt("an unexpected answer: MORE")
    return answer


def not_begun(error: MarconiError) -> MarconiError:
    """An error of something that had to come first: what it was for has not been done."""
    if isinstance(error, Transport | Corrupt):
        error.outcome = "not done"
    return error
