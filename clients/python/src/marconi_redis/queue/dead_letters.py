"""The letters that a queue keeps, those in transit, and letters that set out again.

Guards that each goes once: it leaves its place and enters the outbox in one atomic step, and is carried
on from there as all letters are. And that *all of them* comes to an end: what dies or comes back
meanwhile waits for the next time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..account import Account
from ..errors import InvalidArgument, MessageDoesNotExist, QueueDoesNotExist
from ..keys import QueuePath
from ..message import Message, coming_after, order_of, read_in_transit, read_kept
from ..reply import Fields, number
from .base import told
from .claiming import Claiming
from .letters import Way
from .reading import MessagePage, Messages

_MOST = 250


@dataclass(frozen=True)
class LetterInTransit:
    """A letter that waits to be carried; ``to`` is the tag of the queue it is addressed to."""

    to: str
    letter: Message


@dataclass(frozen=True)
class TransitPage:
    """A page of letters in transit. ``marker``: give it to get the next page; None at the end."""

    letters: list[LetterInTransit]
    marker: str | None


@dataclass(frozen=True)
class Redriven:
    """How many letters left their place, and how many of them arrived. The rest is in transit."""

    set_out: int
    arrived: int


@dataclass
class _Steps:
    script: str
    to: str
    set_out: int = 0
    way: Way = field(default_factory=Way)


class DeadLetters(Claiming):
    """Dead letters: those in transit, those that are kept, and those that set out again."""

    @told
    def carry_dead_letters(self) -> int:
        """Carries what waits in the outbox to where it is addressed, and says how many arrived.

        Whatever sees letters carries them by itself; this is for what was left, by a crash or because a
        target refused. Also for a queue that was deleted. Raises what the first target refused with; the
        others' letters have arrived all the same. Where some have arrived, or may have, the outcome of a
        Transport is "unknown".
        """
        account = Account()
        arrived = self._carry_all(account)
        account.close()
        return arrived

    @told
    def dead_letters(self, *, marker: str | None = None, limit: int = 10) -> MessagePage:
        """A page of the letters that the queue keeps, oldest first. ``limit``: 1 to 250.

        Their ids are those of the store, which are no message's. One whose last claim has lapsed shows
        after the next call that writes, as `gc`.
        """
        found, _ = self._kept(marker, limit)
        more = len(found) == limit or (found and self._kept(found[-1].id, 1)[0])
        return MessagePage(found, found[-1].id if found and more else None)

    @told
    def dead_letter(self, id: str) -> Message:
        """A letter that the queue keeps. Raises MessageDoesNotExist."""
        found = self.get_dead_letters([id])
        if not found:
            raise MessageDoesNotExist(id, path=self.path, id=id)
        return found[0]

    @told
    def get_dead_letters(self, ids: Iterable[str]) -> list[Message]:
        """Those of up to 250 letters that the queue keeps, in the order asked."""
        wanted = list(ids)
        if not wanted:
            return []
        fields = Fields(self._call("dead/get", id=wanted))
        return read_kept(fields, self.path, fields.number())

    @told
    def purge_dead_letters(self, ids: Iterable[str] | None = None) -> int:
        """Deletes up to 250 letters that the queue keeps, or with None all of them; says how many.

        One that is gone is passed over; what is no id is InvalidArgument. A lost answer to *all of them*
        is Transport with outcome "unknown".
        """
        if ids is None:
            return number(self._call("dead/purge", id=[""]))
        wanted = list(ids)
        if not wanted:
            return 0
        # The empty text, which is no id, would be all of them to the script.
        if "" in wanted:
            raise InvalidArgument("id: wants ids of letters")
        return number(self._call("dead/purge", id=wanted))

    @told
    def letters_in_transit(self, *, marker: str | None = None, limit: int = 10) -> TransitPage:
        """A page of the letters that wait to be carried; also of a queue that was deleted."""
        found = self._in_transit(marker, limit)
        last = found[-1].letter.id if found else None
        more = len(found) == limit or (last and self._in_transit(last, 1))
        return TransitPage(found, last if more else None)

    @told
    def redrive(
        self,
        ids: Iterable[str] | None = None,
        *,
        to: str | None = None,
        from_: QueuePath | None = None,
    ) -> Redriven:
        """Sends letters that the queue keeps out again: up to 250, or with None all that are there now.

        ``to``: a queue of the same project; None = where each died. ``from_``: only those that died
        there. What sets out is a new message with the ttl of before it died.

        Raises InvalidArgument, TooLarge above 250. A failure after some have set out is Transport with
        outcome "unknown"; they arrive all the same.
        """
        return self._redriven("dead/redrive", ids, to, from_)

    @told
    def send_back(
        self,
        ids: Iterable[str] | None = None,
        *,
        to: str | None = None,
        from_: QueuePath | None = None,
    ) -> Redriven:
        """Sends letters that have arrived here as messages out again. See `redrive`.

        Passed over is what a live claim holds, and messages that are no letters. Letters are not sent to
        the queue that they are in: InvalidArgument.
        """
        return self._redriven("dead/send_back", ids, to, from_)

    def _kept(self, marker: str | None, limit: int) -> tuple[Messages, int]:
        reply = self._call("dead/list", marker=marker, limit=limit)
        fields = Fields(reply)
        now = fields.number()
        return read_kept(fields, self.path, now), now

    def _in_transit(self, marker: str | None, limit: int) -> list[LetterInTransit]:
        reply = self._call("dead/transit", marker=marker, limit=limit)
        found = read_in_transit(Fields(reply), self.path)
        return [LetterInTransit(to, letter) for to, letter in found]

    def _redriven(
        self, script: str, ids: Iterable[str] | None, to: str | None, origin: QueuePath | None
    ) -> Redriven:
        steps = _Steps(script, self._target(script, to))
        try:
            if ids is None:
                self._all(steps, origin)
            else:
                self._step(self._wanted(script, ids, origin), steps)
        finally:
            self._report_way(steps.way)
        return Redriven(steps.set_out, max(0, steps.set_out - steps.way.waiting))

    def _all(self, steps: _Steps, origin: QueuePath | None) -> None:
        account = Account()
        with account.look():
            for batch in self._batches(steps.script, origin):
                if not batch:
                    continue
                with account.step():
                    self._step(batch, steps)
                if account.first_failure is not None:
                    break
        account.close()

    def _target(self, script: str, to: str | None) -> str:
        if to is None:
            return ""
        try:
            path = QueuePath(self.project, to)
        except InvalidArgument:
            raise InvalidArgument("to: wants a queue's name", path=self.path) from None
        if script == "dead/send_back" and path == self.path:
            detail = "to: wants another queue: the letters are in this one"
            raise InvalidArgument(detail, path=self.path)
        return path.tag

    def _wanted(self, script: str, ids: Iterable[str], origin: QueuePath | None) -> list[str]:
        wanted = [id for id in ids if id]
        if origin is None:
            return wanted
        is_kept = script == "dead/redrive"
        return _of(self.get_dead_letters(wanted) if is_kept else self.get_many(wanted), origin)

    def _batches(self, script: str, origin: QueuePath | None) -> Iterator[list[str]]:
        is_kept = script == "dead/redrive"
        newest = self._newest_kept() if is_kept else self._newest_arrived()
        marker: str | None = None
        while newest is not None:
            page = (
                self.dead_letters(marker=marker, limit=_MOST)
                if is_kept
                else self.list(marker=marker, limit=_MOST, delayed=True)
            )
            letters = [one for one in page.messages if order_of(one.id) <= newest]
            yield _of(letters, origin)
            if page.marker is None or order_of(page.marker) >= newest:
                return
            marker = coming_after(page.marker, marker)

    def _newest_arrived(self) -> tuple[int, int] | None:
        newest = self.first(newest=True)
        return None if newest is None else order_of(newest.id)

    def _newest_kept(self) -> tuple[int, int] | None:
        try:
            # What is dead and was not seen yet is brought to the store by this.
            self.stats()
        except QueueDoesNotExist:
            return None
        oldest, now = self._kept(None, 1)
        # All of that ms: no letter has an id with a larger second number than 2^64.
        return (now, 2**64) if oldest else None

    def _step(self, ids: list[str], steps: _Steps) -> None:
        if not ids:
            return
        of = self._begin()
        reply = self._swept(
            of,
            lambda _: of.script(steps.script, self.keys, to=steps.to, id=ids),
        )
        fields = Fields(reply)
        steps.set_out += fields.number()
        self._carry_on(steps.way, fields.number())


def _of(letters: Messages, origin: QueuePath | None) -> list[str]:
    """Those that are letters; of one queue, where it is asked for."""
    return [
        one.id
        for one in letters
        if one.origin and (origin is None or one.origin.queues[-1] == origin.tag)
    ]
