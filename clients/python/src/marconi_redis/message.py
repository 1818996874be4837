"""Messages as they come out of a queue, and as they go in.

Guards that one message that can't be read spoils no other: bytes are kept as they came, and a body
is decoded when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from . import envelope
from .durations import Duration, of_millis
from .errors import Codec, Corrupt
from .keys import QueuePath
from .reply import Fields


@dataclass(frozen=True)
class NewMessage:
    """A message to be posted: a body, and a ttl and a delay of its own where it needs them.

    ``body``: any value that msgpack knows; or bytes of msgpack, with ``raw=True``.
    ``ttl``: 1 ms to 10 years; None = that of the post, else the queue's default, else 14 days.
    ``delay``: less than the ttl; None = that of the post, else the queue's default, else none.
    """

    body: Any
    ttl: Duration | None = None
    delay: Duration | None = None
    raw: bool = False

    def packed(self, path: QueuePath) -> bytes:
        """The body as msgpack."""
        if self.raw:
            if isinstance(self.body, bytes):
                return self.body
            raise Codec("a raw body wants bytes", path=path)
        try:
            return envelope.pack(self.body)
        except Exception as error:
            # msgpack raises TypeError, ValueError, OverflowError, whatever a default raises.
            raise Codec(f"the body does not fit msgpack: {error}", path=path) from error


@dataclass(frozen=True)
class Origin:
    """Where a dead letter comes from.

    ``queues``: tags of the queues it died in, the latest last. ``id``: its id in that queue.
    ``claims``: how often it was claimed there. ``died``: ms since 1970. ``ttl``: as it was posted.
    """

    queues: tuple[str, ...]
    id: str | None
    claims: int
    died: int | None
    ttl: timedelta | None

    @property
    def path(self) -> QueuePath | None:
        """The queue in which it died last; None where its tag is none."""
        try:
            return QueuePath.from_tag(self.queues[-1])
        except Corrupt:
            return None

    @classmethod
    def of(cls, extras: dict[Any, Any]) -> Origin | None:
        """The origin that extras tell of; None for a message that is no letter."""
        match extras.get("from"):
            case [*tags] if tags and all(isinstance(tag, str) for tag in tags):
                ttl, id = _whole(extras, "ttl"), extras.get("id")
                return cls(
                    queues=tuple(tags),
                    id=id if isinstance(id, str) else None,
                    claims=_whole(extras, "claims") or 0,
                    died=_whole(extras, "died"),
                    ttl=None if ttl is None else of_millis(ttl),
                )
        return None


def _whole(extras: dict[Any, Any], name: str) -> int | None:
    value = extras.get(name)
    return value if isinstance(value, int) else None


@dataclass(frozen=True)
class Message:
    """A message of a queue.

    ``id``: unique in its queue for ever; ids grow in the order of delivery.
    ``claims``: how often it was claimed, a claim that brought it counted in.
    ``ttl``: from its posting to its expiry, as it stands now. ``age``: since its posting.
    ``delay``: what is left of it. ``claim``: the claim that holds it, if any.
    ``client``: who posted it. ``origin``: of a dead letter, where it comes from.
    ``redriven``: how often it set out again after it had died.
    ``raw_body``: the body's msgpack; empty where what is stored can't be read.
    """

    path: QueuePath
    id: str
    claims: int
    ttl: timedelta
    age: timedelta
    delay: timedelta
    claim: str | None
    client: str
    origin: Origin | None
    redriven: int
    raw_body: bytes = field(repr=False)

    @property
    def body(self) -> Any:
        """The body, decoded anew each time.

        Raises Codec for a body that is not whole msgpack, Corrupt for an envelope that is none.
        """
        if not self.raw_body:
            raise Corrupt("no envelope of a message", path=self.path, id=self.id)
        try:
            return envelope.unpack(self.raw_body)
        except Exception as error:
            detail = f"the body is not whole msgpack: {type(error).__name__}"
            raise Codec(detail, outcome="done", path=self.path, id=self.id) from error

    @property
    def posted(self) -> int:
        """When it was posted, in ms since 1970."""
        return posted(self.id)


def posted(id: str) -> int:
    """The ms of an id that a reply gave."""
    return int(id.partition("-")[0])


def order_of(id: str) -> tuple[int, int]:
    """By which ids sort: as two numbers."""
    ms, _, seq = id.partition("-")
    return int(ms), int(seq)


def coming_after(id: str, marker: str | None) -> str:
    """The same id, which a server gave as one after that marker: or page after page would go round."""
    if marker and order_of(id) <= order_of(marker):
        raise Corrupt("ids that are not in their order", id=id)
    return id


def _message(
    path: QueuePath,
    now: int,
    id: str,
    stored: bytes,
    *,
    claims: int | None = None,
    ttl: int = 0,
    delay: int = 0,
    claim: str | None = None,
) -> Message:
    read = envelope.read(stored) or envelope.Envelope("", {}, b"")
    origin = Origin.of(read.extras)
    if claims is None:
        claims = origin.claims if origin else 0
    return Message(
        path=path,
        id=id,
        claims=claims,
        ttl=of_millis(ttl),
        age=of_millis(max(0, now - posted(id))),
        delay=of_millis(delay),
        claim=claim,
        client=read.client,
        origin=origin,
        redriven=_whole(read.extras, "redriven") or 0,
        raw_body=read.body,
    )


def read_taken(fields: Fields, path: QueuePath, now: int, claim: str | None) -> list[Message]:
    """The messages of a claim or a pop: id, claims, ttl, envelope."""
    found = []
    while fields.left:
        id, claims, ttl = fields.id(), fields.number(), fields.number()
        stored = fields.bytes()
        found.append(_message(path, now, id, stored, claims=claims, ttl=ttl, claim=claim))
    return found


def read_seen(fields: Fields, path: QueuePath, now: int) -> list[Message]:
    """The messages of get, list and first: id, claims, ttl, delay, claim, envelope."""
    found = []
    while fields.left:
        id, claims, ttl, delay = fields.id(), fields.number(), fields.number(), fields.number()
        claim, stored = fields.text() or None, fields.bytes()
        found.append(_message(path, now, id, stored, claims=claims, ttl=ttl, delay=delay, claim=claim))
    return found


def read_kept(fields: Fields, path: QueuePath, now: int) -> list[Message]:
    """The letters of dead/list and dead/get: id, ttl, letter."""
    found = []
    while fields.left:
        id, ttl = fields.id(), fields.number()
        found.append(_message(path, now, id, fields.bytes(), ttl=ttl))
    return found


def read_in_transit(fields: Fields, path: QueuePath) -> list[tuple[str, Message]]:
    """The letters of dead/transit: id, the tag they go to, letter."""
    found = []
    while fields.left:
        id, to = fields.id(), fields.text()
        found.append((to, _message(path, posted(id), id, fields.bytes())))
    return found
