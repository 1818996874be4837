"""A store: one Redis, or one cluster, with queues in it.

Guards that a setting is checked where it is given, so that a store in hand is one that can work.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol

import redis
from redis.cluster import RedisCluster

from .account import Account
from .control import Control
from .durations import Duration, seconds
from .errors import InvalidArgument, MarconiError
from .health import (
    Collected,
    Health,
    Volume,
    collect,
    every_project,
    health,
    pages_of_names,
    volume,
)
from .keys import Prefix, QueuePath
from .link import command, open_url, source_of
from .listing import ProjectPage, QueueListing, QueuePage, TopicPage, project_page
from .operation import Operation
from .queue import Queue
from .topic import Topic
from .wake import Wakes


class Pooled(Protocol):
    """Knows on which pool a queue is."""

    def find(self, path: QueuePath) -> Queue:
        """Where the catalogue says."""

    def find_or_register(self, path: QueuePath) -> Queue:
        """The same; one that it does not have is put on a pool."""


#: Gives the time that operations go by: whole ms since 1970.
Clock = Callable[[], int]


class Store:
    """Queues on a server. Threads may share one; making one sends nothing.

    ``where``: a URL, or a client of redis-py's that you have, which stays yours to close.

    - ``redis://user:password@host:6379/0``, ``rediss://`` with TLS, ``unix:///path/redis.sock``
    - ``redis://host:26379,other:26379/0?master=name``: the primary that Sentinel looks after
    - ``redis://host:6379,other:6379?cluster=true``, ``rediss://``: a cluster

    ``prefix``: what all keys begin with; the same for all clients of an installation. 1 to 64 bytes.
    ``deadline``: how long an operation may take, with all its repeating; 5 s. An attempt to connect that
    has begun can outlast it, by as much again.
    ``client``: who posts, where a post does not say; None = a random UUID. Up to 256 bytes.
    ``create_queues``: whether a post makes its queue; else it raises QueueDoesNotExist.
    ``max_body``: what one body may take, in bytes; None = 256 KiB.
    ``clock``: the time that operations go by, in ms since 1970; None = the server's. Bring it in all
    programs or in none.
    ``keep_alive``: how long the line of waiters may be silent before it is asked whether it lives.
    ``owned``: whether a client that you give is for the store alone: it keeps the connections at hand
    between calls, which is faster, and closes the client with itself.

    Raises InvalidArgument.
    """

    has_topics = False
    _pooled: Pooled | None = None

    def __init__(
        self,
        where: str | redis.Redis | RedisCluster,
        *,
        prefix: str = "mq",
        deadline: Duration = 5,
        client: str | None = None,
        create_queues: bool = True,
        max_body: int | None = None,
        clock: Clock | None = None,
        keep_alive: Duration = 10,
        owned: bool = False,
    ) -> None:
        self.prefix = Prefix(prefix)
        self.deadline = _positive("deadline", deadline)
        self.client = str(uuid.uuid4()) if client is None else client
        if len(self.client.encode(errors="replace")) > 256:
            raise InvalidArgument("client: wants up to 256 bytes")
        self.create_queues = create_queues
        self.max_body = max_body
        self.clock = clock
        if isinstance(where, str):
            self.source = open_url(where, self.deadline)
        else:
            self.source = source_of(where, owned=owned)
        self.wakes = Wakes(self.source, _positive("keep_alive", keep_alive), prefix)

    def connect(self) -> Store:
        """Has the server answer once, so that a wrong address or password shows now. Answers itself.

        Raises Transport with outcome "not done".
        """
        Operation(self).call(command("PING"))
        return self

    def close(self) -> None:
        """Ends the connections that it made. Unless it is `owned`, a client of yours stays open."""
        self.wakes.close()
        self.source.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def at(self, now: int) -> Store:
        """The same store, whose operations go by this time, in ms since 1970."""
        there = copy.copy(self)
        there.clock = lambda: now
        return there

    def with_deadline(self, deadline: Duration) -> Store:
        """The same store, with another deadline."""
        there = copy.copy(self)
        there.deadline = _positive("deadline", deadline)
        return there

    def among(self, pools: Pooled) -> Store:
        """The same store as one pool of several: dead letters go where `pools` has their queues."""
        there = copy.copy(self)
        there._pooled = pools
        return there

    def queue(self, project: str, name: str) -> Queue:
        """A queue, there or not. Nothing is sent.

        ``project``: 0 to 256 bytes; ``name``: 1 to 256 bytes of UTF-8, without control characters.
        Raises InvalidArgument for names that are none.
        """
        return self.queue_at(QueuePath(project, name))

    def queue_at(self, path: QueuePath) -> Queue:
        """The queue of a path."""
        return Queue(self, path)

    def queues(
        self,
        project: str,
        *,
        marker: str | None = None,
        limit: int = 10,
        name_contains: str = "",
        metadata_is: Mapping[str, Any] | None = None,
        with_metadata: bool = False,
    ) -> QueuePage:
        """A page of a project's queues, in the order of their names' bytes.

        ``marker``: begin after this name. ``limit``: 1 to 250.
        ``name_contains``: only those with this in their name.
        ``metadata_is``: only those whose metadata have these values under these names.
        A page is short only at the end. Raises InvalidArgument.
        """
        listing = QueueListing(self, project, name_contains, metadata_is, with_metadata)
        return listing.page(marker, limit)

    def count(self, project: str) -> int:
        """How many queues a project has. Each is looked at."""
        return QueueListing(self, project).count()

    def projects(self, *, marker: str | None = None, limit: int = 10) -> ProjectPage:
        """A page of the projects that have queues, in the order of their bytes."""
        return project_page(self, marker, limit)

    def topic(self, project: str, name: str) -> Topic:
        """A topic, there or not. Nothing is sent. Raises InvalidArgument for names that are none."""
        return self.topic_at(QueuePath(project, name))

    def topic_at(self, path: QueuePath) -> Topic:
        """The topic of a path."""
        return Topic(self.of_topics(), path)

    def topics(
        self,
        project: str,
        *,
        marker: str | None = None,
        limit: int = 10,
        name_contains: str = "",
        metadata_is: Mapping[str, Any] | None = None,
        with_metadata: bool = False,
    ) -> TopicPage:
        """A page of a project's topics. As `queues`."""
        listing = QueueListing(self.of_topics(), project, name_contains, metadata_is, with_metadata)
        page = listing.page(marker, limit)
        return TopicPage(page.queues, page.marker)

    def carry_dead_letters(self, project: str) -> int:
        """Carries what waits in the outboxes of a project's queues, and says how many arrived.

        Raises the first failure, after all other queues were seen to. The deadline is for each queue.
        """
        account = Account()
        arrived = self._carry_all(project, account)
        account.close()
        return arrived

    def _carry_all(self, project: str, account: Account) -> int:
        arrived = 0
        with account.look():
            for names in pages_of_names(self, project):
                for name in names:
                    arrived += self.queue(project, name)._carry_all(account)
        return arrived

    def is_alive(self) -> bool:
        """Whether the server answers within the deadline."""
        try:
            self.connect()
        except MarconiError:
            return False
        return True

    def health(self) -> Health:
        """Tries every kind of operation on a queue of its own, and counts what is in all queues."""
        return health(self)

    def volume(self) -> Volume:
        """How much is in all queues of all projects. Asks each of them."""
        return volume(self)

    def gc(self, project: str | None = None) -> Collected:
        """Clears away what is over in a project's queues and topics; with None in those of all.

        Nobody has to call it for things to be right: it frees memory. The deadline is for each queue.
        """
        queues, unfinished = 0, 0
        for store in (self, self.of_topics()):
            projects = every_project(store) if project is None else iter([project])
            found = collect(store, projects)
            queues, unfinished = queues + found.queues, unfinished + found.unfinished
        return Collected(queues, unfinished)

    def capabilities(self) -> frozenset[str]:
        """What the store can do, in the words of Marconi's drivers."""
        return frozenset(["FIFO", "CLAIMS", "DURABILITY", "AOD", "HIGH_THROUGHPUT"])

    def control(self) -> Control:
        """The control plane that this server keeps."""
        return Control(self)

    def of_topics(self) -> Store:
        """The same store, whose queues are the topics. Raises InvalidArgument for too long a prefix."""
        there = copy.copy(self)
        there.prefix, there.has_topics = self.prefix.of_topics(), True
        return there

    def _neighbour(self, url: str, pooled: Pooled) -> Store:
        """A store with the same settings on another server, which knows where other queues are."""
        there = copy.copy(self)
        there.source = open_url(url, self.deadline)
        there.wakes = Wakes(there.source, self.wakes.keep_alive, self.prefix.text)
        there._pooled = pooled
        return there

    def _store_of(self, path: QueuePath) -> Store:
        """Where a queue is; of a pool, what the catalogue says. Raises QueueNotMapped."""
        return self if self._pooled is None else self._pooled.find(path).store

    def _store_for(self, path: QueuePath) -> Store:
        """Where a queue is, or has to be made."""
        return self if self._pooled is None else self._pooled.find_or_register(path).store


def _positive(name: str, length: Duration) -> float:
    found = seconds(name, length)
    if found <= 0:
        raise InvalidArgument(f"{name}: wants more than 0")
    return found
