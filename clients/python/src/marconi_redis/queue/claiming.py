"""Claiming messages, and popping them.

Guards that a lost answer costs nothing: a claim is asked for by an id of its own, and asking again
answers the same claim; a pop is repeated only with a token.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from ..claim import Claim, Lease
from ..durations import Duration, millis
from ..errors import InvalidArgument, MarconiError, Transport
from ..message import Message, read_taken
from ..operation import Operation
from ..reply import Fields
from .base import told
from .reading import Reading
from .waiting import Look, Waiting


class Claiming(Waiting, Reading):
    """Claiming messages, and popping them."""

    @told
    def claim(
        self,
        *,
        ttl: Duration = 60,
        grace: Duration = 60,
        limit: int = 10,
        worker: str = "",
        wait: Duration | None = None,
        id: str | None = None,
    ) -> Claim | None:
        """Claims up to ``limit`` messages, oldest first; None where there is nothing to claim.

        ``ttl``: how long the claim lives, 1 ms to 10 years. ``grace``: how much longer its messages live
        at least. ``limit``: 1 to 250. ``worker``: a name to be shown.
        ``wait``: how long to wait for something at most; None = not at all.
        ``id``: a new random UUID of your own: asking again with the id of a live claim answers that
        claim, whatever else is asked. None = one is made here, and a lost answer asked for again.

        Raises InvalidArgument.
        """
        named, id = id, str(uuid.uuid4()) if id is None else id
        lengths = {"ttl": millis("ttl", ttl), "grace": millis("grace", grace)}

        def look(wait_ms: int | None) -> Look[Claim]:
            of = self._begin()
            reply = self._swept(
                of,
                lambda force: of.script(
                    "claim",
                    self.keys,
                    claim=id,
                    **lengths,
                    limit=limit,
                    worker=worker,
                    force=force,
                    wait=wait_ms,
                ),
                # With an id that this program has given no claim yet, there is none to end first.
                claim=named,
            )
            return Look.read(reply, lambda fields: self._read_claim(fields, id, worker))

        return self._waited(wait, look)

    @told
    def get_claim(self, id: str) -> Claim:
        """A claim as it stands, with the messages that it still holds. Raises ClaimDoesNotExist."""
        fields = Fields(self._call("claim_get", claim=id))
        lease = Lease.read(fields)
        return self._claim_of(fields, id, lease, fields.text())

    @told
    def renew(self, id: str, *, ttl: Duration = 60, grace: Duration = 60) -> Lease:
        """Gives a claim a new ttl and grace, counted from now. Raises ClaimDoesNotExist."""
        reply = self._call(
            "renew",
            claim=id,
            ttl=millis("ttl", ttl),
            grace=millis("grace", grace),
        )
        return Lease.read(Fields(reply))

    @told
    def release(self, id: str, *, untried: bool = False) -> int:
        """Ends a claim and says how many messages it let go, free at once at their old places.

        ``untried``: hand the try back, for a worker that has not begun. A claim that is gone let go 0.
        Raises ClaimDoesNotExist for an id that is malformed.
        """
        of = self._begin()
        return self._let_go(of, self._call("release", of=of, claim=id, untried=untried))

    @told
    def nack(self, id: str, ids: Iterable[str], *, delay: Duration = 0, untried: bool = False) -> int:
        """Gives up to 250 messages of a claim back, all or none, and says how many.

        ``delay``: when they can be claimed again; less than what is left of each message's ttl.

        Raises ClaimDoesNotExist, MessageDoesNotExist, MessageNotClaimed, MessageNotClaimedBy with the
        id of the first that is refused; TooLarge above 250. A lost answer is asked for again; where the
        repeat is refused too, it is Transport with outcome "unknown": they are no longer yours.
        """
        wanted = list(ids)
        if not wanted:
            return 0
        of = self._begin()
        call = of.script(
            "nack",
            self.keys,
            claim=id,
            delay=millis("delay", delay),
            untried=untried,
            id=wanted,
        )
        try:
            reply = of.call_once(call)
        except Transport as lost:
            if lost.outcome != "unknown" or not of.has_time:
                raise
            try:
                reply = of.call(call)
            except MarconiError:
                # A refusal now says nothing of the first try: that is what it is refused for.
                raise lost from None
        return self._let_go(of, reply)

    @told
    def pop(
        self, *, limit: int = 1, token: str | None = None, wait: Duration | None = None
    ) -> list[Message]:
        """Takes and deletes up to ``limit`` messages, oldest first, in one atomic step.

        ``limit``: 1 to 250. ``wait``: how long to wait for something at most; None = not at all.
        ``token``: a repeat with it answers the same messages, for 60 s. **Without a token a lost answer
        loses its messages**, and is Transport with outcome "unknown".

        Raises InvalidArgument, and TokenReused where the token was a post's.
        """
        if token == "":
            raise InvalidArgument("token: wants 1 to 256 bytes")

        def look(wait_ms: int | None) -> Look[list[Message]]:
            of = self._begin()
            reply = self._swept(
                of,
                lambda force: of.script(
                    "pop", self.keys, limit=limit, token=token, force=force, wait=wait_ms
                ),
            )
            return Look.read(reply, lambda fields: read_taken(fields, self.path, fields.number(), None))

        return self._waited(wait, look) or []

    def _read_claim(self, fields: Fields, id: str, worker: str) -> Claim:
        lease = Lease.read(fields)
        return self._claim_of(fields, id, lease, worker)

    def _claim_of(self, fields: Fields, id: str, lease: Lease, worker: str) -> Claim:
        messages = read_taken(fields, self.path, lease.now, id)
        return Claim(self, id, lease, worker, messages)

    def _let_go(self, of: Operation, reply: object) -> int:
        fields = Fields(reply)
        count, letters = fields.number(), fields.number()
        if letters:
            self._carry_what_waits(of)
        return count
