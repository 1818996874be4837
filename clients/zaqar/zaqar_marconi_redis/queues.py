"""Queues: made, described, listed and deleted in the control plane.

Guards that each project sees its own and no other's.
"""

from zaqar import storage

from zaqar_marconi_redis.errors import said
from zaqar_marconi_redis.named import NamedController


class QueueController(NamedController, storage.Queue):
    """Queues of the control plane."""

    @property
    def _store(self):
        return self.driver.plane.store

    @said
    def _calculate_resource_count(self, project=None):
        return self._store.count(project or "")
