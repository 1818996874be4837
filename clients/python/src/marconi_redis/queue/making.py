"""Making, describing and deleting a queue.

Guards the name: it is entered before the queue is made and once more after it, so that no queue is
without one. And the way of dead letters: none is led back to where it came from.
"""

from __future__ import annotations

from typing import Any

from .. import metadata as _metadata
from ..check import Repair, Violation, repairs, violations
from ..errors import InvalidArgument, MarconiError, QueueDoesNotExist, Transport
from ..keys import QueueKeys, QueuePath
from ..link import Call
from ..manifest import SCRIPTS
from ..metadata import Metadata
from ..names import Names
from ..operation import Operation, not_begun, value
from ..reply import Fields, number
from .base import QueueBase, told

_HOPS = 16


class Making(QueueBase):
    """Making, describing and deleting a queue."""

    @told
    def create(self, metadata: Metadata | None = None) -> bool:
        """Makes the queue; True where it is new.

        ``metadata`` replaces what a queue that exists has, reserved values included; None leaves all as
        it is. Reserved are `_default_message_ttl`, `_default_message_delay`,
        `_dead_letter_queue_messages_ttl` (ms), `_max_claim_count`, `_max_messages_post_size` (bytes),
        `_dead_letter_queue` (a name in the same project) and `_flavor`.

        Raises InvalidArgument for a reserved value that is none, or a dead-letter queue that leads back
        here; TooLarge above 256 KiB. A lost answer with metadata is Transport with outcome "unknown".
        """
        of, values = self._begin(), _metadata.arguments(metadata)
        if metadata is not None:
            self._refuse_circles(of, metadata)
        names = Names(of)
        try:
            names.enter(self.path)
        except MarconiError as error:
            raise not_begun(error) from None
        made = self._swept(
            of,
            lambda _: of.script("queue/create", self.keys, **values),
        )
        is_new = number(made) == 1
        if is_new:
            self._enter_again(names)
        return is_new

    @told
    def exists(self) -> bool:
        """Whether the queue is there."""
        return number(self._call("queue/exists")) == 1

    @told
    def metadata(self) -> dict[str, Any]:
        """Its metadata, reserved values included; empty where none were given.

        Raises QueueDoesNotExist, and Codec where they can't be read.
        """
        return read_metadata(self._call("queue/get"))

    @told
    def set_metadata(self, metadata: Metadata) -> None:
        """Replaces the metadata, reserved values included: those that are not given are removed.

        Raises QueueDoesNotExist, and what `create` raises.
        """
        of, values = self._begin(), _metadata.arguments(metadata)
        self._refuse_circles(of, metadata)
        self._swept(of, lambda _: of.script("queue/set", self.keys, **values))

    @told
    def purge(self) -> int:
        """Deletes all messages, claimed ones too, and says how many. Dead letters stay.

        A lost answer is Transport with outcome "unknown": a repeat would take what came since.
        Raises QueueDoesNotExist.
        """
        of = self._begin()
        purged = self._swept(of, lambda _: of.script("queue/purge", self.keys))
        return number(purged)

    @told
    def delete(self) -> bool:
        """Deletes the queue with all that is in it, except subscriptions; True where it was there.

        Dead letters on their way are carried first. A lost answer is Transport with outcome "unknown".
        """
        of = self._begin()
        self._carry_what_waits(of)
        deleted = self._swept(of, lambda _: of.script("queue/delete", self.keys))
        try:
            Names(of).leave(self.project, [self.path])
        except MarconiError as error:
            # The queue is gone; its name is seen to by whoever lists.
            self._report("name not taken out", error)
        return number(deleted) == 1

    @told
    def gc(self) -> bool:
        """Clears away what has lapsed, matured or expired; False where time ran out before the end.

        Nobody has to call it for things to be right. It frees memory in queues that nobody touches.
        """
        return self._gc()

    @told
    def check(self) -> list[Violation]:
        """Where the parts of the queue do not agree with each other. Live traffic disturbs it not."""
        return violations(self.store, "check", self.keys, SCRIPTS["check"].keys)

    @told
    def repair(self) -> list[Repair]:
        """Mends what check finds, as far as it can be; what became of each. Bodies are not touched.

        A message is rather delivered once more than lost, and never held by two claims.
        """
        return repairs(self.store, self.keys)

    def _enter_again(self, names: Names) -> None:
        try:
            names.enter(self.path)
        except MarconiError as error:
            self._report("name not entered again", error)

    def _in_an_existing_queue(self, of: Operation, keys: QueueKeys, call: Call) -> object:
        """A call that wants its queue to exist: where it does not, it is made first."""
        answer = of.calls([call])[0]
        while isinstance(answer, QueueDoesNotExist) and of.has_time:
            names = Names(of)
            try:
                names.enter(keys.path)
            except MarconiError as error:
                raise not_begun(error) from None
            create = of.script("queue/create", keys)
            created, answer = of.calls([create, call])
            if created == 1:
                self._enter_again(names)
            elif isinstance(created, MarconiError) and isinstance(answer, QueueDoesNotExist):
                raise not_begun(created)
        return value(answer)

    def _refuse_circles(self, of: Operation, metadata: Metadata) -> None:
        """Dead letters must not come back here, as far as can be seen from the targets' metadata."""
        target = metadata.get("_dead_letter_queue")
        for _ in range(_HOPS):
            if not isinstance(target, str):
                return
            if target == self.name:
                detail = "_dead_letter_queue: leads back to this queue"
                raise InvalidArgument(detail, path=self.path)
            try:
                path = QueuePath(self.project, target)
            except InvalidArgument:
                detail = "_dead_letter_queue: wants a queue's name"
                raise InvalidArgument(detail, path=self.path) from None
            target = self._target_of(of, path)

    def _target_of(self, of: Operation, path: QueuePath) -> object:
        try:
            there = of.at(self.store._store_of(path))
            keys = QueueKeys(there.prefix, path)
            reply = there.call(there.script("queue/get", keys))
            return read_metadata(reply).get("_dead_letter_queue")
        except Transport as error:
            raise not_begun(error) from None
        except MarconiError:
            # Not there yet, or not to be read: that is as far as can be seen.
            return None


def read_metadata(reply: object) -> dict[str, Any]:
    """The map of a reply of queue/get."""
    fields = Fields(reply)
    fields.number()
    return _metadata.unpacked(fields.bytes())
