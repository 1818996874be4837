"""Whether a store works, how much is in it, and the housekeeping that nobody waits for.

Guards that trying leaves nothing behind: it is done on a queue that nobody else has, and that is deleted
whatever fails.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from .account import Account
from .errors import MarconiError, QueueDoesNotExist, Transport
from .keys import QueueKeys, QueuePath
from .link import MORE, Answer, command
from .message import NewMessage
from .names import Names, are_names, are_projects
from .operation import Operation, value
from .queue import Queue, Stats

if TYPE_CHECKING:
    from .store import Store

_PAGE = 250
_MINUTE = 60
_T = TypeVar("_T")


@dataclass(frozen=True)
class Tried:
    """An operation that was tried: how long it took, and what it failed with, if it did."""

    operation: str
    took: timedelta
    error: MarconiError | None


@dataclass(frozen=True)
class Volume:
    """How much is in all queues. ``unreadable``: queues of a later version, or written by others."""

    queues: int = 0
    unreadable: int = 0
    free: int = 0
    claimed: int = 0
    delayed: int = 0
    total: int = 0


@dataclass(frozen=True)
class Health:
    """Whether the server answers, how each kind of operation did, and how much is in it."""

    is_reachable: bool
    operations: list[Tried]
    volume: Volume | MarconiError

    @property
    def is_good(self) -> bool:
        """Whether nothing failed."""
        failed = any(tried.error for tried in self.operations)
        return self.is_reachable and not failed and isinstance(self.volume, Volume)


@dataclass(frozen=True)
class Collected:
    """How many queues and topics were seen to, and in how many time ran out before the end."""

    queues: int
    unfinished: int


def health(store: Store) -> Health:
    """Tries a store. The queue that it is tried on is gone afterwards."""
    is_reachable = store.is_alive()
    operations = _Trial(store).run() if is_reachable else []
    try:
        return Health(is_reachable, operations, volume(store))
    except MarconiError as error:
        return Health(is_reachable, operations, error)


class _Trial:
    def __init__(self, store: Store) -> None:
        self._queue = store.queue(str(uuid.uuid4()), str(uuid.uuid4()))
        self._tried: list[Tried] = []

    def run(self) -> list[Tried]:
        queue = self._queue
        try:
            if self._time("create_queue", queue.create) is not None:
                self._messages(queue)
        finally:
            # Also where its making failed: it may be there all the same.
            self._time("delete_queue", queue.delete)
            self._forget(queue)
        return self._tried

    def _messages(self, queue: Queue) -> None:
        messages = [NewMessage(number) for number in range(10)]
        ids = self._time("post", lambda: queue.post_many(messages, ttl=_MINUTE))
        if ids is None:
            return
        claim = self._time("claim", lambda: queue.claim(ttl=_MINUTE, limit=5))
        self._time("list", lambda: queue.list(claimed=True))
        if claim is not None:
            self._time("delete_message", lambda: claim.delete_many(claim.messages[:1]))
            self._time("delete_claim", claim.release)
        self._time("bulk_delete", lambda: queue.delete_many(ids))

    def _forget(self, queue: Queue) -> None:
        """What outlives a queue's deletion: nobody will make one of this name again."""
        try:
            of = Operation(queue.store)
            of.call(command("UNLINK", queue.keys.key("floor")))
        except MarconiError as error:
            queue._report("not forgotten", error)

    def _time(self, operation: str, tried: Callable[[], _T]) -> _T | None:
        begun, error, found = time.monotonic(), None, None
        try:
            found = tried()
        except MarconiError as failed:
            error = failed
        took = timedelta(seconds=time.monotonic() - begun)
        self._tried.append(Tried(operation, took, error))
        return found


def volume(store: Store) -> Volume:
    """How much is in all queues of all projects; topics are not counted."""
    counts = dict.fromkeys(Volume.__dataclass_fields__, 0)
    for project in every_project(store):
        for names in pages_of_names(store, project):
            for stats in _stats(store, project, names):
                if stats is None:
                    counts["unreadable"] += 1
                    continue
                counts["queues"] += 1
                for name in ("free", "claimed", "delayed", "total"):
                    counts[name] += getattr(stats, name)
    return Volume(**counts)


def _stats(store: Store, project: str, names: list[str]) -> Iterator[Stats | None]:
    """The stats of these queues; None for those that can't be read."""
    of = Operation(store)
    paths = [QueuePath(project, name) for name in names]
    calls = [of.script("queue/stats", QueueKeys(of.prefix, path)) for path in paths]
    for path, answer in zip(paths, of.calls(calls), strict=True):
        try:
            yield _read(store, path, answer)
        except QueueDoesNotExist:
            # A name without a queue; whoever lists sees to that.
            continue
        except Transport:
            raise
        except MarconiError:
            yield None


def _read(store: Store, path: QueuePath, answer: Answer) -> Stats:
    return store.queue_at(path).stats() if answer is MORE else Stats.read(value(answer))


def collect(store: Store, projects: Iterator[str]) -> Collected:
    """Runs gc in every queue. Raises the first failure, after all others were seen to."""
    queues, unfinished, account = 0, 0, Account()
    with account.look():
        for project in projects:
            for names in pages_of_names(store, project):
                for name in names:
                    queues += 1
                    with account.step():
                        unfinished += not store.queue(project, name).gc()
    account.close()
    return Collected(queues, unfinished)


def every_project(store: Store) -> Iterator[str]:
    """All projects, page by page."""
    marker: str | None = None
    while found := Names(Operation(store)).project_page(marker, _PAGE):
        yield from are_projects(found)
        marker = found[-1]


def pages_of_names(store: Store, project: str) -> Iterator[list[str]]:
    """All names of a project's queues, page by page."""
    marker: str | None = None
    while found := Names(Operation(store)).page(project, marker, _PAGE):
        yield are_names(found)
        marker = found[-1]
