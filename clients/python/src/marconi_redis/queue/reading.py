"""Looking at messages, deleting and popping them, and counting.

Guards that a page is short only at the end of the queue, whatever was left out of it, or where its
bodies fill 4 MiB; and that looking changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from ..durations import of_millis
from ..errors import ClaimDoesNotExist, MessageDoesNotExist
from ..message import Message, posted, read_seen
from ..reply import Fields, number
from .base import told
from .posting import Posting

#: Inside the class `list` is the listing.
Messages = list[Message]

_AT_END = 0
_GOES_ON = 1


@dataclass(frozen=True)
class MessagePage:
    """A page of messages. ``marker``: give it to get the next page; None at the end."""

    messages: list[Message]
    marker: str | None


@dataclass(frozen=True)
class End:
    """The oldest or the newest message: its id, and its age."""

    id: str
    age: timedelta


@dataclass(frozen=True)
class Stats:
    """How much is in a queue. ``total`` is free, claimed and delayed; ``dead`` are letters that wait
    in the outbox or are kept here."""

    free: int
    claimed: int
    delayed: int
    total: int
    dead: int
    oldest: End | None
    newest: End | None

    @classmethod
    def read(cls, reply: object) -> Stats:
        """The reply of queue/stats."""
        fields = Fields(reply)
        now = fields.number()
        return cls(
            free=fields.number(),
            claimed=fields.number(),
            delayed=fields.number(),
            total=fields.number(),
            dead=fields.number(),
            oldest=_end(fields.text(), now),
            newest=_end(fields.text(), now),
        )


def _end(id: str, now: int) -> End | None:
    return End(id, of_millis(max(0, now - posted(id)))) if id else None


class Reading(Posting):
    """Looking at messages, deleting them, and counting."""

    @told
    def get(self, id: str) -> Message:
        """The message. Raises MessageDoesNotExist for one that is gone, dead, or never was."""
        found = self.get_many([id])
        if not found:
            raise MessageDoesNotExist(id, path=self.path, id=id)
        return found[0]

    @told
    def get_many(self, ids: Iterable[str]) -> Messages:
        """Those of up to 250 messages that are there, in the order asked.

        Raises TooLarge above 250.
        """
        wanted = list(ids)
        if not wanted:
            return []
        fields = Fields(self._call("get", id=wanted))
        return read_seen(fields, self.path, fields.number())

    @told
    def list(
        self,
        *,
        marker: str | None = None,
        limit: int = 10,
        claimed: bool = False,
        delayed: bool = False,
        echo: bool = True,
        not_client: str | None = None,
    ) -> MessagePage:
        """A page of messages, oldest first; by default those that can be claimed now.

        ``marker``: the page begins after this id, gone or not. ``limit``: 1 to 250.
        ``claimed``, ``delayed``: with those too.
        ``echo``: False leaves out what the store's own client posted; ``not_client`` leaves out what
        that one posted. A page is short only at the end, or where its bodies fill 4 MiB. It is no atomic
        step. A queue that does not exist is empty. Raises InvalidArgument.
        """
        if not_client is None and not echo:
            not_client = self.store.client
        of = self._begin()
        messages: Messages = []
        while True:
            call = of.script(
                "list",
                self.keys,
                marker=marker,
                limit=limit - len(messages),
                client=not_client,
                claimed=claimed,
                delayed=delayed,
            )
            fields = Fields(of.call(call))
            now, state, marker = fields.number(), fields.number(), fields.text()
            messages += read_seen(fields, self.path, now)
            if state != _GOES_ON or len(messages) >= limit:
                return MessagePage(messages, None if state == _AT_END else marker)

    @told
    def first(self, *, newest: bool = False) -> Message | None:
        """The oldest message, or the newest; claimed and delayed ones too. None in an empty queue."""
        of, marker = self._begin(), None
        while True:
            call = of.script("first", self.keys, marker=marker, newest=newest)
            fields = Fields(of.call(call))
            now, state, marker = fields.number(), fields.number(), fields.text()
            if state == _AT_END:
                found = read_seen(fields, self.path, now)
                return found[0] if found else None

    @told
    def stats(self) -> Stats:
        """How much is in the queue, exactly. Raises QueueDoesNotExist."""
        of = self._begin()
        reply = self._swept(of, lambda _: of.script("queue/stats", self.keys))
        return Stats.read(reply)

    @told
    def delete_one(self, id: str, *, claim: str | None = None) -> None:
        """Deletes a message; one that is gone already is no error. See `delete_many`."""
        self.delete_many([id], claim=claim)

    @told
    def delete_many(self, ids: Iterable[str], *, claim: str | None = None) -> int:
        """Deletes up to 250 messages, all or none, and says how many were there.

        ``claim``: the id of the claim under which they are held.

        Raises, with the id of the first that is refused: MessageIsClaimed (held by a live claim, and
        none was named), MessageNotClaimed (a claim was named, nobody holds it), MessageNotClaimedBy
        (another live claim holds it), ClaimDoesNotExist (the named claim is gone, and another holds it;
        or its id is malformed); TooLarge above 250.
        """
        wanted = list(ids)
        if claim == "":
            raise ClaimDoesNotExist("'' is no claim's id", path=self.path, id="")
        if not wanted:
            return 0
        return number(self._call("delete", claim=claim, id=wanted))
