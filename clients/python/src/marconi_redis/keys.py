"""Names of projects and queues, and the keys that are made of them.

Guards that no name reaches another queue's keys: a tag is good in one spelling only, and names are
checked before a key is built.
"""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from .errors import Corrupt, InvalidArgument

if TYPE_CHECKING:
    from .manifest import Script

_LONGEST_NAME = 256
_LONGEST_PREFIX = 64
_AMBIGUOUS = re.compile(r"[%/{}\x00-\x1f\x7f]")
_ESCAPE = re.compile(r"%([0-9A-F]{2})")


def check_text(argument: str, text: str, least: int, most: int) -> str:
    """The text, where it is of so many bytes of UTF-8 and without control characters."""
    if not isinstance(text, str):
        raise InvalidArgument(f"{argument}: wants text, not {type(text).__name__}")
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidArgument(f"{argument}: wants text that UTF-8 can hold") from None
    if not least <= length <= most:
        wanted = f"{least} to {most}" if least else f"up to {most}"
        raise InvalidArgument(f"{argument}: wants {wanted} bytes")
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise InvalidArgument(f"{argument}: wants no control characters")
    return text


def _encode(name: str) -> str:
    return _AMBIGUOUS.sub(lambda found: f"%{ord(found.group()):02X}", name)


def _decode(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text)


def is_name(name: str) -> bool:
    """Whether it can be a queue's name; what is none was not entered by a client of the contract."""
    try:
        check_text("queue", name, 1, _LONGEST_NAME)
    except InvalidArgument:
        return False
    return True


def check_project(project: str) -> str:
    """The project, where it is one: 0 to 256 bytes of UTF-8 without control characters."""
    return check_text("project", project, 0, _LONGEST_NAME)


def tag_of_project(project: str) -> str:
    """The project as it stands in a tag."""
    return _encode(project)


@dataclass(frozen=True, order=True)
class QueuePath:
    """A queue's name within its project. Raises InvalidArgument for names that are none."""

    project: str
    name: str

    def __post_init__(self) -> None:
        check_project(self.project)
        check_text("queue", self.name, 1, _LONGEST_NAME)

    @cached_property
    def tag(self) -> str:
        """What is between the braces of the queue's keys, and how dead letters name it."""
        return f"{_encode(self.project)}/{_encode(self.name)}"

    @classmethod
    def from_tag(cls, tag: str) -> QueuePath:
        """The names of a tag; Corrupt for what is none in its one good spelling."""
        project, slash, name = tag.partition("/")
        try:
            path = cls(_decode(project), _decode(name))
        except InvalidArgument:
            path = None
        if not slash or path is None or path.tag != tag:
            raise Corrupt(f"{tag!r} is not the tag of a queue")
        return path

    def __str__(self) -> str:
        of = f" of project {self.project!r}" if self.project else ""
        return f"queue {self.name!r}{of}"


@dataclass(frozen=True)
class Prefix:
    """What all keys of an installation begin with: 1 to 64 bytes without braces."""

    text: str = "mq"

    def __post_init__(self) -> None:
        check_text("prefix", self.text, 1, _LONGEST_PREFIX)
        if "{" in self.text or "}" in self.text:
            raise InvalidArgument("prefix: wants no braces")

    def of_topics(self) -> Prefix:
        """The prefix under which topics are."""
        return Prefix(f"{self.text}.topics")

    def queues_of(self, project: str) -> str:
        """The key of the names of a project's queues."""
        return f"{self.text}:{{{_encode(project)}/}}:queues"

    def projects(self) -> str:
        """The key of the projects."""
        return f"{self.text}:projects"


@dataclass(frozen=True)
class Head:
    """What all calls of a script by one owner begin with: as it goes over the wire, the words in it,
    and the first key."""

    packed: bytes
    words: int
    key: bytes


class Owner(ABC):
    """What has parts, each a key of its own, all in one slot."""

    #: The queue that it is; None for the control plane.
    path: QueuePath | None

    @abstractmethod
    def key(self, part: str) -> str:
        """The key of a part, as ``log`` or ``pools``."""

    def head(self, script: Script) -> Head:
        """The head of a script's calls; it is put together once."""
        found = self._heads.get(script.name)
        if found is None:
            keys = [self.key(part).encode() for part in script.keys]
            words = [b"EVALSHA", script.sha1.encode(), b"%d" % len(keys), *keys]
            found = self._heads[script.name] = Head(packed(words), len(words), keys[0])
        return found

    @cached_property
    def _heads(self) -> dict[str, Head]:
        return {}


@dataclass(frozen=True)
class QueueKeys(Owner):
    """The keys of a queue."""

    prefix: Prefix
    path: QueuePath

    @cached_property
    def _stem(self) -> str:
        return f"{self.prefix.text}:{{{self.path.tag}}}:"

    def key(self, part: str) -> str:
        """The key of a part, as ``log`` or ``meta``."""
        return self._stem + part


@dataclass(frozen=True)
class ControlKeys(Owner):
    """The keys of the control plane."""

    prefix: Prefix
    path: None = None
    has_topics: bool = False

    def of_topics(self) -> ControlKeys:
        """The same, with the topics' catalogue in the place of the queues'."""
        return replace(self, has_topics=True)

    def key(self, part: str) -> str:
        """The key of a part, as ``pools``."""
        if self.has_topics and part in ("catalogue", "catalogue_names"):
            part = f"topic_{part}"
        return f"{self.prefix.text}:{{control}}:{part}"


def packed(words: list[bytes]) -> bytes:
    """Words of a command, as they go over the wire. redis-py would look for the type of each anew."""
    return b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])
