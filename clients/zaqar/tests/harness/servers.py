"""Servers of a test run's own: Redis, and MongoDB for the stock driver that is measured beside ours.

Guards that nothing outlives the run and nothing else is touched: each server has a folder and a loopback port of its
own, and is ended by its process id.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

#: Seconds until a server has to answer.
PATIENCE = 30


def free_port():
    """A loopback port that nobody listens on now; a node of a cluster takes the one 10,000 above it, too."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port <= 55_535:
            return port


def binary():
    """The Redis or Valkey that is there, MARCONI_SERVER first."""
    named = os.environ.get("MARCONI_SERVER")
    found = named or shutil.which("redis-server") or shutil.which("valkey-server")
    if not found:
        raise SystemExit("no redis-server or valkey-server here; install one with: scripts/need server")
    return found


def short_folder():
    """A new folder with a short path: that of a socket may have 107 bytes."""
    return tempfile.mkdtemp(prefix="zq", dir="/tmp")


@contextlib.contextmanager
def redis_server(*arguments):
    """A Redis that keeps nothing; yields its port. `arguments` may begin with a configuration file."""
    port = free_port()
    with (
        _folder() as folder,
        running(
            [
                binary(),
                *arguments,
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--dir",
                str(folder),
                *(() if "--sentinel" in arguments else ("--save", "", "--appendonly", "no")),
            ],
            folder / "log",
            port,
        ),
    ):
        yield port


@contextlib.contextmanager
def mongo_server(binary_path, libraries=""):
    """A MongoDB that is a replica set of one, as Zaqar wants it; yields its port."""
    port = free_port()
    environment = dict(os.environ)
    if libraries:
        environment["LD_LIBRARY_PATH"] = libraries
    with _folder() as folder:
        (folder / "data").mkdir()
        command = [
            binary_path,
            "--port",
            str(port),
            "--bind_ip",
            "127.0.0.1",
            "--dbpath",
            str(folder / "data"),
            "--replSet",
            "zaqar",
            "--wiredTigerCacheSizeGB",
            "0.5",
            "--nounixsocket",
        ]
        with running(command, folder / "log", port, environment):
            _initiate(port)
            yield port


def _initiate(port):
    import pymongo  # only where MongoDB is measured

    with pymongo.MongoClient("127.0.0.1", port, directConnection=True) as client:
        # Else w=majority waits for the journal, which is of no use in a folder that is thrown away.
        client.admin.command(
            "replSetInitiate",
            {
                "_id": "zaqar",
                "writeConcernMajorityJournalDefault": False,
                "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}],
            },
        )
        until(lambda: client.admin.command("hello")["isWritablePrimary"], "the replica set has no primary")


@contextlib.contextmanager
def running(command, log, port, environment=None):
    """A process that listens on a loopback port; it is there while the block runs, and ended by its id."""
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        until(lambda: process.poll() is not None or _answers(port), f"{command[0]} does not answer")
        if process.poll() is not None:
            raise SystemExit(f"{command[0]} ended at once:\n{log.read_text()[-2000:]}")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _folder():
    folder = pathlib.Path(short_folder())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def until(holds, otherwise):
    """Waits for what has to come, a while."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(otherwise)
        time.sleep(0.05)
