"""Where other queues are, in a deployment with pools: a dead letter may have to go to another pool than its queue's.

Guards that a letter ends up where Zaqar looks for it: on the pool that the catalogue has for the dead-letter queue,
whichever control plane keeps that catalogue. One that is not in there stays on the pool where it died.
"""

import threading
from urllib import parse

import marconi_redis as client
from zaqar.storage import errors

from zaqar_marconi_redis import NAME, place


class Neighbours:
    """The other pools, as the control plane knows them."""

    def __init__(self, plane, conf, control_driver):
        self._plane = plane
        self._settings = {name: conf[name] for name in ("prefix", "deadline", "clock")}
        self._control = control_driver
        self._lock = threading.Lock()
        self._planes = {}

    def find(self, path):
        """A queue, on the pool that the catalogue has it on.

        Raises the client's Transport where the control plane does not say: the letters wait where they are.
        """
        try:
            return self._find(path)
        except client.MarconiError:
            raise
        except Exception as error:
            # Whatever the control plane's driver raises, which may be any of Zaqar's.
            detail = f"the catalogue can't be asked for {path}: {type(error).__name__}"
            raise client.Transport(detail, outcome="not done", path=path) from error

    find_or_register = find

    def _find(self, path):
        try:
            entry = self._control.catalogue_controller.get(path.project or None, path.name)
            pool = self._control.pools_controller.get(entry["pool"], detailed=True)
        except (errors.QueueNotMapped, errors.PoolDoesNotExist):
            return self._plane.store.queue_at(path)
        # A pool of another driver is not for us to write to.
        if parse.urlsplit(pool["uri"]).scheme != NAME:
            return self._plane.store.queue_at(path)
        return self._plane_of(pool).store.queue_at(path)

    def _plane_of(self, pool):
        known = pool["uri"], tuple(sorted((pool["options"] or {}).items()))
        with self._lock:
            if known not in self._planes:
                options = {**self._settings, **(pool["options"] or {})}
                self._planes[known] = place.Plane(
                    pool["uri"], options["prefix"], float(options["deadline"]), options["clock"]
                )
            return self._planes[known]

    def close(self):
        """Ends the connections to them."""
        with self._lock:
            planes, self._planes = self._planes, {}
        for plane in planes.values():
            plane.close()
