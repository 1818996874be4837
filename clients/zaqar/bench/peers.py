"""The drivers that are compared, each with a server of its own, and what is read off that server.

Guards that every driver is measured at its best: each has its server to itself, keeps nothing on a disk for which it
would have to wait, and is not cut short by a timeout that it would have under another load.
"""

import contextlib
import dataclasses
import os
import pathlib

import redis

from harness import servers

CONFIGURATION = """\
[DEFAULT]
auth_strategy =
admin_mode = True
unreliable = {unreliable}

[drivers]
transport = wsgi
message_store = {driver}
management_store = {driver}

[drivers:message_store:{driver}]
uri = {uri}

[drivers:management_store:{driver}]
uri = {uri}

[transport]
message_delete_with_claim_id = True

[signed_url]
secret_key = not-a-secret

[oslo_policy]
enforce_scope = False
policy_file = {policy}
"""
POLICY = '{"default": "rule:admin_or_owner", "context_is_admin": "@", "admin_or_owner": "@"}\n'
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class Peer:
    """A driver of Zaqar. `uri` has a place for the port."""

    name: str
    title: str
    driver: str
    uri: str


OURS = Peer("ours", "marconi-redis", "marconi", "marconi://127.0.0.1:{port}")
#: Its own timeout of 0.1 s is shorter than one of its claims takes with 20,000 in flight and 16 clients.
STOCK = Peer("stock", "stock Redis", "redis", "redis://127.0.0.1:{port}?socket_timeout=60")
MONGO = Peer("mongo", "MongoDB", "mongodb", "mongodb://127.0.0.1:{port}/?w=majority")
PEERS = (OURS, STOCK, MONGO)


class Server:
    """A running server: what it has used so far, and where the configuration of its driver is."""

    def __init__(self, port, pid, configuration):
        self.port = port
        self.pid = pid
        self.configuration = configuration

    def resident(self):
        """Bytes of the process in memory."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024


class RedisServer(Server):
    """CPU and memory by the server's own account."""

    def _info(self, section):
        with redis.Redis(port=self.port) as client:
            return client.info(section)

    def cpu(self):
        """Seconds of CPU used so far."""
        found = self._info("cpu")
        return found["used_cpu_user"] + found["used_cpu_sys"]

    def memory(self):
        """Bytes that the data takes."""
        return self._info("memory")["used_memory"]

    def version(self):
        """For the results."""
        found = self._info("server")
        return "Valkey " + found["valkey_version"] if "valkey_version" in found else "Redis " + found["redis_version"]


class MongoServer(Server):
    """CPU by the kernel's account of the process, memory by what WiredTiger holds in its cache."""

    def _status(self):
        return _mongo_status(self.port)

    def cpu(self):
        """Seconds of CPU used so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self):
        """Bytes that the data takes."""
        return self._status()["wiredTiger"]["cache"]["bytes currently in the cache"]

    def version(self):
        """For the results."""
        return "MongoDB " + self._status()["version"]


@contextlib.contextmanager
def serving(peer, folder, mongod):
    """Starts the server of a driver, and writes the configuration that an API node of Zaqar would have."""
    folder = pathlib.Path(folder) / peer.name
    folder.mkdir(parents=True, exist_ok=True)
    start = servers.mongo_server(*mongod) if peer is MONGO else servers.redis_server()
    with start as port:
        policy, configuration = folder / "policy.json", folder / "zaqar.conf"
        policy.write_text(POLICY)
        configuration.write_text(
            CONFIGURATION.format(
                driver=peer.driver,
                uri=peer.uri.format(port=port),
                policy=policy,
                # The driver looks for a second node before it believes in w=majority.
                unreliable=peer is MONGO,
            )
        )
        if peer is MONGO:
            yield MongoServer(port, _mongo_status(port)["pid"], configuration)
        else:
            with redis.Redis(port=port) as client:
                pid = client.info("server")["process_id"]
            yield RedisServer(port, pid, configuration)


def _mongo_status(port):
    import pymongo  # only where MongoDB is measured

    with pymongo.MongoClient("127.0.0.1", port, directConnection=True) as client:
        return client.admin.command("serverStatus")
