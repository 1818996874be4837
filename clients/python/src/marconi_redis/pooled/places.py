"""Where the queues are, or the topics: asked of their catalogue, and believed for a while.

Guards that a queue is on one pool only. It is entered in the catalogue before it is made and looked for
there once more after that; it is deleted before it is taken out, and looked for once more after that.
So whoever dies between leaves an entry without a queue at worst, which the next creation uses and the
next deletion takes out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..control import Control, Placement
from ..errors import MarconiError, PoolDoesNotExist, QueueNotMapped
from ..keys import QueuePath
from ..listing import QueueEntry, QueueListing, bounded
from ..metadata import Metadata
from ..operation import Operation
from ..queue import Queue
from ..store import Store
from ..topic import Topic

_KEPT = 10_000
_CHUNK = 250

_T = TypeVar("_T", bound=Queue | Topic)


@dataclass(frozen=True)
class PooledQueueEntry:
    """A queue, and the pool that it is on."""

    queue: QueueEntry
    pool: str


@dataclass(frozen=True)
class PooledQueuePage:
    """A page of queues. ``failed``: the pools that could not be asked; their queues are left out.

    ``marker``: give it to get the next page; None at the end.
    """

    queues: list[PooledQueueEntry]
    failed: dict[str, MarconiError]
    marker: str | None


class Places(Generic[_T]):
    """The queues of all pools, or the topics of all pools.

    ``catalogue``: the control plane with the catalogue that has them. ``at``: one of them, in the store
    of its pool. ``store_at``: the store of a pool's uri. ``stores_in``: that store, as they are in
    it.
    """

    def __init__(
        self,
        catalogue: Control,
        at: Callable[[Store, QueuePath], _T],
        *,
        store_at: Callable[[str], Store],
        stores_in: Callable[[Store], Store],
        believed_for: float,
    ) -> None:
        self._catalogue = catalogue
        self._at = at
        self._store_at = store_at
        self._stores_in = stores_in
        self._believed_for = believed_for
        self._lock = threading.Lock()
        self._placements: dict[QueuePath, tuple[Placement, float]] = {}

    def find(self, path: QueuePath) -> _T:
        """One that the catalogue has. Raises QueueNotMapped; PoolDoesNotExist where its pool is gone."""
        return self._placed(path, self._placement(path))

    def find_or_register(self, path: QueuePath) -> _T:
        """The same; one that the catalogue does not have is put on a pool of no flavor."""
        try:
            return self.find(path)
        except QueueNotMapped:
            placement, _ = self._catalogue.register(path)
            self._believe(path, placement)
            return self._placed(path, placement)

    def create(self, path: QueuePath, flavor: str | None, metadata: Metadata | None) -> tuple[_T, bool]:
        """Makes one on a pool of the flavor, by weight; True beside it where it is new."""
        if flavor is None and metadata is not None:
            flavor = metadata.get("_flavor")
        placement, _ = self._catalogue.register(path, flavor)
        made = self._placed(path, placement)
        is_new = made.create(metadata)
        self._believe(path, placement)
        # Taken out meanwhile, by someone who deleted the one of before: it goes back in.
        if is_new:
            self._catalogue.place(path, placement.pool)
        return made, is_new

    def delete(self, path: QueuePath) -> bool:
        """Deletes it and takes it out of the catalogue; True where it was there."""
        self.forget(path)
        try:
            placement = self._placement(path)
        except QueueNotMapped:
            return False
        found = self._placed(path, placement)
        deleted = found.delete()
        self._catalogue.unplace(path, placement.pool)
        self.forget(path)
        # Made again meanwhile, by someone who had seen the entry: it goes back in.
        if found.exists():
            self._catalogue.place(path, placement.pool)
        return deleted

    def page(
        self,
        project: str,
        *,
        marker: str | None,
        limit: int,
        name_contains: str = "",
        metadata_is: Mapping[str, Any] | None = None,
        with_metadata: bool = False,
    ) -> PooledQueuePage:
        """A page of a project's on all pools, in the order of their names' bytes."""
        bounded(limit)
        found: list[PooledQueueEntry] = []
        failed: dict[str, MarconiError] = {}
        while True:
            page = self._catalogue.catalogue(project, marker=marker, limit=_CHUNK)
            by_pool: dict[str, list[str]] = {}
            for entry in page.entries:
                by_pool.setdefault(entry.pool, []).append(entry.queue)
            chunk = []
            for pool, names in sorted(by_pool.items()):
                try:
                    store = self._stores_in(self._store_at(self._catalogue.pool(pool).uri))
                    there = QueueListing(store, project, name_contains, metadata_is, with_metadata)
                    entries = there.looked_up(Operation(store), names)
                    chunk += [PooledQueueEntry(entry, pool) for entry in entries]
                except MarconiError as error:
                    failed[pool] = error
            chunk.sort(key=lambda one: one.queue.name)
            room, marker = limit - len(found), page.marker
            found += chunk[:room]
            if len(found) == limit and (chunk[room:] or marker is not None):
                return PooledQueuePage(found, failed, found[-1].queue.name)
            if marker is None:
                return PooledQueuePage(found, failed, None)

    def count(self, project: str) -> int:
        """How many a project has. Raises what the first pool failed with."""
        count, marker = 0, None
        while True:
            page = self.page(project, marker=marker, limit=_CHUNK)
            for error in page.failed.values():
                raise error
            count += len(page.queues)
            if page.marker is None:
                return count
            marker = page.marker

    def forget(self, path: QueuePath) -> None:
        """Has the catalogue asked at the next use."""
        with self._lock:
            self._placements.pop(path, None)

    def _placement(self, path: QueuePath) -> Placement:
        with self._lock:
            placement, until = self._placements.get(path, (None, 0.0))
        if placement is not None and time.monotonic() < until:
            return placement
        placement = self._catalogue.placement(path)
        self._believe(path, placement)
        return placement

    def _believe(self, path: QueuePath, placement: Placement) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._placements) >= _KEPT:
                kept = self._placements.items()
                self._placements = {one: known for one, known in kept if now < known[1]}
            if len(self._placements) < _KEPT:
                self._placements[path] = (placement, now + self._believed_for)

    def _placed(self, path: QueuePath, placement: Placement) -> _T:
        if placement.uri is None:
            detail = f"{path} is on pool {placement.pool}, which was taken out"
            raise PoolDoesNotExist(detail)
        return self._at(self._store_at(placement.uri), path)
