"""Subscriptions: who is to be told of a queue's messages. Delivering is for a program that reads them.

Guards that a repeat makes no second subscription, whoever makes it; and that no subscriber, which may
be a uri with a password in it, shows in a repr or an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from .. import envelope
from ..durations import Duration, millis, of_millis
from ..errors import Codec, InvalidArgument, SubscriptionDoesNotExist
from ..metadata import Metadata, packed, unpacked
from ..reply import Fields, number
from .base import QueueBase, told

_AT_END = 0
_GOES_ON = 1


@contextmanager
def _named(id: str) -> Iterator[None]:
    """A refusal bears the id as it was given: one that is malformed the scripts do not repeat."""
    try:
        yield
    except SubscriptionDoesNotExist as error:
        error.id = id
        raise


@dataclass(frozen=True)
class Subscription:
    """A subscription. ``ttl``: as it was set last; ``age``: since its making; ``left``: of its life."""

    id: str
    subscriber: str = field(repr=False)
    ttl: timedelta
    age: timedelta
    left: timedelta
    confirmed: bool
    options: dict[str, Any]

    @classmethod
    def read(cls, fields: Fields, *, lenient: bool = False) -> Subscription:
        """The fields of subscription/get; lenient: options that can't be read are none."""
        id = fields.id()
        subscriber = fields.bytes().decode(errors="replace")
        ttl, age, left = (of_millis(fields.number()) for _ in range(3))
        confirmed, stored = fields.number() == 1, fields.bytes()
        try:
            options = unpacked(stored, "options")
        except Codec:
            if not lenient:
                raise
            options = {}
        return cls(id, subscriber, ttl, age, left, confirmed, options)


@dataclass(frozen=True)
class Subscribed:
    """The id of the subscription, and whether it is new."""

    id: str
    is_new: bool


@dataclass(frozen=True)
class SubscriptionPage:
    """A page of subscriptions. ``marker``: give it to get the next page; None at the end."""

    subscriptions: list[Subscription]
    marker: str | None


class Subscribing(QueueBase):
    """Subscriptions. They belong to a queue's name: no queue has to exist."""

    @told
    def subscribe(
        self, subscriber: str, *, ttl: Duration = 3600, options: Metadata | None = None
    ) -> Subscribed:
        """Subscribes somebody. One who is subscribed already stays as he is, and is answered.

        ``subscriber``: up to 4096 bytes without control characters, as a uri. ``ttl``: 1 ms to 10 years.
        ``options``: a map, up to 256 KiB of msgpack. Raises InvalidArgument, TooLarge.
        """
        reply = self._call(
            "subscription/create",
            subscriber=subscriber,
            ttl=millis("ttl", ttl),
            options=packed(options or {}, "options"),
        )
        fields = Fields(reply)
        is_new = fields.number() == 1
        return Subscribed(fields.id(), is_new)

    @told
    def subscription(self, id: str) -> Subscription:
        """A subscription, by its id. Raises SubscriptionDoesNotExist."""
        if not id:
            # The script would look for a subscriber.
            raise SubscriptionDoesNotExist("'' is no id", path=self.path, id=id)
        with _named(id):
            reply = self._call("subscription/get", id=id)
        return Subscription.read(Fields(reply))

    @told
    def subscription_of(self, subscriber: str) -> Subscription | None:
        """A subscriber's subscription, if there is one."""
        try:
            reply = self._call("subscription/get", subscriber=subscriber)
        except SubscriptionDoesNotExist:
            return None
        return Subscription.read(Fields(reply))

    @told
    def subscriptions(self, *, marker: str | None = None, limit: int = 10) -> SubscriptionPage:
        """A page of subscriptions, oldest first. ``limit``: 1 to 250.

        It is short only at the end, or at 4 MiB.
        """
        of, found = self._begin(), list[Subscription]()
        while True:
            call = of.script("subscription/list", self.keys, marker=marker, limit=limit - len(found))
            fields = Fields(of.call(call))
            state, marker = fields.number(), fields.text()
            while fields.left:
                found.append(Subscription.read(fields, lenient=True))
            if state != _GOES_ON or len(found) >= limit:
                return SubscriptionPage(found, None if state == _AT_END else marker)

    @told
    def update_subscription(
        self,
        id: str,
        *,
        subscriber: str | None = None,
        ttl: Duration | None = None,
        options: Metadata | None = None,
    ) -> None:
        """Changes what is given, all of it or nothing. A ttl counts from now.

        Raises SubscriptionDoesNotExist; SubscriptionAlreadyExists, with its id, where the subscriber has
        another one here; InvalidArgument where nothing is given; TooLarge. A lost answer is Transport
        with outcome "unknown".
        """
        given: dict[str, object] = {}
        if subscriber is not None:
            given["subscriber"] = subscriber
        if ttl is not None:
            given["ttl"] = str(millis("ttl", ttl))
        if options is not None:
            given["options"] = envelope.pack(packed(options, "options"))
        if not given:
            raise InvalidArgument("field: wants one at least: subscriber, ttl or options")
        with _named(id):
            self._call(
                "subscription/update",
                id=id,
                field=list(given),
                value=list(given.values()),
            )

    @told
    def confirm_subscription(self, id: str, confirmed: bool = True) -> None:
        """Notes that the subscriber has confirmed, or has not. Raises SubscriptionDoesNotExist."""
        with _named(id):
            self._call("subscription/confirm", id=id, confirmed=confirmed)

    @told
    def delete_subscription(self, id: str) -> bool:
        """Takes a subscription out; True where it was there."""
        return number(self._call("subscription/delete", id=id)) == 1
