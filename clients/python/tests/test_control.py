"""The control plane, and a store over many pools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marconi_redis import (
    FlavorDoesNotExist,
    InvalidArgument,
    PoolAlreadyExists,
    PoolDoesNotExist,
    PooledStore,
    PoolInUse,
    QueueNotMapped,
    QueuePath,
    Store,
    TooLarge,
)
from servers import Server, server


def test_a_pool_is_made_changed_looked_at_and_taken_out(store: Store) -> None:
    control = store.control()
    assert control.create_pool("one", 10, "redis://user:secret@host", options={"a": 1}) is True
    assert control.create_pool("one", 10, "redis://user:secret@host", options={"a": 2}) is False
    control.update_pool("one", weight=0, flavor="fast")
    pool = control.pool("one")
    assert (pool.weight, pool.flavor, pool.options, pool.queues) == (0, "fast", {"a": 2}, 0)
    assert "secret" not in repr(pool)
    control.update_pool("one", flavor="", uri="redis://other")
    assert (control.pool("one").flavor, control.pool("one").uri) == (None, "redis://other")
    with pytest.raises(PoolAlreadyExists):
        control.create_pool("two", 1, "redis://other")
    with pytest.raises(PoolDoesNotExist) as gone:
        control.update_pool("nobody", weight=1)
    assert (gone.value.word, gone.value.queue) == ("POOLGONE", None)
    for wrong in (-1, 2**32):
        with pytest.raises(InvalidArgument):
            control.create_pool("three", wrong, "redis://three")
    with pytest.raises(TooLarge):
        control.create_pool("three", 1, "redis://three", options={"a": "x" * 4096})
    assert control.delete_pool("one") is True
    assert control.delete_pool("one") is False


def test_pools_are_listed_by_flavor(store: Store) -> None:
    control = store.control()
    for name, flavor in [("a", None), ("b", "f"), ("c", "f"), ("d", None)]:
        control.create_pool(name, 1, f"redis://{name}", flavor=flavor)
    assert [pool.name for pool in control.pools(flavor="f").pools] == ["b", "c"]
    assert [pool.name for pool in control.pools(without_flavor=True).pools] == ["a", "d"]
    first = control.pools(limit=3)
    assert [p.name for p in control.pools(limit=3, marker=first.marker).pools] == ["d"]
    control.delete_pool("b")
    with pytest.raises(PoolInUse):
        control.delete_pool("c")
    assert control.drop_all("pools") == 3


def test_flavors_are_of_a_project(store: Store) -> None:
    control = store.control()
    assert control.create_flavor("p", "fast", {"FIFO": True}) is True
    assert control.flavor("p", "fast").capabilities == {"FIFO": True}
    control.update_flavor("p", "fast", {})
    assert [flavor.name for flavor in control.flavors("p").flavors] == ["fast"]
    assert control.flavors("other/p").flavors == []
    with pytest.raises(FlavorDoesNotExist):
        control.update_flavor("other", "fast", {})
    assert control.delete_flavor("p", "fast") is True
    with pytest.raises(FlavorDoesNotExist):
        control.flavor("p", "fast")


def test_the_catalogue_keeps_where_a_queue_is(store: Store) -> None:
    control, queue = store.control(), QueuePath("a/b", "q/{x}")
    with pytest.raises(PoolDoesNotExist):
        control.register(queue)
    control.create_pool("one", 1, "redis://one", options={"o": 1})
    placement, is_new = control.register(queue)
    assert (placement.pool, placement.uri, placement.options, is_new) == (
        "one",
        "redis://one",
        {"o": 1},
        True,
    )
    assert control.register(queue)[1] is False
    assert control.placement(queue) == placement
    assert [entry.queue for entry in control.catalogue("a/b").entries] == ["q/{x}"]
    with pytest.raises(PoolInUse):
        control.delete_pool("one")
    control.move_entry(queue, "two")
    assert control.placement(queue).uri is None
    assert [violation.about for violation in control.check()]
    assert control.unplace(queue, "one") is False
    assert control.unplace(queue) is True
    for asked in (lambda: control.placement(queue), lambda: control.move_entry(queue, "one")):
        with pytest.raises(QueueNotMapped):
            asked()
    assert control.place(queue, "one") is True
    assert control.check() == []


@pytest.fixture(scope="module")
def another_server() -> Iterator[Server]:
    with server() as one:
        yield one


@pytest.fixture
def pooled(store: Store, the_server: Server, another_server: Server) -> Iterator[PooledStore]:
    control = store.control()
    control.create_pool("one", 1, the_server.url, flavor="f")
    control.create_pool("two", 1, another_server.url)
    control.create_flavor("p", "f", {})
    one = PooledStore(store)
    yield one
    one.close()


def test_a_queue_is_made_on_a_pool_of_its_flavor_and_found_there(pooled: PooledStore) -> None:
    queue, is_new = pooled.create_queue("p", "a", metadata={"_flavor": "f"})
    assert is_new
    other, _ = pooled.create_queue("p", "b")
    queue.post("a")
    other.post("b")
    assert (pooled.queue("p", "a").list().messages[0].body) == "a"
    assert not pooled.pool("two").queue("p", "a").exists()
    assert pooled.pool("two").queue("p", "b").exists()
    page = pooled.queues("p", with_metadata=True)
    assert [(one.queue.name, one.pool) for one in page.queues] == [("a", "one"), ("b", "two")]
    assert (page.failed, page.marker, pooled.count("p")) == ({}, None, 2)
    with pytest.raises(QueueNotMapped):
        pooled.queue("p", "c")
    assert pooled.queue_or_new("p", "c").store is pooled.pool("two")
    assert pooled.delete_queue("p", "a") is True
    assert pooled.delete_queue("p", "a") is False
    assert all(health.is_good for health in pooled.health().values())


def test_dead_letters_cross_from_pool_to_pool(pooled: PooledStore) -> None:
    metadata = {"_flavor": "f", "_max_claim_count": 1, "_dead_letter_queue": "failed"}
    queue, _ = pooled.create_queue("p", "orders", metadata=metadata)
    queue.post(1)
    claim = queue.claim()
    assert claim is not None
    claim.release()
    failed = pooled.queue("p", "failed")
    assert failed.store is pooled.pool("two")
    assert [message.body for message in failed.list().messages] == [1]


def test_a_pool_that_is_away_hides_no_other(pooled: PooledStore, store: Store) -> None:
    pooled.create_queue("p", "a", metadata={"_flavor": "f"})
    pooled.create_queue("p", "b")
    store.control().update_pool("two", uri="unix:///nobody/is/here.sock")
    pooled.store.deadline = 0.3
    page = pooled.queues("p", limit=5)
    assert [one.queue.name for one in page.queues] == ["a"]
    assert list(page.failed) == ["two"]
