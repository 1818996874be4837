"""Control plane and data plane on two servers, and pools."""

import uuid
from unittest import mock

import marconi_redis
import pytest
from zaqar.common import cache as oslo_cache
from zaqar.storage import errors, pooling

from harness import servers
from zaqar_marconi_redis.catalogue import CatalogueController

PROJECT, QUEUE, CLIENT = "shop", "orders", uuid.UUID(int=1)
CLAIM = {"ttl": 300, "grace": 60}
DYING = {"_max_claim_count": 1, "_dead_letter_queue": "dead"}


@pytest.fixture(scope="module")
def second():
    with servers.redis_server() as found:
        yield found


@pytest.fixture
def apart(make_node, port, second):
    """A node whose messages are on the second server."""
    marconi_redis.Store(f"redis://127.0.0.1:{second}").queue("shop", "orders").delete()
    return make_node(planes=(f"127.0.0.1:{second}", f"127.0.0.1:{port}"))


def post(node, queue=QUEUE):
    return node.messages.post(queue, [{"ttl": 600, "body": 1}], CLIENT, project=PROJECT)


def test_messages_are_in_the_data_plane_and_names_in_the_control_plane(apart, port, second):
    apart.queues.create(QUEUE, metadata={"team": "billing"}, project=PROJECT)
    post(apart)
    control, data = (marconi_redis.Store(f"redis://127.0.0.1:{p}").queue(PROJECT, QUEUE) for p in (port, second))
    assert (control.stats().total, data.stats().total) == (0, 1)
    assert control.metadata() == data.metadata() == {"team": "billing"}
    assert apart.queues.stats(QUEUE, project=PROJECT)["messages"]["total"] == 1


def test_a_queue_without_messages_has_stats_and_one_that_is_not_there_has_none(apart):
    apart.queues.create(QUEUE, project=PROJECT)
    assert apart.queues.stats(QUEUE, project=PROJECT)["messages"] == {"free": 0, "claimed": 0, "total": 0}
    with pytest.raises(errors.QueueDoesNotExist):
        apart.queues.stats("unknown", project=PROJECT)


def test_a_queue_that_only_the_data_plane_has_is_not_posted_to(apart):
    with pytest.raises(errors.QueueDoesNotExist):
        post(apart)


def test_a_claim_goes_by_what_was_set_since_the_post(apart):
    apart.queues.create(QUEUE, project=PROJECT)
    post(apart)
    apart.queues.set_metadata(QUEUE, DYING, project=PROJECT)
    held, _ = apart.claims.create(QUEUE, CLAIM, project=PROJECT)
    apart.claims.delete(QUEUE, held, project=PROJECT)
    assert apart.claims.create(QUEUE, CLAIM, project=PROJECT)[0] is None
    apart.queues.set_metadata(QUEUE, {}, project=PROJECT)
    letters = apart.messages.list("dead", project=PROJECT, echo=True)
    assert [message["body"] for message in next(letters)] == [1]


def test_a_queue_that_is_deleted_takes_its_messages_along(apart):
    apart.queues.create(QUEUE, project=PROJECT)
    post(apart)
    apart.queues.delete(QUEUE, project=PROJECT)
    apart.queues.create(QUEUE, project=PROJECT)
    assert apart.queues.stats(QUEUE, project=PROJECT)["messages"]["total"] == 0


def test_a_topic_has_stats_and_goes_by_itself(apart):
    assert apart.topics.create("news", metadata={"team": "press"}, project=PROJECT)
    assert not apart.topics.create("news", metadata={"team": "other"}, project=PROJECT)
    assert apart.topics.get("news", project=PROJECT) == {"team": "press"}
    assert apart.topics.stats("news", project=PROJECT)["messages"]["total"] == 0
    assert not apart.queues.exists("news", project=PROJECT)
    apart.topics.delete("news", project=PROJECT)
    with pytest.raises(errors.TopicDoesNotExist):
        apart.topics.stats("news", project=PROJECT)


@pytest.fixture
def pooled(make_node, port, second):
    """Two pools: `orders` is on the near one, its dead letters belong on the far one."""
    node = make_node(general={"pooling": "True"}, deadline=2.0)
    marconi_redis.Store(f"redis://127.0.0.1:{second}/1").queue(PROJECT, "dead").delete()
    for name, where in (("near", port), ("far", second)):
        node.control.pools_controller.create(name, 100, f"marconi://127.0.0.1:{where}?dbid=1")
    for queue, pool, metadata in (("dead", "far", {}), (QUEUE, "near", DYING)):
        node.control.catalogue_controller.insert(PROJECT, queue, pool)
        node.control.queue_controller.create(queue, metadata=metadata, project=PROJECT)
    conf = node.data.conf
    driver = pooling.DataDriver(conf, oslo_cache.get_cache(conf), node.control)
    yield driver
    driver.close()


def claim_the_last_time(pooled):
    pooled.message_controller.post(QUEUE, [{"ttl": 600, "body": 1}], CLIENT, project=PROJECT)
    return pooled.claim_controller.create(QUEUE, CLAIM, project=PROJECT)[0]


def letters(pooled, port):
    """What Zaqar shows of the dead-letter queue, and what is on the server that it belongs on."""
    page = pooled.message_controller.list("dead", project=PROJECT, echo=True)
    there = marconi_redis.Store(f"redis://127.0.0.1:{port}/1").queue(PROJECT, "dead").list()
    return [message["body"] for message in next(page)], [message.body for message in there.messages]


def test_a_dead_letter_goes_to_the_pool_that_its_queue_is_on(pooled, second):
    held = claim_the_last_time(pooled)
    pooled.claim_controller.delete(QUEUE, held, project=PROJECT)
    assert letters(pooled, second) == ([1], [1])


def test_a_dead_letter_waits_while_the_catalogue_can_not_be_asked(pooled, second):
    held = claim_the_last_time(pooled)
    with mock.patch.object(CatalogueController, "get", side_effect=errors.ConnectionError):
        pooled._pool_catalog.get_driver("near").claim_controller.delete(QUEUE, held, project=PROJECT)
    assert letters(pooled, second) == ([], [])
    pooled._pool_catalog.get_driver("near")._storage.gc()
    assert letters(pooled, second) == ([1], [1])


def test_a_pool_with_queues_on_it_is_not_taken_out(node):
    node.control.pools_controller.create("full", 100, "marconi://full")
    node.control.catalogue_controller.insert(PROJECT, QUEUE, "full")
    with pytest.raises(errors.PoolInUseByFlavor, match="holds queues"):
        node.control.pools_controller.delete("full")


def test_health_counts_the_messages_of_all_projects(node):
    for project in ("one", "two"):
        node.queues.create(QUEUE, project=project)
        node.messages.post(QUEUE, [{"ttl": 600, "body": 1}] * 3, CLIENT, project=project)
    node.claims.create(QUEUE, CLAIM, project="one", limit=2)
    told = node.data.health()
    assert told["storage_reachable"]
    assert told["message_volume"] == {"free": 4, "claimed": 2, "total": 6}
    assert all(status["succeeded"] for status in told["operation_status"].values())


def test_gc_frees_the_memory_of_what_has_expired(node, redis):
    store = marconi_redis.Store(redis)
    queue = store.queue(PROJECT, QUEUE)
    queue.create()
    # A moment of before: its messages have expired by now, and nobody has called since.
    store.at(1_700_000_000_000).queue(PROJECT, QUEUE).post_many([marconi_redis.NewMessage(1)] * 5, ttl=1)
    assert redis.xlen(queue.keys.key("log")) == 5
    node.data.gc()
    assert redis.xlen(queue.keys.key("log")) == 0
