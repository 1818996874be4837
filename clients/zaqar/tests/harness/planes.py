"""Both planes of a storage driver, as an API node of Zaqar has them, and a clock that can be moved.

Guards that a test of one driver is a test of another: nothing here knows more of a driver than its name.
"""

import configparser
import contextlib
import tempfile
import time
from unittest import mock

from oslo_config import cfg
from oslo_utils import timeutils
from osprofiler import opts
from zaqar.common import cache as oslo_cache
from zaqar.conf import default, drivers, notification, profiler
from zaqar.storage import pipeline, utils


class Node:
    """An API node: its controllers, from its own connections."""

    def __init__(self, driver, port, *, planes=(), general=None, **settings):
        """`planes`: the addresses of message_store and management_store; both are on the port unless given.

        `general`: options of Zaqar itself. The rest are options of the driver, in both planes.
        """
        addresses = planes or (f"127.0.0.1:{port}",) * 2
        self._conf = _configuration(driver, addresses, settings, general or {})
        cache = oslo_cache.get_cache(self._conf)
        self.control = utils.load_storage_driver(self._conf, cache, control_mode=True)
        self.data = utils.load_storage_driver(self._conf, cache, control_driver=self.control)
        self._pipeline = pipeline.DataDriver(self._conf, self.data, self.control)
        self.queues = self._pipeline.queue_controller
        self.messages = self._pipeline.message_controller
        self.claims = self._pipeline.claim_controller
        self.topics = self._pipeline.topic_controller
        self.subscriptions = self._pipeline.subscription_controller

    def close(self):
        """Ends its connections."""
        self.data.close()
        self.control.close()


def _configuration(driver, addresses, settings, general):
    written = configparser.ConfigParser(interpolation=None)
    written["DEFAULT"] = general
    written["drivers"] = dict.fromkeys(("message_store", "management_store"), driver)
    for plane, address in zip(("message_store", "management_store"), addresses, strict=True):
        written[f"drivers:{plane}:{driver}"] = {"uri": f"{driver}://{address}", **settings}
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        written.write(file)
        file.flush()
        conf = cfg.ConfigOpts()
        conf(args=[], default_config_files=[file.name])
    conf.register_opts(default.ALL_OPTS)
    conf.register_opts(drivers.ALL_OPTS, group=drivers.GROUP_NAME)
    conf.register_opts(notification.ALL_OPTS, group=notification.GROUP_NAME)
    opts.set_defaults(conf)
    conf.register_opts(profiler.ALL_OPTS, group=profiler.GROUP_NAME)
    oslo_cache.register_config(conf)
    return conf


@contextlib.contextmanager
def ahead(seconds):
    """This process's clock, moved; what the server goes by stays."""
    now = timeutils.utcnow_ts

    def moved(microsecond=False):
        return now(microsecond) + seconds

    with mock.patch("oslo_utils.timeutils.utcnow_ts", moved):
        yield


def pass_time(seconds):
    """Time that really passes: the stock driver's keys expire by the server's clock, which nothing moves."""
    time.sleep(seconds)


@contextlib.contextmanager
def hurried():
    """Nobody sleeps between two attempts: who retries, does so at once."""
    with mock.patch("time.sleep"), mock.patch("redis.retry.sleep"):
        yield
