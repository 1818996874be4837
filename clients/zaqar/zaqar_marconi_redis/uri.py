"""The URI of a plane or a pool, as Zaqar's Redis driver takes it, with TLS and clusters besides.

Guards that a URI that can't mean what it says is refused when the service starts, and that no password is repeated in
what is said about it.
"""

import dataclasses
import typing
from urllib import parse

import redis
from oslo_utils import netutils, strutils
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from redis.sentinel import Sentinel
from zaqar.common.errors import ConfigurationError

from zaqar_marconi_redis import NAME

PORT = 6379
SENTINEL_PORT = 26379
#: What may stand behind the question mark.
KNOWN = frozenset(
    (
        "dbid",
        "socket_timeout",
        "master",
        "cluster",
        "sentinel_username",
        "sentinel_password",
        "tls",
        "tls_ca",
        "tls_cert",
        "tls_key",
        "tls_verify",
    )
)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a Redis is. Two that are equal are the same server."""

    hosts: tuple = ()
    socket: str | None = None
    master: str | None = None
    cluster: bool = False
    database: int = 0
    username: str | None = dataclasses.field(default=None, compare=False)
    password: str | None = dataclasses.field(default=None, compare=False, repr=False)
    timeout: float = dataclasses.field(default=1.0, compare=False)
    sentinel: dict = dataclasses.field(default_factory=dict, compare=False, repr=False)
    tls: dict = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def client(self):
        """A client whose connections are used; nothing is sent yet, except to a cluster."""
        options: dict[str, typing.Any] = {
            "username": self.username,
            "password": self.password,
            "socket_timeout": self.timeout,
            "socket_connect_timeout": self.timeout,
            # Repeating is for who knows what is safe to repeat.
            "retry": Retry(NoBackoff(), 0),
            # All replies that the scripts give are the same in both, and redis-py reads this one faster.
            "protocol": 2,
        }
        if self.cluster:
            nodes = [ClusterNode(host, port) for host, port in self.hosts]
            return redis.RedisCluster(startup_nodes=nodes, **options, **self.tls)
        options["db"] = self.database
        if self.socket:
            return redis.Redis(unix_socket_path=self.socket, **options)
        if self.master:
            of_sentinels: dict[str, typing.Any] = {"socket_timeout": self.timeout, **self.sentinel, **self.tls}
            sentinel = Sentinel(list(self.hosts), sentinel_kwargs=of_sentinels, **options, **self.tls)
            return sentinel.master_for(self.master)
        ((host, port),) = self.hosts
        return redis.Redis(host=host, port=port, **options, **self.tls)


def read(uri):
    """The place that a URI names."""
    parts = parse.urlsplit(uri)
    if parts.scheme != NAME:
        raise ConfigurationError(f"Invalid scheme in Redis URI: wants {NAME}://")
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    if username and not password:
        raise ConfigurationError("Password should be set when username is set")
    query = _query(parts.query)
    common = {
        "username": parse.unquote(username) or None,
        "password": parse.unquote(password) or None,
        "timeout": _number(query, "socket_timeout", float, 1.0),
        "database": _number(query, "dbid", int, 0),
        "tls": _tls(query),
    }
    if not hosts:
        return _of_socket(parts.path, query, common)
    return _of_hosts(hosts, query, common)


def _of_socket(path, query, common):
    if not path or path == "/":
        raise ConfigurationError("Missing path or host in Redis URI")
    if common["tls"] or _flag(query, "cluster") or "master" in query:
        raise ConfigurationError("A unix socket in a Redis URI has no tls, cluster or master")
    return Place(socket=parse.unquote(path), **common)


def _of_hosts(hosts, query, common):
    master, cluster = query.get("master"), _flag(query, "cluster")
    if master and cluster:
        raise ConfigurationError("A Redis URI has a master or a cluster, not both")
    if "," in hosts and not master and not cluster:
        raise ConfigurationError(
            'The Redis URI has several hosts: add "master=NAME" where they are Sentinels, '
            '"cluster=true" where they are nodes of a cluster'
        )
    if cluster and common["database"]:
        raise ConfigurationError("A cluster has no dbid other than 0")
    port = SENTINEL_PORT if master else PORT
    sentinel = {
        name.removeprefix("sentinel_"): query[name]
        for name in ("sentinel_username", "sentinel_password")
        if name in query
    }
    found = tuple(_host(host, port) for host in hosts.split(","))
    return Place(hosts=found, master=master, cluster=cluster, sentinel=sentinel, **common)


def _host(text, port):
    try:
        host, found = netutils.parse_host_port(text, port)
    except ValueError:
        host, found = None, port
    if not host or not 0 < found < 65536:
        raise ConfigurationError(f"Invalid host or port in Redis URI: {text}")
    return host, found


def _query(text):
    # Zaqar's tests write "dbid = 0".
    query = {name.strip(): value.strip() for name, value in parse.parse_qsl(text, keep_blank_values=True)}
    unknown = sorted(set(query) - KNOWN)
    if unknown:
        raise ConfigurationError(f"Unknown options in Redis URI: {', '.join(unknown)}")
    return query


def _number(query, name, kind, otherwise):
    try:
        value = kind(query.get(name, otherwise))
    except ValueError:
        value = -1
    if not 0 <= value < 2**31 or (kind is float and value == 0):
        raise ConfigurationError(f"Invalid {name} in Redis URI")
    return value


def _flag(query, name, otherwise=False):
    try:
        return strutils.bool_from_string(query.get(name, otherwise), strict=True)
    except ValueError:
        raise ConfigurationError(f"Invalid {name} in Redis URI: wants true or false") from None


def _tls(query):
    given = {name for name in ("tls_ca", "tls_cert", "tls_key", "tls_verify") if name in query}
    if not _flag(query, "tls"):
        if given:
            raise ConfigurationError(f"Without tls=true in the Redis URI there is no {', '.join(sorted(given))}")
        return {}
    verify = _flag(query, "tls_verify", True)
    return {
        "ssl": True,
        "ssl_cert_reqs": "required" if verify else "none",
        "ssl_check_hostname": verify,
        "ssl_ca_certs": query.get("tls_ca"),
        "ssl_certfile": query.get("tls_cert"),
        "ssl_keyfile": query.get("tls_key"),
    }
