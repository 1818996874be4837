"""A queue: messages in the order they came, to be claimed, worked and deleted.

Guards that one operation is one atomic step on the server, whatever it takes here.
"""

from __future__ import annotations

from .dead_letters import DeadLetters, LetterInTransit, Redriven, TransitPage
from .reading import End, MessagePage, Stats
from .subscribing import Subscribed, Subscribing, Subscription, SubscriptionPage

__all__ = [
    "End",
    "LetterInTransit",
    "MessagePage",
    "Queue",
    "Redriven",
    "Stats",
    "Subscribed",
    "Subscription",
    "SubscriptionPage",
    "TransitPage",
]


class Queue(Subscribing, DeadLetters):
    """A queue of a store, by `Store.queue`. It need not exist: posting makes it.

    To list, get, claim, pop, delete and release, a queue that does not exist is an empty one; renew and
    nack raise ClaimDoesNotExist; metadata, stats and purge raise QueueDoesNotExist. Every method can
    raise Transport, NewerSchema and Corrupt. It may be used by many threads at once.
    """
