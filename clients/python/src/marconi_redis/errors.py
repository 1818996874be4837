"""What can go wrong, one class for each word that the scripts refuse with.

Guards that an error says which queue and which id it is about, whether the operation was done, and
what to do next, and that none ever shows a body, a password or a URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from .keys import QueuePath

#: Whether an operation that raised took effect all the same.
Outcome = Literal["not done", "done", "unknown"]


class MarconiError(Exception):
    """Every error of this package. A refusal of the server has changed nothing.

    ``word``: the name of the error in the scripts, on the command line and in logs.
    ``queue``, ``project``: what it is about, where it is about a queue.
    ``id``: the message, claim or subscription, where there is one.
    ``detail``: what the server or the client says of it, for people.
    ``outcome``: ``"not done"``, ``"done"`` or ``"unknown"``.
    """

    word: ClassVar[str] = "ERROR"
    outcome: Outcome = "not done"
    _advice: ClassVar[str] = ""

    def __init__(
        self, detail: str = "", *, path: QueuePath | None = None, id: str | None = None
    ) -> None:
        self.path = path
        self.id = id
        self.detail = detail
        super().__init__(detail)

    @property
    def queue(self) -> str | None:
        """The queue's name; None where the error is about none."""
        return None if self.path is None else self.path.name

    @property
    def project(self) -> str | None:
        """The queue's project; None where the error is about no queue."""
        return None if self.path is None else self.path.project

    def __str__(self) -> str:
        where = "" if self.path is None else f" in {self.path}"
        advice = f": {self._advice}" if self._advice else ""
        return f"{self.word} {self.detail or self.id or ''}".rstrip() + where + advice

    def __reduce__(self) -> tuple[object, ...]:
        # Pools of processes hand errors on, and what they are made of is given by name.
        return _made_again, (type(self), self.args, self.__dict__)


def _made_again(
    kind: type[MarconiError], args: tuple[object, ...], state: dict[str, object]
) -> MarconiError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class _OfAnId(MarconiError):
    """A refusal whose detail begins with the id that it is about."""


class QueueDoesNotExist(MarconiError):
    """The queue has not been created, or was deleted."""

    word = "QUEUEGONE"
    _advice = "create it, or post to it"


class TopicDoesNotExist(MarconiError):
    """The topic has not been created, or was deleted."""

    word = "TOPICGONE"
    _advice = "create it, or post to it"


class MessageDoesNotExist(_OfAnId):
    """The message was deleted, has expired, is dead, or never was."""

    word = "MESSAGEGONE"


class ClaimDoesNotExist(_OfAnId):
    """The claim ended: its deadline passed, it was released, or its last message is gone."""

    word = "CLAIMGONE"
    _advice = "its messages may be with another worker by now, so drop what it held"


class MessageIsClaimed(_OfAnId):
    """A live claim holds the message, and none was named."""

    word = "CLAIMED"
    _advice = "name that claim, or wait until it ends"


class MessageNotClaimed(_OfAnId):
    """A claim was named, but nobody holds the message: it lapsed or was given back."""

    word = "NOTCLAIMED"
    _advice = "claim again"


class MessageNotClaimedBy(_OfAnId):
    """Another live claim than the one named holds the message."""

    word = "NOTYOURS"
    _advice = "leave it to that claim"


class InvalidArgument(MarconiError, ValueError):
    """An argument is of the wrong type or out of its bounds; ``argument`` says which."""

    word = "BADARG"

    @property
    def argument(self) -> str:
        """The argument's name, as the manifest has it."""
        name, colon, _ = self.detail.partition(": ")
        return name if colon else "call"


class TokenReused(MarconiError):
    """A post or pop token was used before with other content."""

    word = "TOKENREUSED"
    _advice = "give each post a token of its own"


class TooLarge(MarconiError, ValueError):
    """A body, a post, metadata or a batch is over its bound."""

    word = "TOOLARGE"


class NewerSchema(MarconiError):
    """A later version wrote the queue."""

    word = "NEWERSCHEMA"
    _advice = "upgrade this library"


class PoolDoesNotExist(MarconiError):
    """There is no such pool, or none of the flavor that takes new queues."""

    word = "POOLGONE"
    _advice = "register one, or give one a weight"


class PoolAlreadyExists(MarconiError):
    """Another pool has this uri."""

    word = "POOLEXISTS"
    _advice = "a uri is one pool's only"


class PoolInUse(MarconiError):
    """The pool holds queues, or is the only one of its flavor."""

    word = "POOLINUSE"
    _advice = "delete these queues first, or take the pool out of its flavor"


class FlavorDoesNotExist(MarconiError):
    """The project has no such flavor."""

    word = "FLAVORGONE"
    _advice = "create it first"


class QueueNotMapped(MarconiError):
    """The catalogue does not have the queue."""

    word = "NOTMAPPED"
    _advice = "create the queue, or enter it in the catalogue"


class SubscriptionDoesNotExist(_OfAnId):
    """The subscription was deleted, has expired, or never was."""

    word = "SUBSCRIPTIONGONE"
    _advice = "subscribe anew"


class SubscriptionAlreadyExists(_OfAnId):
    """The subscriber has a subscription of its own in this queue, with this ``id``."""

    word = "SUBSCRIPTIONEXISTS"
    _advice = "change or delete that one"


class Transport(MarconiError):
    """The server could not be reached, could not answer, or its answer was lost.

    ``outcome`` says which: ``"not done"`` where nothing was done, ``"unknown"`` where the operation may
    have been done. What is safe to repeat was repeated already, up to the deadline.
    """

    word = "TRANSPORT"

    def __init__(
        self, detail: str, *, outcome: Outcome, path: QueuePath | None = None, id: str | None = None
    ) -> None:
        super().__init__(detail, path=path, id=id)
        self.outcome = outcome

    def __str__(self) -> str:
        said = {
            "not done": "nothing was done, so it may be repeated",
            "done": "it was done, only its answer could not be used",
            "unknown": "it may have been done, so look before it is repeated",
        }
        return f"{super().__str__()}: {said[self.outcome]}"


class Codec(MarconiError):
    """A body or metadata could not be turned into msgpack, or not read from it."""

    word = "CODEC"

    def __init__(
        self,
        detail: str,
        *,
        outcome: Outcome = "not done",
        path: QueuePath | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(detail, path=path, id=id)
        self.outcome = outcome


class Corrupt(MarconiError):
    """The server answered something that is not of the contract: something else writes to these keys.

    It was found in an answer, so the operation was done.
    """

    word = "CORRUPT"
    outcome: Outcome = "done"


def _classes(of: type[MarconiError]) -> list[type[MarconiError]]:
    return [of, *(found for below in of.__subclasses__() for found in _classes(below))]


#: The class of each word.
BY_WORD: dict[str, type[MarconiError]] = {
    found.word: found for found in _classes(MarconiError) if not found.__name__.startswith("_")
}


def refusal(word: str, detail: str, path: QueuePath | None) -> MarconiError:
    """The error of a word that a script refused with; the caller has looked that it is one."""
    found = BY_WORD[word]
    id = detail.split(" ", 1)[0] if issubclass(found, _OfAnId) else None
    return found(detail, path=path, id=id)
