"""The two drivers that Zaqar loads by their entry points, and what they hand out.

Guards that a driver reads its options once, when it is made: a pooled deployment changes the `uri` of a configuration
that all its pools share.
"""

import marconi_redis as client
from oslo_log import log
from osprofiler import profiler
from zaqar import storage
from zaqar.common import decorators

from zaqar_marconi_redis import options
from zaqar_marconi_redis.catalogue import CatalogueController
from zaqar_marconi_redis.claims import ClaimController
from zaqar_marconi_redis.flavors import FlavorsController
from zaqar_marconi_redis.messages import MessageController
from zaqar_marconi_redis.mirror import Mirror
from zaqar_marconi_redis.neighbours import Neighbours
from zaqar_marconi_redis.place import Plane
from zaqar_marconi_redis.pools import PoolsController
from zaqar_marconi_redis.queues import QueueController
from zaqar_marconi_redis.subscriptions import SubscriptionController
from zaqar_marconi_redis.topics import TopicController

LOG = log.getLogger(__name__)


def _traced(driver, controller, plane):
    """A controller, with osprofiler round it where the operator wants that."""
    conf = driver.conf.profiler
    if conf.enabled and getattr(conf, f"trace_{plane}_store"):
        return profiler.trace_cls(f"marconi_{type(controller).__name__}")(controller)
    return controller


class DataDriver(storage.DataDriverBase):
    """Messages, claims and subscriptions."""

    BASE_CAPABILITIES = tuple(storage.Capabilities)
    _DRIVER_OPTIONS = [(options.DATA_GROUP, options.OPTIONS), (options.CONTROL_GROUP, options.OPTIONS)]

    def __init__(self, conf, cache, control_driver):
        super().__init__(conf, cache, control_driver)
        own = self.conf[options.DATA_GROUP]
        self.plane = Plane.of(own)
        self.mirror = Mirror(self.plane, control_driver)
        self._neighbours = None
        if self.conf.pooling:
            self._neighbours = Neighbours(self.plane, own, control_driver)
            self.plane.join(self._neighbours)

    @property
    def capabilities(self):
        """All that Zaqar knows of; how durable it is, is how the server is set to keep its data."""
        return self.BASE_CAPABILITIES

    def is_alive(self):
        """Whether Redis answers."""
        return self.plane.store.is_alive()

    def close(self):
        """Ends the connections."""
        if self._neighbours is not None:
            self._neighbours.close()
        self.plane.close()

    def _health(self):
        told = {"storage_reachable": self.is_alive(), "operation_status": self._get_operation_status()}
        try:
            counted = self.plane.store.volume()
            told["message_volume"] = {kind: getattr(counted, kind) for kind in ("free", "claimed", "total")}
        except client.MarconiError as error:
            LOG.warning("message volume: %s", error)
        return told

    def gc(self):
        """Frees the memory of what has expired; no answer depends on it."""
        try:
            self.plane.store.gc()
        except client.MarconiError as error:
            LOG.warning("gc: %s", error)

    @decorators.lazy_property(write=False)
    def message_controller(self):
        """Messages."""
        return _traced(self, MessageController(self), "message")

    @decorators.lazy_property(write=False)
    def claim_controller(self):
        """Claims."""
        return _traced(self, ClaimController(self), "message")

    @decorators.lazy_property(write=False)
    def subscription_controller(self):
        """Subscriptions."""
        return _traced(self, SubscriptionController(self), "message")


class ControlDriver(storage.ControlDriverBase):
    """Queues, topics, pools, flavors and the catalogue."""

    _DRIVER_OPTIONS = [(options.CONTROL_GROUP, options.OPTIONS)]

    def __init__(self, conf, cache):
        super().__init__(conf, cache)
        self.plane = Plane.of(self.conf[options.CONTROL_GROUP])

    def close(self):
        """Ends the connections."""
        self.plane.close()

    @decorators.lazy_property(write=False)
    def queue_controller(self):
        """Queues."""
        return _traced(self, QueueController(self), "management")

    @decorators.lazy_property(write=False)
    def topic_controller(self):
        """Topics."""
        return _traced(self, TopicController(self), "management")

    @decorators.lazy_property(write=False)
    def pools_controller(self):
        """Pools."""
        return _traced(self, PoolsController(self), "management")

    @decorators.lazy_property(write=False)
    def catalogue_controller(self):
        """The catalogue."""
        return _traced(self, CatalogueController(self), "management")

    @decorators.lazy_property(write=False)
    def flavors_controller(self):
        """Flavors."""
        return _traced(self, FlavorsController(self), "management")
