"""What errors say, and what they keep to themselves."""

from __future__ import annotations

import copy
import pickle

import pytest

from marconi_redis import (
    ClaimDoesNotExist,
    InvalidArgument,
    MarconiError,
    QueuePath,
    Store,
    TooLarge,
    Transport,
)
from marconi_redis.errors import BY_WORD, refusal
from servers import server

ORDERS = QueuePath("shop", "orders")


@pytest.mark.parametrize("word", sorted(BY_WORD))
def test_every_error_says_its_word_and_its_queue(word: str) -> None:
    if word == "TRANSPORT":
        error: MarconiError = Transport("gone", outcome="unknown", path=ORDERS)
    else:
        error = refusal(word, "1-0 and so on", ORDERS)
    assert error.word == word
    assert (error.queue, error.project) == ("orders", "shop")
    assert str(error).startswith(word)
    assert "queue 'orders' of project 'shop'" in str(error)


def test_a_refusal_about_an_id_has_it() -> None:
    assert refusal("NOTYOURS", "1-0 is held by x", ORDERS).id == "1-0"
    assert refusal("TOOLARGE", "ids: 251, at most 250", ORDERS).id is None
    assert refusal("BADARG", "ttl: wants 1 to 9 ms", None).queue is None


@pytest.mark.parametrize(
    "error",
    [
        ClaimDoesNotExist("x is gone", path=ORDERS, id="x"),
        Transport("lost", outcome="unknown", path=ORDERS),
        InvalidArgument("ttl: wants 1 to 9 ms"),
        TooLarge("too much"),
    ],
)
def test_an_error_survives_the_way_from_process_to_process(error: MarconiError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert (again.path, again.id, again.detail, again.outcome) == (
            error.path,
            error.id,
            error.detail,
            error.outcome,
        )
        assert str(again) == str(error)


def test_waiters_of_two_queues_are_each_told_of_their_own(prefix: str) -> None:
    with server() as one:
        rules = ["on", "nopass", "~*", "resetchannels", "+@all"]
        one.client.execute_command("ACL", "SETUSER", "bob", *rules)
        with Store(f"unix://bob:any@{one.socket}", prefix=prefix) as store:
            for name in ("a", "b"):
                with pytest.raises(Transport) as refused:
                    store.queue("p", name).claim(wait=5)
                assert refused.value.queue == name
