"""A pytest plug-in (-p harness.shim): Zaqar's tests, written against MongoDB, on a store that is kept in Redis.

Guards that no assertion changes: it empties Redis before each test, leaves out tear-downs that call MongoDB's
drop_database, lets the patches of test_health hit the driver that is tested, and has a post wait a moment for the
threads that tell its subscribers. From the environment:

    PURGE_PORT   the Redis to empty before every test
    DATA_DRIVER  module:Class of the data driver, for the patches of test_health
    MESSAGES     the module with its MessageController, for the same
"""

import importlib
import os
import types
from concurrent import futures

import futurist
import pytest
import redis
from zaqar.notification import notifier

_redis = redis.Redis(port=int(os.environ["PURGE_PORT"])) if "PURGE_PORT" in os.environ else None


class _Told(futurist.ThreadPoolExecutor):
    """The threads of Zaqar's notifier: tests look at what they did as soon as a post is answered."""

    def submit(self, fn, *args, **kwargs):
        telling = super().submit(fn, *args, **kwargs)
        futures.wait([telling], timeout=2)
        return telling


def pytest_configure(config):
    """Puts in what is looked up when Zaqar's modules are imported."""
    notifier.futurist = types.SimpleNamespace(ThreadPoolExecutor=_Told)
    _patch_test_health()


def _patch_test_health():
    """test_health patches mongo.driver.DataDriver and mongo.messages.MessageController when it is imported."""
    if "DATA_DRIVER" not in os.environ:
        return
    module, name = os.environ["DATA_DRIVER"].split(":")
    import zaqar.storage.mongodb as mongo

    stock = mongo.driver, mongo.messages
    mongo.driver = types.SimpleNamespace(DataDriver=getattr(importlib.import_module(module), name))
    mongo.messages = types.SimpleNamespace(
        MessageController=importlib.import_module(os.environ["MESSAGES"]).MessageController
    )
    try:
        importlib.import_module("zaqar.tests.unit.transport.wsgi.v2_0.test_health")
    finally:
        mongo.driver, mongo.messages = stock


def pytest_collection_modifyitems(items):
    """Tear-downs that ask a MongoDB connection for drop_database: the store is emptied below."""
    if _redis is None:
        return
    from zaqar.tests.unit.transport.websocket import base as websocket
    from zaqar.tests.unit.transport.wsgi import base as wsgi

    for item in items:
        cls = getattr(item, "cls", None)
        if cls is None or ".transport." not in cls.__module__:
            continue
        tear_down = cls.__dict__.get("tearDown")
        if tear_down is not None and "drop_database" in tear_down.__code__.co_names:
            base = wsgi if issubclass(cls, wsgi.TestBase) else websocket
            cls.tearDown = base.TestBase.tearDown


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """An empty store for each test, whatever the one before left."""
    if _redis is not None:
        _redis.flushall()
