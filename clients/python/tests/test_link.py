"""What happens when scripts are missing, answers are lost, or the server can not answer yet."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from redis import exceptions

from marconi_redis import NewMessage, Outcome, Queue, QueuePath, Store, Transport
from marconi_redis.link.verdict import ServerReply, server_reply
from marconi_redis.operation import Operation
from proxies import Proxy
from servers import Server, server


@pytest.fixture
def wired(wire: Proxy, live: Store, prefix: str) -> Queue:
    """The queue over a wire that can be cut; with every script loaded, so that no call is a load."""
    live.queue("shop", "orders").create({})
    _load_all(live)
    return Store(wire.url, prefix=prefix, client="me", deadline=3).queue("shop", "orders")


def _load_all(store: Store) -> None:
    from marconi_redis.manifest import SCRIPTS

    client = store.source._client  # type: ignore[attr-defined]
    for script in SCRIPTS.values():
        client.script_load(script.source)


def test_scripts_that_are_flushed_are_loaded_and_called_again(the_server: Server, live: Store) -> None:
    queue = live.queue("shop", "orders")
    queue.post(1)
    for _ in range(3):
        the_server.client.script_flush()
        queue.post_many([NewMessage(2)])
        the_server.client.script_flush()
        assert live.queues("shop").queues[0].name == "orders"
        claim = queue.claim()
        assert claim is not None
        the_server.client.script_flush()
        claim.release()
    assert queue.stats().total == 4


def test_a_post_with_a_token_is_not_doubled_where_its_answer_was_lost(wired: Queue, wire: Proxy) -> None:
    wire.lose()
    id = wired.post("once", token=str(uuid.uuid4()))
    assert wire.lost.is_set()
    assert [message.id for message in wired.list().messages] == [id]


def test_a_token_that_may_be_forgotten_by_then_is_not_sent_again(wired: Queue, wire: Proxy) -> None:
    of = Operation(wired.store)
    post = of.script(
        "post", wired.keys, client="c", token="t", digest="d", ttl=[None], delay=[None], body=[b"\x01"]
    )
    assert post.repeat == 60
    wired.stats()
    wire.fall_silent()
    begun = time.monotonic()
    with pytest.raises(Transport) as lost:
        of.call(replace(post, repeat=0.2))
    assert lost.value.outcome == "unknown"
    # One attempt, and not as many as fit into the deadline.
    assert time.monotonic() - begun < 2


def test_calls_that_go_together_are_repeated_as_the_strictest_allows(wired: Queue, wire: Proxy) -> None:
    of = Operation(wired.store)
    sweep, purge = of.script("sweep", wired.keys), of.script("queue/purge", wired.keys)
    wire.lose()
    answers = of.calls([sweep, purge])
    assert [getattr(answer, "outcome", None) for answer in answers] == ["unknown", "unknown"]


def test_a_post_without_a_token_says_unknown_and_is_not_repeated(wired: Queue, wire: Proxy) -> None:
    wire.lose()
    with pytest.raises(Transport) as lost:
        wired.post("maybe")
    assert (lost.value.outcome, lost.value.queue) == ("unknown", "orders")
    assert wired.stats().total == 1


def test_a_claim_is_asked_for_again_by_its_id(wired: Queue, wire: Proxy) -> None:
    wired.post_many([NewMessage(1), NewMessage(2)])
    wire.lose()
    claim = wired.claim(limit=1)
    assert wire.lost.is_set()
    assert claim is not None
    assert wired.get_claim(claim.id).messages[0].id == claim.messages[0].id
    assert (wired.stats().claimed, wired.stats().free) == (1, 1)


def test_a_pop_with_a_token_loses_nothing_and_one_without_says_unknown(
    wired: Queue, wire: Proxy
) -> None:
    ids = wired.post_many([NewMessage(number) for number in range(3)])
    wire.lose()
    assert [message.id for message in wired.pop(token="t")] == ids[:1]
    wire.lose()
    with pytest.raises(Transport) as lost:
        wired.pop()
    assert lost.value.outcome == "unknown"
    assert [message.id for message in wired.list().messages] == ids[2:]


@pytest.mark.parametrize(
    "what", ["purge", "delete", "set_metadata", "create", "purge_dead_letters", "confirm"]
)
def test_what_a_late_repeat_would_spoil_says_unknown(wired: Queue, wire: Proxy, what: str) -> None:
    id = wired.subscribe("a").id
    # The first one after metadata were set sweeps.
    wired.stats()
    calls: dict[str, Callable[[], object]] = {
        "purge": wired.purge,
        "delete": wired.delete,
        "set_metadata": lambda: wired.set_metadata({"a": 1}),
        "create": lambda: wired.create({"a": 1}),
        "purge_dead_letters": wired.purge_dead_letters,
        "confirm": lambda: wired.confirm_subscription(id),
    }
    # A deletion carries letters first.
    word = {"delete": b"tokens_before"}.get(what, b"EVALSHA")
    wire.lose(word)
    with pytest.raises(Transport) as lost:
        calls[what]()
    assert wire.lost.is_set()
    assert lost.value.outcome == "unknown"


def test_the_control_plane_says_unknown_too(wired: Queue, wire: Proxy) -> None:
    control = wired.store.control()
    control.create_pool("one", 1, "redis://one")
    changes: list[Callable[[], object]] = [
        lambda: control.create_pool("two", 1, "redis://two"),
        lambda: control.update_pool("one", weight=2),
        lambda: control.create_flavor("p", "f", {}),
        lambda: control.update_flavor("p", "f", {}),
        lambda: control.place(QueuePath("p", "q"), "one"),
        lambda: control.unplace(QueuePath("p", "q")),
        lambda: control.delete_flavor("p", "f"),
        lambda: control.delete_pool("two"),
        lambda: control.drop_all("pools"),
    ]
    for change in changes:
        wire.lose()
        with pytest.raises(Transport) as lost:
            change()
        assert lost.value.outcome == "unknown"
    assert control.pools().pools == []


def test_deletions_releases_and_renewals_are_repeated(wired: Queue, wire: Proxy) -> None:
    ids = wired.post_many([NewMessage(number) for number in range(2)])
    claim = wired.claim()
    assert claim is not None
    wire.lose()
    claim.renew(ttl=120)
    assert claim.ttl.total_seconds() == 120
    wire.lose()
    # The first deletion was done, so that the second finds nothing: that is no failure.
    assert claim.delete_many(ids[:1]) == 0
    wire.lose()
    assert claim.release() == 0
    assert wired.stats().free == 1


def test_a_nack_whose_answer_was_lost_is_not_called_refused(wired: Queue, wire: Proxy) -> None:
    wired.post(1)
    claim = wired.claim()
    assert claim is not None
    wire.lose()
    with pytest.raises(Transport) as lost:
        claim.nack(claim.messages)
    assert lost.value.outcome == "unknown"
    assert wired.stats().free == 1


def test_a_server_that_falls_silent_is_left_after_the_deadline(wired: Queue, wire: Proxy) -> None:
    store = Store(wire.url, prefix=wired.store.prefix.text, deadline=1)
    queue = store.queue("shop", "orders")
    queue.post(1)
    wire.fall_silent()
    begun = time.monotonic()
    with pytest.raises(Transport) as lost:
        queue.post(2)
    assert lost.value.outcome == "unknown"
    assert 0.9 < time.monotonic() - begun < 2
    # The line of before is not used again, and a new one can't be had.
    with pytest.raises(Transport) as read:
        queue.stats()
    assert read.value.outcome == "not done"
    wire.speak()
    assert queue.stats().total == 1


def test_a_line_that_broke_while_idle_costs_nothing(wired: Queue, wire: Proxy) -> None:
    wired.post(1)
    wire.break_all()
    # Not lost: it is seen that the line is broken before anything is handed over.
    wired.post(2)
    assert wired.stats().total == 2


def test_where_nobody_listens_nothing_was_done(the_server: Server) -> None:
    store = Store(f"unix://{the_server.dir}/nobody.sock", deadline=0.3)
    begun = time.monotonic()
    for asked in (store.connect, lambda: store.queue("p", "q").post(1)):
        with pytest.raises(Transport) as failed:
            asked()
        assert failed.value.outcome == "not done"
    assert time.monotonic() - begun < 2


def test_a_wrong_password_is_told_at_once_and_not_repeated_anywhere(prefix: str) -> None:
    with server() as one:
        one.client.config_set("requirepass", "right")
        one_url = f"unix://:wrong-secret@{one.socket}"
        begun = time.monotonic()
        with pytest.raises(Transport) as refused:
            Store(one_url, prefix=prefix, deadline=5).connect()
        assert refused.value.outcome == "not done"
        assert time.monotonic() - begun < 2
        assert "secret" not in str(refused.value)
        assert Store(f"unix://:right@{one.socket}").queue("p", "q").post(1)


def test_a_restart_is_waited_for_within_the_deadline() -> None:
    with server() as one, Store(one.url, deadline=10) as store:
        queue = store.queue("p", "q")
        queue.post(1)
        one.stop()
        back = threading.Timer(0.5, one.start)
        back.start()
        # The data are gone with the server, the scripts too: all of it is made again.
        queue.post(2)
        back.join()
        assert [message.body for message in queue.list().messages] == [2]


def test_at_maxmemory_a_post_is_refused_and_the_queue_drains(prefix: str) -> None:
    with server() as one, Store(one.url, prefix=prefix) as store:
        queue = store.queue("p", "q")
        queue.post("x" * 1000)
        one.client.config_set("maxmemory", 1)
        with pytest.raises(Transport, match="OOM") as refused:
            queue.post(1)
        assert refused.value.outcome == "not done"
        assert len(queue.pop()) == 1


def test_a_replica_is_no_place_to_write_and_a_promoted_one_is(prefix: str) -> None:
    with server() as one, Store(one.url, prefix=prefix, deadline=5) as store:
        queue = store.queue("p", "q")
        queue.post(1)
        one.client.replicaof("127.0.0.1", "1")
        with pytest.raises(Transport, match="READONLY") as refused:
            store.with_deadline(0.3).queue("p", "q").post(2)
        assert refused.value.outcome == "not done"
        promoted = threading.Timer(0.3, lambda: one.client.replicaof("NO", "ONE"))
        promoted.start()
        queue.post(3)
        promoted.join()
        assert queue.stats().total == 2


def test_a_user_without_rights_is_told_so(prefix: str) -> None:
    with server() as one:
        one.client.execute_command("ACL", "SETUSER", "bob", "on", "nopass", "~*", "+@connection")
        store = Store(f"unix://bob:any@{one.socket}", prefix=prefix)
        with pytest.raises(Transport, match="NOPERM") as refused:
            store.queue("p", "q").post(1)
        assert refused.value.outcome == "not done"


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (exceptions.ResponseError("CLAIMED 1-0 is held"), ServerReply("CLAIMED", "1-0 is held")),
        (
            exceptions.OutOfMemoryError("command not allowed", status_code="OOM"),
            ServerReply("OOM", "command not allowed"),
        ),
        (
            exceptions.ResponseError(
                "Error running script (call to f_2b): @user_script:12: @user_script: 12: -OOM no",
                status_code="ERR",
            ),
            ServerReply("OOM", "no"),
        ),
        (
            exceptions.ResponseError(
                "Error running script (call to f_2b): @user_script:1: WRONGTYPE Operation",
                status_code="ERR",
            ),
            ServerReply("WRONGTYPE", "Operation"),
        ),
        (
            exceptions.ResponseError("@user_script: 200: -READONLY You can't write"),
            ServerReply("READONLY", "You can't write"),
        ),
        (
            exceptions.ResponseError("something about CLAIMED 1-0", status_code="ERR"),
            ServerReply("ERR", "something about CLAIMED 1-0"),
        ),
        (exceptions.ConnectionError("Connection closed by server."), None),
        (exceptions.TimeoutError("Timeout reading from socket"), None),
    ],
)
def test_a_reply_is_told_from_a_lost_line_and_old_servers_wrapping_is_seen_through(
    error: exceptions.RedisError, reply: ServerReply | None
) -> None:
    assert server_reply(error) == reply


def test_outcomes_are_three_words() -> None:
    from typing import get_args

    assert get_args(Outcome) == ("not done", "done", "unknown")
