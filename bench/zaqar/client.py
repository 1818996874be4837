"""Zaqar's own Redis driver as a client of the bench, called directly: loaded by Zaqar's bootstrap, without HTTP.

Guards that it is told what to do as all clients of the bench are: an order a line on stdin, an answer a line. It does
one call after the other, whatever is asked for.
"""

import importlib.metadata
import json
import pathlib
import sys
import tempfile
import time

from bench import node, peers, sessions
from bench.plan import HELD, PROJECT, QUEUE

_TTL = 3600
_BODY = ("abcdefghijklmnopqrstuvwxyz" * 4)[:97]


def main():
    """Answers orders until there are none."""
    with tempfile.TemporaryDirectory(prefix="marconi-bench") as folder:
        storage = node.boot(_configuration(pathlib.Path(folder))).storage
        storage.queue_controller.create(QUEUE, project=PROJECT)
        session = sessions.DriverSession(storage)
        _say(versions={"zaqar": importlib.metadata.version("zaqar")})
        for line in sys.stdin:
            order = json.loads(line)
            cpu, begun = time.process_time(), time.monotonic()
            messages, calls = _VERBS[order["verb"]](session, order["count"], order["each"])
            seconds = time.monotonic() - begun
            _say(messages=messages, seconds=seconds, client_cpu_us=(time.process_time() - cpu) * 1e6, calls_us=calls)


def _configuration(folder):
    policy, configuration = folder / "policy.json", folder / "zaqar.conf"
    policy.write_text(peers.POLICY)
    uri = peers.STOCK.uri.format(port=sys.argv[1])
    written = peers.CONFIGURATION.format(driver=peers.STOCK.driver, uri=uri, policy=policy, unreliable=False)
    configuration.write_text(written)
    return configuration


def _say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _timed(calls, call):
    begun = time.monotonic()
    found = call()
    calls.append((time.monotonic() - begun) * 1e6)
    return found


def _post(session, count, each):
    done, calls = 0, []
    while done < count:
        messages = [{"ttl": _TTL, "body": _BODY}] * min(each, count - done)
        done += len(_timed(calls, lambda messages=messages: session.post(messages)))
    return done, calls


def _claims(session, count, each, delete):
    done, calls = 0, []
    while done < count:
        limit = min(each, count - done)
        claim, names = _timed(calls, lambda limit=limit: session.claim(limit, HELD))
        if not names:
            break
        done += len(names)
        if delete and each == 1:
            session.delete(claim, names[0])
        elif delete:
            session.delete_many(claim, names)
    return done, calls


def _work(session, count, each):
    return _claims(session, count, each, delete=True)


def _hold(session, count, each):
    return _claims(session, count, each, delete=False)


_VERBS = {"post": _post, "work": _work, "hold": _hold}

if __name__ == "__main__":
    main()
