"""Waiting: told, not asking."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from marconi_redis import InvalidArgument, Queue, Store
from proxies import Proxy
from servers import Server, server, until

POSTER = """
import sys
from marconi_redis import Store
Store(sys.argv[1], prefix=sys.argv[2]).queue("shop", "orders").post("from afar")
"""


def calls(one: Server) -> int:
    """How many scripts the server has run."""
    stats: Any = one.client.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


def listeners(one: Server, channel: str) -> int:
    """How many lines the server tells on this channel, shard channel or not."""
    plain = int(one.client.pubsub_numsub(channel)[0][1])
    try:
        return plain + int(one.client.pubsub_shardnumsub(channel)[0][1])
    except redis.ResponseError:
        return plain


def is_noted(one: Server, prefix: str) -> bool:
    """Whether the server knows of somebody who waits, and listens for him."""
    key = f"{prefix}:{{shop/orders}}:log"
    noted = one.client.hget(key.replace(":log", ":meta"), "waiting_until")
    return bool(listeners(one, key) and noted)


@pytest.fixture
def queue(live: Store) -> Queue:
    queue = live.queue("shop", "orders")
    # So that all scripts are loaded, and a call is one call.
    queue.post(1)
    queue.pop()
    queue.claim()
    return queue


def test_a_waiter_is_woken_by_a_post_of_another_process(
    the_server: Server, queue: Queue, prefix: str
) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(lambda: queue.claim(wait=30))
        until(lambda: is_noted(the_server, prefix))
        before = calls(the_server)
        subprocess.run(
            [sys.executable, "-c", POSTER, the_server.url, prefix], check=True, env=os.environ
        )
        claim = waiting.result(20)
    assert claim is not None
    assert claim.messages[0].body == "from afar"
    # The post, and one look by the waiter.
    assert calls(the_server) - before <= 2


def test_a_waiter_asks_nothing_while_it_waits_and_leaves_in_time(
    the_server: Server, queue: Queue
) -> None:
    before, begun = calls(the_server), time.monotonic()
    assert queue.claim(wait=0.7) is None
    assert 0.6 < time.monotonic() - begun < 3
    # One look before the server listens, one after.
    assert calls(the_server) - before == 2


@pytest.mark.parametrize("how", ["release", "nack", "post", "new queue"])
def test_what_becomes_free_wakes_a_waiter(
    the_server: Server, queue: Queue, prefix: str, how: str
) -> None:
    claim = None
    if how in ("release", "nack"):
        queue.post(1)
        claim = queue.claim()
    if how == "new queue":
        queue.delete()
    begun = time.monotonic()
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(lambda: queue.pop(wait=30))
        if how == "new queue":
            log = queue.keys.key("log")
            until(lambda: listeners(the_server, log) == 1)
        else:
            until(lambda: is_noted(the_server, prefix))
        if claim is None:
            queue.post(1)
        elif how == "release":
            claim.release()
        else:
            claim.nack(claim.messages)
        assert [message.body for message in waiting.result(20)] == [1]
    assert time.monotonic() - begun < 10


def test_the_end_of_a_delay_and_of_a_claim_wake_by_themselves(queue: Queue) -> None:
    queue.post("delayed", delay=0.3)
    claim = queue.claim(wait=10, ttl=0.4)
    assert claim is not None
    assert claim.messages[0].claims == 1
    again = queue.claim(wait=10)
    assert again is not None
    assert again.messages[0].claims == 2


def test_many_waiters_are_served_one_by_one(the_server: Server, queue: Queue, prefix: str) -> None:
    with ThreadPoolExecutor(20) as threads:
        waiting = [threads.submit(lambda: queue.claim(wait=30, limit=1)) for _ in range(20)]
        until(lambda: is_noted(the_server, prefix))
        for number in range(20):
            queue.post(number)
        claims = [one.result(20) for one in waiting]
    bodies = [claim.messages[0].body for claim in claims if claim]
    assert sorted(bodies) == list(range(20))
    # One line for all of them.
    assert listeners(the_server, queue.keys.key("log")) == 1


def test_a_broken_line_is_made_anew_and_nothing_is_missed(
    the_server: Server, live: Store, wire: Proxy, prefix: str
) -> None:
    live.queue("shop", "orders").create()
    with (
        Store(wire.url, prefix=prefix, keep_alive=0.2, deadline=1) as store,
        ThreadPoolExecutor() as threads,
    ):
        queue = store.queue("shop", "orders")
        for silent in (False, True, False):
            waiting = threads.submit(lambda: queue.claim(wait=30))
            until(lambda: is_noted(the_server, prefix))
            if silent:
                # The line stays up and tells nothing; only who asks it can know.
                wire.fall_silent()
            else:
                wire.break_all()
            live.queue("shop", "orders").post(1)
            if silent:
                before = wire.connections
                until(lambda: wire.connections > before)  # noqa: B023
                wire.speak()
            claim = waiting.result(20)
            assert claim is not None
            claim.delete_all()


def without(*commands: str) -> list[str]:
    """Has a server forget these commands; one that does not know them, as 6.2, needs no telling."""
    with server() as one:
        known = [name for name in commands if name.lower() in one.client.command()]
    return [word for name in known for word in ("--rename-command", name, "")]


def test_servers_without_shard_channels_tell_on_plain_ones(prefix: str) -> None:
    with server(*without("SSUBSCRIBE", "SPUBLISH")) as one, Store(one.url, prefix=prefix) as store:
        queue = store.queue("shop", "orders")
        queue.create()
        channel = queue.keys.key("log")
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(lambda: queue.pop(wait=30))
            until(lambda: listeners(one, channel) == 1)
            queue.post(1)
            assert [message.body for message in waiting.result(20)] == [1]


def test_a_user_who_may_not_listen_is_told_so(prefix: str) -> None:
    from marconi_redis import Transport

    with server() as one:
        rules = ["on", "nopass", "~*", "resetchannels", "+@all"]
        one.client.execute_command("ACL", "SETUSER", "bob", *rules)
        store = Store(f"unix://bob:any@{one.socket}", prefix=prefix)
        with pytest.raises(Transport, match="not listening") as refused:
            store.queue("p", "q").claim(wait=5)
        assert refused.value.outcome == "not done"


def test_the_thread_ends_when_nobody_has_waited_for_a_while(the_server: Server, prefix: str) -> None:
    def threads() -> int:
        return sum(thread.name == f"marconi-redis {prefix}" for thread in threading.enumerate())

    with Store(the_server.url, prefix=prefix, keep_alive=0.1) as store:
        assert store.queue("p", "q").claim(wait=0.1) is None
        assert threads() == 1
        until(lambda: threads() == 0)
        # And comes back with the next one.
        store.queue("p", "q").create()
        assert store.queue("p", "q").pop(wait=0.1) == []


def test_a_process_that_forks_waits_in_both(the_server: Server, prefix: str) -> None:
    with Store(the_server.url, prefix=prefix, deadline=3) as store:
        queue = store.queue("shop", "orders")
        queue.create()
        # The thread and its line are there, and stay the parent's.
        assert queue.pop(wait=0.05) == []
        child = os.fork()
        if not child:
            found = queue.pop(wait=20)
            os._exit(0 if [message.body for message in found] == ["to the child"] else 1)
        until(lambda: is_noted(the_server, prefix) and listeners(the_server, queue.keys.key("log")) == 2)
        queue.post("to the child")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        queue.post("to the parent")
        assert [message.body for message in queue.pop(wait=20)] == ["to the parent"]


def test_a_wait_that_is_none_is_refused(queue: Queue) -> None:
    with pytest.raises(InvalidArgument):
        queue.pop(wait=-1)
    assert queue.pop(wait=0) == []
