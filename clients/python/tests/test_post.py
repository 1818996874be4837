"""Posting."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from conftest import NOW, Clock
from marconi_redis import (
    Codec,
    InvalidArgument,
    NewMessage,
    Queue,
    QueueDoesNotExist,
    Store,
    TokenReused,
    TooLarge,
)
from servers import Server


@pytest.mark.parametrize(
    "body",
    [
        datetime(2024, 2, 29, 12, tzinfo=timezone.utc),
        None,
        True,
        -1,
        2**63,
        1.5,
        "é",
        b"\x00\xff",
        [1, [2]],
        {"a": {1: None}},
        "x" * 70_000,
        "",
    ],
)
def test_a_body_comes_back_as_it_was_posted(queue: Queue, body: Any) -> None:
    assert queue.get(queue.post(body)).body == body


def test_ids_come_in_the_order_given_and_grow(queue: Queue) -> None:
    ids = queue.post_many([NewMessage(number) for number in range(250)])
    assert [message.body for message in queue.get_many(ids)] == list(range(250))
    assert len(set(ids)) == 250
    assert ids == [message.id for message in queue.list(limit=250).messages]


def test_a_post_makes_its_queue_and_enters_its_name(store: Store, queue: Queue) -> None:
    assert not queue.exists()
    queue.post(1)
    assert queue.exists()
    assert [entry.name for entry in store.queues("shop").queues] == ["orders"]
    assert store.projects().projects == ["shop"]


def test_a_store_that_is_set_to_refuse_makes_no_queue(the_server: Server, prefix: str) -> None:
    with Store(the_server.url, prefix=prefix, create_queues=False) as store:
        with pytest.raises(QueueDoesNotExist) as refused:
            store.queue("shop", "orders").post(1)
        assert (refused.value.word, refused.value.queue, refused.value.project) == (
            "QUEUEGONE",
            "orders",
            "shop",
        )
        assert not store.queue("shop", "orders").exists()


def test_ttl_and_delay_of_a_message_go_before_those_of_the_post(queue: Queue, clock: Clock) -> None:
    mine, others = queue.post_many(
        [NewMessage(1, ttl=10, delay=0.5), NewMessage(2)], ttl=timedelta(seconds=20), delay=1
    )
    first, second = queue.get_many([mine, others])
    assert (first.ttl, first.delay) == (timedelta(seconds=10), timedelta(milliseconds=500))
    assert (second.ttl, second.delay) == (timedelta(seconds=20), timedelta(seconds=1))
    clock.forward(0.5)
    assert [message.id for message in queue.list().messages] == [mine]


def test_who_posts_is_the_store_unless_the_post_says_so(queue: Queue) -> None:
    assert queue.get(queue.post(1)).client == "me"
    assert queue.get(queue.post(1, client="you")).client == "you"
    assert queue.get(queue.post(1, client="")).client == ""


def test_a_second_post_with_a_token_adds_nothing(queue: Queue) -> None:
    first = queue.post_many([NewMessage(1), NewMessage(2)], token="t")
    assert queue.post_many([NewMessage(1), NewMessage(2)], token="t") == first
    assert queue.stats().total == 2


@pytest.mark.parametrize("other", [NewMessage(2), NewMessage(1, ttl=9), NewMessage(1, ttl=10, delay=1)])
def test_a_token_with_other_content_is_refused(queue: Queue, other: NewMessage) -> None:
    queue.post(NewMessage(1, ttl=10), token="t")
    with pytest.raises(TokenReused) as refused:
        queue.post(other, token="t")
    assert refused.value.outcome == "not done"
    assert queue.stats().total == 1


def test_raw_bodies_are_stored_as_they_are(queue: Queue) -> None:
    message = queue.get(queue.post(NewMessage(b"\x93\x01\x02\x03", raw=True)))
    assert (message.raw_body, message.body) == (b"\x93\x01\x02\x03", [1, 2, 3])


def test_a_body_that_is_no_msgpack_is_told_when_it_is_read_and_spoils_no_other(queue: Queue) -> None:
    bad, good = queue.post_many([NewMessage(b"\xc1", raw=True), NewMessage(1)])
    first, second = queue.get_many([bad, good])
    with pytest.raises(Codec) as broken:
        _ = first.body
    assert (broken.value.id, broken.value.outcome) == (bad, "done")
    assert second.body == 1


def test_what_fits_no_msgpack_is_refused_before_anything_is_sent(queue: Queue) -> None:
    with pytest.raises(Codec):
        queue.post(object())
    assert not queue.exists()


def test_bounds_are_the_scripts(queue: Queue, store: Store) -> None:
    queue.create()
    with pytest.raises(TooLarge):
        queue.post("x" * 262_144)
    with pytest.raises(TooLarge):
        queue.post_many([NewMessage(1)] * 251)
    for wrong in ({"ttl": 0}, {"ttl": -1}, {"ttl": 1, "delay": 1}, {"token": ""}, {"token": "\n"}):
        with pytest.raises(InvalidArgument):
            queue.post(1, **wrong)
    assert queue.post_many([]) == []
    assert queue.stats().total == 0
    store.max_body = 300_000
    assert queue.get(queue.post("x" * 262_144)).age == timedelta(0)


def test_the_time_is_the_callers(queue: Queue, clock: Clock) -> None:
    assert queue.post(1).startswith(f"{NOW}-")
    message = queue.get(queue.post(1, ttl=60))
    clock.forward(59.999)
    assert queue.get(message.id).age == timedelta(seconds=59.999)
    clock.forward(0.001)
    assert queue.get_many([message.id]) == []
