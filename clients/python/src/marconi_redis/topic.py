"""A topic: messages that everybody reads and nobody claims.

Guards that topics and queues never meet: a topic is a queue under a prefix of its own, and nothing here
claims, pops or moves letters.
"""

from __future__ import annotations

from .queue.reading import Reading
from .queue.subscribing import Subscribing


class Topic(Subscribing, Reading):
    """A topic of a store, by `Store.topic`. It need not exist: posting makes it.

    It is used as a queue is, and read by `list`: each reader keeps a marker of its own. What is not
    there raises TopicDoesNotExist.
    """
