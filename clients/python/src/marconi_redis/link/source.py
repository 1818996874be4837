"""Where connections come from: a pool of a server's, or one for each node of a cluster.

Guards that no connection repeats by itself what may have been done: what is opened here is opened
without retries, and of what the caller brings only the connections are used.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import redis
import redis.cluster
import redis.sentinel
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import (
    AskError,
    ConnectionError,
    MovedError,
    RedisClusterException,
    RedisError,
)
from redis.retry import Retry

from ..errors import InvalidArgument
from .lines import Lines
from .tries import Try

# redis-py has no types for these.
_ClusterNode: Any = redis.cluster.ClusterNode
_Sentinel: Any = redis.sentinel.Sentinel
_SentinelPool: Any = redis.sentinel.SentinelConnectionPool

_SENTINEL_PORT = 26379
_PORT = 6379


class Source(Protocol):
    """Gives the pool on whose connections a call is to be sent."""

    def pool(self, key: bytes | None) -> Any:
        """The pool of the primary that has this key; of any, without one."""

    def parted(self, tries: list[Try]) -> list[tuple[Any, list[Try]]]:
        """Calls by the pool that each is to be sent on, in their order."""

    def moved(self, error: RedisError) -> bool:
        """Told that this server has the key no more; False where it can't lead elsewhere."""

    def asked(self, error: RedisError) -> Any | None:
        """The pool to which ASK leads for this once; None where it can't."""

    def close(self) -> None:
        """Ends the connections that were made here."""


class PoolSource:
    """One server, or the primary that Sentinel names."""

    def __init__(self, client: redis.Redis, *, owned: bool) -> None:
        self._client = client
        self._owned = owned
        pool: Any = client.connection_pool
        # A client of the caller's has other use for its connections; and a pool that Sentinel leads
        # looks, each time, whether a connection is still one to the primary.
        by_itself = owned and not isinstance(pool, _SentinelPool)
        self._pool: Any = Lines(pool) if by_itself else pool

    def pool(self, key: bytes | None) -> Any:
        return self._pool

    def parted(self, tries: list[Try]) -> list[tuple[Any, list[Try]]]:
        return [(self._pool, tries)]

    def moved(self, error: RedisError) -> bool:
        if isinstance(error, MovedError):
            return False
        # After a failover the address may lead to the new primary, these connections never will.
        self._pool.disconnect(inuse_connections=False)
        return True

    def asked(self, error: RedisError) -> Any | None:
        return None

    def close(self) -> None:
        if self._owned:
            self._pool.disconnect(inuse_connections=False)
            self._client.close()


class ClusterSource:
    """A cluster; which node has which slot is asked of the cluster itself, when first needed."""

    def __init__(self, opened: Callable[[], RedisCluster], *, owned: bool) -> None:
        self._open = opened
        self._owned = owned
        self._lock = threading.Lock()
        self._cluster: Any = None

    def pool(self, key: bytes | None) -> Any:
        try:
            return self._pool_of(self._node(self._opened(), key))
        except RedisClusterException as error:
            # No node answers, or none has the slot: as where a server is away.
            raise ConnectionError(str(error)) from error

    def parted(self, tries: list[Try]) -> list[tuple[Any, list[Try]]]:
        groups: dict[int, tuple[Any, list[Try]]] = {}
        for one in tries:
            pool = self.pool(one.call.key)
            groups.setdefault(id(pool), (pool, []))[1].append(one)
        return list(groups.values())

    def _opened(self) -> Any:
        with self._lock:
            if self._cluster is None:
                self._cluster = self._open()
            return self._cluster

    @staticmethod
    def _node(cluster: Any, key: bytes | None) -> Any:
        if key is None:
            return cluster.get_random_node()
        return cluster.nodes_manager.get_node_from_slot(cluster.keyslot(key))

    def _pool_of(self, node: Any) -> Any:
        return self._opened().get_redis_connection(node).connection_pool

    def moved(self, error: RedisError) -> bool:
        if isinstance(error, MovedError):
            self._opened().nodes_manager.move_slot(error)
            return True
        # The next attempt asks the cluster anew; that it can't be asked now is no reason to fail.
        with contextlib.suppress(RedisError, RedisClusterException):
            self._opened().nodes_manager.initialize()
        return True

    def asked(self, error: RedisError) -> Any | None:
        if not isinstance(error, AskError):
            return None
        node = self._opened().get_node(host=error.host, port=error.port)
        return None if node is None else self._pool_of(node)

    def close(self) -> None:
        if self._owned and self._cluster is not None:
            self._cluster.close()


def source_of(client: redis.Redis | RedisCluster, *, owned: bool) -> Source:
    """The source that a client of the caller's is; unless `owned`, it stays the caller's to close."""
    if isinstance(client, RedisCluster):
        return ClusterSource(lambda: client, owned=owned)
    if isinstance(client, redis.Redis):
        return PoolSource(client, owned=owned)
    raise InvalidArgument(f"client: wants redis.Redis or RedisCluster, not {type(client).__name__}")


def open_url(url: str, deadline: float, **options: Any) -> Source:
    """The source of a URL; nothing is sent yet. Raises InvalidArgument for what is none."""
    options = {
        # A repetition that nobody knows of would make *not done* and *unknown* lies.
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": deadline,
        "socket_connect_timeout": deadline,
        "protocol": 2,
        **options,
    }
    try:
        return _open(url, options)
    except ValueError:
        # What is said of a URL can repeat a piece of the password, so none of it is.
        wanted = "redis://, rediss:// or unix://, the password percent-encoded"
        raise InvalidArgument(f"url: wants {wanted}") from None


def _open(url: str, options: dict[str, Any]) -> Source:
    query = parse_qs(urlsplit(url).query)
    match query.get("cluster", ["false"])[0], "master" in query:
        case "true", True:
            raise InvalidArgument("url: a cluster has no master of sentinels")
        case "true", False:
            return _open_cluster(url, options)
        case "false", True:
            return _open_sentinel(url, options)
        case "false", False:
            # redis-py takes what it does not know for an argument of its own.
            url = url.replace("cluster=false&", "").removesuffix("cluster=false")
        case _:
            raise InvalidArgument("url: cluster is true or false")
    return PoolSource(redis.Redis.from_url(url, **options), owned=True)


def _open_cluster(url: str, options: dict[str, Any]) -> Source:
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss"):
        raise InvalidArgument("url: wants redis:// or rediss:// with a cluster")
    if parts.path.strip("/") not in ("", "0"):
        raise InvalidArgument("url: a cluster has no database but 0")
    first, *others = _hosts(parts.netloc, _PORT)
    login, at, _ = parts.netloc.rpartition("@")
    url = f"{parts.scheme}://{login}{at}{_joined(first)}"
    nodes = [_ClusterNode(host, port) for host, port in [first, *others]]
    return ClusterSource(lambda: RedisCluster.from_url(url, startup_nodes=nodes, **options), owned=True)


def _open_sentinel(url: str, options: dict[str, Any]) -> Source:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    if parts.scheme not in ("redis", "rediss"):
        raise InvalidArgument("url: wants redis:// or rediss:// with a master")
    login = parts.netloc.rpartition("@")[0]
    user, _, password = login.partition(":")
    db = parts.path.strip("/") or query.get("db", ["0"])[0]
    sentinel = _Sentinel(
        _hosts(parts.netloc, _SENTINEL_PORT),
        sentinel_kwargs={
            "socket_timeout": options["socket_timeout"],
            "socket_connect_timeout": options["socket_connect_timeout"],
            "retry": options["retry"],
        },
        username=unquote(user) or None,
        password=unquote(password) or None,
        db=int(db),
        ssl=parts.scheme == "rediss",
        **options,
    )
    return PoolSource(sentinel.master_for(query["master"][0]), owned=True)


def _hosts(netloc: str, port: int) -> list[tuple[str, int]]:
    hosts = []
    for host in netloc.rpartition("@")[2].split(","):
        parts = urlsplit(f"//{host}")
        if not parts.hostname:
            raise InvalidArgument("url: wants hosts, with commas between them")
        hosts.append((parts.hostname, parts.port or port))
    return hosts


def _joined(host: tuple[str, int]) -> str:
    name = f"[{host[0]}]" if ":" in host[0] else host[0]
    return f"{name}:{host[1]}"
