"""A TCP proxy that loses a reply: the request arrives, and its answer never comes.

Guards that a loss is one that a network makes: the server has got the whole request, and the client sees its
connection end. Which request it is, is counted, so that a test loses each one in turn.
"""

import contextlib
import socket
import threading


class Proxy:
    """Between one client and a server. With `dead_after` nothing comes through any more once a reply was lost."""

    def __init__(self, target, dead_after=False):
        self._target = ("127.0.0.1", target)
        self._lose = range(0)
        self._dead_after = dead_after
        self._lock = threading.Lock()
        self._seen = 0
        #: Whether a reply was lost. Where not, the client made fewer requests than that.
        self.lost = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, which, times=1):
        """Loses the reply to a request that is still to come, 1 is the next one; and to those after it."""
        with self._lock:
            first = self._seen + which
            self._lose = range(first, first + times)

    def close(self):
        """Ends all connections through here."""
        self._listener.close()
        self._cut()

    def _cut(self):
        for end in list(self._open):
            _shut(end)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._dead_after and self.lost:
                # The process at this end is dead: nothing of it reaches the server any more.
                client.close()
                continue
            server = socket.create_connection(self._target)
            self._open |= {client, server}
            threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client, server):
        """One request at a time, as a client without pipelining between threads makes them."""
        with contextlib.suppress(OSError):
            while True:
                request = client.recv(1 << 20)
                if not request:
                    break
                is_lost = self._counts_as_lost()
                server.sendall(request)
                reply = server.recv(1 << 20)
                if is_lost and self._dead_after:
                    self._cut()
                if is_lost or not reply:
                    break
                client.sendall(reply)
                # What is left of a long reply, before the next request.
                server.settimeout(0.01)
                with contextlib.suppress(TimeoutError):
                    while more := server.recv(1 << 20):
                        client.sendall(more)
                server.settimeout(None)
        _shut(client)
        _shut(server)
        self._open -= {client, server}

    def _counts_as_lost(self):
        with self._lock:
            self._seen += 1
            if self._seen not in self._lose:
                return False
            self.lost = True
            return True


def _shut(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
