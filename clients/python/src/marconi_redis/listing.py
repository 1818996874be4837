"""Listing the queues of a project, and the projects.

Guards that what is listed is there: each name is verified, and one whose queue is gone is passed over
and taken out. A page is filled however many names are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import InvalidArgument, MarconiError, QueueDoesNotExist, Transport
from .keys import QueueKeys, QueuePath, check_project
from .link import Answer
from .names import Names, are_names, are_projects
from .operation import Operation, value
from .queue.making import read_metadata
from .reply import number

if TYPE_CHECKING:
    from .store import Store

_CHUNK = 250


@dataclass(frozen=True)
class QueueEntry:
    """A queue's name; and its metadata, where they were asked for and can be read."""

    name: str
    metadata: dict[str, Any] | None


@dataclass(frozen=True)
class QueuePage:
    """A page of queues. ``marker``: give it to get the next page; None at the end."""

    queues: list[QueueEntry]
    marker: str | None


@dataclass(frozen=True)
class TopicPage:
    """A page of topics. ``marker``: give it to get the next page; None at the end."""

    topics: list[QueueEntry]
    marker: str | None


@dataclass(frozen=True)
class ProjectPage:
    """A page of projects. ``marker``: give it to get the next page; None at the end."""

    projects: list[str]
    marker: str | None


@dataclass(frozen=True)
class QueueListing:
    """What is asked for, and where."""

    store: Store
    project: str
    name_contains: str = ""
    metadata_is: Mapping[str, Any] | None = None
    with_metadata: bool = False

    @property
    def _is_filtered(self) -> bool:
        return bool(self.name_contains or self.metadata_is)

    @property
    def _reads_metadata(self) -> bool:
        return self.with_metadata or bool(self.metadata_is)

    def page(self, marker: str | None, limit: int) -> QueuePage:
        """A page, in the order of the names' bytes."""
        bounded(limit)
        check_project(self.project)
        of, queues = Operation(self.store), list[QueueEntry]()
        names = Names(of)
        while True:
            count = _CHUNK if self._is_filtered else limit - len(queues)
            found = names.page(self.project, marker, count)
            if not found:
                return QueuePage(queues, None)
            marker = found[-1]
            for entry in self.looked_up(of, are_names(found)):
                queues.append(entry)
                if len(queues) == limit:
                    return QueuePage(queues, entry.name)

    def count(self) -> int:
        """How many there are."""
        count, marker = 0, None
        while True:
            page = self.page(marker, _CHUNK)
            count += len(page.queues)
            if page.marker is None:
                return count
            marker = page.marker

    def looked_up(self, of: Operation, names: list[str]) -> list[QueueEntry]:
        """Those of these names that are there, and are asked for."""
        paths = [QueuePath(self.project, name) for name in names if self.name_contains in name]
        script = "queue/get" if self._reads_metadata else "queue/exists"
        calls = [of.script(script, QueueKeys(of.prefix, path)) for path in paths]
        entries, gone = [], []
        for path, answer in zip(paths, of.calls(calls), strict=True):
            try:
                metadata = self._described(answer)
            except QueueDoesNotExist:
                gone.append(path)
                continue
            if self._is_wanted(metadata):
                shown = metadata if self.with_metadata else None
                entries.append(QueueEntry(path.name, shown))
        if gone:
            Names(of).leave(self.project, gone)
        return entries

    def _described(self, answer: Answer) -> dict[str, Any] | None:
        try:
            reply = value(answer)
            if self._reads_metadata:
                return read_metadata(reply)
            if number(reply) == 0:
                raise QueueDoesNotExist
        except (QueueDoesNotExist, Transport):
            raise
        except MarconiError:
            # One queue that can't be read, of a later version for one, hides no other.
            pass
        return None

    def _is_wanted(self, metadata: dict[str, Any] | None) -> bool:
        if not self.metadata_is:
            return True
        return metadata is not None and all(
            name in metadata and metadata[name] == wanted for name, wanted in self.metadata_is.items()
        )


def project_page(store: Store, marker: str | None, limit: int) -> ProjectPage:
    """A page of the projects that have queues, in the order of their bytes."""
    bounded(limit)
    names, projects = Names(Operation(store)), list[str]()
    while len(projects) < limit:
        found = names.project_page(marker, limit - len(projects))
        if not found:
            return ProjectPage(projects, None)
        marker = found[-1]
        for project in are_projects(found):
            if names.page(project, None, 1):
                projects.append(project)
            else:
                names.leave_project(project)
    return ProjectPage(projects, marker)


def bounded(limit: int) -> None:
    """Raises InvalidArgument for a limit of a listing of names that is none."""
    if not 1 <= limit <= _CHUNK:
        raise InvalidArgument(f"limit: wants 1 to {_CHUNK}")
