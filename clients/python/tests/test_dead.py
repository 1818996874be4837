"""Dead letters: carried, kept, and sent out again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from conftest import NOW, Clock
from marconi_redis import (
    InvalidArgument,
    MessageDoesNotExist,
    NewerSchema,
    NewMessage,
    Queue,
    QueuePath,
    Store,
    Transport,
)
from servers import Server


def dying(store: Store, name: str, target: str | None, claims: int = 1) -> Queue:
    metadata: dict[str, object] = {"_max_claim_count": claims}
    if target:
        metadata["_dead_letter_queue"] = target
    queue = store.queue("p", name)
    queue.create(metadata)
    return queue


def kill(queue: Queue) -> None:
    while (claim := queue.claim(limit=250)) is not None:
        claim.release()


def test_a_letter_arrives_with_what_it_was(store: Store) -> None:
    queue = dying(store, "orders", "failed", claims=2)
    id = queue.post({"n": 1}, ttl=60, client="poster")
    kill(queue)
    assert (queue.stats().total, queue.stats().dead) == (0, 0)
    letter = store.queue("p", "failed").first()
    assert letter is not None
    assert letter.origin is not None
    assert (letter.body, letter.client, letter.claims) == ({"n": 1}, "poster", 0)
    assert letter.origin.path == QueuePath("p", "orders")
    assert (letter.origin.id, letter.origin.claims, letter.origin.died) == (id, 2, NOW)
    assert letter.origin.ttl == timedelta(seconds=60)
    assert [entry.name for entry in store.queues("p").queues] == ["failed", "orders"]


@pytest.mark.parametrize("how", ["nack", "lapse"])
def test_whoever_sees_letters_carries_them(store: Store, clock: Clock, how: str) -> None:
    queue = dying(store, "orders", "failed")
    queue.post(1)
    claim = queue.claim(ttl=1)
    assert claim is not None
    if how == "nack":
        claim.nack(claim.messages)
    else:
        clock.forward(1)
        assert queue.claim() is None
    assert store.queue("p", "failed").stats().free == 1


def test_hundreds_arrive_in_their_order(store: Store) -> None:
    queue = dying(store, "orders", "failed")
    for number in range(600):
        queue.post(number)
    kill(queue)
    target, found, marker = store.queue("p", "failed"), [], None
    while True:
        page = target.list(limit=250, marker=marker)
        found += [message.body for message in page.messages]
        marker = page.marker
        if marker is None:
            break
    assert found == list(range(600))
    assert queue.letters_in_transit().letters == []


def test_letters_for_a_target_that_refuses_stay_and_come_later(
    the_server: Server, store: Store, prefix: str
) -> None:
    queue = dying(store, "orders", "failed")
    meta = f"{prefix}:{{p/failed}}:meta"
    the_server.client.hset(meta, "schema", "2")
    queue.post_many([])
    ids = [queue.post(number) for number in range(3)]
    kill(queue)
    page = queue.letters_in_transit(limit=2)
    assert [one.letter.origin.id for one in page.letters if one.letter.origin] == ids[:2]
    assert {one.to for one in page.letters} == {"p/failed"}
    assert len(queue.letters_in_transit(marker=page.marker).letters) == 1
    the_server.client.delete(meta)
    assert queue.carry_dead_letters() == 3
    assert queue.carry_dead_letters() == 0


def test_after_a_refusal_nothing_later_goes_to_that_target(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = dying(store, "orders", "failed")
    queue.post_many([NewMessage(number) for number in range(250)])
    queue.post_many([NewMessage(number) for number in range(250, 300)])
    deliver, refusals = Queue._deliver, [NewerSchema("for a moment")]

    def refused_once(*call: Any) -> None:
        if refusals:
            raise refusals.pop()
        deliver(*call)

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "_carry_what_waits", lambda *_: None)
        kill(queue)
    monkeypatch.setattr(Queue, "_deliver", refused_once)
    # A later letter would pass the target's mark over those that were left behind.
    with pytest.raises(NewerSchema):
        queue.carry_dead_letters()
    assert not store.queue("p", "failed").exists()
    assert queue.carry_dead_letters() == 300


@pytest.mark.parametrize(("pages", "outcome"), [(0, "not done"), (1, "unknown")])
def test_carrying_is_not_done_only_where_no_letter_has_gone(
    store: Store, monkeypatch: pytest.MonkeyPatch, pages: int, outcome: str
) -> None:
    queue = dying(store, "orders", "failed")
    queue.post_many([NewMessage(number) for number in range(3)])
    with monkeypatch.context() as patch:
        patch.setattr(Queue, "_carry_what_waits", lambda *_: None)
        kill(queue)
    bundles, left = Queue._bundles, [True] * pages

    def lost_after_some(*call: Any) -> Any:
        if not left:
            raise Transport("lost", outcome="unknown" if pages == 0 else "not done")
        left.pop()
        return bundles(*call)

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "_bundles", lost_after_some)
        with pytest.raises(Transport) as raised:
            queue.carry_dead_letters()
    assert raised.value.outcome == outcome
    assert queue.carry_dead_letters() == (0 if pages else 3)


def test_without_a_target_letters_are_kept(store: Store, clock: Clock) -> None:
    queue = dying(store, "orders", None)
    ids = [queue.post(number) for number in range(5)]
    kill(queue)
    page = queue.dead_letters(limit=2)
    assert [letter.body for letter in page.messages] == [0, 1]
    rest = queue.dead_letters(limit=9, marker=page.marker)
    assert [letter.body for letter in rest.messages] == [2, 3, 4]
    assert rest.marker is None
    letter = queue.dead_letter(page.messages[0].id)
    assert letter.origin is not None
    assert (letter.origin.id, letter.claims) == (ids[0], 1)
    clock.forward(3)
    assert queue.dead_letter(letter.id).age == timedelta(seconds=3)
    with pytest.raises(MessageDoesNotExist):
        queue.dead_letter("1-0")


def test_a_purge_of_named_letters_takes_no_others(store: Store) -> None:
    queue = dying(store, "orders", None)
    for number in range(3):
        queue.post(number)
    kill(queue)
    letters = queue.dead_letters().messages
    # The empty text is no id; to the script it would mean all of them.
    for none in ([""], ["no id"], [letters[0].id, ""]):
        with pytest.raises(InvalidArgument):
            queue.purge_dead_letters(none)
    assert queue.purge_dead_letters([]) == 0
    assert queue.purge_dead_letters([letters[0].id, "1-0"]) == 1
    assert queue.purge_dead_letters() == 2
    assert queue.stats().dead == 0


def test_kept_letters_set_out_again(store: Store) -> None:
    queue = dying(store, "orders", None)
    for number in range(300):
        queue.post(number, ttl=100)
    kill(queue)
    first = queue.dead_letters(limit=1).messages[0].id
    assert queue.redrive([first]).arrived == 1
    back = queue.first()
    assert back is not None
    assert (back.body, back.redriven, back.ttl, back.origin) == (0, 1, timedelta(seconds=100), None)
    redriven = queue.redrive(to="by hand")
    assert (redriven.set_out, redriven.arrived) == (299, 299)
    assert store.queue("p", "by hand").stats().free == 299
    assert queue.redrive().set_out == 0


def test_letters_that_have_arrived_are_sent_back_to_where_they_died(store: Store) -> None:
    one, two = dying(store, "one", "failed"), dying(store, "two", "failed")
    failed = store.queue("p", "failed")
    one.post(1)
    two.post(2)
    kill(one)
    kill(two)
    failed.post("no letter")
    with pytest.raises(InvalidArgument):
        failed.send_back(to="failed")
    assert failed.send_back(from_=two.path).set_out == 1
    assert [message.body for message in two.list().messages] == [2]
    assert failed.send_back().arrived == 1
    assert [message.body for message in one.list().messages] == [1]
    assert [message.body for message in failed.list().messages] == ["no letter"]
