"""Carrying dead letters from a queue's outbox to the queue they are addressed to.

Guards that each arrives exactly once, whoever carries and whoever crashes: letters for one target go
in the outbox's order, none left out, and leave the outbox only when they have arrived. The target
remembers the last one it took from each source, and passes over what it has.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import MarconiError
from ..keys import QueueKeys, QueuePath
from ..operation import Operation
from ..reply import Fields, number
from .making import Making

_BATCH = 250
# By the way of another operation no more is carried than that, lest it take all of its time.
_ROUNDS_BY_THE_WAY = 4


@dataclass
class Way:
    """One way through the outbox, page by page."""

    arrived: int = 0
    waiting: int = 0
    looked: int = 0
    marker: str = ""
    failed_targets: set[str] = field(default_factory=set)
    first_failure: MarconiError | None = None

    def fail(self, error: MarconiError) -> None:
        """Notes what went wrong first."""
        self.first_failure = self.first_failure or error


class Letters(Making):
    """Carrying dead letters."""

    def _carry_what_waits(self, of: Operation) -> None:
        """By the way of another operation; what goes wrong is told in the log and left to the next."""
        way = Way()
        try:
            for _ in range(_ROUNDS_BY_THE_WAY):
                if not self._carry(of, way):
                    break
        except MarconiError as error:
            way.fail(error)
        self._report_way(way)

    def _carry_on(self, way: Way, waiting: int) -> None:
        """Carries at least as many as were waiting when it began."""
        way.waiting = waiting
        enough = way.looked + waiting
        try:
            while way.looked < enough and self._carry(self._begin(), way):
                pass
        except MarconiError as error:
            way.fail(error)

    def _report_way(self, way: Way) -> None:
        if way.first_failure is not None:
            self._report("dead letters not carried", way.first_failure)

    def _carry(self, of: Operation, way: Way) -> bool:
        """One page; False where there was none."""
        bundles = self._bundles(of, way)
        for to, letters in bundles.items():
            # A later letter would pass the target's mark over those that were left behind.
            if to in way.failed_targets:
                continue
            try:
                arrived, way.waiting = self._deliver(of, to, letters)
                way.arrived += arrived
            except MarconiError as error:
                way.failed_targets.add(to)
                way.fail(error)
        return bool(bundles)

    def _bundles(self, of: Operation, way: Way) -> dict[str, list[tuple[str, bytes]]]:
        call = of.script("dead/transit", self.keys, marker=way.marker, limit=_BATCH)
        fields = Fields(of.call(call))
        bundles: dict[str, list[tuple[str, bytes]]] = {}
        while fields.left:
            id, to, letter = fields.id(), fields.text(), fields.bytes()
            bundles.setdefault(to, []).append((id, letter))
            way.marker = id
            way.looked += 1
        return bundles

    def _deliver(self, of: Operation, to: str, letters: list[tuple[str, bytes]]) -> tuple[int, int]:
        """How many were new to the target, and how many are left in the outbox."""
        path = QueuePath.from_tag(to)
        there = of.at(self.store._store_for(path))
        target = QueueKeys(there.prefix, path)
        ids = [id for id, _ in letters]
        call = there.script(
            "dead/deliver",
            target,
            source=self.path.tag,
            id=ids,
            letter=[letter for _, letter in letters],
        )
        arrived = self._in_an_existing_queue(there, target, call)
        left = of.call(of.script("dead/settle", self.keys, id=ids))
        return number(arrived), number(left)
