"""What the controllers of a plane work on: the store, and the names in it.

Guards that Zaqar's missing project is the empty one everywhere.
"""

import functools

import marconi_redis as client

from zaqar_marconi_redis import clock as clocks
from zaqar_marconi_redis import uri as uris

#: One body may take as much as all bodies of a post: Zaqar's own bound is on the whole request.
MAX_BODY = 4 * 1024 * 1024
#: Queues of which the keys are kept, rather than made anew for each operation.
_KEPT = 1024


class Plane:
    """The Redis of one plane, or of one pool."""

    def __init__(self, uri, prefix, deadline, clock):
        self.place = uris.read(uri)
        self.prefix = prefix
        self.store = client.Store(
            self.place.client(),
            owned=True,
            prefix=prefix,
            deadline=deadline,
            # A queue that Zaqar does not know is refused, not made.
            create_queues=False,
            max_body=MAX_BODY,
            clock=clocks.of(clock),
        )
        self._queue = functools.lru_cache(_KEPT)(lambda project, name: self.store.queue(project, name))

    @classmethod
    def of(cls, conf):
        """From a group of options."""
        return cls(conf.uri, conf.prefix, conf.deadline, conf.clock)

    def is_shared_with(self, other):
        """Whether the other plane keeps its queues in the very same place."""
        return other is not None and (self.place, self.prefix) == (other.place, other.prefix)

    def join(self, pools):
        """Makes it one pool of several: `pools` knows on which one a queue is."""
        self.store = self.store.among(pools)
        self._queue.cache_clear()

    def queue(self, project, name):
        """A queue, there or not."""
        return self._queue(project or "", name)

    def close(self):
        """Ends the connections."""
        self.store.close()
