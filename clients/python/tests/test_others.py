"""Subscriptions, topics, health and housekeeping."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conftest import Clock
from marconi_redis import (
    InvalidArgument,
    Queue,
    Store,
    SubscriptionAlreadyExists,
    SubscriptionDoesNotExist,
    Topic,
    TopicDoesNotExist,
    Volume,
)
from servers import Server


def test_a_subscriber_is_in_a_queue_once(queue: Queue, clock: Clock) -> None:
    first = queue.subscribe("http://a", ttl=60, options={"x": [1]})
    assert first.is_new
    again = queue.subscribe("http://a", ttl=1)
    assert (again.id, again.is_new) == (first.id, False)
    clock.forward(10)
    found = queue.subscription(first.id)
    assert (found.subscriber, found.options, found.confirmed) == ("http://a", {"x": [1]}, False)
    assert (found.ttl, found.age, found.left) == tuple(timedelta(seconds=s) for s in (60, 10, 50))
    assert queue.subscription_of("http://a") == found
    assert queue.subscription_of("http://b") is None
    clock.forward(50)
    for id in (first.id, "", "no id"):
        with pytest.raises(SubscriptionDoesNotExist) as gone:
            queue.subscription(id)
        assert gone.value.id == id


def test_a_subscription_changes_in_what_is_given(queue: Queue) -> None:
    mine, other = queue.subscribe("a").id, queue.subscribe("b").id
    queue.update_subscription(mine, ttl=5, options={"new": True})
    queue.confirm_subscription(mine)
    found = queue.subscription(mine)
    assert (found.subscriber, found.ttl, found.options, found.confirmed) == (
        "a",
        timedelta(seconds=5),
        {"new": True},
        True,
    )
    queue.update_subscription(mine, subscriber="c")
    queue.confirm_subscription(mine, False)
    assert queue.subscription(mine).confirmed is False
    with pytest.raises(SubscriptionAlreadyExists) as exists:
        queue.update_subscription(mine, subscriber="b")
    assert exists.value.id == other
    with pytest.raises(InvalidArgument):
        queue.update_subscription(mine)
    assert queue.delete_subscription(mine) is True
    assert queue.delete_subscription(mine) is False
    with pytest.raises(SubscriptionDoesNotExist):
        queue.update_subscription(mine, ttl=1)


def test_subscriptions_are_listed_in_the_order_of_their_making(queue: Queue, clock: Clock) -> None:
    queue.subscribe("gone", ttl=1)
    ids = [queue.subscribe(f"s{n}", ttl=60).id for n in range(5)]
    clock.forward(1)
    first = queue.subscriptions(limit=3)
    rest = queue.subscriptions(limit=3, marker=first.marker)
    assert [one.id for one in first.subscriptions + rest.subscriptions] == ids
    assert rest.marker is None


def test_a_subscriber_shows_in_no_repr_and_no_error(queue: Queue) -> None:
    secret = "http://user:secret@host"
    id = queue.subscribe(secret).id
    assert "secret" not in repr(queue.subscription(id))
    with pytest.raises(SubscriptionAlreadyExists) as exists:
        queue.update_subscription(queue.subscribe("other").id, subscriber=secret)
    assert "secret" not in str(exists.value)


def test_a_topic_and_a_queue_of_one_name_never_meet(store: Store, queue: Queue) -> None:
    topic = store.topic("shop", "orders")
    topic.create({"kind": "topic"})
    queue.post("in the queue")
    id = topic.post("in the topic")
    assert [message.body for message in topic.list().messages] == ["in the topic"]
    assert topic.get(id).body == "in the topic"
    assert topic.stats().free == 1
    assert [entry.name for entry in store.topics("shop", metadata_is={"kind": "topic"}).topics] == [
        "orders"
    ]
    assert topic.subscribe("a").is_new
    assert queue.subscription_of("a") is None
    assert topic.purge() == 1
    assert topic.delete() is True
    assert queue.exists()
    assert not hasattr(Topic, "claim")


def test_a_topic_that_is_missing_is_told_by_its_own_word(store: Store) -> None:
    topic = store.topic("shop", "news")
    for asked in (topic.stats, topic.purge, topic.metadata):
        with pytest.raises(TopicDoesNotExist) as gone:
            asked()
        assert (gone.value.word, gone.value.queue) == ("TOPICGONE", "news")


def test_health_tries_all_and_leaves_nothing_behind(
    the_server: Server, live: Store, prefix: str
) -> None:
    queue = live.queue("shop", "orders")
    for number in range(3):
        queue.post(number, delay=60 if number == 2 else 0)
    queue.claim(limit=1)
    health = live.health()
    assert health.is_good
    assert [tried.operation for tried in health.operations] == [
        "create_queue",
        "post",
        "claim",
        "list",
        "delete_message",
        "delete_claim",
        "bulk_delete",
        "delete_queue",
    ]
    assert health.volume == Volume(queues=1, free=1, claimed=1, delayed=1, total=3)
    keys = {key.decode() for key in the_server.client.scan_iter(f"{prefix}:*")}
    assert all("shop" in key or key.endswith(":projects") for key in keys), keys


def test_a_server_that_is_away_is_not_healthy(the_server: Server) -> None:
    with Store(f"unix://{the_server.dir}/nobody.sock", deadline=0.2) as store:
        assert not store.is_alive()
        health = store.health()
        assert (health.is_reachable, health.operations, health.is_good) == (False, [], False)


def test_gc_sees_to_queues_and_topics(
    the_server: Server, store: Store, clock: Clock, prefix: str
) -> None:
    store.queue("a", "q").post(1, ttl=1)
    store.topic("b", "t").post(1, ttl=1)
    clock.forward(1)
    assert (store.gc().queues, store.gc().unfinished) == (2, 0)
    assert the_server.client.xlen(f"{prefix}:{{a/q}}:log") == 0
    assert the_server.client.xlen(f"{prefix}.topics:{{b/t}}:log") == 0
    assert store.gc("b").queues == 1
