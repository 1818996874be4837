"""The catalogue: on which pool each queue is; and that of topics.

Guards that a queue is on one pool: two that register it at once are told the same.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from ..keys import QueuePath
from ..metadata import unpacked
from ..operation import Operation
from ..reply import Fields, number
from .base import ControlBase
from .flavors import tagged


@dataclass(frozen=True)
class Placement:
    """Where a queue is. ``uri``: None where the pool was taken out since, or never was."""

    pool: str
    uri: str | None = field(repr=False)
    options: dict[str, Any]

    @classmethod
    def read(cls, fields: Fields) -> Placement:
        """A pool, its uri, its options."""
        return cls(fields.text(), fields.text() or None, unpacked(fields.bytes(), "options"))


@dataclass(frozen=True)
class CatalogueEntry:
    """A queue's name, and its pool's."""

    queue: str
    pool: str


@dataclass(frozen=True)
class CataloguePage:
    """A page of the catalogue. ``marker``: give it to get the next page; None at the end."""

    entries: list[CatalogueEntry]
    marker: str | None


class Catalogue(ControlBase):
    """The catalogue."""

    def register(self, queue: QueuePath, flavor: str | None = None) -> tuple[Placement, bool]:
        """Where a queue is; one that is not in the catalogue is put on a pool of the flavor, by weight.

        True beside it where it is new. Raises FlavorDoesNotExist, and PoolDoesNotExist where no pool of
        the flavor, or of none, takes new queues.
        """
        reply = self._placing(
            "register",
            **_named(queue),
            flavor=flavor,
            random=secrets.randbits(32),
        )
        fields = Fields(reply)
        is_new = fields.number() == 1
        return Placement.read(fields), is_new

    def placement(self, queue: QueuePath) -> Placement:
        """Where a queue is. Raises QueueNotMapped."""
        reply = self._placing("get", **_named(queue))
        return Placement.read(Fields(reply))

    def place(self, queue: QueuePath, pool: str) -> bool:
        """Notes that a queue is on a pool; True where it is new. Moves nothing, asks for no pool."""
        placed = self._placing("insert", **_named(queue), pool=pool)
        return number(placed) == 1

    def move_entry(self, queue: QueuePath, pool: str) -> None:
        """Notes that a queue of the catalogue is on another pool. Raises QueueNotMapped."""
        self._placing("insert", **_named(queue), pool=pool, known=True)

    def unplace(self, queue: QueuePath, pool: str | None = None) -> bool:
        """Takes a queue out of the catalogue; True where it was there.

        ``pool``: only where it is on that one, so that none is taken out that another has placed
        elsewhere meanwhile; None = whichever.
        """
        taken = self._placing("delete", **_named(queue), pool=pool)
        return number(taken) == 1

    def catalogue(self, project: str, *, marker: str | None = None, limit: int = 10) -> CataloguePage:
        """A page of a project's queues, in the order of their names' bytes. ``limit``: 1 to 1000."""
        reply = self._placing(
            "list",
            project=tagged(project),
            marker=marker,
            limit=limit,
        )
        fields, found = Fields(reply), []
        while fields.left:
            found.append(CatalogueEntry(fields.text(), fields.text()))
        return CataloguePage(found, found[-1].queue if found and len(found) == limit else None)

    def _placing(self, verb: str, /, **values: object) -> object:
        of = Operation(self.store)
        call = of.script(f"control/catalogue/{verb}", self._catalogue_keys, **values)
        return of.call(call)


def _named(queue: QueuePath) -> dict[str, str]:
    return {"project": tagged(queue.project), "queue": queue.name}
