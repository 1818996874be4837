"""How many requests a call makes of its server, and waits for.

Guards that they are counted where every driver has to pass by, at the socket, and only those of the caller's thread:
for what a driver does in the background nobody waits.
"""

import contextlib
import socket
import threading
from unittest import mock

from bench.plan import BATCH, BODY_BYTES, MESSAGE_TTL

_LIVES = 10


def a_call(session):
    """The mean of each verb, message by message; a claim takes ten."""
    counted = dict.fromkeys(("post", "claim", "delete"), 0)
    message = {"ttl": MESSAGE_TTL, "body": "x" * BODY_BYTES}
    for _ in range(_LIVES):
        with _counting(counted, "post"):
            for _ in range(BATCH):
                session.post([message])
        with _counting(counted, "claim"):
            claim, names = session.claim(BATCH)
        with _counting(counted, "delete"):
            for name in names:
                session.delete(claim, name)
    calls = {"post": _LIVES * BATCH, "claim": _LIVES, "delete": _LIVES * BATCH}
    return {verb: round(count / calls[verb], 1) for verb, count in counted.items()}


@contextlib.contextmanager
def _counting(counted, verb):
    caller, send = threading.current_thread(), socket.socket.sendall

    def sent(self, *data):
        if threading.current_thread() is caller:
            counted[verb] += 1
        return send(self, *data)

    with mock.patch.object(socket.socket, "sendall", sent, create=True):
        yield
