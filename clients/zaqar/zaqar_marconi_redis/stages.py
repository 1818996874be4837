"""The stages before the control plane's queue and topic controllers: what is in the data plane.

Guards that a queue that is deleted leaves no messages behind, and that stats are counted where the messages are.
"""

import marconi_redis as client
from zaqar.storage import errors

from zaqar_marconi_redis import shapes
from zaqar_marconi_redis.errors import said

_NONE = {"free": 0, "claimed": 0, "total": 0}


class MessageQueueHandler:
    """Before the queue controller. What answers None lets the next stage go on."""

    missing = errors.QueueDoesNotExist

    def __init__(self, driver, control_driver):
        self.driver = driver
        self._control = control_driver

    def _one(self, name, project):
        return self.driver.plane.store.queue(project or "", name)

    def _exists(self, name, project):
        return self._control.queue_controller.exists(name, project)

    @said
    def create(self, name, metadata=None, project=None):
        """Nothing yet: messages make their queue here, see `mirror`."""
        return

    @said
    def delete(self, name, project=None):
        """Deletes the messages; the next stage deletes the rest."""
        if self.driver.mirror.is_needed:
            self._one(name, project).delete()

    @said
    def stats(self, name, project=None):
        """Counts them, exactly. Raises where there is no such queue."""
        try:
            return shapes.stats(self._one(name, project).stats())
        except (client.QueueDoesNotExist, client.TopicDoesNotExist):
            if self.driver.mirror.is_needed and self._exists(name, project):
                return {"messages": dict(_NONE)}
            raise self.missing(name, project) from None


class MessageTopicHandler(MessageQueueHandler):
    """The same before the topic controller."""

    missing = errors.TopicDoesNotExist

    def _one(self, name, project):
        return self.driver.plane.store.topic(project or "", name)

    def _exists(self, name, project):
        return self._control.topic_controller.exists(name, project)
