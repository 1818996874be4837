"""Making, describing, deleting and listing queues."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from marconi_redis import (
    Codec,
    InvalidArgument,
    NewerSchema,
    QueueEntry,
    QueuePath,
    Store,
    TooLarge,
)
from marconi_redis.names import Names
from servers import Server

ALL = {
    "_default_message_ttl": 60_000,
    "_default_message_delay": 1_000,
    "_max_claim_count": 3,
    "_dead_letter_queue": "dead",
    "_dead_letter_queue_messages_ttl": 5_000,
    "_max_messages_post_size": 1_000,
    "_flavor": "fast",
    "of mine": {"a": [1, None]},
}


def test_create_says_whether_it_was_new_and_replaces_what_is_given(store: Store) -> None:
    queue = store.queue("p", "q")
    assert queue.create(ALL) is True
    assert queue.metadata() == ALL
    assert queue.create() is False
    assert queue.metadata() == ALL
    assert queue.create({"other": 1}) is False
    assert queue.metadata() == {"other": 1}


def test_reserved_values_are_what_the_scripts_go_by(store: Store) -> None:
    queue = store.queue("p", "q")
    queue.create(ALL)
    message = queue.get(queue.post(1))
    assert (message.ttl.total_seconds(), message.delay.total_seconds()) == (60, 1)
    with pytest.raises(TooLarge):
        queue.post("x" * 1_000)
    queue.set_metadata({})
    assert queue.get(queue.post("x" * 1_000)).delay.total_seconds() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"_max_claim_count": 0},
        {"_max_claim_count": "3"},
        {"_max_claim_count": True},
        {"_default_message_ttl": -1},
        {"_dead_letter_queue": 3},
        {"_dead_letter_queue": ""},
        {"_dead_letter_queue": "q"},
        {"_default_message_ttl": 1, "_default_message_delay": 1},
    ],
)
def test_a_reserved_value_that_is_none_changes_nothing(store: Store, wrong: dict[str, object]) -> None:
    queue = store.queue("p", "q")
    queue.create({"kept": 1})
    with pytest.raises(InvalidArgument):
        queue.set_metadata(wrong)
    assert queue.metadata() == {"kept": 1}


def test_metadata_that_are_no_map_are_refused(store: Store) -> None:
    for wrong in ([1], {1: 2}, {"a": object()}):
        with pytest.raises(InvalidArgument):
            store.queue("p", "q").create(wrong)  # type: ignore[arg-type]
    with pytest.raises(TooLarge):
        store.queue("p", "q").create({"a": "x" * 262_144})


def test_dead_letters_are_not_led_in_circles(store: Store) -> None:
    store.queue("p", "a").create({"_dead_letter_queue": "b"})
    store.queue("p", "b").create({"_dead_letter_queue": "c"})
    with pytest.raises(InvalidArgument, match="leads back"):
        store.queue("p", "c").create({"_dead_letter_queue": "a"})
    assert not store.queue("p", "c").exists()


def test_a_deleted_queue_takes_its_name_and_its_project_along(store: Store) -> None:
    queue = store.queue("p", "q")
    queue.post(1)
    assert queue.delete() is True
    assert queue.delete() is False
    assert store.queues("p").queues == []
    assert store.projects().projects == []
    assert store.source.pool(None) is not None


def test_queues_are_listed_in_the_order_of_their_bytes(store: Store) -> None:
    names = ["Z", "a", "b", "z", "é", "😀"]
    for name in reversed(names):
        store.queue("p", name).create({"n": name})
    store.queue("other", "hidden").create()
    first = store.queues("p", limit=4)
    assert [entry.name for entry in first.queues] == names[:4]
    rest = store.queues("p", limit=4, marker=first.marker, with_metadata=True)
    assert rest.queues == [QueueEntry(name, {"n": name}) for name in names[4:]]
    assert rest.marker is None
    assert store.count("p") == 6
    assert [e.name for e in store.queues("p", metadata_is={"n": "b"}).queues] == ["b"]
    assert [e.name for e in store.queues("p", name_contains="z").queues] == ["z"]
    for limit in (0, 251):
        with pytest.raises(InvalidArgument):
            store.queues("p", limit=limit)


def test_projects_are_listed_page_by_page(store: Store) -> None:
    for project in ["", "a/b", "c"]:
        store.queue(project, "q").create()
    first = store.projects(limit=2)
    assert first.projects == ["", "a/b"]
    assert store.projects(limit=2, marker=first.marker).projects == ["c"]


def test_a_name_without_a_queue_is_passed_over_and_taken_out(
    the_server: Server, store: Store, prefix: str
) -> None:
    store.queue("p", "there").create()
    key = f"{prefix}:{{p/}}:queues"
    the_server.client.zadd(key, {f"gone {n}": 0 for n in range(5)})
    assert [entry.name for entry in store.queues("p", limit=1).queues] == ["there"]
    assert the_server.client.zrange(key, 0, -1) == [b"there"]


def test_a_name_stays_while_letters_of_its_queue_are_under_way(
    the_server: Server, store: Store, prefix: str
) -> None:
    source = store.queue("p", "source")
    source.create({"_max_claim_count": 1, "_dead_letter_queue": "target"})
    source.post(1)
    # A target of a later version takes no letters.
    the_server.client.hset(f"{prefix}:{{p/target}}:meta", "schema", "2")
    claim = source.claim()
    assert claim is not None
    claim.release()
    assert source.delete() is True
    key = f"{prefix}:{{p/}}:queues"
    assert b"source" in the_server.client.zrange(key, 0, -1)
    the_server.client.delete(f"{prefix}:{{p/target}}:meta")
    assert store.carry_dead_letters("p") == 1
    assert [entry.name for entry in store.queues("p").queues] == ["target"]


def test_a_name_that_was_cleared_away_before_its_queue_was_made_is_entered_again(
    the_server: Server, store: Store, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, enter = f"{prefix}:{{p/}}:queues", Names.enter

    def and_cleared(names: Names, path: QueuePath) -> None:
        enter(names, path)
        if not store.queue_at(path).exists():
            # Somebody lists, and sees a name without a queue.
            store.queues("p")
            assert not the_server.client.exists(key)

    monkeypatch.setattr(Names, "enter", and_cleared)
    assert store.queue("p", "q").create() is True
    assert the_server.client.zrange(key, 0, -1) == [b"q"]


def test_a_name_of_a_queue_that_was_made_again_goes_back_in(
    the_server: Server, store: Store, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, gone, made = f"{prefix}:{{p/}}:queues", Names._gone, list[bool]()

    def and_made(names: Names, paths: Sequence[QueuePath]) -> list[QueuePath]:
        found = gone(names, paths)
        if not made:
            made.append(store.queue("p", "q").create())
        return found

    queue = store.queue("p", "q")
    queue.create()
    monkeypatch.setattr(Names, "_gone", and_made)
    assert queue.delete() is True
    assert made == [True]
    assert queue.exists()
    assert the_server.client.zrange(key, 0, -1) == [b"q"]


def test_a_queue_of_a_later_version_is_left_alone_and_hides_no_other(
    the_server: Server, store: Store, prefix: str
) -> None:
    store.queue("p", "new").create()
    store.queue("p", "old").create({"a": 1})
    the_server.client.hset(f"{prefix}:{{p/new}}:meta", "schema", "2")
    with pytest.raises(NewerSchema) as refused:
        store.queue("p", "new").post(1)
    assert refused.value.queue == "new"
    assert [e.name for e in store.queues("p", with_metadata=True).queues] == ["new", "old"]
    volume = store.volume()
    assert (volume.queues, volume.unreadable) == (1, 1)


def test_a_foreign_key_is_told_and_not_written(the_server: Server, store: Store, prefix: str) -> None:
    the_server.client.set(f"{prefix}:{{p/q}}:log", "foreign")
    with pytest.raises(InvalidArgument) as refused:
        store.queue("p", "q").post(1)
    assert refused.value.argument == "log"
    assert the_server.client.get(f"{prefix}:{{p/q}}:log") == b"foreign"


def test_metadata_that_can_not_be_read_are_told_as_such(
    the_server: Server, store: Store, prefix: str
) -> None:
    store.queue("p", "q").create({})
    the_server.client.hset(f"{prefix}:{{p/q}}:meta", "metadata", b"\xc1")
    with pytest.raises(Codec) as broken:
        store.queue("p", "q").metadata()
    assert broken.value.queue == "q"
