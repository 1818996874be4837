"""What the controllers of a plane work on: the store, and the names in it.

Guards that Zaqar's missing project is the empty one everywhere, and that topics never meet queues.
"""

import marconi_redis as client

from zaqar_marconi_redis import clock, uri

#: One body may take as much as all bodies of a post: Zaqar's own bound is on the whole request.
MAX_BODY = 4 * 1024 * 1024


class Plane:
    """The Redis of one plane, from its options."""

    def __init__(self, conf):
        self.place = uri.read(conf.uri)
        self.prefix = conf.prefix
        self.redis = self.place.client()
        self.store = client.Store(
            self.redis,
            prefix=conf.prefix,
            deadline=conf.deadline,
            create_queues=False,
            max_body=MAX_BODY,
            clock=clock.of(conf.clock),
        )

    def is_shared_with(self, other):
        """Whether the other plane keeps its queues in the very same place."""
        return other is not None and (self.place, self.prefix) == (other.place, other.prefix)

    def queue(self, project, name):
        """A queue, there or not."""
        return self.store.queue(project or "", name)

    def close(self):
        """Ends the connections."""
        self.store.close()
        self.redis.close()
