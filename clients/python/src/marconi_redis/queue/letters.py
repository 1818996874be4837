"""Carrying dead letters from a queue's outbox to the queue they are addressed to.

Guards that each arrives exactly once, whoever carries and whoever crashes: letters for one target go
in the outbox's order, none left out, and leave the outbox only when they have arrived. The target
remembers the last one it took from each source, and passes over what it has.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..account import Account
from ..errors import MarconiError
from ..keys import QueueKeys, QueuePath
from ..message import coming_after
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
    account: Account = field(default_factory=Account)


class Letters(Making):
    """Carrying dead letters."""

    def _carry_what_waits(self, of: Operation) -> None:
        """By the way of another operation; what goes wrong is told in the log and left to the next."""
        way = Way()
        for _ in range(_ROUNDS_BY_THE_WAY):
            if not self._carry(of, way):
                break
        self._report_way(way)

    def _carry_all(self, account: Account) -> int:
        """Carries all that waits, as a part of something larger; how many arrived."""
        way = Way(account=account)
        while self._carry(self._begin(), way):
            pass
        return way.arrived

    def _carry_on(self, way: Way, waiting: int) -> None:
        """Carries at least as many as were waiting when it began."""
        way.waiting = waiting
        enough = way.looked + waiting
        while way.looked < enough and self._carry(self._begin(), way):
            pass

    def _report_way(self, way: Way) -> None:
        try:
            way.account.close()
        except MarconiError as error:
            self._report("dead letters not carried", error)

    def _carry(self, of: Operation, way: Way) -> bool:
        """One page; False where there was none, or it can't be had."""
        bundles: dict[str, list[tuple[str, bytes]]] = {}
        with way.account.look():
            bundles = self._bundles(of, way)
        for to, letters in bundles.items():
            # A later letter would pass the target's mark over those that were left behind.
            if to in way.failed_targets:
                continue
            way.failed_targets.add(to)
            with way.account.step():
                self._deliver(of, to, letters, way)
                way.failed_targets.remove(to)
        return bool(bundles)

    def _bundles(self, of: Operation, way: Way) -> dict[str, list[tuple[str, bytes]]]:
        call = of.script("dead/transit", self.keys, marker=way.marker, limit=_BATCH)
        fields = Fields(of.call(call))
        bundles: dict[str, list[tuple[str, bytes]]] = {}
        while fields.left:
            id = coming_after(fields.id(), way.marker)
            to, letter = fields.text(), fields.bytes()
            bundles.setdefault(to, []).append((id, letter))
            way.marker = id
            way.looked += 1
        return bundles

    def _deliver(self, of: Operation, to: str, letters: list[tuple[str, bytes]], way: Way) -> None:
        """To their target, and out of the outbox."""
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
        way.arrived += number(self._in_an_existing_queue(there, target, call))
        # Whatever becomes of the rest.
        way.account.has_begun = True
        way.waiting = number(of.call(of.script("dead/settle", self.keys, id=ids)))
