"""A store over many pools: each queue is on one of them, and the catalogue says on which.

Guards that a queue is on one pool only. It is entered in the catalogue before it is made and looked for
there once more after that; it is deleted before it is taken out, and looked for once more after that.
So whoever dies between leaves an entry without a queue at worst, which the next creation uses and the
next deletion takes out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .control import Control, Placement
from .durations import Duration, seconds
from .errors import MarconiError, PoolDoesNotExist, QueueNotMapped
from .health import Health
from .keys import QueuePath, check_project
from .listing import QueueEntry, QueueListing, bounded
from .metadata import Metadata
from .operation import Operation
from .queue import Queue
from .store import Store

_KEPT = 10_000
_CHUNK = 250


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


class PooledStore:
    """Queues on many pools. Threads may share it.

    ``control``: the store whose server keeps the control plane; its settings are those of all pools.
    ``believe_for``: how long a placement is gone by before the catalogue is asked again; 10 s.
    """

    def __init__(self, control: Store, *, believe_for: Duration = 10) -> None:
        self.store = control
        self._control = control.control()
        self._believed_for = seconds("believe_for", believe_for)
        self._lock = threading.Lock()
        self._stores: dict[str, Store] = {}
        self._placements: dict[QueuePath, tuple[Placement, float]] = {}

    def control(self) -> Control:
        """The control plane."""
        return self._control

    def close(self) -> None:
        """Ends the connections to the pools. The control plane's store stays open."""
        with self._lock:
            stores, self._stores = self._stores, {}
        for store in stores.values():
            store.close()

    def queue(self, project: str, name: str) -> Queue:
        """A queue of the catalogue. Raises QueueNotMapped; PoolDoesNotExist where its pool is gone."""
        return self.find(QueuePath(project, name))

    def queue_or_new(self, project: str, name: str) -> Queue:
        """The same; a queue that the catalogue does not have is put on a pool of no flavor."""
        return self.find_or_register(QueuePath(project, name))

    def create_queue(
        self,
        project: str,
        name: str,
        *,
        flavor: str | None = None,
        metadata: Metadata | None = None,
    ) -> tuple[Queue, bool]:
        """Makes a queue on a pool of the flavor, by weight; True beside it where it is new.

        ``flavor``: None = the `_flavor` of the metadata, else none. One that the catalogue has stays on
        its pool. Raises FlavorDoesNotExist, PoolDoesNotExist, and what `Queue.create` raises.
        """
        path = QueuePath(project, name)
        if flavor is None and metadata is not None:
            flavor = metadata.get("_flavor")
        placement, _ = self._control.register(path, flavor)
        queue = self._queue_at(path, placement)
        is_new = queue.create(metadata)
        self._believe(path, placement)
        # Taken out meanwhile, by someone who deleted the queue of before: it goes back in.
        if is_new:
            self._control.place(path, placement.pool)
        return queue, is_new

    def delete_queue(self, project: str, name: str) -> bool:
        """Deletes a queue and takes it out of the catalogue; True where it was there."""
        path = QueuePath(project, name)
        self.forget(path)
        try:
            queue = self.find(path)
        except QueueNotMapped:
            return False
        pool = self._placement(path).pool
        deleted = queue.delete()
        self._control.unplace(path, pool)
        self.forget(path)
        # Made again meanwhile, by someone who had seen the entry: it goes back in.
        if queue.exists():
            self._control.place(path, pool)
        return deleted

    def queues(
        self,
        project: str,
        *,
        marker: str | None = None,
        limit: int = 10,
        name_contains: str = "",
        metadata_is: Mapping[str, Any] | None = None,
        with_metadata: bool = False,
    ) -> PooledQueuePage:
        """A page of a project's queues on all pools, in the order of their names' bytes.

        As `Store.queues`. A pool that can't be asked hides no other's queues.
        """
        bounded(limit)
        found: list[PooledQueueEntry] = []
        failed: dict[str, MarconiError] = {}
        while True:
            page = self._control.catalogue(project, marker=marker, limit=_CHUNK)
            by_pool: dict[str, list[str]] = {}
            for entry in page.entries:
                by_pool.setdefault(entry.pool, []).append(entry.queue)
            chunk = []
            for pool, names in sorted(by_pool.items()):
                try:
                    there = QueueListing(
                        self.pool(pool), project, name_contains, metadata_is, with_metadata
                    )
                    entries = there.looked_up(Operation(there.store), names)
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
        """How many queues a project has. Raises what the first pool failed with."""
        count, marker = 0, None
        while True:
            page = self.queues(project, marker=marker, limit=_CHUNK)
            for error in page.failed.values():
                raise error
            count += len(page.queues)
            if page.marker is None:
                return count
            marker = page.marker

    def pool(self, name: str) -> Store:
        """The store of a pool. Raises PoolDoesNotExist."""
        return self._store_at(self._control.pool(name).uri)

    def health(self) -> dict[str, Health]:
        """The health of each pool, by its name."""
        pools = self._control.pools(limit=1000).pools
        return {pool.name: self._store_at(pool.uri).health() for pool in pools}

    def carry_dead_letters(self, project: str) -> int:
        """Carries what waits on all pools, and says how many arrived. See `Store.carry_dead_letters`."""
        check_project(project)
        arrived, failed = 0, None
        for pool in self._control.pools(limit=1000).pools:
            try:
                arrived += self._store_at(pool.uri).carry_dead_letters(project)
            except MarconiError as error:
                failed = failed or error
        if failed is not None:
            raise failed
        return arrived

    def forget(self, queue: QueuePath) -> None:
        """Has the catalogue asked for this queue at the next use."""
        with self._lock:
            self._placements.pop(queue, None)

    def find(self, path: QueuePath) -> Queue:
        """The queue of a path. See `queue`."""
        return self._queue_at(path, self._placement(path))

    def find_or_register(self, path: QueuePath) -> Queue:
        """The queue of a path. See `queue_or_new`."""
        try:
            return self.find(path)
        except QueueNotMapped:
            placement, _ = self._control.register(path)
            self._believe(path, placement)
            return self._queue_at(path, placement)

    def _placement(self, path: QueuePath) -> Placement:
        with self._lock:
            placement, until = self._placements.get(path, (None, 0.0))
        if placement is not None and time.monotonic() < until:
            return placement
        placement = self._control.placement(path)
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

    def _queue_at(self, path: QueuePath, placement: Placement) -> Queue:
        if placement.uri is None:
            detail = f"{path} is on pool {placement.pool}, which was taken out"
            raise PoolDoesNotExist(detail)
        return self._store_at(placement.uri).queue_at(path)

    def _store_at(self, uri: str) -> Store:
        with self._lock:
            store = self._stores.get(uri)
            if store is None:
                store = self._stores[uri] = self.store._neighbour(uri, self)
            return store
