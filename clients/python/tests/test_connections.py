"""Every way to a server: URLs, clients of the caller's, TLS, Sentinel, a cluster."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from redis.cluster import RedisCluster

from marconi_redis import InvalidArgument, NewMessage, Store, Transport
from servers import Server, free_port, server, until


def works(store: Store) -> None:
    """One message through all of it, and one to a waiter."""
    queue = store.queue("shop", "orders 😀")
    queue.create({"_max_claim_count": 1, "_dead_letter_queue": "failed", "b": b"\xff"})
    queue.post_many([NewMessage(b"\xff\x00"), NewMessage("dies")], token="t")
    claim = queue.claim(limit=1, wait=5)
    assert claim is not None
    assert claim.messages[0].body == b"\xff\x00"
    claim.delete(claim.messages[0])
    second = queue.claim()
    assert second is not None
    second.release()
    assert [message.body for message in store.queue("shop", "failed").list().messages] == ["dies"]
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(lambda: queue.pop(wait=20))
        until_somebody_waits(store, queue.keys.key("log"))
        queue.post("told")
        assert [message.body for message in waiting.result(20)] == ["told"]
    names = [entry.name for entry in store.queues("shop", with_metadata=True).queues]
    assert names == ["failed", "orders 😀"]
    assert queue.metadata()["b"] == b"\xff"


def until_somebody_waits(store: Store, channel: str) -> None:
    """Until the server listens, and has answered that there is nothing."""

    def has_looked() -> bool:
        room = store.wakes.room(channel)
        return room is not None and room._clock is not None

    until(has_looked)


def test_a_unix_socket_and_a_port_with_a_database(prefix: str) -> None:
    with server(port=free_port()) as one:
        for url in (f"unix://{one.socket}", f"redis://127.0.0.1:{one.port}/3"):
            with Store(url, prefix=prefix) as store:
                works(store)
        assert redis.Redis(port=one.port, db=3).exists(f"{prefix}:projects")


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode", [False, True])
def test_a_client_of_the_callers_whatever_it_decodes(
    the_server: Server, prefix: str, protocol: int, decode: bool
) -> None:
    client = redis.Redis(
        unix_socket_path=str(the_server.socket), protocol=protocol, decode_responses=decode
    )
    with Store(client, prefix=prefix) as store:
        works(store)
    # It stays the caller's: closing the store closes nothing of it.
    assert client.ping()


def test_connections_of_a_client_of_the_callers_are_given_back_after_each_call(
    the_server: Server, prefix: str
) -> None:
    pool = redis.BlockingConnectionPool.from_url(the_server.url, max_connections=1, timeout=1)
    client = redis.Redis(connection_pool=pool)
    with Store(client, prefix=prefix) as store:
        store.queue("shop", "orders").post(1)
        assert client.ping()


def connected(the_server: Server, name: str) -> int:
    """How many connections there are under a name."""
    with redis.Redis.from_url(the_server.url) as client:
        return sum(entry["name"] == name for entry in client.client_list())


def test_a_client_for_the_store_alone_is_closed_with_it(the_server: Server, prefix: str) -> None:
    client = redis.Redis.from_url(the_server.url, client_name=prefix)
    with Store(client, prefix=prefix, owned=True) as store:
        store.queue("shop", "orders").post(1)
        store.queue("shop", "orders").post(2)
        assert connected(the_server, prefix) == 1
    until(lambda: connected(the_server, prefix) == 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_a_fork_each_process_has_connections_of_its_own(the_server: Server, prefix: str) -> None:
    client = redis.Redis.from_url(the_server.url, client_name=prefix)
    with Store(client, prefix=prefix, owned=True) as store:
        queue = store.queue("shop", "orders")
        queue.post("before")
        stays, leaves = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                queue.post("child")
                # Until the parent has looked.
                os.read(stays, 1)
            finally:
                os._exit(0)
        until(lambda: queue.stats().total == 2)
        assert connected(the_server, prefix) == 2
        os.write(leaves, b".")
        os.waitpid(child, 0)
        os.close(stays)
        os.close(leaves)


def test_a_url_may_say_that_it_is_no_cluster(the_server: Server, prefix: str) -> None:
    for query in ("?cluster=false", "?cluster=false&db=0", "?db=0&cluster=false"):
        with Store(f"unix://{the_server.socket}{query}", prefix=prefix) as store:
            store.connect()


def test_what_is_no_client_and_no_url_is_refused() -> None:
    for wrong in (object(), "nothing://host", "redis://?cluster=true", "redis://?master=x"):
        with pytest.raises((InvalidArgument, Transport)):
            Store(wrong, deadline=0.2).connect()  # type: ignore[arg-type]


def test_no_piece_of_a_password_shows_in_what_is_said_of_a_url() -> None:
    for url in (
        "redis://:secret/word@host",
        "redis://u:secret@host:port",
        "redis://:secret#@h/x?master=m",
    ):
        with pytest.raises((InvalidArgument, Transport)) as refused:
            Store(url, deadline=0.2).connect()
        assert "secret" not in f"{refused.value!r} {refused.value} {refused.value.__cause__}"


def test_a_cluster_that_is_away_is_a_server_that_is_away(prefix: str) -> None:
    with Store(f"redis://127.0.0.1:{free_port()}?cluster=true", prefix=prefix, deadline=0.5) as store:
        for asked in (store.connect, lambda: store.queue("p", "q").post(1)):
            with pytest.raises(Transport) as failed:
                asked()
            assert failed.value.outcome == "not done"


def test_tls(prefix: str) -> None:
    with ExitStack() as stack:
        plain = stack.enter_context(server())
        certificate, key = plain.dir / "c.pem", plain.dir / "k.pem"
        subprocess.run(
            f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
            f"-addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}".split(),
            check=True,
            capture_output=True,
        )
        port = free_port()
        options = f"--tls-port {port} --tls-cert-file {certificate} --tls-key-file {key}"
        options += f" --tls-ca-cert-file {certificate} --tls-auth-clients no"
        stack.enter_context(server(*options.split()))
        with Store(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}", prefix=prefix) as store:
            works(store)
        begun = time.monotonic()
        with pytest.raises(Transport) as refused:
            Store(f"rediss://127.0.0.1:{port}", deadline=5).connect()
        assert refused.value.outcome == "not done"
        # A certificate that is not trusted will not be in a moment either.
        assert time.monotonic() - begun < 3


def test_sentinel_leads_to_the_primary_and_after_it_to_the_next(prefix: str) -> None:
    with ExitStack() as stack:
        primary = stack.enter_context(server(port=free_port()))
        replica = stack.enter_context(server(port=free_port()))
        replica.client.replicaof("127.0.0.1", str(primary.port))
        until(lambda: replica.client.info("replication")["master_link_status"] == "up")
        settings = f"sentinel monitor queues 127.0.0.1 {primary.port} 1\n"
        settings += "sentinel down-after-milliseconds queues 500\n"
        settings += "sentinel failover-timeout queues 2000\n"
        sentinel = stack.enter_context(server(port=free_port(), sentinel=settings))
        url = f"redis://127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}?master=queues"
        with Store(url, prefix=prefix, deadline=30) as store:
            works(store)
            until(lambda: bool(sentinel.client.sentinel_slaves("queues")))
            primary.stop()
            # Within the deadline the sentinels choose, and the post goes where they say.
            queue = store.queue("shop", "failover")
            queue.post(1, token="t")
            assert [message.body for message in queue.list().messages] == [1]
            assert replica.client.exists(queue.keys.key("log"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[Server]]:
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                server(
                    "--cluster-enabled",
                    "yes",
                    "--cluster-node-timeout",
                    "2000",
                    port=free_cluster_port(),
                )
            )
            for _ in range(3)
        ]
        for at, node in enumerate(nodes):
            slots = range(16384 * at // 3, 16384 * (at + 1) // 3)
            node.client.execute_command("CLUSTER", "ADDSLOTS", *slots)
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", str(at + 1))
        for node in nodes[1:]:
            node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", str(nodes[0].port))
        until(lambda: all(is_ready(node) for node in nodes), patience=30)
        yield nodes


def free_cluster_port() -> int:
    """With room for the bus, 10000 above."""
    while True:
        port = free_port()
        if port < 55_000:
            return port


def is_ready(node: Server) -> bool:
    state: Any = node.client.cluster("info")
    return (state["cluster_state"], state["cluster_known_nodes"]) == ("ok", "3")


def test_a_cluster_by_its_url_and_by_a_client(cluster: list[Server], prefix: str) -> None:
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in cluster)
    with Store(f"redis://{hosts}?cluster=true", prefix=prefix) as store:
        works(store)
        # Spread over the nodes, listed in one go.
        for number in range(12):
            store.queue("many", f"q{number:02}").post(number)
        page = store.queues("many", limit=12)
        assert [entry.name for entry in page.queues] == [f"q{number:02}" for number in range(12)]
        assert store.volume().total == 13
    client = RedisCluster(host="127.0.0.1", port=cluster[0].port)
    with Store(client, prefix=f"{prefix}b") as store:
        works(store)
    assert client.ping()


def test_a_slot_that_moves_is_followed(cluster: list[Server], prefix: str) -> None:
    with Store(f"redis://127.0.0.1:{cluster[0].port}/?cluster=true", prefix=prefix) as store:
        queue = store.queue("p", "q")
        queue.post(1)
        slot = cluster[0].client.execute_command("CLUSTER", "KEYSLOT", queue.keys.key("log"))
        ids = [node.client.execute_command("CLUSTER", "MYID").decode() for node in cluster]
        at = next(
            at
            for at, node in enumerate(cluster)
            if node.client.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot)
        )
        source, target, other = cluster[at], cluster[(at + 1) % 3], cluster[(at + 2) % 3]

        def owner(node: Server, *words: str) -> None:
            node.client.execute_command("CLUSTER", "SETSLOT", slot, *words)

        owner(target, "IMPORTING", ids[at])
        owner(source, "MIGRATING", ids[(at + 1) % 3])
        keys = source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
        for key in keys:
            source.client.execute_command("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
        # Between the two: the source answers ASK, and the target TRYAGAIN where a key is not there.
        assert queue.exists()

        def finish() -> None:
            for node in (target, source, other):
                owner(node, "NODE", ids[(at + 1) % 3])

        finished = threading.Timer(0.3, finish)
        finished.start()
        queue.post(2, token="asked")
        finished.join()
        # And MOVED from now on.
        queue.post(3)
        assert [message.body for message in queue.list().messages] == [1, 2, 3]
