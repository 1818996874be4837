"""What Zaqar's stock Redis driver does wrong, each as a test that ours passes, through Zaqar's own interface.

Guards both halves: the tests run on the driver that STORAGE_DRIVER names, marconi unless it is set, and defects.py
asserts that the stock one fails every single one of them.
"""

import os
import uuid

import pytest
from zaqar.storage import errors

from harness import planes, servers
from harness.proxy import Proxy

DRIVER = os.environ.get("STORAGE_DRIVER", "marconi")
PROJECT, QUEUE, CLIENT = "shop", "orders", uuid.UUID(int=1)
CLAIM = {"ttl": 300, "grace": 60}
#: How long a node tries to reach a Redis that is not there any more: not long.
PATIENCE = {"deadline": 2.0} if DRIVER == "marconi" else {"max_reconnect_attempts": 3, "reconnect_sleep": 0.01}
#: More requests than any operation of either driver makes, connecting included.
REQUESTS = 16


@pytest.fixture(scope="session")
def port():
    with servers.redis_server() as found:
        yield found


@pytest.fixture
def redis(port):
    import redis

    client = redis.Redis(port=port)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def node(redis, port):
    found = planes.Node(DRIVER, port)
    found.queues.create(QUEUE, project=PROJECT)
    yield found
    found.close()


def post(node, count, queue=QUEUE, project=PROJECT, **message):
    messages = [{"ttl": 600, "body": number, **message} for number in range(count)]
    return list(node.messages.post(queue, messages, CLIENT, project=project))


def claim(node, limit=10, queue=QUEUE, **metadata):
    found, messages = node.claims.create(queue, {**CLAIM, **metadata}, project=PROJECT, limit=limit)
    return found, [message["id"] for message in messages]


def total(node, queue=QUEUE):
    return node.queues.stats(queue, project=PROJECT)["messages"]["total"]


def load(port):
    """Has the server learn the scripts that are called below: what is lost is to be a call, not its NOSCRIPT."""
    node = planes.Node(DRIVER, port)
    node.queues.create("first", project=PROJECT)
    post(node, 2, queue="first")
    held, _ = claim(node, limit=1, queue="first")
    node.claims.delete("first", held, project=PROJECT)
    node.messages.pop("first", 2, project=PROJECT)
    node.close()


def each_loss(redis, port, *, times=1, dead_after=False, prepare=None):
    """For each request that a node makes in one operation: a node whose reply to it is lost, and a healthy one.

    `times`: the replies to those after it are lost too. `dead_after`: the node does not live to see another.
    `prepare`: what the healthy one does first.
    """
    for which in range(1, REQUESTS + 1):
        redis.flushall()
        load(port)
        proxy = Proxy(port, dead_after)
        node, healthy = planes.Node(DRIVER, proxy.port, **(PATIENCE if dead_after else {})), planes.Node(DRIVER, port)
        healthy.queues.create(QUEUE, project=PROJECT)
        prepared = prepare(healthy) if prepare else None
        proxy.lose(which, times)
        yield node, healthy, prepared
        proxy.close()
        node.close()
        healthy.close()
        if not proxy.lost:
            assert which > 1, "the node made no request"
            return
    raise AssertionError(f"more than {REQUESTS} requests")


def test_a_release_hands_out_nothing_that_a_later_claim_holds(node):
    ids = post(node, 6)
    first, _ = claim(node, limit=2)
    _, held = claim(node, limit=2)
    assert held == ids[2:4]
    node.claims.delete(QUEUE, first, project=PROJECT)
    _, third = claim(node, limit=6)
    assert third == ids[:2] + ids[4:], "a message is under two live claims"


def test_a_delayed_message_is_not_claimed_behind_one_that_is_not(node):
    ready = post(node, 1)
    post(node, 1, delay=300)
    _, taken = claim(node)
    assert taken == ready


def test_a_claim_whose_node_dies_leaves_no_message_under_a_claim_that_is_not_there(redis, port):
    def prepare(healthy):
        return post(healthy, 4)

    for node, healthy, ids in each_loss(redis, port, dead_after=True, prepare=prepare):
        try:
            with planes.hurried():
                claim(node)
        except Exception as told:
            # Whatever a node says as it dies; nobody hears it.
            assert told
        free = [message["id"] for message in next(healthy.messages.list(QUEUE, project=PROJECT, echo=True))]
        held = [message for message in ids if message not in free]
        for message in held:
            holder = healthy.messages.get(QUEUE, message, project=PROJECT)["claim_id"]
            _, holds = healthy.claims.get(QUEUE, holder, project=PROJECT)
            assert message in [found["id"] for found in holds]


def test_a_message_is_read_in_its_own_queue_only(node):
    (message,) = post(node, 1)
    node.queues.create("others", project="other")
    with pytest.raises(errors.MessageDoesNotExist):
        node.messages.get("others", message, project="other")
    assert list(node.messages.bulk_get("others", [message], project="other")) == []


def test_a_message_is_deleted_in_its_own_queue_only(node):
    (message,) = post(node, 1)
    node.queues.create("others", project="other")
    node.messages.delete("others", message, project="other")
    node.messages.bulk_delete("others", [message], project="other")
    assert node.messages.get(QUEUE, message, project=PROJECT)["id"] == message


def test_grace_keeps_a_message_alive_after_its_claim(redis, port):
    settings = {"clock": "node"} if DRIVER == "marconi" else {}
    node = planes.Node(DRIVER, port, **settings)
    node.queues.create(QUEUE, project=PROJECT)
    ids = post(node, 1, ttl=2)
    claim(node, ttl=3, grace=60)
    # Ours is asked four seconds later by a moved clock; the stock one's keys expire while time passes.
    if DRIVER == "marconi":
        with planes.ahead(4):
            _, again = claim(node)
    else:
        planes.pass_time(4)
        _, again = claim(node)
    node.close()
    assert again == ids, "the message is gone before its grace is over"


def test_a_marker_whose_message_is_gone_goes_on_where_it_was(node):
    ids = post(node, 5)
    page = node.messages.list(QUEUE, project=PROJECT, limit=2, echo=True)
    assert [message["id"] for message in next(page)] == ids[:2]
    marker = next(page)
    node.messages.delete(QUEUE, ids[1], project=PROJECT)
    rest = node.messages.list(QUEUE, project=PROJECT, marker=marker, limit=10, echo=True, include_claimed=True)
    assert [message["id"] for message in next(rest)] == ids[2:]


def test_a_post_whose_reply_is_lost_is_stored_once(redis, port):
    # An outage that is longer than redis-py's patience: it gives up, and its caller begins anew.
    for node, healthy, _ in each_loss(redis, port, times=40):
        with planes.hurried():
            ids = post(node, 2)
        listed = healthy.messages.list(QUEUE, project=PROJECT, echo=True)
        assert [message["id"] for message in next(listed)] == ids
        assert total(healthy) == 2


def test_a_claim_whose_reply_is_lost_is_handed_over_all_the_same(redis, port):
    def prepare(healthy):
        return post(healthy, 2)

    for node, _, ids in each_loss(redis, port, prepare=prepare):
        with planes.hurried():
            _, taken = claim(node)
        assert taken == ids, "the messages are under a claim that nobody knows of"


def test_a_pop_whose_reply_is_lost_loses_no_message(redis, port):
    def prepare(healthy):
        return post(healthy, 2)

    for node, healthy, ids in each_loss(redis, port, prepare=prepare):
        with planes.hurried():
            popped = [message["id"] for message in node.messages.pop(QUEUE, 2, project=PROJECT)]
        assert popped == ids
        assert total(healthy) == 0


def test_a_node_whose_clock_is_ahead_takes_nothing_that_is_claimed(redis, port, node):
    # They outlive the difference between the clocks, so that only the claim stands in the way.
    post(node, 2, ttl=86400)
    claim(node)
    other = planes.Node(DRIVER, port)
    with planes.ahead(3600):
        _, taken = claim(other)
    other.close()
    assert taken == []


def test_names_with_dots_are_names_of_their_own(node):
    assert node.queues.create("c", project="a.b")
    assert not node.queues.exists("b.c", project="a")
    node.queues.create("b.c", project="a")
    node.messages.post("b.c", [{"ttl": 600, "body": 1}], CLIENT, project="a")
    assert node.queues.stats("c", project="a.b")["messages"]["total"] == 0


def test_a_dead_letter_queue_may_have_a_name_with_dots(node):
    node.queues.create("orders.dead", project=PROJECT)
    node.queues.set_metadata(QUEUE, {"_max_claim_count": 1, "_dead_letter_queue": "orders.dead"}, project=PROJECT)
    post(node, 1)
    held, _ = claim(node)
    node.claims.delete(QUEUE, held, project=PROJECT)
    _, taken = claim(node)
    assert taken == []
    letters = node.messages.list("orders.dead", project=PROJECT, echo=True)
    assert [message["body"] for message in next(letters)] == [0]
