"""Claims: making, keeping and ending them."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from conftest import NOW, Clock
from marconi_redis import (
    Claim,
    ClaimDoesNotExist,
    InvalidArgument,
    MessageDoesNotExist,
    MessageIsClaimed,
    MessageNotClaimed,
    MessageNotClaimedBy,
    NewMessage,
    Queue,
)
from marconi_redis.operation import Operation
from servers import Server


def posted(queue: Queue, count: int) -> list[str]:
    return queue.post_many([NewMessage(number) for number in range(count)])


def claimed(queue: Queue, limit: int = 10, ttl: float = 60, grace: float = 60) -> Claim:
    claim = queue.claim(limit=limit, ttl=ttl, grace=grace)
    assert claim is not None
    return claim


def test_a_claim_takes_the_oldest_and_says_what_it_is(queue: Queue) -> None:
    ids = posted(queue, 3)
    claim = queue.claim(ttl=30, grace=timedelta(seconds=5), limit=2, worker="w")
    assert claim is not None
    assert [message.id for message in claim] == ids[:2]
    assert [message.claims for message in claim] == [1, 1]
    assert {message.claim for message in claim} == {claim.id}
    assert (claim.ttl, claim.grace, claim.worker) == (timedelta(seconds=30), timedelta(seconds=5), "w")
    assert (claim.age, claim.lease.deadline, len(claim)) == (timedelta(0), NOW + 30_000, 2)


def test_where_there_is_nothing_no_claim_is_made(queue: Queue) -> None:
    assert queue.claim() is None
    queue.post(1, delay=1)
    assert queue.claim() is None


def test_two_live_claims_never_share_a_message(queue: Queue) -> None:
    posted(queue, 10)
    first, second = claimed(queue, 6), claimed(queue, 6)
    assert not {m.id for m in first} & {m.id for m in second}
    assert second.fence > first.fence


def test_asking_again_by_the_id_answers_the_same_claim(queue: Queue) -> None:
    posted(queue, 4)
    id = str(uuid.uuid4())
    first = queue.claim(id=id, limit=2)
    again = queue.claim(id=id, limit=4, ttl=1)
    assert first is not None
    assert again is not None
    assert (again.fence, again.messages, again.ttl) == (first.fence, first.messages, first.ttl)


def test_a_lapsed_id_makes_a_new_claim_through_more(queue: Queue, clock: Clock) -> None:
    posted(queue, 2)
    id = str(uuid.uuid4())
    first = queue.claim(id=id, ttl=1)
    clock.forward(1)
    second = queue.claim(id=id, ttl=1)
    assert first is not None
    assert second is not None
    assert second.fence > first.fence
    assert [message.claims for message in second] == [2, 2]


def test_thousands_of_lapsed_claims_starve_nobody(queue: Queue, clock: Clock) -> None:
    for _ in range(4):
        posted(queue, 250)
    claims = [claimed(queue, 1, ttl=1) for _ in range(1000)]
    clock.forward(1)
    found = claimed(queue, 250)
    assert [message.id for message in found] == [claim.messages[0].id for claim in claims[:250]]
    assert queue.stats().claimed == 250


def test_a_claims_own_lapsed_id_does_not_wait_behind_others(
    queue: Queue, clock: Clock, the_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        posted(queue, 250)
    for _ in range(700):
        claimed(queue, 1, ttl=1)
    mine = str(uuid.uuid4())
    queue.claim(id=mine, limit=1, ttl=1)
    clock.forward(1)
    # Half of the time is gone: now what is at hand is taken, without sweeping all others first.
    monkeypatch.setattr(Operation, "is_out_of_patience", True)
    assert queue.claim(id=mine, limit=1, ttl=1) is not None
    assert the_server.client.zcard(queue.keys.key("claims")) > 400


def test_delete_is_refused_by_who_holds_what(queue: Queue, clock: Clock) -> None:
    posted(queue, 2)
    mine, other = claimed(queue, 1), claimed(queue, 1, ttl=120)
    held = mine.messages[0]
    with pytest.raises(MessageIsClaimed) as refused:
        queue.delete_one(held.id)
    assert (refused.value.id, refused.value.queue) == (held.id, "orders")
    with pytest.raises(MessageNotClaimedBy):
        other.delete(held)
    with pytest.raises(ClaimDoesNotExist):
        queue.delete_one(held.id, claim=str(uuid.uuid4()))
    with pytest.raises(ClaimDoesNotExist):
        queue.delete_one(held.id, claim="no uuid")
    with pytest.raises(ClaimDoesNotExist):
        queue.delete_one(held.id, claim="")
    clock.forward(60)
    with pytest.raises(MessageNotClaimed):
        mine.delete(held)
    queue.delete_one(held.id)
    queue.delete_one(held.id)


def test_a_claim_deletes_all_or_none(queue: Queue) -> None:
    ids = posted(queue, 3)
    claim = claimed(queue, 2)
    with pytest.raises(MessageNotClaimed) as refused:
        claim.delete_many(ids)
    assert refused.value.id == ids[2]
    assert queue.stats().total == 3
    assert claim.delete_all() == 2
    assert claim.delete_all() == 0
    with pytest.raises(ClaimDoesNotExist):
        claim.get()


def test_a_renewed_claim_lives_on_and_its_messages_with_it(queue: Queue, clock: Clock) -> None:
    queue.post(1, ttl=50)
    claim = claimed(queue, ttl=40, grace=30)
    clock.forward(39)
    claim.renew(ttl=60)
    assert (claim.ttl, claim.grace) == (timedelta(seconds=60), timedelta(seconds=30))
    clock.forward(59)
    found = claim.get()
    assert (found.age, found.lease.left) == (timedelta(seconds=59), timedelta(seconds=1))
    assert found.messages[0].ttl == timedelta(seconds=39 + 60 + 30)
    clock.forward(1)
    with pytest.raises(ClaimDoesNotExist) as gone:
        claim.renew()
    assert gone.value.id == claim.id


def test_what_is_released_is_free_at_its_old_place(queue: Queue) -> None:
    ids = posted(queue, 3)
    assert claimed(queue, 2).release() == 2
    assert [message.id for message in claimed(queue)] == ids
    assert queue.release(str(uuid.uuid4())) == 0
    with pytest.raises(ClaimDoesNotExist):
        queue.release("no uuid")


def test_a_claim_in_a_with_statement_is_released_at_its_end(queue: Queue) -> None:
    posted(queue, 3)
    with claimed(queue) as claim:
        claim.delete(claim.messages[0])
    assert (queue.stats().free, queue.stats().claimed) == (2, 0)
    with pytest.raises(KeyError), claimed(queue):
        raise KeyError
    assert queue.stats().free == 2


def test_what_is_untried_was_not_claimed(queue: Queue) -> None:
    posted(queue, 1)
    claimed(queue).release(untried=True)
    claim = claimed(queue)
    assert claim.messages[0].claims == 1
    assert claim.nack(claim.messages, untried=True) == 1
    assert claimed(queue).messages[0].claims == 1


def test_a_nack_gives_single_messages_back_later(queue: Queue, clock: Clock) -> None:
    ids = posted(queue, 2)
    claim = claimed(queue)
    assert claim.nack([ids[0]], delay=5) == 1
    assert queue.claim() is None
    clock.forward(5)
    assert [message.id for message in claimed(queue)] == [ids[0]]
    with pytest.raises(MessageNotClaimedBy):
        claim.nack([ids[0]])
    with pytest.raises(MessageDoesNotExist):
        claim.nack(["no id"])
    claim.delete(ids[1])
    with pytest.raises(ClaimDoesNotExist):
        claim.nack([ids[1]])


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 251}, "limit"),
        ({"ttl": 0}, "ttl"),
        ({"ttl": -1}, "ttl"),
        ({"ttl": float("inf")}, "ttl"),
        ({"ttl": "1"}, "ttl"),
        ({"grace": -1}, "grace"),
        ({"worker": "a\nb"}, "worker"),
        ({"worker": "\ud800"}, "worker"),
        ({"id": "no uuid"}, "claim"),
        ({"wait": -1}, "wait"),
    ],
)
def test_bad_input_is_refused_by_its_name(queue: Queue, wrong: dict[str, object], argument: str) -> None:
    posted(queue, 1)
    with pytest.raises(InvalidArgument) as refused:
        queue.claim(**wrong)  # type: ignore[arg-type]
    assert refused.value.argument == argument
    assert isinstance(refused.value, ValueError)
    assert queue.stats().claimed == 0
