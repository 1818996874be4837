"""The catalogue: which queue is on which pool.

Guards that a project's listing is whole, however many queues it has.
"""

import marconi_redis as client
from zaqar.storage import base, errors

from zaqar_marconi_redis.errors import said

_PAGE = 1000


class CatalogueController(base.CatalogueBase):
    """The catalogue of the control plane."""

    @property
    def _control(self):
        return self.driver.plane.store.control()

    @said
    def list(self, project):
        """All queues of a project."""
        marker = None
        while True:
            page = self._control.catalogue(project or "", marker=marker, limit=_PAGE)
            for entry in page.entries:
                yield _shown(project, entry.queue, entry.pool)
            marker = page.marker
            if marker is None:
                return

    @said
    def get(self, project, queue):
        """Where a queue is. Raises QueueNotMapped."""
        try:
            return _shown(project, queue, self._control.placement(_path(project, queue)).pool)
        except client.QueueNotMapped:
            raise errors.QueueNotMapped(queue, project) from None

    @said
    def exists(self, project, queue):
        """Whether the catalogue has it."""
        try:
            self._control.placement(_path(project, queue))
        except client.QueueNotMapped:
            return False
        return True

    @said
    def insert(self, project, queue, pool):
        """Notes that a queue is on a pool."""
        self._control.place(_path(project, queue), pool)

    @said
    def delete(self, project, queue):
        """Takes a queue out; one that is not there is no error."""
        self._control.unplace(_path(project, queue))

    @said
    def update(self, project, queue, pool=None):
        """Notes that a queue is on another pool. Raises QueueNotMapped."""
        try:
            self._control.move_entry(_path(project, queue), pool)
        except client.QueueNotMapped:
            raise errors.QueueNotMapped(queue, project) from None

    @said
    def drop_all(self):
        """Takes all queues out."""
        self._control.drop_all("catalogue")


def _path(project, queue):
    return client.QueuePath(project or "", queue)


def _shown(project, queue, pool):
    return {"queue": queue, "project": project or "", "pool": pool}
