"""A store over many pools: each queue and topic is on one of them, and the catalogue says on which.

Guards that queues and topics of one name stay apart: each kind has places of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..account import Account
from ..control import Control
from ..durations import Duration, seconds
from ..errors import MarconiError
from ..health import Health
from ..keys import QueuePath, check_project
from ..listing import QueueEntry
from ..metadata import Metadata
from ..queue import Queue
from ..store import Store
from ..topic import Topic
from .places import Places, PooledQueuePage


@dataclass(frozen=True)
class PooledTopicEntry:
    """A topic, and the pool that it is on."""

    topic: QueueEntry
    pool: str


@dataclass(frozen=True)
class PooledTopicPage:
    """A page of topics. ``failed``: the pools that could not be asked; their topics are left out.

    ``marker``: give it to get the next page; None at the end.
    """

    topics: list[PooledTopicEntry]
    failed: dict[str, MarconiError]
    marker: str | None


class PooledStore:
    """Queues and topics on many pools. Threads may share it.

    ``control``: the store whose server keeps the control plane; its settings are those of all pools.
    ``believe_for``: how long a placement is gone by before the catalogue is asked again; 10 s.
    """

    def __init__(self, control: Store, *, believe_for: Duration = 10) -> None:
        self.store = control
        self._control = control.control()
        believed_for = seconds("believe_for", believe_for)
        self._lock = threading.Lock()
        self._stores: dict[str, Store] = {}
        self._queues = Places(
            self._control,
            Store.queue_at,
            store_at=self._store_at,
            stores_in=lambda store: store,
            believed_for=believed_for,
        )
        self._topics = Places(
            self._control.of_topics(),
            Store.topic_at,
            store_at=self._store_at,
            stores_in=Store.of_topics,
            believed_for=believed_for,
        )

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
        return self._queues.create(QueuePath(project, name), flavor, metadata)

    def delete_queue(self, project: str, name: str) -> bool:
        """Deletes a queue and takes it out of the catalogue; True where it was there."""
        return self._queues.delete(QueuePath(project, name))

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
        return self._queues.page(
            project,
            marker=marker,
            limit=limit,
            name_contains=name_contains,
            metadata_is=metadata_is,
            with_metadata=with_metadata,
        )

    def count(self, project: str) -> int:
        """How many queues a project has. Raises what the first pool failed with."""
        return self._queues.count(project)

    def topic(self, project: str, name: str) -> Topic:
        """A topic of the catalogue of topics. As `queue`."""
        return self._topics.find(QueuePath(project, name))

    def topic_or_new(self, project: str, name: str) -> Topic:
        """The same; a topic that the catalogue does not have is put on a pool of no flavor."""
        return self._topics.find_or_register(QueuePath(project, name))

    def create_topic(
        self,
        project: str,
        name: str,
        *,
        flavor: str | None = None,
        metadata: Metadata | None = None,
    ) -> tuple[Topic, bool]:
        """Makes a topic on a pool of the flavor, by weight; True beside it where it is new.

        As `create_queue`. A topic and a queue of one name may be on different pools.
        """
        return self._topics.create(QueuePath(project, name), flavor, metadata)

    def delete_topic(self, project: str, name: str) -> bool:
        """Deletes a topic and takes it out of its catalogue; True where it was there."""
        return self._topics.delete(QueuePath(project, name))

    def topics(
        self,
        project: str,
        *,
        marker: str | None = None,
        limit: int = 10,
        name_contains: str = "",
        metadata_is: Mapping[str, Any] | None = None,
        with_metadata: bool = False,
    ) -> PooledTopicPage:
        """A page of a project's topics on all pools. As `queues`."""
        page = self._topics.page(
            project,
            marker=marker,
            limit=limit,
            name_contains=name_contains,
            metadata_is=metadata_is,
            with_metadata=with_metadata,
        )
        entries = [PooledTopicEntry(entry.queue, entry.pool) for entry in page.queues]
        return PooledTopicPage(entries, page.failed, page.marker)

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
        account, arrived = Account(), 0
        with account.look():
            for pool in self._control.pools(limit=1000).pools:
                with account.look():
                    arrived += self._store_at(pool.uri)._carry_all(project, account)
        account.close()
        return arrived

    def forget(self, path: QueuePath) -> None:
        """Has the catalogue asked for the queue of this name, and the topic, at the next use."""
        self._queues.forget(path)
        self._topics.forget(path)

    def find(self, path: QueuePath) -> Queue:
        """The queue of a path. See `queue`."""
        return self._queues.find(path)

    def find_or_register(self, path: QueuePath) -> Queue:
        """The queue of a path. See `queue_or_new`."""
        return self._queues.find_or_register(path)

    def _store_at(self, uri: str) -> Store:
        with self._lock:
            store = self._stores.get(uri)
            if store is None:
                store = self._stores[uri] = self.store._neighbour(uri, self)
            return store
