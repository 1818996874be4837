"""A wire between client and server that can lose replies, and break."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path


class Proxy:
    """Listens on a unix socket and passes on what comes, both ways."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self.path = Path(tempfile.mkdtemp(prefix="marconi-")) / "proxy.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._to_lose = 0
        self._word = b""
        self._is_silent = False
        self.lost = threading.Event()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def lose(self, word: bytes = b"EVALSHA", times: int = 1) -> None:
        """Lets the next requests with this word through, and drops what the server answers."""
        self.lost.clear()
        self._word, self._to_lose = word, times

    def fall_silent(self) -> None:
        """The lines that are open stay open, and nothing comes through any more."""
        self._is_silent = True

    def speak(self) -> None:
        self._is_silent = False

    def break_all(self) -> None:
        """Every line that is open breaks."""
        with self._lock:
            broken, self._open = self._open, []
        for one in broken:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.break_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
            except OSError:
                return
            self.connections += 1
            losing = threading.Event()
            with self._lock:
                self._open += [client, server]
            threading.Thread(target=self._requests, args=(client, server, losing), daemon=True).start()
            threading.Thread(target=self._replies, args=(server, client, losing), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 20):
                if self._to_lose and self._word in data:
                    self._to_lose -= 1
                    losing.set()
                if not self._is_silent:
                    server.sendall(data)
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _replies(self, server: socket.socket, client: socket.socket, losing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 20):
                if losing.is_set():
                    self.lost.set()
                    break
                if not self._is_silent:
                    client.sendall(data)
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(server: Path) -> Iterator[Proxy]:
    one = Proxy(server)
    try:
        yield one
    finally:
        one.close()
