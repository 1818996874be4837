"""Queues of a data plane that is another Redis than the control plane: pools, for one.

Guards that the scripts of the data plane go by what the control plane says of a queue. Zaqar tells a pool nothing
when a queue is made or its metadata change, so what a claim or a post goes by is looked up, as its other drivers do.
"""

import marconi_redis as client
from zaqar.storage import errors

from zaqar_marconi_redis import units


class Mirror:
    """Brings queues of the control plane to the data plane, where these are not one."""

    def __init__(self, plane, control_driver):
        self._plane = plane
        self._control = control_driver
        self.is_needed = not plane.is_shared_with(getattr(control_driver, "plane", None))

    def bring(self, name, project):
        """Has the data plane know a queue as the control plane does. Answers whether there is such a queue."""
        try:
            wanted = units.to_store(self._control.queue_controller.get_metadata(name, project))
        except errors.QueueDoesNotExist:
            return False
        queue = self._plane.queue(project, name)
        try:
            if queue.metadata() == wanted:
                return True
        except client.QueueDoesNotExist:
            pass
        queue.create(wanted)
        return True
