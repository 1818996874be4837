"""A claim: a lease by one worker on a set of messages.

Guards that a worker learns in time: what its claim no longer holds it can neither delete nor keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from .durations import Duration, of_millis
from .errors import MarconiError
from .message import Message
from .reply import Fields

if TYPE_CHECKING:
    from .queue.claiming import Claiming


@dataclass(frozen=True)
class Lease:
    """The terms of a claim. ``now`` and ``deadline`` are ms since 1970, by the server's clock.

    ``fence``: a number that only grows within a queue, over purge, delete and re-creation. A store that
    workers write to can refuse one that is smaller than the largest it saw.
    """

    now: int
    fence: int
    ttl: timedelta
    grace: timedelta
    deadline: int

    @property
    def left(self) -> timedelta:
        """What was left of it when the server answered."""
        return of_millis(max(0, self.deadline - self.now))

    @property
    def age(self) -> timedelta:
        """How old it was then, counted from its last renewal."""
        return max(timedelta(0), self.ttl - self.left)

    @classmethod
    def read(cls, fields: Fields) -> Lease:
        """The five numbers that replies begin with."""
        now, fence = fields.number(), fields.number()
        ttl, grace = of_millis(fields.number()), of_millis(fields.number())
        return cls(now, fence, ttl, grace, fields.number())


class Claim:
    """Messages that nobody else has until the claim is over.

    It ends with its last message, with its release, or at its deadline: from that ms on its messages
    may be with another. As a context manager it is released at the end, so what was not deleted is free
    again at once, at its old place in the order::

        with claim:
            for message in claim:
                work(message.body)
                claim.delete(message)
    """

    def __init__(
        self, queue: Claiming, id: str, lease: Lease, worker: str, messages: list[Message]
    ) -> None:
        self.queue = queue
        self.id = id
        self.lease = lease
        self.worker = worker
        #: What it held when the server answered, oldest first.
        self.messages = messages

    @property
    def fence(self) -> int:
        """A number that only grows within the queue. See Lease."""
        return self.lease.fence

    @property
    def ttl(self) -> timedelta:
        """How long it lives from its making, or its last renewal."""
        return self.lease.ttl

    @property
    def grace(self) -> timedelta:
        """How much longer its messages live at least."""
        return self.lease.grace

    @property
    def age(self) -> timedelta:
        """How old it was when the server answered."""
        return self.lease.age

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    def __len__(self) -> int:
        return len(self.messages)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Claim {self.id} of {self.queue.path}, {len(self.messages)} messages>"

    def get(self) -> Claim:
        """The claim as it stands by now. Raises ClaimDoesNotExist."""
        return self.queue.get_claim(self.id)

    def delete(self, message: Message | str) -> None:
        """Deletes a message that it holds: the work is done. One that is gone already is no error.

        Raises what tells a worker that it is too late: MessageNotClaimed, MessageNotClaimedBy,
        ClaimDoesNotExist.
        """
        self.delete_many([message])

    def delete_many(self, messages: Iterable[Message | str]) -> int:
        """Deletes messages that it holds, all or none, and says how many were there. See `delete`."""
        return self.queue.delete_many(_ids(messages), claim=self.id)

    def delete_all(self) -> int:
        """Deletes all that it held when the server answered, all or none. See `delete`."""
        return self.delete_many(self.messages)

    def renew(self, *, ttl: Duration | None = None, grace: Duration | None = None) -> None:
        """Gives it a new ttl and grace, counted from now; None = as before.

        Raises ClaimDoesNotExist: drop what it held.
        """
        self.lease = self.queue.renew(
            self.id,
            ttl=self.ttl if ttl is None else ttl,
            grace=self.grace if grace is None else grace,
        )

    def release(self, *, untried: bool = False) -> int:
        """Ends it, and says how many messages it let go. One that is gone let go 0.

        ``untried``: hand the try back, for a worker that has not begun.
        """
        return self.queue.release(self.id, untried=untried)

    def nack(
        self, messages: Iterable[Message | str], *, delay: Duration = 0, untried: bool = False
    ) -> int:
        """Gives messages back, all or none. See `Queue.nack`."""
        return self.queue.nack(self.id, _ids(messages), delay=delay, untried=untried)

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.release()
        except MarconiError:
            # What went wrong in the block says more; and the claim lapses by itself.
            if error is None:
                raise


def _ids(messages: Iterable[Message | str]) -> list[str]:
    return [message.id if isinstance(message, Message) else message for message in messages]
