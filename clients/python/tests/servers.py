"""Servers of the tests' own: started on a unix socket or a loopback port, ended by their process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis


def binary() -> str:
    """The server to test with. Fails with what to do where there is none."""
    named = os.environ.get("MARCONI_SERVER")
    found = named or shutil.which("redis-server") or shutil.which("valkey-server")
    if not found:
        raise RuntimeError("no redis-server here: apt-get install redis-server, or MARCONI_SERVER=…")
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(true: Callable[[], bool], *, patience: float = 20) -> None:
    """Looks again and again until it is so. Fails where it is not in so many seconds."""
    give_up = time.monotonic() + patience
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.005)


class Server:
    """A server; with a port where it is given one, else on a unix socket alone."""

    def __init__(self, *options: str, port: int = 0, sentinel: str = "") -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="marconi-"))
        self.socket = self.dir / "redis.sock"
        self.port = port
        self._options = options
        self._sentinel = sentinel
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}" if self.port else f"unix://{self.socket}"

    @property
    def client(self) -> Any:
        """A plain client of redis-py's, which has types for half of its methods."""
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        settings = ["--port", str(self.port), "--unixsocket", str(self.socket)]
        settings += ["--dir", str(self.dir), "--daemonize", "no", *self._options]
        command = [binary()]
        if self._sentinel:
            file = self.dir / "sentinel.conf"
            file.write_text(self._sentinel)
            command += [str(file), "--sentinel"]
        else:
            settings += ["--save", ""]
        log = (self.dir / "log").open("ab")
        self.process = subprocess.Popen([*command, *settings], stdout=log, stderr=log)
        log.close()
        until = time.monotonic() + 20
        while True:
            with contextlib.suppress(redis.RedisError):
                if self.client.ping():
                    return
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError((self.dir / "log").read_text())
            time.sleep(0.01)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def server(*options: str, port: int = 0, sentinel: str = "") -> Iterator[Server]:
    one = Server(*options, port=port, sentinel=sentinel)
    try:
        yield one
    finally:
        one.remove()
