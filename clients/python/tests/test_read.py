"""Listing, getting, counting, popping."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from conftest import Clock
from marconi_redis import (
    InvalidArgument,
    MessageDoesNotExist,
    NewMessage,
    Queue,
    QueueDoesNotExist,
    TokenReused,
    TooLarge,
)
from servers import Server


def posted(queue: Queue, count: int, **terms: object) -> list[str]:
    messages = [NewMessage(number) for number in range(count)]
    return queue.post_many(messages, **terms)  # type: ignore[arg-type]


def test_a_page_follows_the_marker_and_the_last_has_none(queue: Queue) -> None:
    ids = posted(queue, 5)
    found, marker = [], None
    for _ in range(3):
        page = queue.list(marker=marker, limit=2)
        found.append([message.id for message in page.messages])
        marker = page.marker
    assert found == [ids[:2], ids[2:4], ids[4:]]
    assert marker is None


def test_a_marker_is_good_when_its_message_is_gone(queue: Queue) -> None:
    ids = posted(queue, 3)
    queue.delete_one(ids[1])
    assert [message.id for message in queue.list(marker=ids[1]).messages] == ids[2:]


def test_a_page_is_filled_however_many_stand_between(queue: Queue) -> None:
    for _ in range(4):
        posted(queue, 250)
    while queue.stats().free:
        queue.claim(limit=250)
    late = posted(queue, 3)
    page = queue.list(limit=2)
    assert [message.id for message in page.messages] == late[:2]
    assert [message.id for message in queue.list(limit=250).messages] == late


def test_what_was_found_before_a_gap_counts(queue: Queue) -> None:
    first = queue.post("first")
    for _ in range(4):
        posted(queue, 250, delay=60)
    late = posted(queue, 3)
    page = queue.list(limit=3)
    assert [message.id for message in page.messages] == [first, *late[:2]]
    assert [message.id for message in queue.list(limit=3, marker=page.marker).messages] == late[2:]


def test_claimed_and_delayed_ones_show_where_they_are_asked_for(queue: Queue) -> None:
    claimed, free = posted(queue, 2)
    delayed = queue.post(1, delay=5)
    claim = queue.claim(limit=1)
    assert claim is not None

    def ids(**asked: bool) -> list[str]:
        return [message.id for message in queue.list(**asked).messages]  # type: ignore[arg-type]

    assert ids() == [free]
    assert ids(claimed=True) == [claimed, free]
    assert ids(delayed=True) == [free, delayed]
    assert ids(claimed=True, delayed=True) == [claimed, free, delayed]
    seen = queue.get_many([delayed, "9-9", claimed])
    assert [message.id for message in seen] == [delayed, claimed]
    assert seen[0].delay == timedelta(seconds=5)
    assert seen[1].claim == claim.id


def test_an_echo_is_left_out_by_client(queue: Queue) -> None:
    mine, yours = queue.post(1), queue.post(2, client="you")
    assert [message.id for message in queue.list(echo=False).messages] == [yours]
    assert [message.id for message in queue.list(not_client="you").messages] == [mine]
    assert len(queue.list().messages) == 2


def test_what_is_gone_is_told_by_its_id(queue: Queue) -> None:
    for id in ("1-0", "no id"):
        with pytest.raises(MessageDoesNotExist) as gone:
            queue.get(id)
        assert (gone.value.id, gone.value.word) == (id, "MESSAGEGONE")
    assert queue.get_many([]) == []
    with pytest.raises(TooLarge):
        queue.get_many(["1-0"] * 251)
    with pytest.raises(InvalidArgument):
        queue.list(limit=0)


def test_first_is_the_oldest_or_the_newest_whoever_holds_it(queue: Queue) -> None:
    assert queue.first() is None
    ids = posted(queue, 3)
    queue.claim(limit=1)
    oldest, newest = queue.first(), queue.first(newest=True)
    assert oldest is not None
    assert newest is not None
    assert (oldest.id, newest.id) == (ids[0], ids[2])
    assert oldest.claim


def test_stats_count_exactly(queue: Queue, clock: Clock) -> None:
    with pytest.raises(QueueDoesNotExist):
        queue.stats()
    posted(queue, 3)
    queue.claim(limit=1, ttl=10)
    clock.forward(2)
    newest = queue.post(1, delay=30, ttl=40)
    stats = queue.stats()
    assert (stats.free, stats.claimed, stats.delayed, stats.total, stats.dead) == (2, 1, 1, 4, 0)
    assert stats.oldest is not None
    assert stats.newest is not None
    assert stats.oldest.age == timedelta(seconds=2)
    assert (stats.newest.id, stats.newest.age) == (newest, timedelta(0))
    clock.forward(8)
    assert (queue.stats().free, queue.stats().claimed) == (3, 0)
    clock.forward(32)
    assert (queue.stats().total, queue.stats().delayed) == (3, 0)


def test_a_deletion_counts_what_was_there(queue: Queue) -> None:
    ids = posted(queue, 3)
    assert queue.delete_many([*ids[:2], ids[0], "no id"]) == 2
    assert queue.delete_many(ids) == 1
    assert queue.delete_many([]) == 0


def test_a_pop_takes_for_good_and_its_token_answers_again(queue: Queue) -> None:
    ids = posted(queue, 3)
    first = queue.pop(limit=2, token="t")
    assert [message.id for message in first] == ids[:2]
    assert [message.claims for message in first] == [0, 0]
    assert [message.id for message in queue.pop(limit=1, token="t")] == ids[:2]
    assert [message.id for message in queue.pop()] == ids[2:]
    assert queue.pop() == []
    queue.post(1, token="of a post")
    with pytest.raises(TokenReused):
        queue.pop(token="of a post")
    with pytest.raises(InvalidArgument):
        queue.pop(token="")


def test_a_pop_passes_over_what_is_claimed(queue: Queue, clock: Clock) -> None:
    ids = posted(queue, 2)
    queue.claim(limit=1, ttl=1)
    assert [message.id for message in queue.pop(limit=9)] == ids[1:]
    clock.forward(1)
    assert [message.id for message in queue.pop(limit=9)] == ids[:1]


def test_a_queue_that_does_not_exist_is_an_empty_one(queue: Queue) -> None:
    assert queue.list().messages == []
    assert queue.get_many(["1-0"]) == []
    assert queue.claim() is None
    assert queue.pop() == []
    assert queue.delete_many(["1-0"]) == 0
    assert queue.release(str(uuid.uuid4())) == 0
    assert queue.delete() is False
    for asked in (queue.purge, queue.metadata, lambda: queue.set_metadata({})):
        with pytest.raises(QueueDoesNotExist):
            asked()
    assert not queue.exists()


def test_a_purge_takes_all_and_says_how_many(queue: Queue) -> None:
    posted(queue, 4)
    queue.claim(limit=2)
    assert queue.purge() == 4
    assert queue.stats().total == 0
    assert queue.exists()


def test_gc_frees_what_is_over(queue: Queue, clock: Clock) -> None:
    posted(queue, 250, ttl=1)
    clock.forward(1)
    assert queue.store.source.pool(None) is not None
    assert queue.gc() is True
    assert queue.check() == []


def test_a_repair_mends_what_a_check_finds_and_says_what_it_did(
    queue: Queue, the_server: Server, prefix: str
) -> None:
    ids = posted(queue, 3)
    queue.claim(limit=2)
    the_server.client.hdel(f"{prefix}:{{{queue.path.tag}}}:held", ids[0])
    assert ids[0] in {violation.about for violation in queue.check()}
    repairs = queue.repair()
    # Its claim holds it again, and with that it is in order itself.
    assert len(repairs) == 1
    assert all(repair.is_mended and repair.done for repair in repairs)
    assert queue.check() == []
    assert queue.repair() == []
    assert queue.stats().total == 3
