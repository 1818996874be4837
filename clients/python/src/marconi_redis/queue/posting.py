"""Posting.

Guards that a post is not made twice: without a token it is repeated only while it is known not to
have been done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from ..durations import Duration, optional_millis
from ..errors import InvalidArgument
from ..message import NewMessage
from ..reply import Fields
from .base import told
from .letters import Letters


class Posting(Letters):
    """Posting."""

    @told
    def post(
        self,
        body: Any,
        *,
        ttl: Duration | None = None,
        delay: Duration | None = None,
        token: str | None = None,
        client: str | None = None,
    ) -> str:
        """Posts one message, and answers its id. See `post_many`.

        ``body``: any value that msgpack knows, or a NewMessage.
        """
        message = body if isinstance(body, NewMessage) else NewMessage(body)
        return self.post_many([message], ttl=ttl, delay=delay, token=token, client=client)[0]

    @told
    def post_many(
        self,
        messages: Iterable[NewMessage],
        *,
        ttl: Duration | None = None,
        delay: Duration | None = None,
        token: str | None = None,
        client: str | None = None,
    ) -> list[str]:
        """Posts up to 250 messages, all or none, and answers their ids in the order given.

        The queue is made where there is none, unless the store is set to refuse (QueueDoesNotExist).

        ``ttl``, ``delay``: of those messages that have none of their own; None = the queue's default,
        else 14 days and none. 1 ms to 10 years, and a delay less than the ttl it goes with.
        ``token``: makes a repeat harmless, here and by you, for 60 s: a second post with it answers the
        first one's ids. Without one, a lost answer is Transport with outcome "unknown".
        ``client``: who posts; None = the store's.

        Raises InvalidArgument, TooLarge (a body above 256 KiB, 4 MiB in all, more than 250), TokenReused
        (another content under the token), Codec.
        """
        rows = [
            (
                optional_millis("ttl", ttl if message.ttl is None else message.ttl),
                optional_millis("delay", delay if message.delay is None else message.delay),
                message.packed(self.path),
            )
            for message in messages
        ]
        if not rows:
            return []
        if token == "":
            raise InvalidArgument("token: wants 1 to 256 bytes")
        of = self._begin()
        call = of.script(
            "post",
            self.keys,
            client=self.store.client if client is None else client,
            token=token,
            digest=None if token is None else _digest(rows),
            max_body=self.store.max_body,
            ttl=[row[0] for row in rows],
            delay=[row[1] for row in rows],
            body=[row[2] for row in rows],
        )
        if self.store.create_queues:
            reply = self._in_an_existing_queue(of, self.keys, call)
        else:
            reply = of.call(call)
        fields = Fields(reply)
        return [fields.id() for _ in rows]


def _digest(rows: list[tuple[int | None, int | None, bytes]]) -> str:
    digest = hashlib.sha256()
    for ttl, delay, body in rows:
        # No two posts read alike: all that comes before a body is digits, and says how long it is.
        head = f"{'' if ttl is None else ttl},{'' if delay is None else delay},{len(body)},"
        digest.update(head.encode())
        digest.update(body)
    return digest.hexdigest()
