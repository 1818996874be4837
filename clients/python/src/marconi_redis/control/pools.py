"""Pools: each a Redis, or a cluster, that holds queues.

Guards uris, which may have a password in them: they show in no repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .. import envelope
from ..metadata import Metadata, packed, unpacked
from ..reply import Fields, number
from .base import ControlBase


@dataclass(frozen=True)
class Pool:
    """A pool. ``weight``: 0 takes no new queues. ``queues``: how many the catalogue has on it."""

    name: str
    weight: int
    uri: str = field(repr=False)
    flavor: str | None
    options: dict[str, Any]
    queues: int

    @classmethod
    def read(cls, name: str, fields: Fields) -> Pool:
        """The fields of control/pool/get."""
        weight, uri, flavor = fields.number(), fields.text(), fields.text() or None
        options = unpacked(fields.bytes(), "options")
        return cls(name, weight, uri, flavor, options, fields.number())


@dataclass(frozen=True)
class PoolPage:
    """A page of pools. ``marker``: give it to get the next page; None at the end."""

    pools: list[Pool]
    marker: str | None


class Pools(ControlBase):
    """Pools."""

    def create_pool(
        self,
        name: str,
        weight: int,
        uri: str,
        *,
        flavor: str | None = None,
        options: Metadata | None = None,
    ) -> bool:
        """Registers a pool, in the place of all there was under the name; True where it is new.

        ``weight``: 0 to 4294967295. ``uri``: 1 to 4096 bytes. ``options``: up to 4096 bytes of msgpack.
        Raises PoolAlreadyExists where another pool has the uri; TooLarge above a thousand pools.
        """
        given = _given(weight=weight, uri=uri, flavor=flavor, options=options)
        return number(self._call("control/pool/create", name=name, **given)) == 1

    def update_pool(
        self,
        name: str,
        *,
        weight: int | None = None,
        uri: str | None = None,
        flavor: str | None = None,
        options: Metadata | None = None,
    ) -> None:
        """Changes what is given. ``flavor``: the empty text takes it out of its flavor.

        Raises PoolDoesNotExist, PoolAlreadyExists, TooLarge.
        """
        given = _given(weight=weight, uri=uri, flavor=flavor, options=options)
        self._call("control/pool/update", name=name, **given)

    def delete_pool(self, name: str) -> bool:
        """Takes a pool out; True where it was there.

        Raises PoolInUse where the catalogue has queues on it, or it is the only one of its flavor.
        """
        return number(self._call("control/pool/delete", name=name)) == 1

    def pool(self, name: str) -> Pool:
        """A pool. Raises PoolDoesNotExist."""
        return Pool.read(name, Fields(self._call("control/pool/get", name=name)))

    def pools(
        self,
        *,
        marker: str | None = None,
        limit: int = 10,
        flavor: str | None = None,
        without_flavor: bool = False,
    ) -> PoolPage:
        """A page of pools, in the order of their names' bytes. ``limit``: 1 to 1000.

        ``flavor``: only those of it; ``without_flavor``: only those of none.
        """
        reply = self._call(
            "control/pool/list",
            marker=marker,
            limit=limit,
            by=without_flavor or flavor is not None,
            flavor=flavor,
        )
        fields, found = Fields(reply), []
        while fields.left:
            found.append(Pool.read(fields.text(), fields))
        return PoolPage(found, found[-1].name if found and len(found) == limit else None)


def _given(**values: Any) -> dict[str, object]:
    """The fields that are given, as a group of names and values."""
    given = {field: value for field, value in values.items() if value is not None}
    if "weight" in given:
        given["weight"] = str(given["weight"])
    if "options" in given:
        # A bin with the map inside, as metadata are given.
        given["options"] = envelope.pack(packed(given["options"], "options"))
    return {"field": list(given), "value": list(given.values())}
