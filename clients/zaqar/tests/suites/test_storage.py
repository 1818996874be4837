"""Zaqar's storage controller tests, unmodified, on our driver: one subclass for each of theirs, the pooled ones too.

Guards that nothing is left out: each class of zaqar/tests/unit/storage/base.py has a subclass here, and what the
MongoDB driver's own subclasses add is here as well. Only the one test that moves this process's clock runs with
`clock = node`.
"""

import os
import uuid

import redis
from zaqar import storage
from zaqar import tests as testing
from zaqar.storage import errors, pooling
from zaqar.tests.unit.storage import base

from zaqar_marconi_redis import driver
from zaqar_marconi_redis.catalogue import CatalogueController
from zaqar_marconi_redis.claims import ClaimController
from zaqar_marconi_redis.flavors import FlavorsController
from zaqar_marconi_redis.messages import MessageController
from zaqar_marconi_redis.pools import PoolsController
from zaqar_marconi_redis.queues import QueueController
from zaqar_marconi_redis.subscriptions import SubscriptionController

#: They patch oslo_utils.timeutils.utcnow_ts, which a server does not see.
MOVE_THE_CLOCK = {"test_delete_message_expired_claim"}


class Plain:
    """Both planes on one Redis."""

    config_file = "wsgi_marconi.conf"
    driver_class = driver.DataDriver
    control_driver_class = driver.ControlDriver

    def setUp(self):
        if self._testMethodName in MOVE_THE_CLOCK:
            self.config_file = self.config_file.replace(".conf", "_node.conf")
        super().setUp()

    def _purge_databases(self):
        redis.Redis(port=int(os.environ["PURGE_PORT"])).flushall()


class Control(Plain):
    """The control plane by itself."""

    driver_class = driver.ControlDriver


class Pooled(Plain):
    """Messages on pools, which the control plane knows."""

    config_file = "wsgi_marconi_pooled.conf"
    driver_class = pooling.DataDriver


class QueuesTest(Control, base.QueueControllerTest):
    controller_class = QueueController


class MessagesTest(Plain, base.MessageControllerTest):
    controller_class = MessageController
    gc_interval = 1

    def test_empty_queue_exception(self):
        self.queue_controller.create("empty", None, self.project)
        self.assertRaises(errors.QueueIsEmpty, self.controller.first, "empty", self.project, sort=1)

    def test_invalid_uuid(self):
        self.queue_controller.create("some", None, self.project)
        with testing.expect(errors.MessageDoesNotExist):
            self.controller.get("some", "not-a-message", self.project)


class ClaimsTest(Plain, base.ClaimControllerTest):
    controller_class = ClaimController

    def test_claim_doesnt_exist(self):
        with testing.expect(errors.ClaimDoesNotExist):
            self.controller.get(self.queue_name, str(uuid.uuid4()), self.project)
        with testing.expect(errors.ClaimDoesNotExist):
            self.controller.update(self.queue_name, str(uuid.uuid4()), {"ttl": 1, "grace": 0}, self.project)


class SubscriptionsTest(Plain, base.SubscriptionControllerTest):
    controller_class = SubscriptionController


class PoolsTest(Control, base.PoolsControllerTest):
    controller_class = PoolsController

    def setUp(self):
        super().setUp()
        self.pools_controller.create(self.pool, 100, str(uuid.uuid1()), flavor=str(uuid.uuid1()), options={})

    def test_delete_pool_used_by_flavor(self):
        self.flavors_controller.create(self.flavor, project=self.project, capabilities={})
        self.pools_controller.update(self.pool1, flavor=self.flavor)
        with testing.expect(errors.PoolInUseByFlavor):
            self.pools_controller.delete(self.pool1)

    def test_mismatching_capabilities_fifo(self):
        with testing.expect(errors.PoolCapabilitiesMismatch):
            self.pools_controller.create(
                str(uuid.uuid1()), 100, "mongodb.fifo://localhost", flavor=self.flavor, options={}
            )

    def test_mismatching_capabilities(self):
        with testing.expect(errors.PoolCapabilitiesMismatch):
            self.pools_controller.create(str(uuid.uuid1()), 100, "redis://localhost", flavor=self.flavor, options={})

    def test_duplicate_uri(self):
        with testing.expect(errors.PoolAlreadyExists):
            self.pools_controller.create(str(uuid.uuid1()), 100, self.uri, flavor=str(uuid.uuid1()), options={})


class CatalogueTest(Control, base.CatalogueControllerTest):
    controller_class = CatalogueController

    def setUp(self):
        super().setUp()
        self.addCleanup(self.controller.drop_all)


class FlavorsTest(Control, base.FlavorsControllerTest1):
    controller_class = FlavorsController

    def setUp(self):
        super().setUp()
        self.addCleanup(self.controller.drop_all)


class PooledMessagesTest(Pooled, base.MessageControllerTest):
    controller_class = pooling.MessageController
    controller_base_class = storage.Message
    gc_interval = 1


class PooledClaimsTest(Pooled, base.ClaimControllerTest):
    controller_class = pooling.ClaimController
    controller_base_class = storage.Claim
