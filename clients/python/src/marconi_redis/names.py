"""The names of queues and projects, for listing: two sorted sets, in slots of their own.

Guards that no queue is without a name, whoever crashes between. A name is entered before its queue is
made and once more after it, and taken out after its queue is gone; who takes it out looks for the
queue once more. So at worst a name outlives its queue, and whoever lists sees that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .errors import MarconiError, Transport
from .keys import QueueKeys, QueuePath, check_project, is_name
from .link import Answer, command
from .operation import Operation
from .reply import Fields, number


class Names:
    """The names, for the time of one operation."""

    def __init__(self, of: Operation) -> None:
        self._of = of

    def enter(self, path: QueuePath) -> None:
        """Enters a queue and its project."""
        self._command("ZADD", self._of.prefix.queues_of(path.project), "0", path.name)
        self._command("ZADD", self._of.prefix.projects(), "0", path.project)

    def leave(self, project: str, paths: Sequence[QueuePath]) -> None:
        """Takes out the names of queues that are gone and have no letters under way."""
        gone = self._gone(paths)
        if not gone:
            return
        names = [path.name for path in gone]
        self._command("ZREM", self._of.prefix.queues_of(project), *names)
        # Made again meanwhile: whoever made it may have entered the name before it was taken out.
        still_gone = self._gone(gone)
        for path in gone:
            if path not in still_gone:
                self.enter(path)
        self.leave_project(project)

    def leave_project(self, project: str) -> None:
        """Takes out a project whose list is empty."""
        queues, projects = self._of.prefix.queues_of(project), self._of.prefix.projects()
        if number(self._command("ZCARD", queues)) > 0:
            return
        self._command("ZREM", projects, project)
        if number(self._command("ZCARD", queues)) > 0:
            self._command("ZADD", projects, "0", project)

    def page(self, project: str, after: str | None, count: int) -> list[str]:
        """Names of queues, in the order of their bytes. An empty page is the end."""
        return self._range(self._of.prefix.queues_of(project), after, count)

    def project_page(self, after: str | None, count: int) -> list[str]:
        """Projects, in the order of their bytes. An empty page is the end."""
        return self._range(self._of.prefix.projects(), after, count)

    def _range(self, key: str, after: str | None, count: int) -> list[str]:
        begin = "-" if after is None else f"({after}"
        reply = self._command("ZRANGEBYLEX", key, begin, "+", "LIMIT", "0", str(count))
        fields, names = Fields(reply), []
        while fields.left:
            names.append(fields.text())
        return names

    def _gone(self, paths: Sequence[QueuePath]) -> list[QueuePath]:
        calls = []
        for path in paths:
            keys = QueueKeys(self._of.prefix, path)
            calls.append(self._of.script("queue/exists", keys))
            calls.append(self._of.script("dead/transit", keys, limit=1))
        answers = self._of.calls(calls)
        found = zip(paths, answers[::2], answers[1::2], strict=True)
        return [
            path
            for path, exists, letters in found
            if _is(exists, lambda reply: number(reply) == 0)
            and _is(letters, lambda reply: not Fields(reply).left)
        ]

    def _command(self, name: str, key: str, *arguments: str) -> object:
        return self._of.call(command(name, key, *arguments))


def _is(answer: Answer, asked: Callable[[object], bool]) -> bool:
    """What was asked of an answer. A queue that can't be read, of a later version, is not gone."""
    if isinstance(answer, Transport):
        raise answer
    return not isinstance(answer, MarconiError) and asked(answer)


def are_names(names: Sequence[str]) -> list[str]:
    """Those that can be queues' names; what is none is not of this contract, and passed over."""
    return [name for name in names if is_name(name)]


def are_projects(projects: Sequence[str]) -> list[str]:
    """Those that can be projects."""
    found = []
    for project in projects:
        try:
            found.append(check_project(project))
        except MarconiError:
            continue
    return found
