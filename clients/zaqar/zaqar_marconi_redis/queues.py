"""Queues: made, described, listed and deleted in the control plane.

Guards that each project sees its own and no other's.
"""

from zaqar import storage

from zaqar_marconi_redis.errors import said
from zaqar_marconi_redis.named import NamedController


class QueueController(NamedController, storage.Queue):
    """Queues of the control plane."""

    def _page(self, project, **asked):
        page = self.driver.plane.store.queues(project, **asked)
        return page.queues, page.marker

    def _one(self, project, name):
        return self.driver.plane.queue(project, name)

    @said
    def _calculate_resource_count(self, project=None):
        return self.driver.plane.store.count(project or "")
